//! A connection that was taken over, in two halves: what the process prints, and what it is sent.
//!
//! The halves share the socket behind a lock that is held for one read or write at a time. Who
//! writes reads ahead a little: that is how it learns that the process has ended, since an engine
//! goes on to take some input for a dead process, and then stops without a word.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::AsyncWrite;

use super::{Chunk, Frames};
use crate::error::Error;

/// This much output is kept for a reader that is slower than the writer, in bytes.
const AHEAD: usize = 64 << 10;

/// What the process's input is to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdin {
    /// Not part of it.
    Absent,
    /// Part of it, and ends where our side of the connection is closed.
    Ends,
    /// Part of it, and outlives it: engines answer the closing of our side with the end of the
    /// output.
    Stays,
}

impl Stdin {
    /// What it is to who attaches to a container that was created so.
    pub(crate) fn of(open: bool, once: bool, tty: bool) -> Stdin {
        match (open, once && !tty) {
            (false, _) => Stdin::Absent,
            (true, true) => Stdin::Ends,
            (true, false) => Stdin::Stays,
        }
    }
}

impl Frames {
    /// Part the two directions.
    pub(crate) fn split(self, stdin: Stdin) -> (AttachInput, OutputHalf) {
        let bell = Arc::<Bell>::default();
        let waker = Waker::from(bell.clone());
        let state = Mutex::new(State { frames: self, stdin, closed: false, deaf: false });
        let shared = Arc::new(Shared { state, bell, waker });
        (AttachInput { shared: shared.clone() }, OutputHalf { shared })
    }
}

struct Shared {
    state: Mutex<State>,
    bell: Arc<Bell>,
    /// The bell, as the socket takes it.
    waker: Waker,
}

struct State {
    frames: Frames,
    stdin: Stdin,
    /// Our side is closed.
    closed: bool,
    /// Nobody reads any more.
    deaf: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in between leaves a connection whose framing the next read judges.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes both halves: a socket wakes one task for each direction, and here two may read.
#[derive(Default)]
struct Bell {
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

fn set(slot: &Mutex<Option<Waker>>, waker: &Waker) {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *slot {
        Some(known) => known.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}

fn ring(slot: &Mutex<Option<Waker>>) {
    let waker = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        ring(&self.reader);
        ring(&self.writer);
    }
}

/// The half that reads.
pub(crate) struct OutputHalf {
    shared: Arc<Shared>,
}

impl OutputHalf {
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        let mut state = self.shared.state();
        set(&self.shared.bell.reader, cx.waker());
        let next = state.frames.poll_next(&mut Context::from_waker(&self.shared.waker));
        if state.frames.ended() {
            ring(&self.shared.bell.writer);
        }
        next
    }

    /// Ask nobody at the end: who reads will.
    pub(crate) fn end_unasked(&mut self) {
        self.shared.state().frames.end_unasked();
    }

    /// Wait for the next piece.
    pub(crate) async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for OutputHalf {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.deaf = true;
        state.frames.drop_ahead();
        // A writer that waits has the rest to read away.
        ring(&self.shared.bell.writer);
    }
}

/// The standard input of a process, to be written to.
///
/// Bytes go to the engine as they are written; there is nothing to flush, but under TLS, where
/// nobody reads the output meanwhile. A write waits where the
/// process does not read, and fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe) once the
/// process has ended or the stream has; what was written shortly before may not have been read.
///
/// [`shutdown`](tokio::io::AsyncWriteExt::shutdown) ends the process's input, and so does
/// dropping it. Neither is possible where the input outlives the connection: of a terminal (send
/// it what it takes for an end, Ctrl-D mostly: `b"\x04"`), and of a container whose input is kept
/// ([`keep_stdin`](crate::ContainerSpec::keep_stdin)). There `shutdown` fails with
/// [`Unsupported`](io::ErrorKind::Unsupported) and a drop sends nothing, because the engine would
/// cut the output off instead.
///
/// A process that prints stops when nobody reads it, and reads no more input then: read the
/// output meanwhile, or drop that half, and a write throws away what has come.
#[must_use = "dropping it ends the process's input"]
pub struct AttachInput {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for AttachInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachInput").finish_non_exhaustive()
    }
}

impl AttachInput {
    /// What the process's input is to this connection.
    pub(crate) fn stdin(&self) -> Stdin {
        self.shared.state().stdin
    }

    fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared.state();
        if state.closed || state.stdin != Stdin::Ends {
            return Poll::Ready(Ok(()));
        }
        match state.frames.poll_end_input(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(closed) => {
                state.closed = true;
                match closed {
                    // Closed by the engine already. Reading tells why.
                    Err(e) if e.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
                    closed => Poll::Ready(closed),
                }
            }
        }
    }

    /// End the process's input where that can be done, and leave it as it is elsewhere.
    pub(crate) async fn end(&mut self) {
        // A connection that is gone has nobody to tell; reading from it says so.
        let _ = std::future::poll_fn(|cx| self.poll_close(cx)).await;
    }
}

impl Drop for AttachInput {
    fn drop(&mut self) {
        // Where this cannot be done at once, the connection goes with the other half.
        let _ = self.poll_close(&mut Context::from_waker(Waker::noop()));
    }
}

impl AsyncWrite for AttachInput {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let broken = |why: &str| Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, why)));
        let mut guard = self.shared.state();
        let state = &mut *guard;
        if state.stdin == Stdin::Absent {
            return broken("the process's input is not attached");
        }
        if state.closed {
            return broken("the process's input is closed");
        }
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        set(&self.shared.bell.writer, cx.waker());
        let mut both = Context::from_waker(&self.shared.waker);
        while state.frames.poll_ahead(&mut both, AHEAD).is_ready() {
            if state.frames.ended() {
                ring(&self.shared.bell.reader);
                return broken("the process has ended, or nobody sends it its input any more");
            }
            match state.deaf {
                true => state.frames.drop_ahead(),
                false => ring(&self.shared.bell.reader),
            }
        }
        state.frames.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.state().frames.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stdin() == Stdin::Stays {
            let why = "to close this input would not end it, but cut the output off";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::Unsupported, why)));
        }
        self.poll_close(cx)
    }
}
