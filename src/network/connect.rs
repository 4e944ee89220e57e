//! Putting a container on a network, and taking it off.

use std::fmt;

use serde::Serialize;

use super::Network;
use crate::container::ContainerRef;
use crate::container::spec::Endpoint;
use crate::error::Error;
use crate::verb::verb;
use crate::wire::{ApiVersion, Call};

/// The verb behind [`Network::connect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ConnectContainer {
    on: Network,
    container: ContainerRef,
    end: Endpoint,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConnectBody<'a, E: Serialize> {
    container: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_config: Option<E>,
}

impl ConnectContainer {
    pub(super) fn new(on: Network, container: ContainerRef) -> ConnectContainer {
        ConnectContainer { on, container, end: Endpoint::unnamed() }
    }

    /// Add a name by which others on the network find the container: `--alias`.
    pub fn alias(mut self, alias: impl Into<String>) -> ConnectContainer {
        self.end = self.end.alias(alias);
        self
    }

    /// Set the IPv4 address: `--ip`. The network must have been given a subnet.
    pub fn ip(mut self, address: impl fmt::Display) -> ConnectContainer {
        self.end = self.end.ip(address);
        self
    }

    /// Set the IPv6 address: `--ip6`. The network must have been given a subnet.
    pub fn ip6(mut self, address: impl fmt::Display) -> ConnectContainer {
        self.end = self.end.ip6(address);
        self
    }

    /// Add a link-local address: `--link-local-ip`.
    pub fn link_local_ip(mut self, address: impl fmt::Display) -> ConnectContainer {
        self.end = self.end.link_local_ip(address);
        self
    }

    /// Make another container known as `container:alias`: `--link`.
    pub fn link(mut self, link: impl Into<String>) -> ConnectContainer {
        self.end = self.end.link(link);
        self
    }

    /// Set the hardware address. API 1.54: engines before it take the address and give another, up to
    /// Docker 28 at least. Podman follows it at any version, which cannot be told beforehand; reach it
    /// by [`Docker::raw`](crate::Docker::raw).
    pub fn mac_address(mut self, address: impl Into<String>) -> ConnectContainer {
        self.end = self.end.mac_address(address);
        self
    }

    /// Set an option of the network's driver: `--driver-opt`.
    pub fn driver_opt(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> ConnectContainer {
        self.end = self.end.driver_opt(name, value);
        self
    }

    /// Set its rank among the container's networks for the way out; the highest is it:
    /// `--gw-priority`. API 1.48.
    pub fn gw_priority(mut self, priority: i64) -> ConnectContainer {
        self.end = self.end.gw_priority(priority);
        self
    }

    fn call(&self) -> Result<Call, Error> {
        self.end.checks().fault()?;
        let container = self.container.checked()?;
        let body = ConnectBody { container, endpoint_config: self.end.settings() };
        let call = Call::post(&["networks", &self.on.id, "connect"]).json(&body);
        let call = match self.end.has_mac_address() {
            // Older ones pass over it in silence.
            true => call.since(ApiVersion::new(1, 54), "a hardware address on one more network"),
            false => call,
        };
        Ok(self.end.checks().mark(call))
    }

    async fn run(self) -> Result<(), Error> {
        self.on.transport.done(&self.call()?).await.map(drop)
    }
}

verb!(ConnectContainer, on.transport => Result<(), Error>);

/// The verb behind [`Network::disconnect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct DisconnectContainer {
    on: Network,
    container: ContainerRef,
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DisconnectBody<'a> {
    container: &'a str,
    force: bool,
}

impl DisconnectContainer {
    pub(super) fn new(on: Network, container: ContainerRef) -> DisconnectContainer {
        DisconnectContainer { on, container, force: false }
    }

    /// Clear away its end even where the container is not there any more: `--force`.
    pub fn force(mut self) -> DisconnectContainer {
        self.force = true;
        self
    }

    fn call(&self) -> Result<Call, Error> {
        let body = DisconnectBody { container: self.container.checked()?, force: self.force };
        Ok(Call::post(&["networks", &self.on.id, "disconnect"]).json(&body))
    }

    async fn run(self) -> Result<(), Error> {
        self.on.transport.done(&self.call()?).await.map(drop)
    }
}

verb!(DisconnectContainer, on.transport => Result<(), Error>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Transport;

    #[test]
    fn calls() {
        let network = Network::new(Transport::nowhere(), "f00".into(), "n".into(), String::new());
        let call = network
            .connect("web")
            .alias("db")
            .alias("data")
            .ip("10.0.0.9")
            .ip6("fd00::9")
            .link_local_ip("169.254.1.1")
            .link("other:friend")
            .driver_opt("a", "b");
        let newer = network.connect("web").mac_address("92:d0:c6:0a:29:33");
        let ranked = network.connect("web").gw_priority(-1).call().unwrap();
        let calls = [
            network.connect("web").call().unwrap(),
            call.call().unwrap(),
            newer.call().unwrap(),
            network.disconnect("web").call().unwrap(),
            network.disconnect("/web").force().call().unwrap(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r#"
        POST /networks/f00/connect
        {
          "Container": "web"
        }
        POST /networks/f00/connect
        {
          "Container": "web",
          "EndpointConfig": {
            "Aliases": [
              "db",
              "data"
            ],
            "DriverOpts": {
              "a": "b"
            },
            "IPAMConfig": {
              "IPv4Address": "10.0.0.9",
              "IPv6Address": "fd00::9",
              "LinkLocalIPs": [
                "169.254.1.1"
              ]
            },
            "Links": [
              "other:friend"
            ]
          }
        }
        POST /networks/f00/connect
        {
          "Container": "web",
          "EndpointConfig": {
            "MacAddress": "92:d0:c6:0a:29:33"
          }
        }
        POST /networks/f00/disconnect
        {
          "Container": "web",
          "Force": false
        }
        POST /networks/f00/disconnect
        {
          "Container": "web",
          "Force": true
        }
        "#);
        assert_eq!(newer.call().unwrap().needs.map(|n| n.0), Some(ApiVersion::new(1, 54)));
        assert_eq!(ranked.needs.map(|n| n.0), Some(ApiVersion::new(1, 48)));
        for refused in [network.connect("../x").call(), network.connect("web").ip("x").call()] {
            assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
        }
        let secret = network.connect("web").driver_opt("token", "canary");
        assert!(!format!("{secret:?}").contains("canary"));
    }
}
