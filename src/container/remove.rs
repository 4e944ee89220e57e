//! Removing.

use super::wait::{self, Condition};
use super::{Container, TransitionError, Unknown, details};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind [`Container::remove`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Remove {
    on: Container<Unknown>,
    force: bool,
    volumes: bool,
}

impl Remove {
    pub(super) fn new(on: Container<Unknown>) -> Remove {
        Remove { on, force: false, volumes: false }
    }

    /// Kill the container first if it runs: `--force`.
    pub fn force(mut self) -> Remove {
        self.force = true;
        self
    }

    /// Remove its anonymous volumes with it: `--volumes`.
    pub fn volumes(mut self) -> Remove {
        self.volumes = true;
        self
    }

    fn call(&self) -> Call {
        Call::delete(&["containers", self.on.id.as_str()])
            .flag("v", self.volumes)
            .flag("force", self.force)
    }

    async fn run(self) -> Result<(), TransitionError> {
        let call = self.call();
        match gone(&self.on, &call, self.force).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.on.failed(error)),
        }
    }
}

verb!(Remove, on => Result<(), TransitionError>);

/// Remove by `call`. Gone already is what was wanted; so is somebody else's removal, once it is
/// through.
pub(super) async fn gone(on: &Container<Unknown>, call: &Call, forced: bool) -> Result<(), Error> {
    let error = match on.transport.done(call).await {
        Ok(_) => return Ok(()),
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => error,
    };
    if error.status() == Some(409) {
        match details::see(on).await {
            Err(e) if e.is_not_found() => return Ok(()),
            // A process is the only other reason to refuse, and to a forced removal it is none: one
            // under way shows the container as running until it is killed.
            Ok(seen) if forced || !seen.status().has_process() => {
                return match wait::wait(on, Condition::Removed).await {
                    Err(e) if !e.is_not_found() => Err(e),
                    _ => Ok(()),
                };
            }
            _ => {}
        }
    }
    Err(error)
}
