//! What the local system's files have that Unix and Windows tell in ways of their own.

#[cfg(unix)]
mod unix {
    use std::ffi::{OsStr, OsString};
    use std::fs::{FileType, Metadata};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::Path;

    use super::Special;

    pub(crate) fn bytes(name: &OsStr) -> &[u8] {
        name.as_bytes()
    }

    pub(crate) fn of_bytes(name: &[u8]) -> OsString {
        OsString::from_vec(name.to_vec())
    }

    /// A link's target, as an archive has it.
    pub(crate) fn target(to: OsString) -> Vec<u8> {
        to.into_vec()
    }

    pub(crate) fn mode(meta: &Metadata) -> u32 {
        meta.mode()
    }

    /// When it was changed, in whole seconds.
    pub(crate) fn modified(meta: &Metadata) -> i64 {
        meta.mtime()
    }

    /// Say whether both are of one file.
    pub(crate) fn is_same(one: &Metadata, other: &Metadata) -> bool {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    pub(crate) fn special(kind: FileType) -> Special {
        match kind {
            kind if kind.is_socket() => Special::Socket,
            kind if kind.is_fifo() => Special::Pipe,
            _ => Special::Device,
        }
    }

    /// Say whether the file can be run.
    pub(crate) fn is_program(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.mode() & 0o111 != 0)
    }

    /// The user this process runs as, by the owner of its folder in `/proc`: std has no `getuid`.
    pub(crate) fn own_uid() -> Option<u32> {
        std::fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
    }
}

#[cfg(windows)]
mod windows {
    use std::ffi::{OsStr, OsString};
    use std::fs::{FileType, Metadata};
    use std::path::Path;
    use std::time::SystemTime;

    use super::Special;
    use crate::time::Timestamp;

    pub(crate) fn bytes(name: &OsStr) -> &[u8] {
        name.as_encoded_bytes()
    }

    pub(crate) fn of_bytes(name: &[u8]) -> OsString {
        String::from_utf8_lossy(name).into_owned().into()
    }

    /// A link's target, as an archive has it.
    pub(crate) fn target(to: OsString) -> Vec<u8> {
        to.to_string_lossy().replace('\\', "/").into_bytes()
    }

    /// As the docker command: no file says here whether it can be run, so all of them can.
    pub(crate) fn mode(_: &Metadata) -> u32 {
        0o755
    }

    /// When it was changed, in whole seconds.
    pub(crate) fn modified(meta: &Metadata) -> i64 {
        Timestamp::from(meta.modified().unwrap_or(SystemTime::UNIX_EPOCH)).secs()
    }

    /// Say whether both are of one file, as well as std can tell.
    pub(crate) fn is_same(one: &Metadata, other: &Metadata) -> bool {
        let marks = |meta: &Metadata| (meta.file_type(), meta.created().ok(), meta.modified().ok());
        marks(one) == marks(other)
    }

    pub(crate) fn special(_: FileType) -> Special {
        Special::Device
    }

    /// Say whether the file can be run.
    pub(crate) fn is_program(path: &Path) -> bool {
        path.is_file()
    }

    pub(crate) fn own_uid() -> Option<u32> {
        None
    }
}

/// What is neither file nor folder nor link.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(windows, allow(dead_code, reason = "std tells of none there"))]
pub(crate) enum Special {
    Socket,
    Pipe,
    Device,
}

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;
