//! What a copy out of a container has come to.

use std::path::PathBuf;

/// What a copy out of a container has made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Files; every name of a file with many counts.
    pub files: u64,
    /// Folders, those that were there before included.
    pub folders: u64,
    /// Symbolic links.
    pub links: u64,
    /// Bytes in the files.
    pub bytes: u64,
    /// What was left out: the first thousand.
    pub left_out: Vec<LeftOut>,
    /// How many were left out in all.
    pub left_out_total: u64,
}

/// Something in a container that was not made on the local disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Where it would have been.
    pub path: PathBuf,
    /// Why it was left out.
    pub why: LeftOutReason,
}

/// Why something was not made on the local disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftOutReason {
    /// It is a device.
    Device,
    /// It is a named pipe.
    Pipe,
    /// It is a link that leads out of what is copied.
    LinkLeadsOut,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = match self.why {
            LeftOutReason::Device => "is a device",
            LeftOutReason::Pipe => "is a named pipe",
            LeftOutReason::LinkLeadsOut => "is a link that leads out of what is copied",
        };
        write!(f, "{} {why}", self.path.display())
    }
}
