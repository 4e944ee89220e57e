//! Ports, as the docker command writes them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::wire::body;
use crate::error::InvalidInput;

body! {
    /// A place on the host; nothing at all is a free port on every address.
    struct PortBinding {
        host_ip: Option<String>,
        host_port: Option<String>,
    }
}

/// Ports of a container, and where they are to be on the host.
///
/// A number is a port of the container; a pair is the host's port and the container's; a text is
/// `[[ip:][host]:]container[/protocol]` as after `docker run --publish`: `8080:80`,
/// `127.0.0.1::80`, `[::1]:53:53/udp`, `8000-8010:80-90/sctp`. Where the host's port is left out,
/// or is 0, the engine takes a free one. Of a range for one container port it takes a free one
/// too.
///
/// A text is read when the verb it was given to is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSpec(Result<Ports, InvalidInput>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Ports {
    /// What stands before the container's ports; none where only those are named.
    host: Option<Place>,
    container: Range,
    protocol: &'static str,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    ip: Option<IpAddr>,
    ports: Option<Range>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
}

impl From<u16> for PortSpec {
    /// A port of the container, on a free port of the host where it is published.
    fn from(container: u16) -> PortSpec {
        PortSpec::numbers(None, container)
    }
}

impl From<(u16, u16)> for PortSpec {
    /// The host's port and the container's.
    fn from((host, container): (u16, u16)) -> PortSpec {
        PortSpec::numbers(Some(host), container)
    }
}

impl From<&str> for PortSpec {
    fn from(text: &str) -> PortSpec {
        PortSpec(parse(text).map_err(|rule| InvalidInput::new("port", text, rule)))
    }
}

impl From<String> for PortSpec {
    fn from(text: String) -> PortSpec {
        PortSpec::from(text.as_str())
    }
}

impl PortSpec {
    fn numbers(host: Option<u16>, container: u16) -> PortSpec {
        if container == 0 {
            return PortSpec(Err(InvalidInput::new("port", "0", NO_PORT_0)));
        }
        let host = host.map(|port| Place { ip: None, ports: Some(Range::one(port)) });
        PortSpec(Ok(Ports { host, container: Range::one(container), protocol: "tcp" }))
    }

    /// Return the container's ports alone, as "80/tcp".
    pub(super) fn exposed(self) -> Result<Vec<String>, InvalidInput> {
        let (container, protocol) = self.own()?;
        Ok(container.numbers().map(|port| format!("{port}/{protocol}")).collect())
    }

    /// Return the container's ports alone in one word, as "8000-8010/udp".
    pub(crate) fn exposed_range(self) -> Result<String, InvalidInput> {
        let (container, protocol) = self.own()?;
        Ok(format!("{container}/{protocol}"))
    }

    fn own(self) -> Result<(Range, &'static str), InvalidInput> {
        let Ports { host, container, protocol } = self.0?;
        if let Some(Place { ports, .. }) = host {
            let text = match ports {
                Some(host) => format!("{host}:{container}/{protocol}"),
                None => format!(":{container}/{protocol}"),
            };
            return Err(InvalidInput::new("port to expose", text, "must not name the host's side"));
        }
        Ok((container, protocol))
    }

    /// Return each port of the container, as "80/tcp", with its place on the host.
    pub(super) fn published(self) -> Result<Vec<(String, PortBinding)>, InvalidInput> {
        let Ports { host, container, protocol } = self.0?;
        let Place { ip, ports } = host.unwrap_or_default();
        let place = |port: u16| match ports {
            Some(all) if container.len() == all.len() => {
                all.numbers().nth(usize::from(port - container.first)).map(|n| n.to_string())
            }
            all => all.map(|range| range.to_string()),
        };
        let each = container.numbers().map(|port| {
            let host_ip = ip.map(|ip| ip.to_string());
            (format!("{port}/{protocol}"), PortBinding { host_ip, host_port: place(port) })
        });
        Ok(each.collect())
    }
}

impl Range {
    fn one(port: u16) -> Range {
        Range { first: port, last: port }
    }

    fn len(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    fn numbers(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    fn parse(text: &str) -> Result<Range, &'static str> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Range { first: number(first)?, last: number(last)? };
        if range.first > range.last {
            return Err("must have ranges that begin at their lower end");
        }
        Ok(range)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

const NO_PORT_0: &str = "must have container ports from 1 to 65535";

fn number(text: &str) -> Result<u16, &'static str> {
    const RULE: &str = "must have ports from 0 to 65535, or ranges of them";
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(RULE);
    }
    text.parse().map_err(|_| RULE)
}

fn parse(text: &str) -> Result<Ports, &'static str> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = ["tcp", "udp", "sctp"].into_iter().find(|p| p.eq_ignore_ascii_case(protocol));
    let protocol = protocol.ok_or("must have the protocol tcp, udp or sctp")?;
    let (host, container) = match ports.rsplit_once(':') {
        Some((host, container)) => (Some(place(host)?), container),
        None => (None, ports),
    };
    let container = Range::parse(container)?;
    if container.first == 0 {
        return Err(NO_PORT_0);
    }
    if let Some(Place { ports: Some(host), .. }) = host {
        if container.len() > 1 && container.len() != host.len() {
            return Err("must have ranges of one length");
        }
    }
    Ok(Ports { host, container, protocol })
}

/// Read what stands before the container's ports: "8080", "127.0.0.1:8080", "[::1]:", "".
fn place(text: &str) -> Result<Place, &'static str> {
    const V6: &str = "must have an IPv6 address in brackets, and a colon after it";
    const IP: &str = "must have an IP address before the host's port";
    let (ip, ports) = if let Some(rest) = text.strip_prefix('[') {
        let (ip, ports) = rest.split_once("]:").ok_or(V6)?;
        (Some(ip.parse::<Ipv6Addr>().map_err(|_| V6)?.into()), ports)
    } else {
        match text.rsplit_once(':') {
            Some(("", ports)) => (None, ports),
            Some((ip, _)) if ip.contains(':') => return Err(V6),
            Some((ip, ports)) => (Some(ip.parse().map_err(|_| IP)?), ports),
            None => (None, text),
        }
    };
    let ports = if ports.is_empty() { None } else { Some(Range::parse(ports)?) };
    Ok(Place { ip, ports })
}
