//! Into a container: files and folders of the local disk, bytes, and archives.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;

use super::{Path, PathKind, ask, head};
use crate::build::{ContextTar, Ignore, Skipped, Walk, entry, open_file};
use crate::container::{Container, Unknown};
use crate::error::{Error, InputError, PathError};
use crate::image::{LeftOut, Watched};
use crate::local;
use crate::tar::{self, Content, Entry, Kind};
use crate::time::Timestamp;
use crate::transport::Upload;
use crate::verb::verb;
use crate::wire::{Call, Patience};

const TAR: &str = "application/x-tar";
/// How much of an archive is read at once.
const READ: usize = 64 << 10;
/// A header.
const UNIT: usize = 512;

/// How an archive is put into a container.
#[derive(Debug, Clone, Copy, Default)]
struct Put {
    copy_uid_gid: bool,
    overwrite: bool,
}

impl Put {
    fn call(self, on: &Container<Unknown>, folder: &str) -> Call {
        Call::put(&["containers", on.id.as_str(), "archive"])
            .arg("path", folder)
            .flag("noOverwriteDirNonDir", !self.overwrite)
            .flag("copyUIDGID", self.copy_uid_gid)
            .patience(Patience::Endless)
    }
}

async fn send(on: &Container<Unknown>, call: &Call, archive: Upload) -> Result<(), Error> {
    let mut reply = on.transport.upload(call, TAR, archive).await?;
    reply.body.skip().await;
    Ok(())
}

/// The verb behind [`Container::put_archive`].
#[must_use = "nothing is sent before this is awaited"]
pub struct PutArchive {
    on: Container<Unknown>,
    folder: String,
    archive: Pin<Box<dyn AsyncRead + Send>>,
    put: Put,
}

impl std::fmt::Debug for PutArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PutArchive").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl PutArchive {
    pub(super) fn new(
        on: Container<Unknown>,
        folder: String,
        archive: impl AsyncRead + Send + 'static,
    ) -> PutArchive {
        PutArchive { on, folder, archive: Box::pin(archive), put: Put::default() }
    }

    /// Give everything to the container's user, whatever the archive says.
    pub fn copy_uid_gid(mut self) -> PutArchive {
        self.put.copy_uid_gid = true;
        self
    }

    /// Let a file take the place of a directory with all that is in it, and a directory that of a
    /// file. Otherwise that is an error.
    pub fn allow_overwrite_dir_with_file(mut self) -> PutArchive {
        self.put.overwrite = true;
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        Path::parse(&self.folder)?;
        Ok(self.put.call(&self.on, &self.folder))
    }

    async fn run(mut self) -> Result<(), Error> {
        let call = self.call()?;
        let mut start = Vec::with_capacity(UNIT);
        let read = (&mut self.archive).take(UNIT as u64).read_to_end(&mut start).await;
        read.map_err(|error| Error::Input(InputError { call: call.label(), error }))?;
        if !tar::is_plain(&start) {
            // An engine opens packed ones too, some with the container's own programs.
            let rule = "is no tar archive, or is a compressed one: only plain ones are sent";
            return Err(Error::invalid("archive", "", rule));
        }
        let archive = io::Cursor::new(start).chain(self.archive);
        let archive = Box::pin(ReaderStream::with_capacity(archive, READ));
        send(&self.on, &call, archive).await
    }
}

verb!(PutArchive, on => Result<(), Error>);

/// The verb behind [`Container::write_file`].
#[must_use = "nothing is sent before this is awaited"]
pub struct WriteFile {
    on: Container<Unknown>,
    path: String,
    data: Bytes,
    mode: u32,
    owner: (u32, u32),
    put: Put,
}

/// The content is not shown: it may be a secret.
impl std::fmt::Debug for WriteFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl WriteFile {
    pub(super) fn new(on: Container<Unknown>, path: String, data: Bytes) -> WriteFile {
        WriteFile { on, path, data, mode: 0o644, owner: (0, 0), put: Put::default() }
    }

    /// Set the file's mode; `0o644` otherwise. Setuid, setgid and sticky are part of it.
    pub fn mode(mut self, mode: u32) -> WriteFile {
        self.mode = mode;
        self
    }

