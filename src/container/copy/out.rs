//! Out of a container: archives, one file's bytes, and files on the local disk.

use std::io;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::place::Place;
use super::unpack::{Fault, Rules, Unpack};
use super::{Copied, Path, PathKind, PathStat, ask, head};
use crate::container::{Container, Unknown};
use crate::error::{Error, OutputError, PathError, StreamError, StreamFault};
use crate::stream::TarStream;
use crate::tar::{FoundKind, Item, Reader};
use crate::transport::stream_error;
use crate::verb::verb;
use crate::wire::{Call, Patience};

/// As many pieces of an archive wait for the disk.
const AHEAD: usize = 4;
/// A file is read into memory up to this size, unless another limit is set.
const READ: usize = 64 << 20;
/// Links that lead to links are followed so often.
const HOPS: usize = 8;

/// The verb behind [`Container::archive`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Archive {
    on: Container<Unknown>,
    path: String,
}

fn get(on: &Container<Unknown>, path: &str) -> Call {
    on.get("archive").arg("path", path).patience(Patience::Long)
}

impl Archive {
    pub(super) fn new(on: Container<Unknown>, path: String) -> Archive {
        Archive { on, path }
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        Path::parse(&self.path)?;
        Ok(get(&self.on, &self.path))
    }

    async fn run(self) -> Result<TarStream, Error> {
        Ok(TarStream::new(self.on.transport.stream(&self.call()?).await?.body))
    }
}

verb!(Archive, on => Result<TarStream, Error>);

/// The verb behind [`Container::export`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Export {
    on: Container<Unknown>,
}

impl Export {
    pub(super) fn new(on: Container<Unknown>) -> Export {
        Export { on }
    }

    pub(super) fn call(&self) -> Call {
        self.on.get("export").patience(Patience::Endless)
    }

    async fn run(self) -> Result<TarStream, Error> {
        Ok(TarStream::new(self.on.transport.stream(&self.call()).await?.body))
    }
}

verb!(Export, on => Result<TarStream, Error>);

/// The verb behind [`Container::read_file`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ReadFile {
    on: Container<Unknown>,
    path: String,
    limit: usize,
}

impl ReadFile {
    pub(super) fn new(on: Container<Unknown>, path: String) -> ReadFile {
        ReadFile { on, path, limit: READ }
    }

    /// Take files of up to so many bytes; 64 MiB otherwise.
    pub fn limit(mut self, bytes: usize) -> ReadFile {
        self.limit = bytes;
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        Path::parse(&self.path)?;
        Ok(get(&self.on, &self.path))
    }

    async fn run(self) -> Result<Bytes, Error> {
        let mut call = self.call()?;
        for _ in 0..HOPS {
            let reply = self.on.transport.stream(&call).await?;
            let stat = PathStat::read(&call, &reply.headers)?;
            match (stat.kind, stat.link_target) {
                (PathKind::File, _) => {
                    return content(&call, TarStream::new(reply.body), self.limit).await;
                }
                (PathKind::Symlink, Some(to)) => call = get(&self.on, &to),
                (PathKind::Directory, _) => {
                    return Err(self.refused("is a directory, and no file"));
                }
                _ => return Err(self.refused("is no file")),
            }
        }
        Err(self.refused("is a link that never comes to a file"))
    }

    fn refused(&self, what: &'static str) -> Error {
        Error::Path(PathError::new(&self.path, what))
    }
}

verb!(ReadFile, on => Result<Bytes, Error>);

/// Read the content of the one file in an archive.
async fn content(call: &Call, mut tar: TarStream, limit: usize) -> Result<Bytes, Error> {
    let mut reader = Reader::new();
    let mut content = None;
    while let Some(piece) = tar.next().await {
        let mut piece = piece?;
        loop {
            let item = reader.next(&mut piece);
            let item = item.map_err(|what| stream_error(call, StreamFault::Protocol(what)))?;
            match (item, &mut content) {
                (None, _) => break,
                (Some(Item::Entry(found)), None) if found.kind == FoundKind::File => {
                    if usize::try_from(found.size).map_or(true, |size| size > limit) {
                        return Err(stream_error(call, StreamFault::TooLarge(limit)));
                    }
                    content = Some(BytesMut::new());
                }
                // No more than the header said, and that is below the limit.
                (Some(Item::Data(data)), Some(content)) => content.extend_from_slice(&data),
                _ => {
                    let what = "the archive of a file holds something else".to_owned();
                    return Err(stream_error(call, StreamFault::Protocol(what)));
                }
            }
        }
    }
    match content {
        Some(content) if reader.is_over() => Ok(content.freeze()),
        _ => Err(stream_error(call, StreamFault::Cut)),
    }
}

