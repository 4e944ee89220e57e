//! What network to create: a value, made of the flags of `docker network create`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::container::spec::Checks;
use crate::container::spec::wire::body;
use crate::error::{Error, InvalidInput};
use crate::options::DriverOptions;
use crate::wire::Call;

body! {
    /// The body of a create call.
    struct Body {
        name: String,
        /// Engines before API 1.44 make a second network of the same name unless told not to.
        check_duplicate: bool,
        driver: Option<String>,
        scope: Option<String>,
        internal: bool,
        attachable: bool,
        ingress: bool,
        config_only: bool,
        config_from: Option<ConfigFrom>,
        #[serde(rename = "IPAM")]
        ipam: Ipam,
        #[serde(rename = "EnableIPv4")]
        enable_ipv4: Option<bool>,
        #[serde(rename = "EnableIPv6")]
        enable_ipv6: bool,
        options: DriverOptions,
        labels: BTreeMap<String, String>,
    }
}

body! {
    struct ConfigFrom {
        network: String,
    }
}

body! {
    struct Ipam {
        driver: Option<String>,
        config: Vec<Pool>,
        options: DriverOptions,
    }
}

body! {
    /// A subnet as the engine reads it.
    struct Pool {
        subnet: String,
        #[serde(rename = "IPRange")]
        ip_range: Option<String>,
        gateway: Option<String>,
        auxiliary_addresses: BTreeMap<String, String>,
    }
}

/// What network to create. A value; a name alone is one too.
///
/// The setters bear the names of the flags of `docker network create`.
///
/// ```
/// use bowline::network::{NetworkSpec, Subnet};
///
/// let backend = NetworkSpec::new("backend")
///     .subnet(Subnet::new("172.28.0.0/16").gateway("172.28.0.254").ip_range("172.28.5.0/24"))
///     .subnet("fd00:28::/64")
///     .ipv6()
///     .internal()
///     .label("stage", "test");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NetworkSpec {
    body: Body,
    checks: Checks,
}

impl NetworkSpec {
    /// Begin with the network's name. Without a driver it becomes a bridge of this machine.
    pub fn new(name: impl Into<String>) -> NetworkSpec {
        let mut checks = Checks::default();
        let name = checks.text("network name", name).unwrap_or_default();
        let body = Body { name, check_duplicate: true, ..Body::default() };
        NetworkSpec { body, checks }
    }

    /// Return the name.
    pub fn name(&self) -> &str {
        &self.body.name
    }

    /// Set the driver, such as "bridge", "macvlan", "overlay": `--driver`.
    pub fn driver(mut self, driver: impl Into<String>) -> NetworkSpec {
        self.body.driver = self.checks.text("network driver", driver);
        self
    }

    /// Add a subnet, such as "172.28.0.0/16": `--subnet`. A [`Subnet`] says more. Without one the
    /// engine takes a range that is free.
    pub fn subnet(mut self, subnet: impl Into<Subnet>) -> NetworkSpec {
        let Subnet { pool, checks } = subnet.into();
        self.checks.join(checks);
        self.body.ipam.config.push(pool);
        self
    }

    /// Set who hands out the addresses: `--ipam-driver`.
    pub fn ipam_driver(mut self, driver: impl Into<String>) -> NetworkSpec {
        self.body.ipam.driver = self.checks.text("IPAM driver", driver);
        self
    }

    /// Set an option of the address driver: `--ipam-opt`.
    pub fn ipam_opt(mut self, name: impl Into<String>, value: impl Into<String>) -> NetworkSpec {
        self.body.ipam.options.extend(self.checks.pair("IPAM option", name, value));
        self
    }

    /// Give it no way out: `--internal`.
    pub fn internal(mut self) -> NetworkSpec {
        self.body.internal = true;
        self
    }

    /// Let single containers join a network of a swarm: `--attachable`.
    pub fn attachable(mut self) -> NetworkSpec {
        self.body.attachable = true;
        self
    }

    /// Make it the network that a swarm is reached through: `--ingress`.
    pub fn ingress(mut self) -> NetworkSpec {
        self.body.ingress = true;
        self
    }

