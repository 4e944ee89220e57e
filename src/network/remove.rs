//! Removing a network, and all that nobody uses.

use serde::Deserialize;

use super::Network;
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Patience, null_default};

/// The verb behind [`Network::remove`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemoveNetwork {
    on: Network,
}

impl RemoveNetwork {
    pub(super) fn new(on: Network) -> RemoveNetwork {
        RemoveNetwork { on }
    }

    fn call(&self) -> Call {
        Call::delete(&["networks", &self.on.id])
    }

    async fn run(self) -> Result<(), Error> {
        match self.on.transport.done(&self.call()).await {
            // Gone already is what was wanted.
            Err(error) if error.is_not_found() => Ok(()),
            done => done.map(drop),
        }
    }
}

verb!(RemoveNetwork, on.transport => Result<(), Error>);

/// The verb behind [`Docker::prune_networks`](crate::Docker::prune_networks).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct PruneNetworks {
    transport: Transport,
    filters: Filters,
}

/// What a prune of networks removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PrunedNetworks {
    /// The names of the networks.
    #[serde(rename = "NetworksDeleted", deserialize_with = "null_default")]
    pub networks: Vec<String>,
}

impl PruneNetworks {
    pub(crate) fn new(transport: Transport) -> PruneNetworks {
        PruneNetworks { transport, filters: Filters::default() }
    }

    /// Spare what is younger than this moment or age: `--filter until=`. As the engine takes it:
    /// "10m", "2024-01-31T10:00:00".
    pub fn until(mut self, until: impl Into<String>) -> PruneNetworks {
        self.filters.add("until", until);
        self
    }

    /// Take only networks with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> PruneNetworks {
        self.filters.add("label", label);
        self
    }

    /// Spare networks with this label: "key" or "key=value".
    pub fn without_label(mut self, label: impl Into<String>) -> PruneNetworks {
        self.filters.add("label!", label);
        self
    }

    fn call(&self) -> Call {
        let call = Call::post(&["networks", "prune"]).patience(Patience::Endless);
        call.maybe("filters", self.filters.to_json())
    }

    async fn run(self) -> Result<PrunedNetworks, Error> {
        self.transport.json(&self.call()).await
    }
}

verb!(PruneNetworks, transport => Result<PrunedNetworks, Error>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let transport = Transport::nowhere();
        let prune = PruneNetworks::new(transport.clone());
        let network = Network::new(transport, "f00".into(), "n".into(), String::new());
        let calls = [
            network.remove().call(),
            prune.call(),
            prune.until("10m").label("a").without_label("b=c").call(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        DELETE /networks/f00
        POST /networks/prune
        POST /networks/prune?filters=%7B%22label%22%3A%5B%22a%22%5D%2C%22label%21%22%3A%5B%22b%3Dc%22%5D%2C%22until%22%3A%5B%2210m%22%5D%7D
        ");
    }
}
