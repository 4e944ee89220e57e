//! What is left for a look at it: `BOWLINE_KEEP`.

use std::sync::Arc;
use std::{env, panic};

use super::guard::Thing;
use super::lease;
use super::record::Line;
use super::session::Session;
use crate::error::Error;

/// Says what is to be kept.
const SWITCH: &str = "BOWLINE_KEEP";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Never,
    /// What a test that fails holds, and what does not start.
    Failed,
    Always,
}

impl Keep {
    pub(super) fn asked() -> Result<Keep, Error> {
        let Some(value) = env::var_os(SWITCH) else { return Ok(Keep::Never) };
        match value.to_str() {
            Some("" | "never") => Ok(Keep::Never),
            Some("failed") => Ok(Keep::Failed),
            Some("always") => Ok(Keep::Always),
            _ => {
                let rule = "must be \"failed\", \"always\" or \"never\"";
                Err(Error::invalid(SWITCH, value.to_string_lossy(), rule))
            }
        }
    }

    /// Do what this asks for from the beginning of a session on.
    pub(super) fn begin(self, session: &Arc<Session>) -> Result<(), Error> {
        let what = match self {
            Keep::Never => return Ok(()),
            Keep::Failed => "failed",
            Keep::Always => "always",
        };
        if self == Keep::Failed {
            session.tell(Line::KeepsFailed)?;
            watch(session);
        }
        // Of what a process leaves that is killed, nobody can tell when it is over. This thread's
        // output nobody catches.
        super::words::announce(&format!(
            "bowline: {SWITCH}={what}: docker ps --all --filter label={}={} lists what is left of \
             process {}, until you remove it",
            super::session::SESSION,
            session.id(),
            std::process::id(),
        ));
        Ok(())
    }
}

/// Write down that a thread panics, and that the process ends by itself: who cleans up cannot see
/// either.
fn watch(session: &Arc<Session>) {
    let (session, before) = (session.clone(), panic::take_hook());
    panic::set_hook(Box::new(move |panic| {
        if session.is_of_this_process() {
            let _ = session.tell(Line::Failed);
        }
        before(panic);
    }));
    lease::at_exit(ended);
}

extern "C" fn ended() {
    Session::ends();
}

/// Tell how to look at a thing that is left, and how to remove it.
pub(super) fn hint(thing: &Thing) -> String {
    match thing {
        Thing::Container(_, name) => format!(
            "container {name} is left there (BOWLINE_KEEP):\n  docker logs {name}\n  \
             docker exec -it {name} sh\n  docker rm --force --volumes {name}"
        ),
        Thing::Network(network) => {
            let name = network.name();
            format!("network {name} is left there (BOWLINE_KEEP):\n  docker network rm {name}")
        }
        Thing::Volume(volume) => {
            let name = volume.name();
            format!("volume {name} is left there (BOWLINE_KEEP):\n  docker volume rm {name}")
        }
        Thing::Image(image) => {
            let name = image.name();
            format!("image {name} is left there (BOWLINE_KEEP):\n  docker rmi --force {name}")
        }
    }
}
