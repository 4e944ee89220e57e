//! By which host an engine's ports are reached from here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::transport::Host;

/// What this program is surrounded by, as far as it says how ports are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// `TESTCONTAINERS_HOST_OVERRIDE`.
    pub(super) given: Option<String>,
    /// There is a mark of a container.
    pub(super) container: bool,
    /// The default gateway.
    pub(super) gateway: Option<Ipv4Addr>,
    /// This program is in the same network as the engine; `None` where that cannot be known.
    pub(super) with_engine: Option<bool>,
}

/// Interfaces that there are only in the network of an engine's host.
const BRIDGES: [&str; 3] = ["docker0", "podman0", "cni-podman0"];

impl Around {
    pub(super) async fn look(host: &Host) -> Around {
        let given = std::env::var("TESTCONTAINERS_HOST_OVERRIDE").ok();
        let given = given.map(|given| given.trim().to_owned()).filter(|given| !given.is_empty());
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let exists = |path: &str| Path::new(path).exists();
        let container = exists("/.dockerenv")
            || exists("/run/.containerenv")
            || names_container(&read("/proc/self/cgroup"));
        let mut around = Around { given, container, ..Around::default() };
        if let (true, Some(socket)) = (container, host.socket_path()) {
            around.gateway = gateway(&read("/proc/net/route"));
            let bridge = |name: &&str| exists(&format!("/sys/class/net/{name}"));
            around.with_engine = match BRIDGES.iter().any(bridge) {
                true => Some(true),
                false => shares_network(socket).await,
            };
        }
        around
    }
}

/// Say whether a process's control groups are a container's.
fn names_container(cgroups: &str) -> bool {
    let marks = ["/docker/", "/docker-", "/kubepods", "/libpod-", "/libpod_parent", "/lxc/"];
    cgroups.lines().any(|line| marks.iter().any(|mark| line.contains(mark)))
}

/// Say whether the process behind a socket has this one's network. The kernel names it to who
/// connects, by the number that it has here: 0 where it is none of ours.
async fn shares_network(socket: &Path) -> Option<bool> {
    let stream = tokio::net::UnixStream::connect(socket).await.ok()?;
    let pid = stream.peer_cred().ok()?.pid()?;
    if pid == 0 {
        return Some(false);
    }
    let network = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).ok();
    match (network(&pid.to_string()), network("self")) {
        (Some(theirs), Some(ours)) => Some(theirs == ours),
        // It may not be looked at. That it can be seen says that we live together.
        _ => Some(true),
    }
}

/// The way out, by the kernel's table of routes: words of bytes in the machine's own order.
pub(super) fn gateway(routes: &str) -> Option<Ipv4Addr> {
    const GATEWAY: u16 = 2;
    routes.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (to, by, flags) = (words.nth(1)?, words.next()?, words.next()?);
        let flags = u16::from_str_radix(flags, 16).ok()?;
        let mask = words.nth(3)?;
        let default = to == "00000000" && mask == "00000000" && flags & GATEWAY != 0;
        let by = u32::from_str_radix(by, 16).ok().filter(|_| default)?;
        Some(Ipv4Addr::from(by.to_ne_bytes()))
    })
}

/// How the ports of an engine are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// By this host's own addresses.
    Local,
    /// By the address of the host that this container is on.
    Gateway(Ipv4Addr),
    /// By a name or an address of the engine's host.
    Host(String),
    /// As somebody says who must know.
    Given(String),
}

impl Way {
    pub(super) fn to(host: &Host, around: &Around) -> Way {
        let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if let Some(given) = &around.given {
            return Way::Given(bare(given));
        }
        match host {
            Host::Unix(_) | Host::Npipe(_) => {
                match (around.container, around.with_engine, around.gateway) {
                    (true, None | Some(false), Some(gateway)) => Way::Gateway(gateway),
                    _ => Way::Local,
                }
            }
            // What `ssh` takes for a name others mostly take for the same.
            Host::Tcp { host, .. } | Host::Ssh { host, .. } => {
                let host = bare(host);
                let loopback = match host.parse::<IpAddr>() {
                    Ok(ip) => ip.is_loopback(),
                    Err(_) => host.eq_ignore_ascii_case("localhost"),
                };
                if loopback { Way::Local } else { Way::Host(host) }
            }
        }
    }

    /// Return the host by which a port is reached that the engine has bound to `bound`.
    pub(super) fn host_of(&self, bound: IpAddr) -> Option<String> {
        let fits = |host: &str| match host.parse::<IpAddr>() {
            Ok(ip) => ip.is_ipv4() == bound.is_ipv4(),
            Err(_) => true,
        };
        let specific = || (!bound.is_unspecified()).then(|| bound.to_string());
        match self {
            Way::Given(host) => fits(host).then(|| host.clone()),
            Way::Local => Some(specific().unwrap_or_else(|| match bound {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.to_string(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.to_string(),
            })),
            // The loopback of another host.
            _ if bound.is_loopback() => None,
            Way::Gateway(gateway) => {
                specific().or_else(|| bound.is_ipv4().then(|| gateway.to_string()))
            }
            Way::Host(host) => specific().or_else(|| fits(host).then(|| host.clone())),
        }
    }
}
