//! A build's context as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

use super::plan::Plan;
use super::walk::{Notes, Skipped, Walk};
use crate::error::Error;
use crate::tar::{Archive, Entry, Kind};

/// As many pieces of the archive are made at one go. With as many again being made while the
/// first are sent, this bounds what is held: half a megabyte.
const AHEAD: usize = 4;

/// As much of a ready archive is read at once.
const PIECE: usize = 64 << 10;

/// An archive that comes ready.
pub(super) type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// Everything on this machine that goes into the archive.
#[derive(Debug)]
struct Local {
    added: vec::IntoIter<Entry>,
    walk: Option<Walk>,
    /// What there is to say of what was added.
    notes: Notes,
}

impl Local {
    fn new(added: Vec<Entry>, walk: Option<Walk>) -> Local {
        Local { added: added.into_iter(), walk, notes: Notes::default() }
    }

    /// Hand over what there is to say since this was last asked.
    fn take_notes(&mut self) -> Notes {
        let mut notes = std::mem::take(&mut self.notes);
        notes.extend(self.walk.as_mut().map(Walk::take_notes).unwrap_or_default());
        notes
    }
}

impl Iterator for Local {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        let Some(entry) = self.added.next() else { return self.walk.as_mut()?.next() };
        if matches!(entry.kind, Kind::File(_)) {
            self.notes.secret(&entry.path);
        }
        Some(Ok(entry))
    }
}

/// A build's context on its way to the engine: a tar archive, in pieces of about 64 KiB.
///
/// Made by [`BuildContext::pack`](super::BuildContext::pack). Files are read on Tokio's threads for
/// blocking work, and not before the pieces are asked for; at most eight pieces are held at any
/// time. Dropped before its end, it stops reading. After an error nothing follows, not even the
/// archive's end.
pub struct ContextTar {
    dockerfile: Option<String>,
    notes: Notes,
    ready: VecDeque<Bytes>,
    /// Follows what is ready.
    failure: Option<io::Error>,
    /// `None` when all of this machine's files are done.
    making: Option<Making>,
    tail: Option<ReaderStream<Reader>>,
    stop: Arc<AtomicBool>,
}

/// The part of the archive that is made from files.
enum Making {
    /// Nobody works on it.
    Paused(Box<Archive<Local>>),
    /// The next pieces are being made.
    Going(JoinHandle<Batch>),
}

/// A few pieces at one go.
struct Batch {
    pieces: VecDeque<Bytes>,
    notes: Notes,
    /// What is left, or why there is no more.
    rest: Result<Option<Box<Archive<Local>>>, io::Error>,
}

impl Batch {
    fn make(mut archive: Box<Archive<Local>>) -> Batch {
        let mut pieces = VecDeque::with_capacity(AHEAD);
        let mut end = None;
        while end.is_none() && pieces.len() < AHEAD {
            match archive.next() {
                Some(Ok(piece)) => pieces.push_back(piece),
                Some(Err(e)) => end = Some(Err(e)),
                None => end = Some(Ok(None)),
            }
        }
        let notes = archive.entries_mut().take_notes();
        Batch { pieces, notes, rest: end.unwrap_or(Ok(Some(archive))) }
    }
}

