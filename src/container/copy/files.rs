//! Out of a container, as files on the local disk.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::out::get;
use super::place::Place;
use super::unpack::{Fault, Rules, Unpack};
use super::{Copied, Path, PathKind, PathStat, ask, head};
use crate::container::{Container, Unknown};
use crate::error::{Error, OutputError, StreamError};
use crate::stream::TarStream;
use crate::verb::verb;
use crate::wire::Call;

/// As many pieces of an archive wait for the disk.
const AHEAD: usize = 4;

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
