//! Removing all containers that do not run.

use serde::Deserialize;

use super::ContainerId;
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Patience, null_default};

/// The verb behind [`Docker::prune_containers`](crate::Docker::prune_containers).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Prune {
    transport: Transport,
    filters: Filters,
}

/// What a prune removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Pruned {
    /// The containers.
    #[serde(rename = "ContainersDeleted", deserialize_with = "null_default")]
    pub containers: Vec<ContainerId>,
    /// The bytes of disk that came free.
    #[serde(deserialize_with = "null_default")]
    pub space_reclaimed: u64,
}

impl Prune {
    pub(crate) fn new(transport: Transport) -> Prune {
        Prune { transport, filters: Filters::default() }
    }

    /// Spare what is younger than this moment or age: `--filter until=`. As the engine takes it:
    /// "10m", "2024-01-31T10:00:00".
    pub fn until(mut self, until: impl Into<String>) -> Prune {
        self.filters.add("until", until);
        self
    }

    /// Take only containers with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> Prune {
        self.filters.add("label", label);
        self
    }

    /// Spare containers with this label: "key" or "key=value".
    pub fn without_label(mut self, label: impl Into<String>) -> Prune {
        self.filters.add("label!", label);
        self
    }

    fn call(&self) -> Call {
        // One file system after the other is removed before the answer comes.
        let call = Call::post(&["containers", "prune"]).patience(Patience::Endless);
        call.maybe("filters", self.filters.to_json())
    }

    async fn run(self) -> Result<Pruned, Error> {
        self.transport.json(&self.call()).await
    }
}

verb!(Prune, transport => Result<Pruned, Error>);
