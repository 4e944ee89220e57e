//! What an engine knows of its volumes: inspecting and listing.

use serde::Deserialize;
use serde_json::Value;

use super::Volume;
use crate::error::Error;
use crate::labels::Labels;
use crate::options::DriverOptions;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Raw, null_default, rows};

/// The verb behind [`Volume::inspect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct InspectVolume {
    on: Volume,
}

impl InspectVolume {
    pub(super) fn new(on: Volume) -> InspectVolume {
        InspectVolume { on }
    }

    fn call(&self) -> Call {
        Call::get(&["volumes", &self.on.name])
    }

    pub(super) async fn run(self) -> Result<VolumeDetails, Error> {
        let (details, raw): (VolumeDetails, Raw) = self.on.transport.kept(&self.call()).await?;
        Ok(VolumeDetails { raw, ..details })
    }
}

verb!(InspectVolume, on.transport => Result<VolumeDetails, Error>);

/// The verb behind [`Docker::volumes`](crate::Docker::volumes).
///
/// Of several filters all must hold; of several values of one filter any, and of labels all.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ListVolumes {
    transport: Transport,
    filters: Filters,
}

/// The volumes of an engine.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Volumes {
    /// The volumes.
    pub volumes: Vec<VolumeDetails>,
    /// What the engine could not do: a driver that did not answer, whose volumes are missing here.
    pub warnings: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    volumes: Vec<Value>,
    #[serde(deserialize_with = "null_default")]
    warnings: Vec<String>,
}

impl ListVolumes {
    pub(crate) fn new(transport: Transport) -> ListVolumes {
        ListVolumes { transport, filters: Filters::default() }
    }

    /// The same list, by filters that another verb has.
    pub(super) fn filtered(transport: Transport, filters: Filters) -> ListVolumes {
        ListVolumes { transport, filters }
    }

    /// List those that no container uses (`true`), or those that one does: `--filter dangling=`.
    pub fn dangling(mut self, dangling: bool) -> ListVolumes {
        self.filters.add("dangling", dangling.to_string());
        self
    }

    /// List those of this driver: `--filter driver=`.
    pub fn driver(mut self, driver: impl Into<String>) -> ListVolumes {
        self.filters.add("driver", driver);
        self
    }

    /// List those with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> ListVolumes {
        self.filters.add("label", label);
        self
    }

    /// List those whose name holds this text: `--filter name=`.
    pub fn name(mut self, part: impl Into<String>) -> ListVolumes {
        self.filters.add("name", part);
        self
    }

    /// List those that this filter lets through, by its name and value in the engine's words:
    /// `--filter NAME=VALUE`. The other setters are the filters known here.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> ListVolumes {
        self.filters.add(name.into(), value);
        self
    }

    fn call(&self) -> Call {
        Call::get(&["volumes"]).maybe("filters", self.filters.to_json())
    }

    pub(super) async fn run(self) -> Result<Volumes, Error> {
        let answer: Answer = self.transport.json(&self.call()).await?;
        let volumes = rows(&answer.volumes, VolumeDetails::keep);
        Ok(Volumes { volumes, warnings: answer.warnings })
    }
}

verb!(ListVolumes, transport => Result<Volumes, Error>);

/// What `docker volume inspect`, and a list of volumes, says of one.
///
/// The most asked-for parts have fields; [`raw`](VolumeDetails::raw) is the whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct VolumeDetails {
    /// The name.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// The driver: "local".
    #[serde(deserialize_with = "null_default")]
    pub driver: String,
    /// Where its files are on the engine's machine.
    #[serde(deserialize_with = "null_default")]
    pub mountpoint: String,
    /// When it was created, where the driver says.
    #[serde(deserialize_with = "time::lenient")]
    pub created_at: Option<Timestamp>,
    /// How far it reaches: "local", "global".
    #[serde(deserialize_with = "null_default")]
    pub scope: String,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
    /// The driver's options.
    #[serde(deserialize_with = "null_default")]
    pub options: DriverOptions,
    /// What it is in a swarm, if it is a swarm's. API 1.42.
    pub cluster_volume: Option<ClusterVolume>,
    #[serde(skip)]
    raw: Raw,
}

impl VolumeDetails {
    pub(super) fn keep(row: VolumeDetails, raw: Raw) -> VolumeDetails {
        VolumeDetails { raw, ..row }
    }

    /// Return all that the engine said of it, as JSON.
    pub fn raw(&self) -> Value {
        self.raw.json()
    }
}

/// What a volume is in a swarm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ClusterVolume {
    /// Its id in the swarm.
    #[serde(rename = "ID", deserialize_with = "null_default")]
    pub id: String,
    /// How often it has been changed, by the swarm's count.
    #[serde(deserialize_with = "index")]
    pub version: u64,
    /// When it was created.
    #[serde(deserialize_with = "time::lenient")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(deserialize_with = "time::lenient")]
    pub updated_at: Option<Timestamp>,
}

fn index<'de, D: serde::Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "PascalCase")]
    struct Version {
        index: u64,
    }
    Ok(Option::<Version>::deserialize(d)?.unwrap_or_default().index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn calls() {
        let list = ListVolumes::new(Transport::nowhere());
        let filtered = list.clone().dangling(false).driver("local").label("a").name("data");
        let named = list.clone().filter("name", "data").call().to_string();
        assert_eq!(named, list.clone().name("data").call().to_string());
        let volume = Volume::new(Transport::nowhere(), "a b".into());
        let calls = [volume.inspect().call(), list.call(), filtered.call()];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        GET /volumes/a%20b
        GET /volumes
        GET /volumes?filters=%7B%22dangling%22%3A%5B%22false%22%5D%2C%22driver%22%3A%5B%22local%22%5D%2C%22label%22%3A%5B%22a%22%5D%2C%22name%22%3A%5B%22data%22%5D%7D
        ");
    }

    #[test]
    fn what_old_new_and_odd_engines_say() {
        let all: Answer = wire::from_slice(
            br#"{"Volumes":[{"Name":"a","Labels":null,"Options":{"o":"password=canary"},
                 "CreatedAt":"2026-11-25T02:27:09Z","Status":{"x":1}},
                {"Name":"b","ClusterVolume":{"ID":"c","Version":{"Index":7},"Spec":{}}},
                {"Name":"c","Driver":7,"UsageData":null}, "odd"], "Warnings":["a driver is gone"]}"#,
        )
        .unwrap();
        let all: Vec<VolumeDetails> = rows(&all.volumes, VolumeDetails::keep);
        let [a, b, c] = &all[..] else { panic!("{all:?}") };
        assert!(a.created_at.is_some() && a.labels.is_empty());
        assert_eq!(
            (a.options.get("o"), &a.raw()["Status"]["x"]),
            (Some("password=canary"), &1.into())
        );
        assert_eq!(b.cluster_volume.as_ref().map(|c| (c.id.as_str(), c.version)), Some(("c", 7)));
        assert_eq!((c.name.as_str(), c.driver.as_str()), ("c", ""));
        assert!(!format!("{all:?}").contains("canary"));
    }
}
