//! What a container has changed of its image's files.

use serde::{Deserialize, Deserializer};

use super::{Container, Unknown};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind [`Container::changes`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Changes {
    on: Container<Unknown>,
}

/// A file or folder that is not as the image has it: a line of `docker diff`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Change {
    /// Where: an absolute path.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
}

/// How a file or folder differs from the image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It has other content or other properties; a folder, other entries.
    Modified,
    /// The image does not have it.
    Added,
    /// The image has it, the container has not.
    Deleted,
    /// A kind this crate does not know, by the engine's number.
    Other(i64),
}

impl ChangeKind {
    /// Return the letter that `docker diff` prints: C, A or D.
    pub fn letter(self) -> char {
        match self {
            ChangeKind::Modified => 'C',
            ChangeKind::Added => 'A',
            ChangeKind::Deleted => 'D',
            ChangeKind::Other(_) => '?',
        }
    }
}

impl<'de> Deserialize<'de> for ChangeKind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<ChangeKind, D::Error> {
        Ok(match i64::deserialize(d)? {
            0 => ChangeKind::Modified,
            1 => ChangeKind::Added,
            2 => ChangeKind::Deleted,
            other => ChangeKind::Other(other),
        })
    }
}

impl Changes {
    pub(super) fn new(on: Container<Unknown>) -> Changes {
        Changes { on }
    }

    fn call(&self) -> Call {
        self.on.get("changes")
    }

    async fn run(self) -> Result<Vec<Change>, Error> {
        // Where there are none, engines say null.
        let changes: Option<Vec<Change>> = self.on.transport.json(&self.call()).await?;
        Ok(changes.unwrap_or_default())
    }
}

verb!(Changes, on => Result<Vec<Change>, Error>);
