//! An archive from a container, onto the local disk.
//!
//! Whoever runs in the container decides what is in the archive. So every file is made relative to
//! the open folder it belongs in, folder after folder, and no link is followed on the way: neither
//! one from the archive nor one that lies there already, not even if somebody puts it there at
//! this very moment. What is in the way of a file is removed, and the file made anew; nothing is
//! written into what is there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};

use crate::error::StreamFault;
use crate::tar::{Found, FoundKind, Item, Reader};

/// More entries are no tree that anybody has, but an attack on the file system.
const ENTRIES: u64 = 10_000_000;
/// Folders in folders; each is open while something is made in it.
const DEPTH: usize = 256;
/// Of what is left out, so many are named.
const NAMED: usize = 1_000;

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

type Outcome<T> = Result<T, Fault>;

/// Where an archive is put.
#[derive(Debug)]
pub(super) struct Place {
    folder: OwnedFd,
    /// The same, for errors.
    path: PathBuf,
    /// What the copied thing is called there; `None`: what is in it goes right into the folder.
    name: Option<Vec<u8>>,
    /// The archive is of what is in a folder, and not of the folder.
    contents: bool,
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
                let path = dest.as_os_str().as_bytes();
                // A new folder may be given a slash, but "new/." is in a folder that is not there.
                if path.ends_with(b"/.") || (!is_folder && path.ends_with(b"/")) {
                    return fail(ErrorKind::NotFound, "there is no such folder");
                }
                Place::beside(dest, contents)
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
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use proptest::prelude::*;
    use tar::EntryType;
    use tempfile::TempDir;

    use super::*;

    /// An entry in an archive that says anything.
    #[derive(Debug, Clone)]
    struct Raw {
        kind: EntryType,
        path: Vec<u8>,
        to: Vec<u8>,
        data: Vec<u8>,
        mode: u32,
    }

    fn raw(kind: EntryType, path: &str, to: &str) -> Raw {
        Raw { kind, path: path.into(), to: to.into(), data: Vec::new(), mode: 0o755 }
    }

    fn file(path: &str, data: &str) -> Raw {
        Raw { data: data.into(), mode: 0o644, ..raw(EntryType::Regular, path, "") }
    }

    fn folder(path: &str) -> Raw {
        raw(EntryType::Directory, path, "")
    }

    fn link(path: &str, to: &str) -> Raw {
        raw(EntryType::Symlink, path, to)
    }

    fn same(path: &str, of: &str) -> Raw {
        raw(EntryType::Link, path, of)
    }

    /// Written field by field, for no writer would write them.
    fn archive(entries: &[Raw]) -> Vec<u8> {
        let mut out = tar::Builder::new(Vec::new());
        for entry in entries {
            let mut header = tar::Header::new_ustar();
            let old = header.as_old_mut();
            let cut = entry.path.len().min(100);
            old.name[..cut].copy_from_slice(&entry.path[..cut]);
            let cut = entry.to.len().min(100);
            old.linkname[..cut].copy_from_slice(&entry.to[..cut]);
            header.set_entry_type(entry.kind);
            header.set_mode(entry.mode);
            header.set_mtime(86_400);
            header.set_size(entry.data.len() as u64);
            header.set_uid(77);
            header.set_gid(77);
            header.set_cksum();
            out.append(&header, &*entry.data).unwrap();
        }
        out.into_inner().unwrap()
    }

    /// A folder to copy into, in a folder of which nothing may be touched.
    struct Ground {
        outside: TempDir,
        dest: PathBuf,
    }

    fn ground() -> Ground {
        let outside = tempfile::tempdir().unwrap();
        let dest = outside.path().join("dest");
        fs::create_dir(&dest).unwrap();
        fs::write(outside.path().join("victim"), "untouched").unwrap();
        fs::set_permissions(outside.path().join("victim"), fs::Permissions::from_mode(0o600))
            .unwrap();
        fs::create_dir(outside.path().join("folder")).unwrap();
        fs::set_permissions(outside.path().join("folder"), fs::Permissions::from_mode(0o700))
            .unwrap();
        Ground { outside, dest }
    }

