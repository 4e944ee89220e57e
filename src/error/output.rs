//! What arrived and could not be put on the local disk.

use std::fmt;
use std::path::PathBuf;

/// A local file or folder that could not be made of what came from the engine.
///
/// What was made before it is there still.
#[derive(Debug)]
#[non_exhaustive]
pub struct OutputError {
    /// The call: "GET /containers/web/archive".
    pub call: String,
    /// What could not be made.
    pub path: PathBuf,
    pub(crate) error: std::io::Error,
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = super::excerpt(&self.path.to_string_lossy(), 200);
        write!(f, "{}: cannot write \"{path}\"", self.call)
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
