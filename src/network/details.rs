//! What an engine knows of its networks: inspecting, finding and listing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Network;
use crate::container::{ContainerId, address};
use crate::error::{DecodeError, Error};
use crate::labels::Labels;
use crate::options::DriverOptions;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Raw, null_default, rows};

/// The verb behind [`Docker::network`](crate::Docker::network).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct FindNetwork {
    transport: Transport,
    name: String,
}

impl FindNetwork {
    pub(crate) fn new(transport: Transport, name: String) -> FindNetwork {
        FindNetwork { transport, name }
    }

    fn call(&self) -> Result<Call, Error> {
        if self.name.is_empty() {
            return Err(Error::invalid("network name or id", "", "must not be empty"));
        }
        Ok(Call::get(&["networks", &self.name]))
    }

    async fn run(self) -> Result<Network, Error> {
        let call = self.call()?;
        let found: NetworkDetails = self.transport.json(&call).await?;
        if found.id.is_empty() {
            let reason = "it names no network".to_owned();
            return Err(Error::Decode(DecodeError { call: call.label(), reason }));
        }
        Ok(Network::new(self.transport, found.id, found.name, String::new()))
    }
}

verb!(FindNetwork, transport => Result<Network, Error>);

/// The verb behind [`Network::inspect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct InspectNetwork {
    on: Network,
    verbose: bool,
}

impl InspectNetwork {
    pub(super) fn new(on: Network) -> InspectNetwork {
        InspectNetwork { on, verbose: false }
    }

    /// Ask for the services and tasks of a swarm's network too: `--verbose`. They are in
    /// [`raw`](NetworkDetails::raw).
    pub fn verbose(mut self) -> InspectNetwork {
        self.verbose = true;
        self
    }

    fn call(&self) -> Call {
        Call::get(&["networks", &self.on.id]).flag("verbose", self.verbose)
    }

    async fn run(self) -> Result<NetworkDetails, Error> {
        let (details, raw): (NetworkDetails, Raw) = self.on.transport.kept(&self.call()).await?;
        Ok(NetworkDetails { raw, ..details })
    }
}

verb!(InspectNetwork, on.transport => Result<NetworkDetails, Error>);

/// The verb behind [`Docker::networks`](crate::Docker::networks).
///
/// Of several filters all must hold; of several values of one filter any, and of labels all.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ListNetworks {
    transport: Transport,
    filters: Filters,
}

impl ListNetworks {
    pub(crate) fn new(transport: Transport) -> ListNetworks {
        ListNetworks { transport, filters: Filters::default() }
    }

    /// List those that no container uses (`true`), or those that one does: `--filter dangling=`.
    /// Docker 20.10 takes all but its own for unused.
    pub fn dangling(mut self, dangling: bool) -> ListNetworks {
        self.filters.add("dangling", dangling.to_string());
        self
    }

    /// List those of this driver: `--filter driver=`.
    pub fn driver(mut self, driver: impl Into<String>) -> ListNetworks {
        self.filters.add("driver", driver);
        self
    }

    /// List those whose id holds this text: `--filter id=`.
    pub fn id(mut self, part: impl Into<String>) -> ListNetworks {
        self.filters.add("id", part);
        self
    }

    /// List those with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> ListNetworks {
        self.filters.add("label", label);
        self
    }

    /// List those whose name holds this text: `--filter name=`. For a name that is known use
    /// [`Docker::network`](crate::Docker::network).
    pub fn name(mut self, part: impl Into<String>) -> ListNetworks {
        self.filters.add("name", part);
        self
    }

    /// List those that reach so far, "local", "swarm" or "global": `--filter scope=`.
    pub fn scope(mut self, scope: impl Into<String>) -> ListNetworks {
        self.filters.add("scope", scope);
        self
    }

    /// List those that somebody created, and not the engine's own: `--filter type=custom`.
    pub fn custom(mut self) -> ListNetworks {
        self.filters.add("type", "custom");
        self
    }

    /// List the engine's own: `--filter type=builtin`.
    pub fn builtin(mut self) -> ListNetworks {
        self.filters.add("type", "builtin");
        self
    }

    /// List those that this filter lets through, by its name and value in the engine's words:
    /// `--filter NAME=VALUE`. The other setters are the filters known here.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> ListNetworks {
        self.filters.add(name.into(), value);
        self
    }

    fn call(&self) -> Call {
        Call::get(&["networks"]).maybe("filters", self.filters.to_json())
    }

    async fn run(self) -> Result<Vec<NetworkDetails>, Error> {
        let all: Vec<Value> = self.transport.json(&self.call()).await?;
        Ok(rows(&all, |row, raw| NetworkDetails { raw, ..row }))
    }
}