impl ContextTar {
    /// Begin the archive of what was planned, with a ready one after it.
    pub(super) async fn new(plan: Plan, tail: Option<Reader>) -> Result<ContextTar, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let nothing_added = plan.added.is_empty();
        let walk = plan.walk.map(|walk| walk.stop_at(stop.clone()));
        let local = Archive::new(Local::new(plan.added, walk));
        let (local, tail) = match tail {
            None => (Some(local), None),
            Some(tail) if nothing_added => (None, Some(tail)),
            // What is added goes before, without an end. That is no way to add to a compressed
            // archive.
            Some(mut tail) => match beginning(&mut tail).await {
                Ok(start) if is_compressed(&start) => {
                    let rule = "is compressed: nothing can be added to it";
                    return Err(Error::invalid("tar archive", "", rule));
                }
                Ok(start) => {
                    let tail: Reader = Box::pin(io::Cursor::new(start).chain(tail));
                    (Some(local.without_end()), Some(tail))
                }
                Err(e) => {
                    let tail: Reader = Box::pin(Failing(Some(e)));
                    (Some(local.without_end()), Some(tail))
                }
            },
        };
        let tail = tail.map(|tail| ReaderStream::with_capacity(tail, PIECE));
        Ok(ContextTar::begin(plan.dockerfile, local, tail, stop))
    }

    /// Begin an archive of these entries, and of what a walk finds, in this order.
    pub(crate) fn of(added: Vec<Entry>, walk: Option<Walk>) -> ContextTar {
        let stop = Arc::new(AtomicBool::new(false));
        let walk = walk.map(|walk| walk.stop_at(stop.clone()));
        let local = Archive::new(Local::new(added, walk));
        ContextTar::begin(None, Some(local), None, stop)
    }

    fn begin(
        dockerfile: Option<String>,
        local: Option<Archive<Local>>,
        tail: Option<ReaderStream<Reader>>,
        stop: Arc<AtomicBool>,
    ) -> ContextTar {
        let making = local.map(|local| Making::Paused(Box::new(local)));
        let (notes, ready, failure) = Default::default();
        ContextTar { dockerfile, notes, ready, failure, making, tail, stop }
    }

    /// Return the path of the Dockerfile in the archive; `None` if the engine is to look for
    /// "Dockerfile" in an archive that came ready.
    pub fn dockerfile(&self) -> Option<&str> {
        self.dockerfile.as_deref()
    }

    /// Return what was left out so far because an archive cannot hold it.
    pub fn skipped(&self) -> &[Skipped] {
        &self.notes.skipped
    }

    /// Return what was sent so far and looks like a secret, by its name, be it from a folder or
    /// added: `.env`, private keys, `.git`, `.aws/credentials` and the like. A `.dockerignore` keeps
    /// such files here.
    pub fn secrets(&self) -> &[PathBuf] {
        &self.notes.secrets
    }

    /// Return all there is to say so far.
    pub(crate) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Wait for the next piece. `None` at the archive's proper end, and after an error.
    ///
    /// # Errors
    ///
    /// The operating system's, with the name of the file it befell.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Poll::Ready(Ok(Some(piece)));
            }
            if let Some(e) = self.failure.take() {
                return Poll::Ready(Err(e));
            }
            match self.making.take() {
                Some(Making::Paused(archive)) => self.go_on(archive)?,
                Some(Making::Going(mut task)) => {
                    let Poll::Ready(batch) = Pin::new(&mut task).poll(cx) else {
                        self.making = Some(Making::Going(task));
                        return Poll::Pending;
                    };
                    let batch = batch.map_err(io::Error::other)?;
                    self.ready = batch.pieces;
                    self.notes.extend(batch.notes);
                    match batch.rest {
                        // The next are made while these are sent.
                        Ok(Some(archive)) => self.go_on(archive)?,
                        Ok(None) => {}
                        Err(e) => self.failure = Some(e),
                    }
                }
                None => {
                    let Some(tail) = &mut self.tail else { return Poll::Ready(Ok(None)) };
                    let piece = ready!(Pin::new(tail).poll_next(cx));
                    return Poll::Ready(piece.transpose());
                }
            }
        }
    }

    fn go_on(&mut self, archive: Box<Archive<Local>>) -> io::Result<()> {
        self.making = Some(Making::Going(blocking(move || Batch::make(archive))?));
        Ok(())
    }

    /// Let go of all that is still to come.
    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Making::Going(task)) = self.making.take() {
            task.abort();
        }
        self.ready.clear();
        self.tail = None;
    }
}

impl Stream for ContextTar {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = self.get_mut();
        let piece = ready!(this.poll_piece(cx)).transpose();
        if !matches!(piece, Some(Ok(_))) {
            this.end();
        }
        Poll::Ready(piece)
    }
}

impl Drop for ContextTar {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for ContextTar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextTar")
            .field("dockerfile", &self.dockerfile)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Run something that waits for the disk, where waiting disturbs nobody.
pub(super) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => Ok(runtime.spawn_blocking(work)),
        Err(_) => Err(io::Error::other("can only be read within a Tokio runtime")),
    }
}

/// Read enough of an archive to know its kind.
async fn beginning(archive: &mut Reader) -> io::Result<BytesMut> {
    let mut start = BytesMut::with_capacity(512);
    while start.len() < 6 && archive.read_buf(&mut start).await? > 0 {}
    Ok(start)
}

fn is_compressed(start: &[u8]) -> bool {
    let gzip: &[u8] = b"\x1f\x8b";
    [gzip, b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"].iter().any(|magic| start.starts_with(magic))
}

/// What is left of an archive whose beginning could not be read.
struct Failing(Option<io::Error>);

impl AsyncRead for Failing {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().0.take().map_or(Ok(()), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::super::BuildContext;
    use super::*;

    /// A walk through what is ignored gives no piece at which it could notice.
    #[tokio::test]
    async fn the_walk_is_told_when_nobody_wants_more() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("Dockerfile"), "FROM busybox").unwrap();
        let dropped = BuildContext::directory(dir.path()).pack().await.unwrap();
        let stop = dropped.stop.clone();
        assert!(!stop.load(Ordering::Relaxed));
        drop(dropped);
        assert!(stop.load(Ordering::Relaxed));
    }
}
