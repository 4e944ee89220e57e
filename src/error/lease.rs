//! What cleans up after this process could not be set up.

use std::fmt;
use std::io;

/// Nobody would clean up after this process, so nothing was made.
///
/// A throwaway container is promised to go with its process, however that ends. What keeps the
/// promise is a record on disk and a small process beside this one; one of the two could not be had.
/// `BOWLINE_LEASE=off` does without the process, and without what only it can keep.
#[derive(Debug)]
#[non_exhaustive]
pub struct LeaseError {
    /// What failed: "start the process that cleans up".
    pub what: String,
    pub(crate) error: io::Error,
}

impl LeaseError {
    #[cfg(all(feature = "throwaway", unix))]
    pub(crate) fn new(what: impl Into<String>, error: io::Error) -> LeaseError {
        LeaseError { what: what.into(), error }
    }
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "throwaway containers: cannot {}", self.what)
    }
}

impl std::error::Error for LeaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
