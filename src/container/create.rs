//! Creating: the one verb that must not lose what it makes.

use serde::Deserialize;

use super::{Container, ContainerId, ContainerSpec, Created, Traits, Unknown, scrap};
use crate::error::{DecodeError, Error};
use crate::guard;
use crate::transport::Transport;
use crate::verb::{verb, within};
use crate::wire::{Call, null_default};

/// The verb behind [`Docker::create`](crate::Docker::create).
///
/// Dropped while the engine is at it, the exchange is finished in the background and the container
/// removed: nobody else would know of it.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Create {
    transport: Transport,
    spec: ContainerSpec,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    id: ContainerId,
    #[serde(deserialize_with = "null_default")]
    warnings: Vec<String>,
}

impl Create {
    pub(crate) fn new(transport: Transport, spec: ContainerSpec) -> Create {
        Create { transport, spec }
    }

    async fn run(self) -> Result<Container<Created>, Error> {
        let call = self.spec.call()?;
        let traits =
            Traits { tty: Some(self.spec.is_tty()), auto_remove: self.spec.is_auto_remove() };
        // The limit is on the waiting, not on the exchange: that is finished in any case.
        let limit = self.transport.own_limit();
        let label = call.label();
        let making = send(self.transport.unlimited(), call, traits);
        within(&label, limit, guard::finish_or_undo(making, scrap::undo)).await
    }
}

verb!(Create, transport => Result<Container<Created>, Error>);

async fn send(
    transport: Transport,
    call: Call,
    traits: Traits,
) -> Result<Container<Created>, Error> {
    let answer: Answer = transport.json(&call).await?;
    if answer.id.as_str().is_empty() {
        let reason = "it names no container".to_owned();
        return Err(Error::Decode(DecodeError { call: call.label(), reason }));
    }
    let container = Container { transport, id: answer.id, traits, state: Unknown(()) };
    Ok(container.with(Created { warnings: answer.warnings }))
}