    /// Set whether it has IPv4 addresses, as without this: `--ipv4`. API 1.48.
    pub fn ipv4(mut self, on: bool) -> NetworkSpec {
        self.checks.since(48, "a network's choice of IPv4");
        self.body.enable_ipv4 = Some(on);
        self
    }

    /// Give it IPv6 addresses too: `--ipv6`. Engines before API 1.47 want a
    /// [`subnet`](NetworkSpec::subnet) for them.
    pub fn ipv6(mut self) -> NetworkSpec {
        self.body.enable_ipv6 = true;
        self
    }

    /// Set how far it reaches, "local" or "swarm": `--scope`.
    pub fn scope(mut self, scope: impl Into<String>) -> NetworkSpec {
        self.body.scope = self.checks.text("network scope", scope);
        self
    }

    /// Make it a mere template for others: `--config-only`.
    pub fn config_only(mut self) -> NetworkSpec {
        self.body.config_only = true;
        self
    }

    /// Take the settings from a network that is a template: `--config-from`.
    pub fn config_from(mut self, network: impl Into<String>) -> NetworkSpec {
        let network = self.checks.text("network to take settings from", network);
        self.body.config_from = network.map(|network| ConfigFrom { network });
        self
    }

    /// Set an option of the driver: `--opt`.
    pub fn opt(mut self, name: impl Into<String>, value: impl Into<String>) -> NetworkSpec {
        self.body.options.extend(self.checks.pair("network option", name, value));
        self
    }

    /// Set a label: `--label`.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> NetworkSpec {
        self.body.labels.extend(self.checks.pair("label", key, value));
        self
    }

    /// Set labels.
    pub fn labels<K: Into<String>, V: Into<String>>(
        self,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> NetworkSpec {
        labels.into_iter().fold(self, |spec, (key, value)| spec.label(key, value))
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        self.checks.fault()?;
        Ok(self.checks.mark(Call::post(&["networks", "create"]).json(&self.body)))
    }
}

impl From<&str> for NetworkSpec {
    fn from(name: &str) -> NetworkSpec {
        NetworkSpec::new(name)
    }
}

impl From<String> for NetworkSpec {
    fn from(name: String) -> NetworkSpec {
        NetworkSpec::new(name)
    }
}

impl From<&NetworkSpec> for NetworkSpec {
    fn from(spec: &NetworkSpec) -> NetworkSpec {
        spec.clone()
    }
}

/// A range of a network's addresses. A text such as "172.28.0.0/16" is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Subnet {
    pool: Pool,
    checks: Checks,
}

impl Subnet {
    /// Begin with the range, such as "172.28.0.0/16" or "fd00:28::/64": `--subnet`.
    pub fn new(range: impl Into<String>) -> Subnet {
        let mut checks = Checks::default();
        let subnet = checks.take(range_of("subnet", range.into())).unwrap_or_default();
        Subnet { pool: Pool { subnet, ..Pool::default() }, checks }
    }

    /// Set the address of the way out: `--gateway`. Without it the engine takes the first.
    pub fn gateway(mut self, address: impl fmt::Display) -> Subnet {
        self.pool.gateway = self.address("gateway", address);
        self
    }

    /// Set the part of the range that containers get theirs from: `--ip-range`.
    pub fn ip_range(mut self, range: impl Into<String>) -> Subnet {
        self.pool.ip_range = self.checks.take(range_of("ip range", range.into()));
        self
    }

    /// Set an address apart for somebody else, by a name of yours: `--aux-address`.
    pub fn aux_address(mut self, name: impl Into<String>, address: impl fmt::Display) -> Subnet {
        let name = self.checks.text("name of an auxiliary address", name);
        let address = self.address("auxiliary address", address);
        self.pool.auxiliary_addresses.extend(name.zip(address));
        self
    }

    fn address(&mut self, what: &'static str, address: impl fmt::Display) -> Option<String> {
        self.checks.address(what, address, |_| true, "must be an IP address")
    }
}

impl From<&str> for Subnet {
    fn from(range: &str) -> Subnet {
        Subnet::new(range)
    }
}

impl From<String> for Subnet {
    fn from(range: String) -> Subnet {
        Subnet::new(range)
    }
}

