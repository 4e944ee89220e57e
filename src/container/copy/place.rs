//! Where a copy out of a container goes: the caller's word, which may lead through links.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::unpack::{Fault, Outcome};

/// Where an archive is put.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: OwnedFd,
    /// The same, for errors.
    pub(super) path: PathBuf,
    /// What the copied thing is called there; `None`: what is in it goes right into the folder.
    pub(super) name: Option<Vec<u8>>,
    /// The archive is of what is in a folder, and not of the folder.
    pub(super) contents: bool,
}

impl Place {
    /// Decide as `docker cp` does. `name` is what the copied thing is called where it comes from;
    /// `None` if only what is in it is meant.
    pub(super) fn find(dest: &Path, name: Option<&str>, is_folder: bool) -> Outcome<Place> {
        let fail = |kind: ErrorKind, why: &str| {
            Err(Fault::Disk(dest.to_owned(), io::Error::new(kind, why.to_owned())))
        };
        let disk = |e: io::Error| Fault::Disk(dest.to_owned(), e);
        let contents = name.is_none();
        match fs::metadata(dest) {
            Ok(there) if there.is_dir() => {
                let name = name.map(|name| name.as_bytes().to_vec());
                Place::open(dest.to_owned(), name, contents)
            }
            Ok(_) if is_folder => {
                fail(ErrorKind::NotADirectory, "a folder cannot be copied onto what is none")
            }
            Ok(there) if there.is_file() => {
                Place::beside(&dest.canonicalize().map_err(disk)?, contents)
            }
            Ok(_) => fail(ErrorKind::InvalidInput, "it is neither a file nor a folder"),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let dest = led_to(dest);
                let path = dest.as_os_str().as_bytes();
                // A new folder may be given a slash, but "new/." is in a folder that is not there.
                if path.ends_with(b"/.") || (!is_folder && path.ends_with(b"/")) {
                    return fail(ErrorKind::NotFound, "there is no such folder");
                }
                Place::beside(&dest, contents)
            }
            Err(e) => Err(disk(e)),
        }
    }

    /// In the folder that `path` is in, by the name that `path` gives.
    fn beside(path: &Path, contents: bool) -> Outcome<Place> {
        let Some(name) = path.file_name() else {
            let error = io::Error::new(ErrorKind::InvalidInput, "it names no file");
            return Err(Fault::Disk(path.to_owned(), error));
        };
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Place::open(folder, Some(name.as_bytes().to_vec()), contents)
    }

    /// The folder itself may be named by way of links: that is the caller's word.
    fn open(path: PathBuf, name: Option<Vec<u8>>, contents: bool) -> Outcome<Place> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(folder) => Ok(Place { folder, path, name, contents }),
            Err(e) => Err(Fault::Disk(path, e.into())),
        }
    }
}

/// Where a link leads that leads to nothing yet, through as many links as there are; of anything
/// else, the path itself.
fn led_to(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    // The system follows no more either, so that this is only for who changes them meanwhile.
    for _ in 0..40 {
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().unwrap_or(Path::new("")).join(to);
    }
    at
}
