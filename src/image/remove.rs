//! Removing an image, or one of its names.

use serde::Deserialize;

use super::reference::ImageName;
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Image::remove`](super::Image::remove).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemoveImage {
    transport: Transport,
    image: ImageName,
    force: bool,
    no_prune: bool,
}

/// What the removal of an image came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedImage {
    /// The names that were taken away.
    pub untagged: Vec<String>,
    /// The ids of the images and layers that are gone.
    pub deleted: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Row {
    #[serde(deserialize_with = "null_default")]
    untagged: String,
    #[serde(deserialize_with = "null_default")]
    deleted: String,
}

impl RemovedImage {
    pub(super) fn from_rows(rows: Vec<Row>) -> RemovedImage {
        let (mut untagged, mut deleted) = (Vec::new(), Vec::new());
        for row in rows {
            untagged.extend(Some(row.untagged).filter(|name| !name.is_empty()));
            deleted.extend(Some(row.deleted).filter(|id| !id.is_empty()));
        }
        RemovedImage { untagged, deleted }
    }
}

impl RemoveImage {
    pub(super) fn new(transport: Transport, image: ImageName) -> RemoveImage {
        RemoveImage { transport, image, force: false, no_prune: false }
    }

    /// Remove it though stopped containers use it or it has more names: `--force`.
    pub fn force(mut self) -> RemoveImage {
        self.force = true;
        self
    }

    /// Keep the nameless images it was made from: `--no-prune`.
    pub fn no_prune(mut self) -> RemoveImage {
        self.no_prune = true;
        self
    }

    pub(super) fn call(&self) -> Call {
        Call::delete(&["images", &self.image.to_string()])
            .flag("force", self.force)
            .flag("noprune", self.no_prune)
    }

    async fn run(self) -> Result<RemovedImage, Error> {
        Ok(RemovedImage::from_rows(self.transport.json(&self.call()).await?))
    }
}

verb!(RemoveImage, transport => Result<RemovedImage, Error>);