    /// Set whose the file is, by number; root's otherwise.
    pub fn owner(mut self, uid: u32, gid: u32) -> WriteFile {
        self.owner = (uid, gid);
        self
    }

    /// Give the file to the container's user, whatever [`owner`](WriteFile::owner) says.
    pub fn copy_uid_gid(mut self) -> WriteFile {
        self.put.copy_uid_gid = true;
        self
    }

    /// Let the file take the place of a directory with all that is in it. Otherwise that is an
    /// error.
    pub fn allow_overwrite_dir_with_file(mut self) -> WriteFile {
        self.put.overwrite = true;
        self
    }

    /// The call, and the file's name in the archive.
    pub(super) fn call(&self) -> Result<(Call, Vec<u8>), Error> {
        let path = Path::parse(&self.path)?;
        match path.split() {
            Some((folder, name)) if !path.folder => {
                Ok((self.put.call(&self.on, folder), name.as_bytes().to_vec()))
            }
            _ => Err(Error::invalid("container path", &self.path, "must name a file")),
        }
    }

    async fn run(self) -> Result<(), Error> {
        let (call, path) = self.call()?;
        let entry = Entry {
            path,
            mode: self.mode,
            modified: Timestamp::from(SystemTime::now()).secs(),
            owner: (self.owner.0.into(), self.owner.1.into()),
            kind: Kind::File(Content::Memory(self.data)),
        };
        send(&self.on, &call, Box::pin(ContextTar::of(vec![entry], None))).await
    }
}

verb!(WriteFile, on => Result<(), Error>);

/// What a copy into a container came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedIn {
    /// What was left out because an archive cannot hold it: sockets, pipes, devices.
    pub skipped: Vec<Skipped>,
}

/// The verb behind [`Container::copy_in`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CopyIn {
    on: Container<Unknown>,
    path: PathBuf,
    dest: String,
    follow_link: bool,
    owner: (u32, u32),
    put: Put,
}

/// Something on the local disk, looked at.
struct Local {
    path: PathBuf,
    meta: fs::Metadata,
    /// What it is called; `None` if only what is in it is meant.
    name: Option<Vec<u8>>,
}

impl Local {
    fn look(path: PathBuf, follow_link: bool) -> Result<Local, Error> {
        let bytes = local::bytes(path.as_os_str());
        let contents = bytes == b"." || bytes.ends_with(b"/.");
        let fail = |e: io::Error| {
            Error::invalid("local path", path.to_string_lossy(), format!("cannot be read: {e}"))
        };
        let real = if follow_link { path.canonicalize().map_err(fail)? } else { path.clone() };
        // A slash at the end follows a link, and is an error after a file.
        let meta = fs::symlink_metadata(&real).map_err(fail)?;
        let name = match path.file_name() {
            _ if contents => None,
            Some(name) => Some(name.to_owned()),
            // "..", or the root, which has no name.
            None => path.canonicalize().map_err(fail)?.file_name().map(OsStr::to_owned),
        };
        Ok(Local { path: real, meta, name: name.map(|name| local::bytes(&name).to_vec()) })
    }

    /// Begin the archive, with this as `name`.
    fn pack(self, name: Option<Vec<u8>>, owner: (u64, u64)) -> Result<ContextTar, Error> {
        let Local { path, meta, .. } = self;
        let fail = |e: io::Error| {
            Error::invalid("local path", path.to_string_lossy(), format!("cannot be read: {e}"))
        };
        let kind = meta.file_type();
        if kind.is_dir() {
            let mut walk =
                Walk::new(path.clone(), Ignore::default()).map_err(fail)?.owned_by(owner);
            let mut added = Vec::new();
            if let Some(name) = name {
                walk = walk.below(&name);
                added.push(entry(name, Kind::Folder, &meta, owner));
            }
            return Ok(ContextTar::of(added, Some(walk)));
        }
        let name = name.unwrap_or_default();
        let entry = if kind.is_symlink() {
            let to = local::target(fs::read_link(&path).map_err(fail)?.into_os_string());
            entry(name, Kind::Link(to), &meta, owner)
        } else if kind.is_file() {
            let (file, meta) = open_file(&path).map_err(fail)?;
            let content = Content::Disk(file, meta.len(), path.clone());
            entry(name, Kind::File(content), &meta, owner)
        } else {
            return Err(fail(io::Error::other("it is neither a file nor a folder nor a link")));
        };
        Ok(ContextTar::of(vec![entry], None))
    }
}

