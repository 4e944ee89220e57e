//! An archive from a container, onto the local disk.
//!
//! Whoever runs in the container decides what is in the archive. So every file is made relative to
//! the open folder it belongs in, folder after folder, and no link is followed on the way: neither
//! one from the archive nor one that lies there already, not even if somebody puts it there at
//! this very moment. What is in the way of a file is removed, and the file made anew; nothing is
//! written into what is there.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};

use super::copied::{Copied, LeftOut, LeftOutReason};
use super::place::Place;
use crate::error::StreamFault;
use crate::tar::{Found, FoundKind, Item, Reader};

/// More entries are no tree that anybody has, but an attack on the file system.
const ENTRIES: u64 = 10_000_000;
/// Folders in folders; each is open while something is made in it.
const DEPTH: usize = 256;
/// Of what is left out, so many are named.
const NAMED: usize = 1_000;

/// What may be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// In bytes, all files together.
    pub(super) limit: Option<u64>,
    pub(super) special_bits: bool,
    pub(super) all_links: bool,
}

/// Why an archive could not be made into files.
#[derive(Debug)]
pub(super) enum Fault {
    /// What is wrong with it.
    Archive(StreamFault),
    /// What the local disk has against it.
    Disk(PathBuf, io::Error),
}

impl From<String> for Fault {
    fn from(what: String) -> Fault {
        Fault::Archive(StreamFault::Protocol(what))
    }
}

pub(super) type Outcome<T> = Result<T, Fault>;

/// An archive on its way to the disk.
pub(super) struct Unpack {
    place: Place,
    rules: Rules,
    reader: Reader,
    /// What the copied thing is called in the archive: every entry begins with it.
    top: Option<Vec<u8>>,
    /// The folders that the last entry is in, below the place.
    inside: Vec<Level>,
    file: Option<Writing>,
    entries: u64,
    done: Copied,
}

/// A folder that something is made in.
struct Level {
    name: Vec<u8>,
    folder: OwnedFd,
    /// What it gets when all in it is made: a folder may be closed to us after that.
    then: Option<(Mode, Timestamps)>,
}

/// A file whose content is to come.
struct Writing {
    file: File,
    path: PathBuf,
    left: u64,
    mode: Mode,
    times: Timestamps,
}

impl Unpack {
    pub(super) fn new(place: Place, rules: Rules) -> Unpack {
        let (top, inside, file, done) = Default::default();
        Unpack { place, rules, reader: Reader::new(), top, inside, file, entries: 0, done }
    }

    /// Take a piece of the archive.
    pub(super) fn take(&mut self, mut piece: Bytes) -> Outcome<()> {
        while let Some(item) = self.reader.next(&mut piece)? {
            match item {
                Item::Entry(found) => self.entry(found)?,
                Item::Data(data) => self.data(&data)?,
            }
        }
        Ok(())
    }

    /// Finish; the archive must have come to its end.
    pub(super) fn finish(mut self) -> Outcome<Copied> {
        if !self.reader.is_over() {
            return Err(Fault::Archive(StreamFault::Cut));
        }
        self.leave(0)?;
        Ok(self.done)
    }

    fn data(&mut self, data: &[u8]) -> Outcome<()> {
        let Some(writing) = &mut self.file else { return Ok(()) };
        if let Err(e) = writing.file.write_all(data) {
            return Err(Fault::Disk(writing.path.clone(), e));
        }
        writing.left = writing.left.saturating_sub(data.len() as u64);
        self.done.bytes += data.len() as u64;
        if writing.left == 0 { self.close() } else { Ok(()) }
    }

    /// Give a file that is written its mode and time.
    fn close(&mut self) -> Outcome<()> {
        let Some(Writing { file, path, mode, times, .. }) = self.file.take() else { return Ok(()) };
        rustix::fs::fchmod(&file, mode)
            .and_then(|()| rustix::fs::futimens(&file, &times))
            .map_err(|e| Fault::Disk(path, e.into()))
    }

