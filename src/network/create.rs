//! Creating a network.

use serde::Deserialize;

use super::{Network, NetworkSpec};
use crate::error::{DecodeError, Error};
use crate::guard;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Docker::create_network`](crate::Docker::create_network).
///
/// Dropped while the engine is at it, or past its limit, the exchange is finished in the background
/// and the network removed: nobody else would know of it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CreateNetwork {
    transport: Transport,
    spec: NetworkSpec,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    id: String,
    #[serde(deserialize_with = "null_default")]
    warning: String,
}

impl CreateNetwork {
    pub(crate) fn new(transport: Transport, spec: NetworkSpec) -> CreateNetwork {
        CreateNetwork { transport, spec }
    }

    async fn run(self) -> Result<Network, Error> {
        let call = self.spec.call()?;
        let name = self.spec.name().to_owned();
        let making = move |transport, call| send(transport, call, name);
        guard::make(&self.transport, call, making, undo).await
    }
}

verb!(CreateNetwork, transport => Result<Network, Error>);

async fn send(transport: Transport, call: Call, name: String) -> Result<Network, Error> {
    let answer: Answer = transport.json(&call).await?;
    if answer.id.is_empty() {
        let reason = "it names no network".to_owned();
        return Err(Error::Decode(DecodeError { call: call.label(), reason }));
    }
    Ok(Network::new(transport, answer.id, name, answer.warning))
}

async fn undo(network: Network) {
    // Nobody is left to be told of a failure.
    let _ = network.remove().timeout(guard::PATIENCE).await;
}