    impl Ground {
        fn check(&self) {
            let path = |name| self.outside.path().join(name);
            let mut names: Vec<_> = fs::read_dir(self.outside.path())
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect();
            names.sort();
            assert_eq!(names, ["dest", "folder", "victim"]);
            assert_eq!(fs::read_to_string(path("victim")).unwrap(), "untouched");
            let victim = fs::symlink_metadata(path("victim")).unwrap();
            assert_eq!((victim.mode() & 0o7777, victim.nlink()), (0o600, 1));
            let folder = fs::symlink_metadata(path("folder")).unwrap();
            assert_eq!(folder.mode() & 0o7777, 0o700);
            assert_eq!(fs::read_dir(path("folder")).unwrap().count(), 0);
        }

        fn unpack(&self, entries: &[Raw], rules: Rules) -> Outcome<Copied> {
            let done = unpack(&self.dest, Some("top"), &archive(entries), rules);
            self.check();
            done
        }

        /// What the copy says to these entries, and what is left when it is done.
        fn refusal(&self, entries: &[Raw]) -> String {
            match self.unpack(entries, Rules { all_links: true, ..Rules::default() }) {
                Err(Fault::Archive(StreamFault::Protocol(what))) => what,
                Err(Fault::Disk(path, e)) => {
                    format!("{}: {e}", path.strip_prefix(&self.dest).unwrap().display())
                }
                other => panic!("{other:?}"),
            }
        }

        fn read(&self, path: &str) -> String {
            fs::read_to_string(self.dest.join(path)).unwrap()
        }
    }

    fn unpack(dest: &Path, name: Option<&str>, archive: &[u8], rules: Rules) -> Outcome<Copied> {
        let mut unpack = Unpack::new(Place::find(dest, name, true)?, rules);
        for piece in archive.chunks(700) {
            unpack.take(Bytes::copy_from_slice(piece))?;
        }
        unpack.finish()
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        let ground = ground();
        for (path, why) in [
            ("../victim", "the entry \"../victim\" leads out of the archive"),
            ("top/../../victim", "the entry \"top/../../victim\" leads out of the archive"),
            ("top/..", "the entry \"top/..\" leads out of the archive"),
            ("/etc/x", "the entry \"/etc/x\" is absolute"),
            ("//x", "the entry \"//x\" is absolute"),
            ("./", "the entry \"./\" names nothing"),
            ("other/x", "the entry \"other/x\" is not below what was asked for"),
        ] {
            assert_eq!(ground.refusal(&[folder("top"), file(path, "x")]), why);
            assert_eq!(ground.refusal(&[folder("top"), folder(path)]), why);
            assert_eq!(ground.refusal(&[folder("top"), link(path, "x")]), why);
            assert_eq!(ground.refusal(&[folder("top"), same("top/h", path)]), why);
        }
        let deep = "d/".repeat(DEPTH + 1);
        assert_eq!(ground.unpack(&[folder(&deep[..90])], Rules::default()).unwrap().folders, 1);
        let mut long =
            Unpack::new(Place::find(&ground.dest, Some("t"), true).unwrap(), Rules::default());
        assert!(long.resolve(deep.as_bytes()).is_err());
        // On Unix that is a name like any other.
        ground.unpack(&[file("top/C:\\x", "named oddly")], Rules::default()).unwrap();
        assert_eq!(ground.read("top/C:\\x"), "named oddly");
    }

    #[test]
    fn nothing_is_written_through_a_link_of_the_archive() {
        let out = "top/l: what is there is no folder, and links are not followed";
        for last in
            [file("top/l/x", "through"), folder("top/l/x"), link("top/l/x", "y"), folder("top/l")]
        {
            let ground = ground();
            assert_eq!(
                ground.refusal(&[folder("top"), link("top/l", "../../folder"), last.clone()]),
                out
            );
            let absolute = ground.outside.path().join("folder");
            let absolute = link("top/l", absolute.to_str().unwrap());
            assert_eq!(ground.refusal(&[folder("top"), absolute, last.clone()]), out);
            // Not even where it leads to something harmless.
            assert_eq!(ground.refusal(&[folder("top/d"), link("top/l", "d"), last]), out);
        }
        let ground = ground();
        // A file in a link's place takes that place.
        let entries = [folder("top"), link("top/l", "../../victim"), file("top/l", "instead")];
        ground.unpack(&entries, Rules { all_links: true, ..Rules::default() }).unwrap();
        assert_eq!(ground.read("top/l"), "instead");
    }