verb!(ListNetworks, transport => Result<Vec<NetworkDetails>, Error>);

/// What `docker network inspect` says of a network, and a list of networks too but for the
/// containers.
///
/// The most asked-for parts have fields; [`raw`](NetworkDetails::raw) is the whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct NetworkDetails {
    /// The full id.
    #[serde(deserialize_with = "null_default")]
    pub id: String,
    /// The name.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// When it was created.
    #[serde(deserialize_with = "time::lenient")]
    pub created: Option<Timestamp>,
    /// The driver: "bridge", "host", "null", "overlay".
    #[serde(deserialize_with = "null_default")]
    pub driver: String,
    /// How far it reaches: "local", "swarm", "global".
    #[serde(deserialize_with = "null_default")]
    pub scope: String,
    /// Whether it has IPv4 addresses; engines before API 1.48 do not say, and always give some.
    #[serde(rename = "EnableIPv4")]
    pub enable_ipv4: Option<bool>,
    /// Whether it has IPv6 addresses.
    #[serde(rename = "EnableIPv6", deserialize_with = "null_default")]
    pub enable_ipv6: bool,
    /// Where its addresses come from.
    #[serde(rename = "IPAM", deserialize_with = "null_default")]
    pub ipam: Ipam,
    /// Whether it has no way out.
    #[serde(deserialize_with = "null_default")]
    pub internal: bool,
    /// Whether single containers may join it, if it is a swarm's.
    #[serde(deserialize_with = "null_default")]
    pub attachable: bool,
    /// Whether the swarm is reached through it.
    #[serde(deserialize_with = "null_default")]
    pub ingress: bool,
    /// The template that its settings are from; empty where there is none.
    #[serde(deserialize_with = "template")]
    pub config_from: String,
    /// Whether it is a mere template for others.
    #[serde(deserialize_with = "null_default")]
    pub config_only: bool,
    /// The containers that are on it and run, by id. A list leaves them out.
    #[serde(deserialize_with = "null_default")]
    pub containers: BTreeMap<ContainerId, NetworkEnd>,
    /// The driver's options.
    #[serde(deserialize_with = "null_default")]
    pub options: DriverOptions,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
    /// How many addresses of each subnet are taken. API 1.52, and not in a list.
    #[serde(rename = "Status", deserialize_with = "usage")]
    pub subnets: BTreeMap<String, SubnetUsage>,
    #[serde(skip)]
    raw: Raw,
}

impl NetworkDetails {
    /// Return all that the engine said of it, as JSON.
    pub fn raw(&self) -> Value {
        self.raw.json()
    }
}

/// Where a network's addresses come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Ipam {
    /// Who hands them out: "default".
    #[serde(deserialize_with = "null_default")]
    pub driver: String,
    /// That driver's options.
    #[serde(deserialize_with = "null_default")]
    pub options: DriverOptions,
    /// The subnets.
    #[serde(rename = "Config", deserialize_with = "null_default")]
    pub subnets: Vec<SubnetDetails>,
}

/// A range of a network's addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SubnetDetails {
    /// The range: "172.28.0.0/16".
    #[serde(deserialize_with = "null_default")]
    pub subnet: String,
    /// The part of it that containers get theirs from; empty is all of it.
    #[serde(rename = "IPRange", deserialize_with = "null_default")]
    pub ip_range: String,
    /// The way out, where somebody has set it or the network is in use.
    #[serde(deserialize_with = "address")]
    pub gateway: Option<IpAddr>,
    /// Addresses that are set apart, by the names they were given.
    #[serde(deserialize_with = "null_default")]
    pub auxiliary_addresses: BTreeMap<String, IpAddr>,
}

/// A container's end of a network, as the network sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct NetworkEnd {
    /// The container's name.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// The id of the end itself.
    #[serde(rename = "EndpointID", deserialize_with = "null_default")]
    pub endpoint_id: String,
    /// Its hardware address.
    #[serde(deserialize_with = "null_default")]
    pub mac_address: String,
    /// Its IPv4 address.
    #[serde(rename = "IPv4Address", deserialize_with = "host_part")]
    pub ipv4_address: Option<IpAddr>,
    /// Its IPv6 address.
    #[serde(rename = "IPv6Address", deserialize_with = "host_part")]
    pub ipv6_address: Option<IpAddr>,
}