/// Where in a container something goes: into this folder, by this name.
type Target = (String, Option<Vec<u8>>);

impl CopyIn {
    pub(super) fn new(on: Container<Unknown>, path: PathBuf, dest: String) -> CopyIn {
        CopyIn { on, path, dest, follow_link: false, owner: (0, 0), put: Put::default() }
    }

    /// Copy what a symbolic link leads to, where the local path itself is one: `--follow-link`.
    /// It keeps the link's name.
    pub fn follow_link(mut self) -> CopyIn {
        self.follow_link = true;
        self
    }

    /// Set whose everything is in the container, by number; root's otherwise. What owners it has
    /// here is not looked at.
    pub fn owner(mut self, uid: u32, gid: u32) -> CopyIn {
        self.owner = (uid, gid);
        self
    }

    /// Give everything to the container's user, whatever [`owner`](CopyIn::owner) says.
    pub fn copy_uid_gid(mut self) -> CopyIn {
        self.put.copy_uid_gid = true;
        self
    }

    /// Let a file take the place of a directory with all that is in it, and a directory that of a
    /// file. Otherwise that is an error.
    pub fn allow_overwrite_dir_with_file(mut self) -> CopyIn {
        self.put.overwrite = true;
        self
    }

    /// Find the place for something with this name, as `docker cp` does.
    async fn target(&self, name: Option<Vec<u8>>, is_folder: bool) -> Result<Target, Error> {
        let mut dest = Path::parse(&self.dest)?;
        let mut there = look(&self.on, &dest).await?;
        if let Some((PathKind::Symlink, Some(to))) = there {
            dest = Path { folder: dest.folder, contents: dest.contents, ..Path::parse(&to)? };
            there = look(&self.on, &dest).await?;
        }
        let refused = |what| Err(Error::Path(PathError::new(&self.dest, what)));
        match there {
            Some((PathKind::Directory, _)) => {
                let folder = if dest.clean.is_empty() { "/".to_owned() } else { dest.clean };
                return Ok((folder, name));
            }
            Some(_) if is_folder => return refused("is no directory, and a directory is copied"),
            Some((PathKind::File, _)) => {}
            Some(_) => return refused("is neither a directory nor a file"),
            // A new folder may be given a slash, but "new/." is in a folder that is not there.
            None if dest.contents || (!is_folder && dest.folder) => {
                return refused("is no directory that is there");
            }
            None => {}
        }
        match dest.split() {
            Some((folder, name)) => Ok((folder.to_owned(), Some(name.as_bytes().to_vec()))),
            None => refused("names no file"),
        }
    }

    async fn run(self) -> Result<CopiedIn, Error> {
        let (path, follow_link) = (self.path.clone(), self.follow_link);
        if path.as_os_str().is_empty() {
            return Err(Error::invalid("local path", "", "must not be empty"));
        }
        Path::parse(&self.dest)?;
        let local = disk(move || Local::look(path, follow_link)).await?;
        let target = self.target(local.name.clone(), local.meta.is_dir()).await?;
        let (folder, name) = target;
        let owner = (self.owner.0.into(), self.owner.1.into());
        let tar = disk(move || local.pack(name, owner)).await?;
        let left_out = LeftOut::default();
        let stream = Box::pin(Watched { tar, left_out: left_out.clone() });
        send(&self.on, &self.put.call(&self.on, &folder), stream).await?;
        Ok(CopiedIn { skipped: left_out.get().skipped })
    }
}

verb!(CopyIn, on => Result<CopiedIn, Error>);

/// What is at a path, and where it leads; `None` if nothing is.
async fn look(
    on: &Container<Unknown>,
    path: &Path,
) -> Result<Option<(PathKind, Option<String>)>, Error> {
    let mut query = path.clean.clone();
    if query.is_empty() || path.folder {
        query.push('/');
    }
    match ask(on, &head(on, &query)?).await {
        Ok(stat) => Ok(Some((stat.kind, stat.link_target))),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) => Err(e),
    }
}

/// Do what waits for the disk, where waiting disturbs nobody.
async fn disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(Error::invalid("local path", "", format!("cannot be read: {e}"))),
    }
}
