//! A container's full id.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The full id of a container, as the engine gave it.
///
/// Handles hold nothing else: a name can move to another container, and a short id can become
/// another's name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ContainerId(Box<str>);

impl ContainerId {
    /// Return the id: 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Return the first 12 digits, as `docker ps` prints them.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ContainerId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> String {
        id.0.into()
    }
}

impl From<&ContainerId> for String {
    fn from(id: &ContainerId) -> String {
        id.0.clone().into()
    }
}

/// From an engine's answer only: a user's text goes through a look-up.
impl<'de> Deserialize<'de> for ContainerId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<ContainerId, D::Error> {
        Box::<str>::deserialize(d).map(ContainerId)
    }
}