/// How many addresses of a subnet are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SubnetUsage {
    /// Those that are taken or set apart.
    #[serde(rename = "IPsInUse", deserialize_with = "null_default")]
    pub ips_in_use: u64,
    /// Those that containers can still get.
    #[serde(rename = "DynamicIPsAvailable", deserialize_with = "null_default")]
    pub dynamic_ips_available: u64,
}

/// "10.231.0.2/24": what comes after the slash is the subnet's.
fn host_part<'de, D: Deserializer<'de>>(d: D) -> Result<Option<IpAddr>, D::Error> {
    let text = Option::<String>::deserialize(d)?.unwrap_or_default();
    Ok(text.split('/').next().and_then(|ip| ip.parse().ok()))
}

fn template<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "PascalCase")]
    struct From {
        #[serde(deserialize_with = "null_default")]
        network: String,
    }
    Ok(Option::<From>::deserialize(d)?.unwrap_or_default().network)
}

fn usage<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, SubnetUsage>, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Status {
        #[serde(rename = "IPAM", deserialize_with = "null_default")]
        ipam: Addresses,
    }
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "PascalCase")]
    struct Addresses {
        #[serde(deserialize_with = "null_default")]
        subnets: BTreeMap<String, SubnetUsage>,
    }
    Ok(Option::<Status>::deserialize(d)?.unwrap_or_default().ipam.subnets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn calls() {
        let transport = Transport::nowhere();
        let network = Network::new(transport.clone(), "f00".into(), "n".into(), String::new());
        let list = ListNetworks::new(transport.clone());
        let filtered = (list.clone().dangling(true).driver("bridge").id("f0").name("n"))
            .label("a=b")
            .label("c")
            .scope("local")
            .custom()
            .builtin();
        let calls = [
            FindNetwork::new(transport.clone(), "a/b".into()).call().unwrap(),
            network.inspect().call(),
            network.inspect().verbose().call(),
            list.call(),
            filtered.call(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        GET /networks/a%2Fb
        GET /networks/f00
        GET /networks/f00?verbose=1
        GET /networks
        GET /networks?filters=%7B%22dangling%22%3A%5B%22true%22%5D%2C%22driver%22%3A%5B%22bridge%22%5D%2C%22id%22%3A%5B%22f0%22%5D%2C%22label%22%3A%5B%22a%3Db%22%2C%22c%22%5D%2C%22name%22%3A%5B%22n%22%5D%2C%22scope%22%3A%5B%22local%22%5D%2C%22type%22%3A%5B%22custom%22%2C%22builtin%22%5D%7D
        ");
        assert!(FindNetwork::new(transport.clone(), String::new()).call().is_err());
        let named = ListNetworks::new(transport.clone()).filter("name", "n").call();
        assert_eq!(named.to_string(), ListNetworks::new(transport).name("n").call().to_string());
    }

    #[test]
    fn what_old_new_and_odd_engines_say() {
        let new: NetworkDetails = wire::from_slice(
            br#"{"Name":"n","Id":"f00","Created":"0001-01-01T00:00:00Z","EnableIPv4":true,
                "IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"10.0.0.0/24",
                "Gateway":"","IPRange":null,"AuxiliaryAddresses":{"r":"10.0.0.9"}},7]},
                "ConfigFrom":{"Network":"t"},"Options":null,"Labels":null,
                "Containers":{"c1":{"Name":"web","IPv4Address":"10.0.0.2/24","IPv6Address":""}},
                "Status":{"IPAM":{"Subnets":{"10.0.0.0/24":
                {"IPsInUse":3,"DynamicIPsAvailable":18446744073709551615}}}},"Ingress":"no"}"#,
        )
        .unwrap();
        let [subnet] = &new.ipam.subnets[..] else { panic!("{new:?}") };
        assert_eq!((new.created, subnet.gateway, new.enable_ipv4), (None, None, Some(true)));
        assert_eq!(subnet.auxiliary_addresses["r"].to_string(), "10.0.0.9");
        let (id, web) = new.containers.first_key_value().unwrap();
        assert_eq!((id.as_str(), web.ipv4_address), ("c1", Some("10.0.0.2".parse().unwrap())));
        assert_eq!((web.ipv6_address, new.config_from.as_str()), (None, "t"));
        assert_eq!(new.subnets["10.0.0.0/24"].dynamic_ips_available, u64::MAX);
        let bare: NetworkDetails =
            wire::from_slice(br#"{"Id":"f00","IPAM":null,"Containers":null,"Status":null}"#)
                .unwrap();
        assert_eq!((bare.id.as_str(), bare.enable_ipv4), ("f00", None));
    }
}
