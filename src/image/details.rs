//! What an engine knows of one image, and how it came about.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::reference::ImageName;
use crate::container::EnvVars;
use crate::error::Error;
use crate::labels::Labels;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Raw, null_default};

/// The verb behind [`Image::inspect`](super::Image::inspect).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct InspectImage {
    transport: Transport,
    image: ImageName,
}

impl InspectImage {
    pub(crate) fn new(transport: Transport, image: ImageName) -> InspectImage {
        InspectImage { transport, image }
    }

    pub(super) fn call(&self) -> Call {
        Call::get(&["images", &self.image.to_string(), "json"])
    }

    async fn run(self) -> Result<ImageDetails, Error> {
        let (details, raw): (ImageDetails, Raw) = self.transport.kept(&self.call()).await?;
        Ok(ImageDetails { raw, ..details })
    }
}

verb!(InspectImage, transport => Result<ImageDetails, Error>);

/// What `docker image inspect` says of an image.
///
/// The most asked-for parts have fields; [`raw`](ImageDetails::raw) is the whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ImageDetails {
    /// The full id: "sha256:" and 64 digits.
    #[serde(deserialize_with = "null_default")]
    pub id: String,
    /// Its names with tags: "busybox:latest".
    #[serde(deserialize_with = "super::list::names")]
    pub repo_tags: Vec<String>,
    /// Its names with the digests that registries know it by.
    #[serde(deserialize_with = "super::list::names")]
    pub repo_digests: Vec<String>,
    /// The id of the image it was made from, where the engine knows.
    #[serde(deserialize_with = "null_default")]
    pub parent: String,
    /// What its maker said of it.
    #[serde(deserialize_with = "null_default")]
    pub comment: String,
    /// Its maker.
    #[serde(deserialize_with = "null_default")]
    pub author: String,
    /// When it was made.
    #[serde(deserialize_with = "time::lenient")]
    pub created: Option<Timestamp>,
    /// The architecture, as Go names it: "amd64".
    #[serde(deserialize_with = "null_default")]
    pub architecture: String,
    /// The architecture's variant: "v8".
    #[serde(deserialize_with = "null_default")]
    pub variant: String,
    /// The operating system: "linux".
    #[serde(deserialize_with = "null_default")]
    pub os: String,
    /// Bytes on disk.
    #[serde(deserialize_with = "null_default")]
    pub size: i64,
    /// What a container of it is given, unless told otherwise.
    #[serde(deserialize_with = "null_default")]
    pub config: ImageConfig,
    /// The digests of its layers, the lowest first.
    #[serde(rename = "RootFS", deserialize_with = "layers")]
    pub layers: Vec<String>,
    #[serde(skip)]
    raw: Raw,
}

impl ImageDetails {
    /// Return all that the engine said of it, as JSON.
    pub fn raw(&self) -> Value {
        self.raw.json()
    }
}

/// What a container of an image is given, unless told otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
// A container's has much of this too, and is a type of its own: an image has no host name and no
// terminal, and one struct flattened into another hides from `tolerant` which value does not fit.
pub struct ImageConfig {
    /// The command.
    #[serde(deserialize_with = "null_default")]
    pub cmd: Vec<String>,
    /// The program that the command is handed to.
    #[serde(deserialize_with = "null_default")]
    pub entrypoint: Vec<String>,
    /// The environment.
    #[serde(deserialize_with = "null_default")]
    pub env: EnvVars,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
    /// The user, and the group after a colon; empty is root.
    #[serde(deserialize_with = "null_default")]
    pub user: String,
    /// The directory it starts in.
    #[serde(deserialize_with = "null_default")]
    pub working_dir: String,
    /// The ports it listens on: "80/tcp".
    #[serde(deserialize_with = "keys")]
    pub exposed_ports: Vec<String>,
    /// The paths it keeps data under.
    #[serde(deserialize_with = "keys")]
    pub volumes: Vec<String>,
    /// The signal that asks it to end; `None` is SIGTERM.
    pub stop_signal: Option<String>,
}

fn layers<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "PascalCase")]
    struct RootFs {
        #[serde(deserialize_with = "null_default")]
        layers: Vec<String>,
    }
    Ok(Option::<RootFs>::deserialize(d)?.unwrap_or_default().layers)
}

/// The engine writes a set as a map to empty objects.
fn keys<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    type Set = BTreeMap<String, serde::de::IgnoredAny>;
    Ok(Option::<Set>::deserialize(d)?.unwrap_or_default().into_keys().collect())
}

/// The verb behind [`Image::history`](super::Image::history).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct History {
    transport: Transport,
    image: ImageName,
}

impl History {
    pub(super) fn new(transport: Transport, image: ImageName) -> History {
        History { transport, image }
    }

    pub(super) fn call(&self) -> Call {
        Call::get(&["images", &self.image.to_string(), "history"])
    }

    async fn run(self) -> Result<Vec<HistoryEntry>, Error> {
        self.transport.json(&self.call()).await
    }
}

verb!(History, transport => Result<Vec<HistoryEntry>, Error>);

/// One step in the making of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The id of the image after this step; `<missing>` where it was made elsewhere.
    #[serde(deserialize_with = "null_default")]
    pub id: String,
    /// When it was made.
    #[serde(deserialize_with = "time::lenient")]
    pub created: Option<Timestamp>,
    /// The instruction or command that made it.
    #[serde(deserialize_with = "null_default")]
    pub created_by: String,
    /// The names of the image after this step.
    #[serde(deserialize_with = "null_default")]
    pub tags: Vec<String>,
    /// Bytes that the step added.
    #[serde(deserialize_with = "null_default")]
    pub size: i64,
    /// What its maker said of it.
    #[serde(deserialize_with = "null_default")]
    pub comment: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn what_old_and_new_engines_say() {
        let old: ImageDetails = wire::from_slice(
            br#"{"Id":"sha256:a","RepoTags":[],"Config":{"Cmd":null,"Env":["A=1"],
                "ExposedPorts":{"80/tcp":{}},"Volumes":null},
                "RootFS":{"Type":"layers","Layers":["sha256:l"]},"Created":"2026-01-01T00:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!((old.layers.len(), old.config.exposed_ports.len()), (1, 1));
        assert_eq!(old.config.env.get("A"), Some("1"));
        let new: ImageDetails =
            wire::from_slice(br#"{"Id":"sha256:b","Config":null,"RootFS":{},"Size":"x"}"#).unwrap();
        assert_eq!((new.id.as_str(), new.layers.len(), new.size), ("sha256:b", 0, 0));
    }
}
