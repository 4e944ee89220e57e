//! Stopping.

use std::time::Duration;

use super::wait::{Armed, Condition};
use super::{Container, ExitStatus, Exited, Status, TransitionError, Unknown, details};
use crate::error::{Error, StateError};
use crate::verb::verb;
use crate::wire::{ApiVersion, Call, Patience};

/// The verb behind `stop`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Stop {
    on: Container<Unknown>,
    grace: Grace,
    signal: Option<String>,
}

/// How long a process may take to end by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Grace {
    /// What the container was created with, 10 s unless set.
    #[default]
    Own,
    For(Duration),
    Forever,
}

impl Grace {
    /// Add the grace to a call; the engine counts whole seconds, so a part of one is a whole.
    pub(super) fn apply(self, call: Call) -> Call {
        match self {
            // The container's own may be anything: no limit of ours may be shorter.
            Grace::Own => call.patience(Patience::Endless),
            Grace::For(time) => {
                let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
                let seconds = seconds.min(i32::MAX as u64);
                call.arg("t", seconds).patience(Patience::Plus(Duration::from_secs(seconds)))
            }
            Grace::Forever => call.arg("t", -1).patience(Patience::Endless),
        }
    }
}

impl Stop {
    pub(super) fn new(on: Container<Unknown>) -> Stop {
        Stop { on, grace: Grace::Own, signal: None }
    }

    /// Set how long the process may take to end by itself: `--time`. Rounded up to whole
    /// seconds; zero kills at once. Without it the container's own stop time-out holds.
    pub fn time(mut self, grace: Duration) -> Stop {
        self.grace = Grace::For(grace);
        self
    }

    /// Wait for the process to end by itself, however long it takes.
    pub fn forever(mut self) -> Stop {
        self.grace = Grace::Forever;
        self
    }

    /// Set the signal that asks the process to end: `--signal`. API 1.42.
    pub fn signal(mut self, signal: impl Into<String>) -> Stop {
        self.signal = Some(signal.into());
        self
    }

    fn call(&self) -> Call {
        let call = self.grace.apply(self.on.post("stop"));
        match &self.signal {
            Some(signal) => {
                call.arg("signal", signal).since(ApiVersion::new(1, 42), "a stop signal")
            }
            None => call,
        }
    }

    async fn run(self) -> Result<Container<Exited>, TransitionError> {
        if let Some(error) = self.signal.as_deref().and_then(super::kill::bad_signal) {
            return Err(self.on.failed(error));
        }
        let call = self.call();
        end(self.on, &call).await
    }
}

verb!(Stop, on => Result<Container<Exited>, TransitionError>);

/// End the process by `call`, and find out how it ended.
pub(super) async fn end(
    on: Container<Unknown>,
    call: &Call,
) -> Result<Container<Exited>, TransitionError> {
    let armed = match on.traits.auto_remove {
        // It is gone a moment after its end, and the status with it: listen before.
        true => match Armed::new(&on, Condition::NextExit).await {
            Ok(armed) => Some(armed),
            Err(error) => return Err(on.failed(error)),
        },
        false => None,
    };
    match (on.transport.done(call).await, armed) {
        (Ok(204), Some(armed)) => match armed.status(&on).await {
            Ok(status) => Ok(on.with(Exited { status })),
            Err(error) => Err(on.failed(error)),
        },
        (Ok(_), _) => match ended(&on).await {
            Ok(status) => Ok(on.with(Exited { status })),
            Err(error) => Err(on.failed(error)),
        },
        (Err(error), _) => {
            let (on, seen) = on.settle(error, Status::Exited, &["running", "paused"]).await?;
            Ok(on.with(Exited { status: seen.exit() }))
        }
    }
}

/// How a container ended that has ended.
async fn ended(on: &Container<Unknown>) -> Result<ExitStatus, Error> {
    let seen = details::see(on).await?;
    match seen.status() {
        Status::Exited | Status::Dead | Status::Removing => Ok(seen.exit()),
        found => Err(Error::State(StateError {
            container: on.id.as_str().to_owned(),
            wanted: "exited",
            found: found.as_str().to_owned(),
        })),
    }
}
