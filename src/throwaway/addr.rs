//! Where a container's ports are reached from here.

mod around;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use crate::container::{ContainerDetails, PortBinding, PortProtocol};
use crate::docker::Docker;
use around::{Around, Way};

/// A host and a port that a client on this machine can connect to.
///
/// Printed as `127.0.0.1:49153`, `[::1]:49153` or `engine.example:49153`: fit for URLs, and for
/// whatever takes such a text. [`ToSocketAddrs`] is there for what takes that:
/// `std::net::TcpStream::connect(&addr)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct HostPort {
    /// The host: an address, without brackets, or a name.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl HostPort {
    fn new(host: impl Into<String>, port: u16) -> HostPort {
        HostPort { host: host.into(), port }
    }

    /// Return the host's address; `None` where it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Return the pair as an address; `None` where the host is a name.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.ip().map(|ip| SocketAddr::new(ip, self.port))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// For whatever looks names up itself. A name is looked up by the system, which may take a while.
impl ToSocketAddrs for HostPort {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> std::io::Result<Self::Iter> {
        (self.host.as_str(), self.port).to_socket_addrs()
    }
}

impl From<HostPort> for String {
    fn from(addr: HostPort) -> String {
        addr.to_string()
    }
}

/// A port of a container: a number is TCP's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ContainerPort {
    /// The number.
    pub number: u16,
    /// The protocol.
    pub protocol: PortProtocol,
}

impl ContainerPort {
    /// Name a port of UDP.
    pub fn udp(number: u16) -> ContainerPort {
        ContainerPort { number, protocol: PortProtocol::Udp }
    }

    /// Name a port of SCTP.
    pub fn sctp(number: u16) -> ContainerPort {
        ContainerPort { number, protocol: PortProtocol::Sctp }
    }

    pub(super) fn is_tcp(&self) -> bool {
        self.protocol == PortProtocol::Tcp
    }
}

impl From<u16> for ContainerPort {
    fn from(number: u16) -> ContainerPort {
        ContainerPort { number, protocol: PortProtocol::Tcp }
    }
}

impl From<(u16, PortProtocol)> for ContainerPort {
    fn from((number, protocol): (u16, PortProtocol)) -> ContainerPort {
        ContainerPort { number, protocol }
    }
}

impl fmt::Display for ContainerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Family {
    V4,
    V6,
}

