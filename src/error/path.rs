//! What is at a path, and is another kind of thing than is needed.

use std::fmt;

/// A path in a container that leads to another kind of thing than the verb needs.
///
/// The engine was asked what is there, and nothing else was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathError {
    /// The path, as it was given.
    pub path: String,
    /// What is wrong with it: "is a directory, and no file".
    pub what: &'static str,
}

impl PathError {
    pub(crate) fn new(path: &str, what: &'static str) -> PathError {
        PathError { path: path.to_owned(), what }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" in the container {}", super::excerpt(&self.path, 200), self.what)
    }
}

impl std::error::Error for PathError {}
