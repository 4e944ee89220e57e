//! Renaming.

use super::{Container, ContainerName, Unknown, details};
use crate::error::{Error, StateError};
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind [`Container::rename`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Rename {
    on: Container<Unknown>,
    name: String,
}

impl Rename {
    pub(super) fn new(on: Container<Unknown>, name: String) -> Rename {
        Rename { on, name }
    }

    fn call(&self) -> Result<Call, Error> {
        let name: ContainerName = self.name.parse()?;
        Ok(self.on.post("rename").arg("name", name))
    }

    async fn run(self) -> Result<(), Error> {
        let error = match self.on.transport.done(&self.call()?).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if !error.is_not_found() {
            return Err(error);
        }
        // Between two runs of a restart policy engines look for a network end that is not there,
        // and say "not found" of a container that is.
        match details::see(&self.on).await {
            Ok(seen) => Err(Error::State(StateError {
                container: self.on.id.into(),
                wanted: "running",
                found: seen.status().as_str().to_owned(),
            })),
            _ => Err(error),
        }
    }
}

verb!(Rename, on => Result<(), Error>);