/// The verb behind [`Container::copy_out`].
///
/// Dropped half-way, it leaves what it has made.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CopyOut {
    on: Container<Unknown>,
    path: String,
    dest: PathBuf,
    follow_link: bool,
    rules: Rules,
}

impl CopyOut {
    pub(super) fn new(on: Container<Unknown>, path: String, dest: PathBuf) -> CopyOut {
        CopyOut { on, path, dest, follow_link: false, rules: Rules::default() }
    }

    /// Copy what a symbolic link leads to, where the path itself is one: `--follow-link`. It
    /// keeps the link's name.
    pub fn follow_link(mut self) -> CopyOut {
        self.follow_link = true;
        self
    }

    /// Copy no more than so many bytes, all files together. There is no limit otherwise, and a
    /// container can claim more than any disk has.
    pub fn limit(mut self, bytes: u64) -> CopyOut {
        self.rules.limit = Some(bytes);
        self
    }

    /// Keep the setuid, setgid and sticky bits, which are dropped otherwise.
    pub fn special_bits(mut self) -> CopyOut {
        self.rules.special_bits = true;
        self
    }

    /// Make symbolic links also where they lead out of what is copied, or are absolute. They are
    /// left out otherwise; nothing is written through them in either case.
    pub fn all_links(mut self) -> CopyOut {
        self.rules.all_links = true;
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        if self.dest.as_os_str().is_empty() {
            return Err(Error::invalid("destination", "", "must not be empty"));
        }
        Ok(get(&self.on, &Path::parse(&self.path)?.query()))
    }

    async fn run(self) -> Result<Copied, Error> {
        let mut call = self.call()?;
        let path = Path::parse(&self.path)?;
        if self.follow_link {
            let stat = ask(&self.on, &head(&self.on, &path.query())?).await?;
            if let (PathKind::Symlink, Some(to)) = (stat.kind, &stat.link_target) {
                call = get(&self.on, to);
            }
        }
        let reply = self.on.transport.stream(&call).await?;
        let is_folder = PathStat::read(&call, &reply.headers)?.kind == PathKind::Directory;
        let mut tar = TarStream::new(reply.body);

        let (pieces, mut arriving) = mpsc::channel::<Bytes>(AHEAD);
        let CopyOut { dest, rules, .. } = self;
        let work = spawn_blocking(move || {
            let name = path.split().map(|(_, name)| name).filter(|_| !path.contents);
            let mut unpack = Unpack::new(Place::find(&dest, name, is_folder)?, rules);
            while let Some(piece) = arriving.blocking_recv() {
                unpack.take(piece)?;
            }
            unpack.finish()
        });
        let mut failure = None;
        while let Some(piece) = tar.next().await {
            match piece {
                Ok(piece) => {
                    // Nobody takes it any more: the work has failed.
                    if pieces.send(piece).await.is_err() {
                        break;
                    }
                }
                Err(e) => {
                    failure = Some(e);
                    break;
                }
            }
        }
        // The container is let go of before the disk is waited for.
        drop((pieces, tar));
        let done = work.await;
        if let Some(e) = failure {
            return Err(e);
        }
        let call = call.label();
        match done {
            Ok(Ok(copied)) => Ok(copied),
            Ok(Err(Fault::Archive(fault))) => Err(Error::Stream(StreamError { call, fault })),
            Ok(Err(Fault::Disk(path, error))) => {
                Err(Error::Output(OutputError { call, path, error }))
            }
            // The runtime is going down.
            Err(e) => Err(Error::Output(OutputError {
                call,
                path: PathBuf::new(),
                error: io::Error::other(e),
            })),
        }
    }
}

verb!(CopyOut, on => Result<Copied, Error>);
