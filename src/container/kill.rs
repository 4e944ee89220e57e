//! Killing, and other signals.

use super::find::Lookup;
use super::{Container, Exited, TransitionError, Unknown, find, stop};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind `kill`: SIGKILL, which no process survives.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Kill {
    on: Container<Unknown>,
}

impl Kill {
    pub(super) fn new(on: Container<Unknown>) -> Kill {
        Kill { on }
    }

    /// Send another signal instead: `--signal`, by name ("HUP", "SIGHUP") or number.
    ///
    /// A process may survive it, so the verb then returns the state the container was found in
    /// just after. What the engine makes of it a moment later (it thaws a paused container) is not
    /// waited for.
    pub fn signal(self, signal: impl Into<String>) -> Signal {
        Signal { on: self.on, signal: signal.into() }
    }

    fn call(&self) -> Call {
        self.on.post("kill")
    }

    async fn run(self) -> Result<Container<Exited>, TransitionError> {
        let call = self.call();
        stop::end(self.on, &call).await
    }
}

verb!(Kill, on => Result<Container<Exited>, TransitionError>);

/// The verb behind [`Kill::signal`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Signal {
    on: Container<Unknown>,
    signal: String,
}

impl Signal {
    fn call(&self) -> Call {
        self.on.post("kill").arg("signal", &self.signal)
    }

    async fn run(self) -> Result<Lookup, TransitionError> {
        if let Some(error) = bad_signal(&self.signal) {
            return Err(self.on.failed(error));
        }
        match self.on.transport.done(&self.call()).await {
            Ok(_) => find::lookup(self.on).await,
            Err(error) => Err(self.on.failed(error)),
        }
    }
}

verb!(Signal, on => Result<Lookup, TransitionError>);

/// A signal is a name or a number: letters, digits, and the "+" or "-" of "RTMIN+1". An empty
/// one would be SIGKILL to the engine.
pub(super) fn bad_signal(signal: &str) -> Option<Error> {
    let fine = !signal.is_empty()
        && signal.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-');
    (!fine).then(|| Error::invalid("signal", signal, "must be a name such as HUP, or a number"))
}