    #[test]
    fn nothing_is_written_through_a_link_that_lies_there() {
        let planted = |at: &str, to: &str| {
            let ground = ground();
            fs::create_dir(ground.dest.join("top")).unwrap();
            if at == "top" {
                fs::remove_dir(ground.dest.join("top")).unwrap();
            }
            symlink(to, ground.dest.join(at)).unwrap();
            ground
        };
        let why = ": what is there is no folder, and links are not followed";
        for last in [file("top/l/x", "through"), folder("top/l")] {
            let ground = planted("top/l", "../../folder");
            assert_eq!(ground.refusal(&[folder("top"), last]), format!("top/l{why}"));
        }
        let ground = planted("top", "../folder");
        assert_eq!(ground.refusal(&[folder("top"), file("top/x", "through")]), format!("top{why}"));
        let ground = planted("top/l", "../../victim");
        ground.unpack(&[folder("top"), file("top/l", "instead")], Rules::default()).unwrap();
        assert_eq!(ground.read("top/l"), "instead");
        // The destination itself may be a link to a folder: the caller says so.
        let link = ground.outside.path().join("dest/by-link");
        symlink("top", &link).unwrap();
        let done =
            unpack(&link, Some("t"), &archive(&[folder("t"), file("t/f", "x")]), Rules::default());
        assert_eq!(done.unwrap().files, 1);
        assert_eq!(ground.read("top/t/f"), "x");
        // A dangling one is replaced, and nothing made where it leads.
        symlink("../made", ground.dest.join("dangling")).unwrap();
        let place = Place::find(&ground.dest.join("dangling"), Some("f"), false).unwrap();
        let mut unpack = Unpack::new(place, Rules::default());
        unpack.take(archive(&[file("f", "x")]).into()).unwrap();
        unpack.finish().unwrap();
        assert!(fs::symlink_metadata(ground.dest.join("dangling")).unwrap().is_file());
        ground.check();
    }

    #[test]
    fn links_that_lead_out_are_left_out() {
        let ground = ground();
        let out = ["/etc/passwd", "..", "../x", "d/../../x", "./../x", "d/../e", "../top/x"];
        let inside = ["x", "d/x", ".", "./d//x", "..x"];
        let deeper = ["..", "../x", "../../top", "../d/.."];
        let mut entries = vec![folder("top"), folder("top/d")];
        for (at, to) in out.iter().chain(&inside).enumerate() {
            entries.push(link(&format!("top/{at}"), to));
        }
        for (at, to) in deeper.iter().enumerate() {
            entries.push(link(&format!("top/d/{at}"), to));
        }
        let copied = ground.unpack(&entries, Rules::default()).unwrap();
        let left: Vec<_> = copied.left_out.iter().map(ToString::to_string).collect();
        let names = ["0", "1", "2", "3", "4", "5", "6", "d/2", "d/3"];
        let wanted = names.map(|name| {
            format!(
                "{}/top/{name} is a link that leads out of what is copied",
                ground.dest.display()
            )
        });
        assert_eq!((left, copied.left_out_total), (wanted.to_vec(), 9));
        assert_eq!(copied.links, 7);
        let all = Rules { all_links: true, ..Rules::default() };
        assert_eq!(ground.unpack(&entries, all).unwrap().links, 16);
        assert_eq!(fs::read_link(ground.dest.join("top/0")).unwrap(), Path::new("/etc/passwd"));
    }

