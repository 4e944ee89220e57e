//! As Windows has it.

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
