//! Stopping and starting in one go.

use std::time::Duration;

use super::stop::Grace;
use super::{Container, Running, TransitionError, Unknown};
use crate::verb::verb;
use crate::wire::{ApiVersion, Call};

/// The verb behind `restart`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Restart {
    on: Container<Unknown>,
    grace: Grace,
    signal: Option<String>,
}

impl Restart {
    pub(super) fn new(on: Container<Unknown>) -> Restart {
        Restart { on, grace: Grace::Own, signal: None }
    }

    /// Set how long the process may take to end by itself: `--time`. Rounded up to whole
    /// seconds; zero kills at once.
    pub fn time(mut self, grace: Duration) -> Restart {
        self.grace = Grace::For(grace);
        self
    }

    /// Wait for the process to end by itself, however long it takes.
    pub fn forever(mut self) -> Restart {
        self.grace = Grace::Forever;
        self
    }

    /// Set the signal that asks the process to end: `--signal`. API 1.42.
    pub fn signal(mut self, signal: impl Into<String>) -> Restart {
        self.signal = Some(signal.into());
        self
    }

    fn call(&self) -> Call {
        let call = self.grace.apply(self.on.post("restart"));
        match &self.signal {
            Some(signal) => {
                call.arg("signal", signal).since(ApiVersion::new(1, 42), "a restart signal")
            }
            None => call,
        }
    }

    async fn run(self) -> Result<Container<Running>, TransitionError> {
        if let Some(error) = self.signal.as_deref().and_then(super::kill::bad_signal) {
            return Err(self.on.failed(error));
        }
        match self.on.transport.done(&self.call()).await {
            Ok(_) => Ok(self.on.with(Running(()))),
            Err(error) => Err(self.on.failed(error)),
        }
    }
}

verb!(Restart, on => Result<Container<Running>, TransitionError>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::example;

    #[test]
    fn calls() {
        let restart = || Restart::new(example());
        let calls = [
            restart().call(),
            restart().time(Duration::from_millis(1500)).call(),
            restart().forever().signal("HUP").call(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        POST /containers/f00f00f00f00/restart
        POST /containers/f00f00f00f00/restart?t=2
        POST /containers/f00f00f00f00/restart?t=-1&signal=HUP
        ");
    }
}
