//! Starting, and running to the end.

use super::wait::{Armed, Condition};
use super::{Container, Exited, Running, Status, TransitionError, Unknown, checkpoint};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind `start`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Start {
    pub(super) on: Container<Unknown>,
    checkpoint: Option<String>,
}

impl Start {
    pub(super) fn new(on: Container<Unknown>) -> Start {
        Start { on, checkpoint: None }
    }

    /// Go on from a checkpoint of this container instead of starting anew: `--checkpoint`.
    ///
    /// It must lie where the engine keeps its own, not in a folder of the user's. That there is
    /// none by this name comes as status 500, that the engine's experimental features are off as 400.
    pub fn checkpoint(mut self, name: impl Into<String>) -> Start {
        self.checkpoint = Some(name.into());
        self
    }

    pub(super) fn plain(on: &Container<Unknown>) -> Call {
        on.post("start")
    }

    fn call(&self) -> Result<Call, Error> {
        let checkpoint = self.checkpoint.as_deref().map(checkpoint::checked).transpose()?;
        Ok(Start::plain(&self.on).maybe("checkpoint", checkpoint))
    }

    async fn run(self) -> Result<Container<Running>, TransitionError> {
        let call = match self.call() {
            Ok(call) => call,
            Err(error) => return Err(self.on.failed(error)),
        };
        // 304: it runs already, which is what was wanted.
        match self.on.transport.done(&call).await {
            Ok(_) => Ok(self.on.with(Running(()))),
            Err(error) => {
                let (on, _) =
                    self.on.settle(error, Status::Running, &["created", "exited"]).await?;
                Ok(on.with(Running(())))
            }
        }
    }
}

verb!(Start, on => Result<Container<Running>, TransitionError>);

/// The verb behind [`Container::run`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RunToExit {
    on: Container<Unknown>,
}

impl RunToExit {
    pub(super) fn new(on: Container<Unknown>) -> RunToExit {
        RunToExit { on }
    }

    async fn run(self) -> Result<Container<Exited>, TransitionError> {
        let on = self.on;
        let ended = async {
            let armed = Armed::new(&on, Condition::NextExit).await?;
            on.transport.done(&Start::plain(&on)).await?;
            armed.status(&on).await
        };
        match ended.await {
            Ok(status) => Ok(on.with(Exited { status })),
            Err(error) => Err(on.failed(error)),
        }
    }
}

verb!(RunToExit, on => Result<Container<Exited>, TransitionError>);