/// An address and the length of what is common to all.
fn range_of(what: &'static str, text: String) -> Result<String, InvalidInput> {
    let parts = text.split_once('/').map(|(ip, bits)| (ip.parse(), bits.parse::<u8>()));
    match parts {
        Some((Ok(IpAddr::V4(_)), Ok(0..=32))) | Some((Ok(IpAddr::V6(_)), Ok(0..=128))) => Ok(text),
        _ => Err(InvalidInput::new(what, text, "must be a range such as 172.28.0.0/16")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_of_a_network() {
        insta::assert_snapshot!(NetworkSpec::from("plain").call().unwrap(), @r#"
        POST /networks/create
        {
          "CheckDuplicate": true,
          "Name": "plain"
        }
        "#);
        let spec = NetworkSpec::new("backend")
            .driver("bridge")
            .subnet(
                Subnet::new("172.28.0.0/16")
                    .gateway("172.28.0.254")
                    .ip_range("172.28.5.0/24")
                    .aux_address("router", "172.28.0.9"),
            )
            .subnet("fd00:28::/64")
            .ipam_driver("default")
            .ipam_opt("a", "b")
            .internal()
            .attachable()
            .ingress()
            .ipv4(false)
            .ipv6()
            .scope("local")
            .config_only()
            .config_from("template")
            .opt("com.docker.network.driver.mtu", "1400")
            .labels([("stage", "test"), ("empty", "")]);
        let call = spec.call().unwrap();
        insta::assert_snapshot!(call, @r#"
        POST /networks/create
        {
          "Attachable": true,
          "CheckDuplicate": true,
          "ConfigFrom": {
            "Network": "template"
          },
          "ConfigOnly": true,
          "Driver": "bridge",
          "EnableIPv4": false,
          "EnableIPv6": true,
          "IPAM": {
            "Config": [
              {
                "AuxiliaryAddresses": {
                  "router": "172.28.0.9"
                },
                "Gateway": "172.28.0.254",
                "IPRange": "172.28.5.0/24",
                "Subnet": "172.28.0.0/16"
              },
              {
                "Subnet": "fd00:28::/64"
              }
            ],
            "Driver": "default",
            "Options": {
              "a": "b"
            }
          },
          "Ingress": true,
          "Internal": true,
          "Labels": {
            "empty": "",
            "stage": "test"
          },
          "Name": "backend",
          "Options": {
            "com.docker.network.driver.mtu": "1400"
          },
          "Scope": "local"
        }
        "#);
        assert_eq!(call.needs.map(|(v, _)| v.to_string()).as_deref(), Some("1.48"));
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let refused = |spec: NetworkSpec| match spec.call() {
            Err(Error::InvalidInput(e)) => e.to_string(),
            other => panic!("{other:?}"),
        };
        let subnet = |s: Subnet| refused(NetworkSpec::new("n").subnet(s));
        let all = [
            refused(NetworkSpec::new("")),
            refused(NetworkSpec::new("a\0")),
            refused(NetworkSpec::new("n").driver("")),
            refused(NetworkSpec::new("n").opt("key", "canary\0")),
            subnet("172.28.0.0".into()),
            subnet("172.28.0.0/33".into()),
            subnet("fd00::/129".into()),
            subnet(Subnet::new("10.0.0.0/8").ip_range("10.0.0.0/x")),
            subnet(Subnet::new("10.0.0.0/8").gateway("first")),
            subnet(Subnet::new("10.0.0.0/8").aux_address("", "10.0.0.9")),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        network name "" must not be empty
        network name "a\u{0}" must not hold a NUL
        network driver "" must not be empty
        network option "key" must not have a NUL in its value
        subnet "172.28.0.0" must be a range such as 172.28.0.0/16
        subnet "172.28.0.0/33" must be a range such as 172.28.0.0/16
        subnet "fd00::/129" must be a range such as 172.28.0.0/16
        ip range "10.0.0.0/x" must be a range such as 172.28.0.0/16
        gateway "first" must be an IP address
        name of an auxiliary address "" must not be empty
        "#);
    }

    #[test]
    fn options_are_secrets() {
        let spec = NetworkSpec::new("n").opt("token", "canary").ipam_opt("token", "canary");
        assert!(!format!("{spec:?} {spec:#?} {:?}", spec.call()).contains("canary"));
    }
}
