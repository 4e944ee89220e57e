//! Renaming.

use super::{Container, ContainerName, Unknown};
use crate::error::Error;
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
        self.on.transport.done(&self.call()?).await.map(drop)
    }
}

verb!(Rename, on => Result<(), Error>);
