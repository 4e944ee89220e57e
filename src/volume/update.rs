//! Changing a volume of a swarm.

use serde::Serialize;
use serde_json::Value;

use super::Volume;
use super::details::{InspectVolume, VolumeDetails};
use crate::error::Error;
use crate::verb::{verb, within};
use crate::wire::{ApiVersion, Call};

/// Whether a volume of a swarm may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Availability {
    /// Tasks may use it.
    Active,
    /// No more tasks may; those that do go on.
    Pause,
    /// Tasks that use it are moved elsewhere.
    Drain,
}

impl Availability {
    fn as_str(self) -> &'static str {
        match self {
            Availability::Active => "active",
            Availability::Pause => "pause",
            Availability::Drain => "drain",
        }
    }
}

/// The verb behind [`Volume::update`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct UpdateVolume {
    on: Volume,
    availability: Option<Availability>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    spec: Value,
}

const SINCE: ApiVersion = ApiVersion::new(1, 42);
const WHAT: &str = "a change of a swarm's volume";

impl UpdateVolume {
    pub(super) fn new(on: Volume) -> UpdateVolume {
        UpdateVolume { on, availability: None }
    }

    /// Set whether it may be used: `--availability`.
    pub fn availability(mut self, availability: Availability) -> UpdateVolume {
        self.availability = Some(availability);
        self
    }

    /// The engine takes the whole of what it knows, and of which count that was.
    fn call(&self, found: &VolumeDetails) -> Result<Call, Error> {
        let Some(cluster) = &found.cluster_volume else {
            let rule = "must be a volume of a swarm to be changed";
            return Err(Error::invalid("volume", self.on.name.as_str(), rule));
        };
        let mut spec = found.raw().pointer("/ClusterVolume/Spec").cloned().unwrap_or_default();
        if let (Some(spec), Some(availability)) = (spec.as_object_mut(), self.availability) {
            spec.insert("Availability".into(), availability.as_str().into());
        }
        let call = Call::put(&["volumes", &self.on.name]).arg("version", cluster.version);
        Ok(call.json(&Body { spec }).since(SINCE, WHAT))
    }

    async fn run(self) -> Result<(), Error> {
        let change = async {
            let found = InspectVolume::new(self.on.clone()).run().await?;
            self.on.transport.done(&self.call(&found)?).await.map(drop)
        };
        within("PUT /volumes", self.on.transport.own_limit(), change).await
    }
}

verb!(UpdateVolume, on.transport => Result<(), Error>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Transport;
    use crate::wire::rows;

    #[test]
    fn what_is_not_changed_goes_back_as_it_came() {
        let volume = Volume::new(Transport::nowhere(), "shared".into());
        let found = serde_json::json!({"Name": "shared", "ClusterVolume": {"ID": "c",
            "Version": {"Index": 7}, "Spec": {"Group": "g", "Availability": "active", "New": [1]}}});
        let found: Vec<VolumeDetails> = rows(&[found], VolumeDetails::keep);
        let update = volume.update().availability(Availability::Drain);
        let call = update.call(&found[0]).unwrap();
        insta::assert_snapshot!(call, @r#"
        PUT /volumes/shared?version=7
        {
          "Spec": {
            "Availability": "drain",
            "Group": "g",
            "New": [
              1
            ]
          }
        }
        "#);
        assert_eq!(call.needs, Some((SINCE, WHAT)));
        let error = update.call(&VolumeDetails::default()).unwrap_err();
        insta::assert_snapshot!(error, @r#"volume "shared" must be a volume of a swarm to be changed"#);
    }
}
