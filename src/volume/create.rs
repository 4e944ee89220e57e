//! Creating a volume.

use serde::Deserialize;

use super::{Volume, VolumeSpec};
use crate::error::{DecodeError, Error};
use crate::guard;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Docker::create_volume`](crate::Docker::create_volume).
///
/// Dropped while the engine is at it, or past its limit, the exchange is finished in the background
/// and an unnamed volume removed: nobody else would know of it. One with a name stays, because
/// nobody can tell whether it had been there before.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CreateVolume {
    transport: Transport,
    spec: VolumeSpec,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    name: String,
}

impl CreateVolume {
    pub(crate) fn new(transport: Transport, spec: VolumeSpec) -> CreateVolume {
        CreateVolume { transport, spec }
    }

    async fn run(self) -> Result<Volume, Error> {
        let call = self.spec.call()?;
        match self.spec.name() {
            Some(_) => send(self.transport, call).await,
            None => guard::make(&self.transport, call, send, undo).await,
        }
    }
}

verb!(CreateVolume, transport => Result<Volume, Error>);

async fn send(transport: Transport, call: Call) -> Result<Volume, Error> {
    let answer: Answer = transport.json(&call).await?;
    if answer.name.is_empty() {
        let reason = "it names no volume".to_owned();
        return Err(Error::Decode(DecodeError { call: call.label(), reason }));
    }
    Ok(Volume::new(transport, answer.name))
}

async fn undo(volume: Volume) {
    // Nobody is left to be told of a failure.
    let _ = volume.remove().timeout(guard::PATIENCE).await;
}
