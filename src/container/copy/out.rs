//! Out of a container: archives, and one file's bytes.

use bytes::{Bytes, BytesMut};

use super::{Path, PathKind, PathStat};
use crate::container::{Container, Unknown};
use crate::error::{Error, PathError, StreamFault};
use crate::stream::TarStream;
use crate::tar::{FoundKind, Item, Reader};
use crate::transport::stream_error;
use crate::verb::verb;
use crate::wire::{Call, Patience};

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

pub(super) fn get(on: &Container<Unknown>, path: &str) -> Call {
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
