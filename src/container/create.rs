//! Creating: the one verb that must not lose what it makes.

use serde::Deserialize;

use super::spec::PullPolicy;
use super::{Container, ContainerId, ContainerSpec, Created, Traits, Unknown, scrap};
use crate::error::{DecodeError, Error};
use crate::guard;
use crate::image::reference::ImageName;
use crate::image::{InspectImage, Pull};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Docker::create`](crate::Docker::create).
///
/// Dropped while the engine is at it, or past its limit, the exchange is finished in the background
/// and the container removed: nobody else would know of it.
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
        if self.spec.get_pull() == PullPolicy::Always {
            self.pull().await?;
        }
        match self.make(call.clone()).await {
            Err(error) if error.is_not_found() && self.lacks_image().await => {
                self.pull().await?;
                self.make(call).await
            }
            made => made,
        }
    }

    async fn make(&self, call: Call) -> Result<Container<Created>, Error> {
        let traits = Traits {
            tty: Some(self.spec.is_tty()),
            stdin: Some(self.spec.stdin()),
            auto_remove: self.spec.is_auto_remove(),
        };
        let making = move |transport, call| send(transport, call, traits);
        guard::make(&self.transport, call, making, scrap::undo).await
    }

    /// Not found may also be said of a network, or of a container to share with.
    async fn lacks_image(&self) -> bool {
        let (Some(image), PullPolicy::Missing) = (self.spec.image_to_pull(), self.spec.get_pull())
        else {
            return false;
        };
        let image = ImageName::Ref(image.clone());
        let inspect = InspectImage::new(self.transport.clone(), image);
        matches!(inspect.await, Err(e) if e.is_not_found())
    }

    async fn pull(&self) -> Result<(), Error> {
        let Some(image) = self.spec.image_to_pull() else { return Ok(()) };
        let pull = Pull::new(self.transport.clone(), Ok(image.clone()));
        let pull = match self.spec.get_platform() {
            Some(platform) => pull.platform(platform),
            None => pull,
        };
        pull.await.map(drop)
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