    fn entry(&mut self, found: Found) -> Outcome<()> {
        self.entries += 1;
        if self.entries > ENTRIES {
            return Err(format!("it has more than {ENTRIES} entries").into());
        }
        let mut path = self.resolve(&found.path)?;
        let Some(name) = path.pop() else {
            // The folder itself, which is there.
            return match found.kind {
                FoundKind::Folder => Ok(()),
                _ => Err(refused(&found.path, "is no folder, and stands for the whole")),
            };
        };
        let left_out = match &found.kind {
            FoundKind::Device => Some(LeftOutReason::Device),
            FoundKind::Pipe => Some(LeftOutReason::Pipe),
            FoundKind::Link(to) if !self.rules.all_links && !self.stays_inside(&path, to) => {
                Some(LeftOutReason::LinkLeadsOut)
            }
            _ => None,
        };
        if let Some(why) = left_out {
            self.done.left_out_total += 1;
            if self.done.left_out.len() < NAMED {
                let path = self.place.path.join(joined(&path)).join(OsStr::from_bytes(&name));
                self.done.left_out.push(LeftOut { path, why });
            }
            return Ok(());
        }
        let times = times(found.modified);
        let bits = if self.rules.special_bits { 0o7777 } else { 0o777 };
        let mode = Mode::from_raw_mode((found.mode & bits) as _);
        if found.kind == FoundKind::Folder {
            path.push(name);
            self.enter(&path)?;
            self.done.folders += 1;
            if let Some(level) = self.inside.last_mut() {
                level.then = Some((mode, times));
            }
            return Ok(());
        }
        self.enter(&path)?;
        let full = self.place.path.join(joined(&path)).join(OsStr::from_bytes(&name));
        let disk = |e: io::Error| Fault::Disk(full.clone(), e);
        match &found.kind {
            FoundKind::Link(to) => {
                self.clear(&name).map_err(disk)?;
                let folder = self.folder();
                rustix::fs::symlinkat(&**to, folder, &*name).map_err(|e| disk(e.into()))?;
                rustix::fs::utimensat(folder, &*name, &times, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(|e| disk(e.into()))?;
                self.done.links += 1;
            }
            FoundKind::Same(of) => {
                self.same(of, &name, &found.path, &full)?;
                self.done.files += 1;
            }
            _ => {
                let total = self.done.bytes.saturating_add(found.size);
                if self.rules.limit.is_some_and(|limit| total > limit) {
                    let limit = self.rules.limit.unwrap_or_default();
                    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                    return Err(Fault::Archive(StreamFault::TooLarge(limit)));
                }
                self.clear(&name).map_err(disk)?;
                // New, and nobody else's; a link in its place is an error.
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let file =
                    rustix::fs::openat(self.folder(), &*name, flags, Mode::RUSR | Mode::WUSR);
                let file = File::from(file.map_err(|e| disk(e.into()))?);
                self.done.files += 1;
                self.file = Some(Writing { file, path: full, left: found.size, mode, times });
                if found.size == 0 {
                    self.close()?;
                }
            }
        }
        Ok(())
    }

    /// The path below the place, part by part.
    fn resolve(&mut self, path: &[u8]) -> Outcome<Vec<Vec<u8>>> {
        if path.starts_with(b"/") {
            return Err(refused(path, "is absolute"));
        }
        let mut parts = Vec::new();
        for part in path.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(refused(path, "leads out of the archive")),
                part => parts.push(part.to_vec()),
            }
        }
        if parts.len() > DEPTH {
            return Err(refused(path, "is too deep"));
        }
        if let Some(name) = &self.place.name {
            match parts.first_mut() {
                _ if self.place.contents => parts.insert(0, name.clone()),
                None => return Err(refused(path, "names nothing")),
                // What it is called in the archive gives way to what it is called here.
                Some(first) => {
                    let top = self.top.get_or_insert_with(|| first.clone());
                    if top != first {
                        return Err(refused(path, "is not below what was asked for"));
                    }
                    first.clone_from(name);
                }
            }
        }
        Ok(parts)
    }

    /// Say whether a link in the folder `path` leads to something in the copied tree.
    ///
    /// Parents may be named at the beginning only, where what they are of is known: all folders of
    /// the path are real ones. Behind the name of another link ".." would be anything.
    fn stays_inside(&self, path: &[Vec<u8>], to: &[u8]) -> bool {
        if to.starts_with(b"/") {
            return false;
        }
        // The copied folder is not left. A link by itself has the folder it is put into.
        let depth = match self.place.name {
            Some(_) => path.len().saturating_sub(1),
            None => path.len(),
        };
        let parts = to.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b"."));
        let up = parts.clone().take_while(|part| *part == b"..").count();
        up <= depth && !parts.skip(up).any(|part| part == b"..")
    }

    /// Give a file that was made before another name.
    fn same(&mut self, of: &[u8], name: &[u8], path: &[u8], full: &Path) -> Outcome<()> {
        let mut target = self.resolve(of)?;
        let Some(last) = target.pop() else {
            return Err(refused(path, "is to be the same as a folder"));
        };
        let disk = |e: io::Error| Fault::Disk(full.to_owned(), e);
        // From the place on, and as little through links as all else.
        let mut folder = None;
        for part in &target {
            let at = folder.as_ref().unwrap_or(&self.place.folder);
            match open_folder(at, part) {
                Ok(next) => folder = Some(next),
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    return Err(refused(path, "is to be the same as what is not there"));
                }
                Err(e) => return Err(disk(e)),
            }
        }
        let from = folder.as_ref().unwrap_or(&self.place.folder);
        let stat = rustix::fs::statat(from, &*last, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|_| refused(path, "is to be the same as what is not there"))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            // A link with a second name would lead elsewhere from there.
            return Err(refused(path, "is to be the same as what is no file"));
        }
        let to = self.folder();
        if let Ok(there) = rustix::fs::statat(to, name, AtFlags::SYMLINK_NOFOLLOW) {
            if (there.st_dev, there.st_ino) == (stat.st_dev, stat.st_ino) {
                return Ok(());
            }
        }
        self.clear(name).map_err(disk)?;
        let to = self.folder();
        rustix::fs::linkat(from, &*last, to, name, AtFlags::empty()).map_err(|e| disk(e.into()))?;
        // What was looked at may not be what was linked.
        let made = rustix::fs::statat(to, name, AtFlags::SYMLINK_NOFOLLOW);
        let made = made.map_err(|e| disk(e.into()))?;
        if (made.st_dev, made.st_ino) != (stat.st_dev, stat.st_ino) {
            let _ = rustix::fs::unlinkat(to, name, AtFlags::empty());
            return Err(disk(io::Error::other("something else takes its place as it is linked")));
        }
        Ok(())
    }

    /// The folder that things are made in now.
    fn folder(&self) -> &OwnedFd {
        self.inside.last().map_or(&self.place.folder, |level| &level.folder)
    }

    /// Open the folders of `path`, and make those that are missing.
    fn enter(&mut self, path: &[Vec<u8>]) -> Outcome<()> {
        let common = self.inside.iter().zip(path).take_while(|(level, name)| level.name == **name);
        let common = common.count();
        self.leave(common)?;
        for (at, name) in path.iter().enumerate().skip(common) {
            let disk = |e: io::Error| {
                let path = path.get(..=at).unwrap_or_default();
                Fault::Disk(self.place.path.join(joined(path)), e)
            };
            let folder = match open_folder(self.folder(), name) {
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    let mode = Mode::RWXU;
                    rustix::fs::mkdirat(self.folder(), &**name, mode)
                        .map_err(|e| disk(e.into()))?;
                    open_folder(self.folder(), name)
                }
                other => other,
            };
            let folder = folder.map_err(disk)?;
            self.inside.push(Level { name: name.clone(), folder, then: None });
        }
        Ok(())
    }

    /// Close all folders but the first `depth`; they get their modes and times.
    fn leave(&mut self, depth: usize) -> Outcome<()> {
        while self.inside.len() > depth {
            let Some(Level { name, folder, then }) = self.inside.pop() else { break };
            let Some((mode, times)) = then else { continue };
            rustix::fs::fchmod(&folder, mode)
                .and_then(|()| rustix::fs::futimens(&folder, &times))
                .map_err(|e| {
                    let above = self.inside.iter().map(|level| &level.name).chain([&name]);
                    let path = above.fold(self.place.path.clone(), |path, name| {
                        path.join(OsStr::from_bytes(name))
                    });
                    Fault::Disk(path, e.into())
                })?;
        }
        Ok(())
    }

    /// Remove a file or link that is in the way of a new one.
    fn clear(&self, name: &[u8]) -> io::Result<()> {
        let stat = match rustix::fs::statat(self.folder(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile | FileType::Symlink => {
                Ok(rustix::fs::unlinkat(self.folder(), name, AtFlags::empty())?)
            }
            FileType::Directory => {
                Err(io::Error::new(ErrorKind::IsADirectory, "a folder is in its place"))
            }
            _ => Err(io::Error::new(ErrorKind::AlreadyExists, "something odd is in its place")),
        }
    }
}

/// Open a folder in another, and no link.
fn open_folder(at: &OwnedFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(at, name, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            let why = "what is there is no folder, and links are not followed";
            Err(io::Error::new(ErrorKind::NotADirectory, why))
        }
        other => Ok(other?),
    }
}

fn joined(path: &[Vec<u8>]) -> PathBuf {
    path.iter().map(|part| OsStr::from_bytes(part)).collect()
}

fn times((secs, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: secs, tv_nsec: nanos.into() };
    Timestamps { last_access: time, last_modification: time }
}

fn refused(path: &[u8], why: &str) -> Fault {
    let path = crate::error::excerpt(&String::from_utf8_lossy(path), 200);
    format!("the entry \"{path}\" {why}").into()
}

#[cfg(test)]
mod tests;
