//! Which networks a container is on, and by which names and addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::checks::Checks;
use super::wire::{Config, HostConfig, NetworkingConfig, body};
use crate::error::{Error, InvalidInput};
use crate::options::DriverOptions;

body! {
    /// An end of a network as the engine reads it.
    struct EndpointSettings {
        #[serde(rename = "IPAMConfig")]
        ipam_config: IpamConfig,
        links: Vec<String>,
        aliases: Vec<String>,
        mac_address: Option<String>,
        driver_opts: DriverOptions,
        gw_priority: Option<i64>,
    }
}

body! {
    struct IpamConfig {
        #[serde(rename = "IPv4Address")]
        ipv4: Option<String>,
        #[serde(rename = "IPv6Address")]
        ipv6: Option<String>,
        #[serde(rename = "LinkLocalIPs")]
        link_local: Vec<String>,
    }
}

/// A container's end of a network: what `--network name=...,alias=...` says.
///
/// The name of a network alone is one too: `spec.network("backend")`.
///
/// ```
/// use bowline::ContainerSpec;
/// use bowline::container::spec::Endpoint;
///
/// let db = ContainerSpec::new("postgres")
///     .network(Endpoint::new("backend").alias("db").ip("172.30.0.10"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Endpoint {
    name: String,
    settings: EndpointSettings,
    checks: Checks,
}

impl Endpoint {
    /// Begin with a network's name or id, or with "bridge", "host", "none" or
    /// "container:NAME".
    pub fn new(network: impl Into<String>) -> Endpoint {
        let mut checks = Checks::default();
        let name = checks.text("network", network).unwrap_or_default();
        Endpoint { name, settings: EndpointSettings::default(), checks }
    }

    /// The end of a network that is named elsewhere.
    pub(crate) fn unnamed() -> Endpoint {
        let settings = EndpointSettings::default();
        Endpoint { name: String::new(), settings, checks: Checks::default() }
    }

    /// Add a name by which others on the network find the container: `alias`.
    pub fn alias(mut self, alias: impl Into<String>) -> Endpoint {
        self.settings.aliases.extend(self.checks.text("network alias", alias));
        self
    }

    /// Set the IPv4 address: `ip`.
    pub fn ip(mut self, address: impl fmt::Display) -> Endpoint {
        let rule = "must be an IPv4 address";
        self.settings.ipam_config.ipv4 =
            self.checks.address("network ip", address, IpAddr::is_ipv4, rule);
        self
    }

    /// Set the IPv6 address: `ip6`.
    pub fn ip6(mut self, address: impl fmt::Display) -> Endpoint {
        let rule = "must be an IPv6 address";
        self.settings.ipam_config.ipv6 =
            self.checks.address("network ip6", address, IpAddr::is_ipv6, rule);
        self
    }

    /// Add a link-local address: `link-local-ip`.
    pub fn link_local_ip(mut self, address: impl fmt::Display) -> Endpoint {
        let address =
            self.checks.address("link-local ip", address, |_| true, "must be an IP address");
        self.settings.ipam_config.link_local.extend(address);
        self
    }

    /// Make another container known as `container:alias`.
    pub fn link(mut self, link: impl Into<String>) -> Endpoint {
        self.settings.links.extend(self.checks.text("link", link));
        self
    }

    /// Set the hardware address: `mac-address`.
    pub fn mac_address(mut self, address: impl Into<String>) -> Endpoint {
        self.settings.mac_address = self.checks.take(hardware(address.into()));
        self
    }

    /// Set an option of the network's driver: `driver-opt`.
    pub fn driver_opt(mut self, name: impl Into<String>, value: impl Into<String>) -> Endpoint {
        let option = self.checks.pair("network driver option", name, value);
        self.settings.driver_opts.extend(option);
        self
    }

    /// Set its rank among the networks for the way out; the highest is it: `gw-priority`.
    /// API 1.48.
    pub fn gw_priority(mut self, priority: i64) -> Endpoint {
        self.checks.since(48, "a gateway priority");
        self.settings.gw_priority = Some(priority);
        self
    }
}

impl Endpoint {
    /// What is said of it but the network's name, if anything.
    pub(crate) fn settings(&self) -> Option<&EndpointSettings> {
        Some(&self.settings).filter(|settings| **settings != EndpointSettings::default())
    }

    pub(crate) fn has_mac_address(&self) -> bool {
        self.settings.mac_address.is_some()
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl From<&str> for Endpoint {
    fn from(network: &str) -> Endpoint {
        Endpoint::new(network)
    }
}

impl From<String> for Endpoint {
    fn from(network: String) -> Endpoint {
        Endpoint::new(network)
    }
}

/// Six bytes in hexadecimal, between colons or dashes.
fn hardware(text: String) -> Result<String, InvalidInput> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let byte = |b: &str| b.len() == 2 && b.bytes().all(|c| c.is_ascii_hexdigit());
    if text.split(separator).count() == 6 && text.split(separator).all(byte) {
        return Ok(text);
    }
    let rule = "must be six bytes in hexadecimal, such as 92:d0:c6:0a:29:33";
    Err(InvalidInput::new("mac address", text, rule))
}

/// Put the networks where the engine looks for them. `of_first` is what was said of the first
/// without naming it.
pub(super) fn join(
    endpoints: &[Endpoint],
    of_first: &Endpoint,
    checks: &mut Checks,
    config: &mut Config,
    host: &mut HostConfig,
) -> Result<NetworkingConfig, Error> {
    let mut all: BTreeMap<String, EndpointSettings> = BTreeMap::new();
    host.network_mode = endpoints.first().map(|first| first.name.clone());
    checks.join(of_first.checks.clone());
    for (n, endpoint) in endpoints.iter().enumerate() {
        checks.join(endpoint.checks.clone());
        let settings = match n {
            0 => merge(&endpoint.settings, &of_first.settings),
            _ => endpoint.settings.clone(),
        };
        if all.insert(endpoint.name.clone(), settings).is_some() {
            let rule = "must be named once only";
            return Err(Error::invalid("network", endpoint.name.as_str(), rule));
        }
    }
    if all.is_empty() {
        all.insert("default".to_owned(), of_first.settings.clone());
    }
    if all.len() > 1 {
        checks.since(44, "creation on several networks");
    }
    let first = host.network_mode.as_deref().unwrap_or("default");
    if let Some(settings) = all.get_mut(first) {
        // Engines before API 1.44 look for it here, later ones in the endpoint.
        config.mac_address = settings.mac_address.clone();
        if matches!(first, "default" | "bridge") {
            host.links = std::mem::take(&mut settings.links);
        }
    }
    // A single network without settings is said by its name alone.
    all.retain(|_, settings| endpoints.len() > 1 || *settings != EndpointSettings::default());
    Ok(NetworkingConfig { endpoints_config: all })
}

fn merge(named: &EndpointSettings, more: &EndpointSettings) -> EndpointSettings {
    let mut all = named.clone();
    let more = more.clone();
    all.aliases.extend(more.aliases);
    all.links.extend(more.links);
    all.mac_address = more.mac_address.or(all.mac_address);
    let ipam = &mut all.ipam_config;
    ipam.ipv4 = more.ipam_config.ipv4.or(ipam.ipv4.take());
    ipam.ipv6 = more.ipam_config.ipv6.or(ipam.ipv6.take());
    ipam.link_local.extend(more.ipam_config.link_local);
    all
}