impl Family {
    fn of(ip: IpAddr) -> Family {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// Where the ports of a container are reached from here, as of when it was inspected. Ports stay
/// where they are for as long as the container runs; after a restart they may be elsewhere.
///
/// # Which host
///
/// The first of these that applies:
///
/// 1. `TESTCONTAINERS_HOST_OVERRIDE`, a name or an address.
/// 2. An engine reached by TCP: its host, as `DOCKER_HOST` names it. One on this host's loopback
///    counts as local.
/// 3. A local engine, and this program in a container beside it: the default gateway, which is the
///    engine's host. Whether it is so: there is a mark of a container (`/.dockerenv`,
///    `/run/.containerenv`, the control groups), the engine's process is not one of this
///    container's network, nor does this program see the engine's bridge.
/// 4. A local engine: the loopback, or the address that the port is bound to.
///
/// The port is always one that was published in the host's own family of addresses: engines may
/// give 127.0.0.1 and ::1 different ports. With a host that is a name, IPv4's is taken first. On
/// a container that shares the host's network every port is its own.
#[derive(Debug, Clone)]
pub struct Addresses {
    way: Way,
    host_network: bool,
    ports: BTreeMap<String, Vec<PortBinding>>,
}

impl Addresses {
    /// Find the addresses of a container that was inspected.
    ///
    /// The environment and a few files are read, and from within a container the engine's socket
    /// is opened once more; nothing can fail.
    pub async fn of(docker: &Docker, details: &ContainerDetails) -> Addresses {
        let around = Around::look(docker.host()).await;
        Addresses {
            way: Way::to(docker.host(), &around),
            host_network: details.host_config.network_mode == "host",
            ports: details.network_settings.ports.clone(),
        }
    }

    /// Return where a port can be reached, by IPv4 if it can be.
    ///
    /// # Errors
    /// The port is not published, or not to be reached from here.
    pub fn get(&self, port: impl Into<ContainerPort>) -> Result<HostPort, NoAddress> {
        self.find(port.into(), None)
    }

    /// Return where a port can be reached by IPv4.
    ///
    /// # Errors
    /// As [`get`](Addresses::get); it is published for IPv6 only.
    pub fn v4(&self, port: impl Into<ContainerPort>) -> Result<HostPort, NoAddress> {
        self.find(port.into(), Some(Family::V4))
    }

    /// Return where a port can be reached by IPv6.
    ///
    /// # Errors
    /// As [`get`](Addresses::get); it is published for IPv4 only.
    pub fn v6(&self, port: impl Into<ContainerPort>) -> Result<HostPort, NoAddress> {
        self.find(port.into(), Some(Family::V6))
    }

    fn find(&self, port: ContainerPort, family: Option<Family>) -> Result<HostPort, NoAddress> {
        let mut places = self.places(&port);
        let fail = |reason| {
            let listed = |published: bool| {
                let ports = self.ports.iter().filter(|(_, places)| places.is_empty() != published);
                ports.map(|(port, _)| port.clone()).collect()
            };
            let (published, exposed) = (listed(true), listed(false));
            Err(NoAddress { port: port.clone(), reason, published, exposed })
        };
        if places.is_empty() {
            return fail(NoAddressReason::NotPublished);
        }
        places.retain(|(ip, _)| family.is_none_or(|family| Family::of(*ip) == family));
        if let (true, Some(family)) = (places.is_empty(), family) {
            return fail(NoAddressReason::OtherFamily(family));
        }
        // IPv4 first.
        places.sort_by_key(|(ip, _)| ip.is_ipv6());
        let reached = |(ip, port): &(IpAddr, u16)| {
            self.way.host_of(*ip).map(|host| HostPort::new(host, *port))
        };
        match places.iter().find_map(reached) {
            Some(addr) => Ok(addr),
            None => {
                let bound: BTreeSet<_> = places.iter().map(|(ip, _)| *ip).collect();
                fail(NoAddressReason::Unreachable { bound: bound.into_iter().collect() })
            }
        }
    }

    /// The addresses and ports that it is published at, as the engine sees them.
    fn places(&self, port: &ContainerPort) -> Vec<(IpAddr, u16)> {
        let every = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        if self.host_network {
            return every.map(|ip| (ip, port.number)).to_vec();
        }
        let [v4, _] = every;
        let places = self.ports.get(&port.to_string()).into_iter().flatten();
        // Podman leaves the address out where it is every one of IPv4.
        places.filter_map(|at| Some((at.host_ip.unwrap_or(v4), at.host_port?))).collect()
    }
}

/// A port that cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoAddress {
    /// The port that was asked for.
    pub port: ContainerPort,
    /// Why.
    pub reason: NoAddressReason,
    /// The ports that are published: "6379/tcp".
    pub published: Vec<String>,
    /// Those that are exposed and not published.
    pub exposed: Vec<String>,
}

/// Why a port cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoAddressReason {
    /// It is not published, or the container does not run.
    NotPublished,
    /// It is not published for this family of addresses.
    OtherFamily(Family),
    /// It is published where nobody gets from here: at these addresses of the engine's host.
    #[non_exhaustive]
    Unreachable {
        /// The addresses.
        bound: Vec<IpAddr>,
    },
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoAddress { port, reason, published, exposed } = self;
        match reason {
            NoAddressReason::NotPublished => write!(f, "port {port} is not published")?,
            NoAddressReason::OtherFamily(family) => {
                write!(f, "port {port} is not published for {family}")?;
            }
            NoAddressReason::Unreachable { bound } => {
                let bound: Vec<_> = bound.iter().map(IpAddr::to_string).collect();
                let bound = bound.join(" and ");
                write!(
                    f,
                    "port {port} is published at {bound} of the engine's host, which cannot be reached from here"
                )?;
            }
        }
        match published.is_empty() {
            true => f.write_str("; none is")?,
            false => write!(f, "; published: {}", published.join(", "))?,
        }
        match exposed.is_empty() {
            true => Ok(()),
            false => write!(f, "; exposed only: {}", exposed.join(", ")),
        }
    }
}

impl std::error::Error for NoAddress {}

#[cfg(test)]
mod tests;
