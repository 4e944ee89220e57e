//! Changing what a container may use.

use super::{Container, Unknown};

/// The verb behind [`Container::update`]. What is not set stays as it is.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Update {
    on: Container<Unknown>,
}
impl Update {
    pub(super) fn new(on: Container<Unknown>) -> Update {
        Update { on }
    }
}
