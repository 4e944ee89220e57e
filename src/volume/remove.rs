//! Removing a volume, and all that nobody uses.

use serde::Deserialize;

use super::Volume;
use super::details::ListVolumes;
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::{verb, within};
use crate::wire::{ApiVersion, Call, Filters, Patience, null_default};

/// The verb behind [`Volume::remove`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemoveVolume {
    on: Volume,
    force: bool,
}

impl RemoveVolume {
    pub(super) fn new(on: Volume) -> RemoveVolume {
        RemoveVolume { on, force: false }
    }

    /// Remove it from the engine's books though its driver does not answer: `--force`. One that a
    /// container uses stays all the same.
    pub fn force(mut self) -> RemoveVolume {
        self.force = true;
        self
    }

    fn call(&self) -> Call {
        Call::delete(&["volumes", &self.on.name]).flag("force", self.force)
    }

    async fn run(self) -> Result<(), Error> {
        match self.on.transport.done(&self.call()).await {
            // Gone already is what was wanted.
            Err(error) if error.is_not_found() => Ok(()),
            done => done.map(drop),
        }
    }
}

verb!(RemoveVolume, on.transport => Result<(), Error>);

/// The verb behind [`Docker::prune_volumes`](crate::Docker::prune_volumes).
///
/// Anonymous volumes alone, on any engine: before API 1.42 a prune takes those with names too, so
/// there the engine is asked for a list instead, and each that is anonymous is removed. By its name:
/// 64 hexadecimal digits.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct PruneVolumes {
    transport: Transport,
    all: bool,
    labels: Vec<String>,
    without_labels: Vec<String>,
}

/// What a prune of volumes removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunedVolumes {
    /// The names of the volumes.
    pub volumes: Vec<String>,
    /// The bytes of disk that came free; `None` where the engine was too old to prune by itself.
    pub space_reclaimed: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    volumes_deleted: Vec<String>,
    #[serde(deserialize_with = "null_default")]
    space_reclaimed: u64,
}

/// The first version whose engines tell anonymous volumes from others when they prune.
const TELLS: ApiVersion = ApiVersion::new(1, 42);

impl PruneVolumes {
    pub(crate) fn new(transport: Transport) -> PruneVolumes {
        let (labels, without_labels) = (Vec::new(), Vec::new());
        PruneVolumes { transport, all: false, labels, without_labels }
    }

    /// Take those with names too: `--all`. Their data is lost.
    pub fn all(mut self) -> PruneVolumes {
        self.all = true;
        self
    }

    /// Take only volumes with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> PruneVolumes {
        self.labels.push(label.into());
        self
    }

    /// Spare volumes with this label: "key" or "key=value".
    pub fn without_label(mut self, label: impl Into<String>) -> PruneVolumes {
        self.without_labels.push(label.into());
        self
    }

    /// The prune as the engine does it; `None` where it would take more than was asked for.
    fn call(&self) -> Option<Call> {
        let tells = self.transport.version() >= TELLS;
        let mut filters = Filters::default();
        self.labels.iter().for_each(|label| filters.add("label", label));
        self.without_labels.iter().for_each(|label| filters.add("label!", label));
        let call = Call::post(&["volumes", "prune"]).patience(Patience::Endless);
        let call = match (self.all, tells) {
            (false, false) => return None,
            // Should an older engine have taken the place of this one, it must not see this call.
            (false, true) => call.since(TELLS, "a prune of anonymous volumes alone"),
            (true, true) => {
                filters.add("all", "true");
                call
            }
            // It does not know the filter, and does so anyway.
            (true, false) => call,
        };
        Some(call.maybe("filters", filters.to_json()))
    }

    async fn run(self) -> Result<PrunedVolumes, Error> {
        let Some(call) = self.call() else {
            let limit = self.transport.own_limit();
            return within("POST /volumes/prune", limit, self.one_by_one()).await;
        };
        let answer: Answer = self.transport.json(&call).await?;
        let space_reclaimed = Some(answer.space_reclaimed);
        Ok(PrunedVolumes { volumes: answer.volumes_deleted, space_reclaimed })
    }

    async fn one_by_one(&self) -> Result<PrunedVolumes, Error> {
        let mut filters = Filters::default();
        filters.add("dangling", "true");
        self.labels.iter().for_each(|label| filters.add("label", label));
        let mut pruned = PrunedVolumes::default();
        let list = ListVolumes::filtered(self.transport.clone(), filters);
        for volume in list.run().await?.volumes {
            let spared = |filter: &String| match filter.split_once('=') {
                Some((key, value)) => volume.labels.get(key) == Some(value),
                None => volume.labels.get(filter).is_some(),
            };
            if !is_anonymous(&volume.name) || self.without_labels.iter().any(spared) {
                continue;
            }
            let call = Call::delete(&["volumes", &volume.name]);
            match self.transport.done(&call).await {
                Ok(_) => pruned.volumes.push(volume.name),
                // In use by now, or somebody else was faster.
                Err(error) if error.is_conflict() || error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(pruned)
    }
}

verb!(PruneVolumes, transport => Result<PrunedVolumes, Error>);

/// As engines name what has no name.
fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let transport = Transport::nowhere();
        let volume = Volume::new(transport.clone(), "a b".into());
        let prune = PruneVolumes::new(transport.clone());
        assert!(prune.call().is_none(), "an old engine would take those with names");
        let old = prune.clone().all().call().unwrap();
        transport.negotiate(TELLS);
        let calls = [
            volume.remove().call(),
            volume.remove().force().call(),
            old,
            prune.clone().all().call().unwrap(),
            prune.clone().call().unwrap(),
            prune.clone().label("a").without_label("b=c").call().unwrap(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        DELETE /volumes/a%20b
        DELETE /volumes/a%20b?force=1
        POST /volumes/prune
        POST /volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D
        POST /volumes/prune
        POST /volumes/prune?filters=%7B%22label%22%3A%5B%22a%22%5D%2C%22label%21%22%3A%5B%22b%3Dc%22%5D%7D
        ");
        assert_eq!(prune.call().unwrap().needs.map(|n| n.0), Some(TELLS));
    }

    #[test]
    fn who_has_no_name() {
        assert!(is_anonymous(&"0f".repeat(32)));
        for named in ["", "data", &"0g".repeat(32), &"0F".repeat(32), &"0f".repeat(33)] {
            assert!(!is_anonymous(named), "{named}");
        }
    }
}