    #[test]
    fn a_second_name_is_that_of_a_file_in_the_copy() {
        let ground = ground();
        let not_there = "the entry \"top/h\" is to be the same as what is not there";
        assert_eq!(ground.refusal(&[folder("top"), same("top/h", "top/none")]), not_there);
        assert_eq!(ground.refusal(&[folder("top"), same("top/h", "top/no/ne")]), not_there);
        let through = [folder("top"), link("top/l", "../.."), same("top/h", "top/l/victim")];
        let why = "top/h: what is there is no folder, and links are not followed";
        assert_eq!(ground.refusal(&through), why);
        // A link would lead elsewhere by its second name.
        let moved = [folder("top/d"), link("top/d/l", ".."), same("top/h", "top/d/l")];
        let why = "the entry \"top/h\" is to be the same as what is no file";
        assert_eq!(ground.refusal(&moved), why);
        assert_eq!(ground.refusal(&[folder("top"), same("top/h", "top")]), why);
        // A file that is replaced leaves its other names alone.
        let entries = [
            folder("top"),
            file("top/f", "one"),
            same("top/h", "top/f"),
            same("top/h", "top/h"),
            file("top/f", "two"),
        ];
        assert_eq!(ground.unpack(&entries, Rules::default()).unwrap().files, 4);
        assert_eq!((ground.read("top/f"), ground.read("top/h")), ("two".into(), "one".into()));
    }

    #[test]
    fn devices_pipes_and_special_bits_are_left_out() {
        let ground = ground();
        let entries = [
            folder("top"),
            raw(EntryType::Char, "top/null", ""),
            raw(EntryType::Block, "top/sda", ""),
            raw(EntryType::Fifo, "top/pipe", ""),
            Raw { mode: 0o6755, ..file("top/su", "x") },
            Raw { mode: 0o7777, ..folder("top/tmp") },
        ];
        let copied = ground.unpack(&entries, Rules::default()).unwrap();
        let left: Vec<_> = copied.left_out.iter().map(|l| l.why).collect();
        assert_eq!(left, [LeftOutReason::Device, LeftOutReason::Device, LeftOutReason::Pipe]);
        let meta = |path: &str| fs::metadata(ground.dest.join(path)).unwrap();
        assert_eq!(meta("top/su").mode() & 0o7777, 0o755);
        assert_eq!(meta("top/tmp").mode() & 0o7777, 0o777);
        assert_ne!(meta("top/su").uid(), 77);
        assert_eq!(meta("top/su").mtime(), 86_400);
        assert_eq!(meta("top").mtime(), 86_400);
        ground.unpack(&entries, Rules { special_bits: true, ..Rules::default() }).unwrap();
        assert_eq!(meta("top/su").mode() & 0o7777, 0o6755);
    }

    #[test]
    fn what_is_in_the_way() {
        let ground = ground();
        let top = ground.dest.join("top");
        fs::create_dir_all(top.join("d")).unwrap();
        fs::write(top.join("d/kept"), "kept").unwrap();
        fs::write(top.join("f"), "old").unwrap();
        let _socket = UnixListener::bind(top.join("s")).unwrap();
        let in_place = |name: &str, why: &str| format!("top/{name}: {why}");
        let no = |entry: Raw| ground.refusal(&[folder("top"), entry]);
        assert_eq!(no(file("top/d", "x")), in_place("d", "a folder is in its place"));
        assert_eq!(no(link("top/d", "x")), in_place("d", "a folder is in its place"));
        assert_eq!(no(file("top/s", "x")), in_place("s", "something odd is in its place"));
        let why = "what is there is no folder, and links are not followed";
        assert_eq!(no(folder("top/f")), in_place("f", why));
        ground
            .unpack(&[folder("top"), folder("top/d"), file("top/f", "new")], Rules::default())
            .unwrap();
        assert_eq!(
            (ground.read("top/d/kept"), ground.read("top/f")),
            ("kept".into(), "new".into())
        );
    }

