//! Freezing and thawing.

use super::{Container, Paused, Running, Status, TransitionError, Unknown};
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind `pause`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Pause {
    on: Container<Unknown>,
}

impl Pause {
    pub(super) fn new(on: Container<Unknown>) -> Pause {
        Pause { on }
    }

    fn call(&self) -> Call {
        self.on.post("pause")
    }

    async fn run(self) -> Result<Container<Paused>, TransitionError> {
        match self.on.transport.done(&self.call()).await {
            Ok(_) => Ok(self.on.with(Paused(()))),
            Err(error) => {
                let (on, _) = self.on.settle(error, Status::Paused, &["running"]).await?;
                Ok(on.with(Paused(())))
            }
        }
    }
}

verb!(Pause, on => Result<Container<Paused>, TransitionError>);

/// The verb behind `unpause`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Unpause {
    on: Container<Unknown>,
}

impl Unpause {
    pub(super) fn new(on: Container<Unknown>) -> Unpause {
        Unpause { on }
    }

    fn call(&self) -> Call {
        self.on.post("unpause")
    }

    async fn run(self) -> Result<Container<Running>, TransitionError> {
        match self.on.transport.done(&self.call()).await {
            Ok(_) => Ok(self.on.with(Running(()))),
            Err(error) => {
                let (on, _) = self.on.settle(error, Status::Running, &["paused"]).await?;
                Ok(on.with(Running(())))
            }
        }
    }
}

verb!(Unpause, on => Result<Container<Running>, TransitionError>);
