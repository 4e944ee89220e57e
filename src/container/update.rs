//! Changing what a container may use.

use serde::Deserialize;

use super::spec::{Checks, Resources, resource_setters};
use super::{Container, Unknown};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Container::update`]. What is not set stays as it is.
///
/// ```no_run
/// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
/// use bowline::container::spec::RestartPolicy;
///
/// let updated = web.update().memory("512m").cpus(1.5).restart(RestartPolicy::Always).await?;
/// assert!(updated.warnings.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Update {
    on: Container<Unknown>,
    resources: Resources,
    checks: Checks,
}

/// What the engine had to remark on an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Updated {
    /// Its remarks: a limit that this machine cannot keep, for one.
    #[serde(deserialize_with = "null_default")]
    pub warnings: Vec<String>,
}

resource_setters!(Update);

impl Update {
    pub(super) fn new(on: Container<Unknown>) -> Update {
        Update { on, resources: Resources::default(), checks: Checks::default() }
    }

    fn call(&self) -> Result<Call, Error> {
        self.checks.fault()?;
        if self.resources == Resources::default() {
            return Err(Error::invalid("update", "", "must change something"));
        }
        let mut checks = self.checks.clone();
        if self.resources.names_devices() {
            checks.since(55, "an update of a device's limits");
        }
        Ok(checks.mark(self.on.post("update").json(&self.resources)))
    }

    async fn run(self) -> Result<Updated, Error> {
        self.on.transport.json(&self.call()?).await
    }
}

verb!(Update, on => Result<Updated, Error>);
