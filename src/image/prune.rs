//! Removing images that nobody uses.

use serde::Deserialize;

use super::remove::{RemovedImage, Row};
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Patience, null_default};

/// The verb behind [`Docker::prune_images`](crate::Docker::prune_images).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct PruneImages {
    transport: Transport,
    filters: Filters,
}

/// What a prune of images removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunedImages {
    /// The names and the images.
    pub images: RemovedImage,
    /// The bytes of disk that came free.
    pub space_reclaimed: u64,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    images_deleted: Vec<Row>,
    #[serde(deserialize_with = "null_default")]
    space_reclaimed: u64,
}

impl PruneImages {
    pub(crate) fn new(transport: Transport) -> PruneImages {
        PruneImages { transport, filters: Filters::default() }
    }

    /// Take those with names too, if no container uses them: `--all`.
    pub fn all(mut self) -> PruneImages {
        self.filters.add("dangling", "false");
        self
    }

    /// Spare what is younger than this moment or age: `--filter until=`. As the engine takes it:
    /// "10m", "2024-01-31T10:00:00".
    pub fn until(mut self, until: impl Into<String>) -> PruneImages {
        self.filters.add("until", until);
        self
    }

    /// Take only images with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> PruneImages {
        self.filters.add("label", label);
        self
    }

    /// Spare images with this label: "key" or "key=value".
    pub fn without_label(mut self, label: impl Into<String>) -> PruneImages {
        self.filters.add("label!", label);
        self
    }

    pub(super) fn call(&self) -> Call {
        // One layer after the other is removed before the answer comes.
        let call = Call::post(&["images", "prune"]).patience(Patience::Endless);
        call.maybe("filters", self.filters.to_json())
    }

    async fn run(self) -> Result<PrunedImages, Error> {
        let answer: Answer = self.transport.json(&self.call()).await?;
        Ok(PrunedImages {
            images: RemovedImage::from_rows(answer.images_deleted),
            space_reclaimed: answer.space_reclaimed,
        })
    }
}

verb!(PruneImages, transport => Result<PrunedImages, Error>);
