//! As Unix has it.

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