    #[test]
    fn a_cut_archive_is_an_error_and_a_claim_takes_no_room() {
        let ground = ground();
        let whole = archive(&[folder("top"), file("top/f", "content"), file("top/g", "")]);
        for cut in [512, 1024, 1030, 1500, 2048, whole.len() - 513] {
            let done = unpack(&ground.dest, Some("top"), &whole[..cut], Rules::default());
            assert!(matches!(done, Err(Fault::Archive(StreamFault::Cut))), "{cut}: {done:?}");
        }
        let mut huge = archive(&[file("top", "")]);
        huge[124..136].copy_from_slice(b"77777777777\0");
        huge[148..156].fill(b' ');
        let sum: u32 = huge[..512].iter().map(|b| u32::from(*b)).sum();
        huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        fs::remove_dir_all(ground.dest.join("top")).unwrap();
        let done = unpack(&ground.dest, Some("top"), &huge, Rules::default());
        assert!(matches!(done, Err(Fault::Archive(StreamFault::Cut))), "{done:?}");
        assert!(fs::metadata(ground.dest.join("top")).unwrap().blocks() <= 8);
        let few = Rules { limit: Some(1 << 20), ..Rules::default() };
        let done = unpack(&ground.dest, Some("top"), &huge, few);
        assert!(matches!(done, Err(Fault::Archive(StreamFault::TooLarge(_)))), "{done:?}");
    }

    #[test]
    fn what_is_left_out_is_counted_and_not_kept_without_end() {
        let ground = ground();
        let pipes: Vec<_> =
            (0..NAMED + 5).map(|n| raw(EntryType::Fifo, &format!("top/{n}"), "")).collect();
        let copied = ground.unpack(&pipes, Rules::default()).unwrap();
        assert_eq!((copied.left_out.len(), copied.left_out_total), (NAMED, NAMED as u64 + 5));
    }

    fn any_path(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(parts), 1..4).prop_map(|parts| parts.join("/"))
    }

    /// Few names, so that entries meet: what is a link for one is a folder for the next.
    fn any_entry() -> impl Strategy<Value = Raw> {
        let kinds = [EntryType::Regular, EntryType::Directory, EntryType::Symlink, EntryType::Link];
        let odd = any_path(&["top", "a", "..", ".", "", "victim", "folder"]);
        let path = any_path(&["a", "b"]).prop_map(|path| format!("top/{path}"));
        let path = prop_oneof![9 => path, 1 => odd];
        let to = prop_oneof![
            2 => any_path(&["a", "b", ".."]),
            1 => any_path(&["a", "b"]).prop_map(|path| format!("top/{path}")),
            1 => prop::sample::select(&["../../folder", "../../victim", "../..", "../folder"][..])
                .prop_map(str::to_owned),
        ];
        (prop::sample::select(kinds.to_vec()), path, to).prop_map(|(kind, path, to)| {
            let data = if kind == EntryType::Regular { b"x".to_vec() } else { Vec::new() };
            Raw { kind, path: path.into(), to: to.into(), data, mode: 0o777 }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is in the archive, and links made or not: nothing outside is touched.
        #[test]
        fn nothing_escapes(entries in prop::collection::vec(any_entry(), 1..12), all_links: bool, contents: bool) {
            let ground = ground();
            let name = (!contents).then_some("top");
            let _ = unpack(&ground.dest, name, &archive(&entries), Rules { all_links, ..Rules::default() });
            ground.check();
            if !all_links {
                // No link that was made leads out, whatever others it leads through.
                for found in links(&ground.dest) {
                    if let Ok(real) = found.canonicalize() {
                        prop_assert!(real.starts_with(ground.dest.canonicalize().unwrap()), "{found:?}");
                    }
                }
            }
        }

        #[test]
        fn random_bytes_escape_nowhere(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), at in 0..2000usize) {
            let ground = ground();
            let _ = unpack(&ground.dest, Some("top"), &bytes, Rules::default());
            let good = archive(&[folder("top"), link("top/l", "x"), file("top/f", "y")]);
            let end = bytes.len().min(40);
            bytes.truncate(end);
            let mut spoilt = good;
            let at = at.min(spoilt.len() - end);
            spoilt[at..at + end].copy_from_slice(&bytes);
            let _ = unpack(&ground.dest, Some("top"), &spoilt, Rules::default());
            ground.check();
        }
    }

    fn links(at: &Path) -> Vec<PathBuf> {
        let mut out = Vec::new();
        for entry in fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_symlink() {
                out.push(entry.path());
            } else if kind.is_dir() {
                out.extend(links(&entry.path()));
            }
        }
        out
    }
}
