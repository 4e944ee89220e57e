//! Starting, and running to the end.

use super::wait::{Armed, Condition};
use super::{Container, Exited, Running, Status, TransitionError, Unknown};
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind `start`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Start {
    pub(super) on: Container<Unknown>,
}

impl Start {
    pub(super) fn new(on: Container<Unknown>) -> Start {
        Start { on }
    }

    pub(super) fn call(on: &Container<Unknown>) -> Call {
        on.post("start")
    }

    async fn run(self) -> Result<Container<Running>, TransitionError> {
        // 304: it runs already, which is what was wanted.
        match self.on.transport.done(&Start::call(&self.on)).await {
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
            on.transport.done(&Start::call(&on)).await?;
            armed.status(&on).await
        };
        match ended.await {
            Ok(status) => Ok(on.with(Exited { status })),
            Err(error) => Err(on.failed(error)),
        }
    }
}

verb!(RunToExit, on => Result<Container<Exited>, TransitionError>);
