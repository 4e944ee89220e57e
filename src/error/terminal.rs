//! What befell the terminal, or the pipes, on this side.

use std::fmt;

/// The local terminal, or what stands in its place, failed under a session.
///
/// The process in the container may run on.
#[derive(Debug)]
#[non_exhaustive]
pub struct TerminalError {
    /// What was being done: "read standard input".
    pub what: &'static str,
    pub(crate) error: std::io::Error,
}

impl fmt::Display for TerminalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "local terminal: cannot {}", self.what)
    }
}

impl std::error::Error for TerminalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
