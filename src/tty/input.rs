//! Standard input, read only while somebody wants it.
//!
//! tokio's own reads on a thread that cannot be called back: after the session it would swallow
//! the next key. Here the descriptor is watched, and read only when there is something to read.
//! `O_NONBLOCK` is not set: that flag belongs to the open file, which the shell and standard output
//! share.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe;

use super::terminal_error;
use crate::error::Error;

const READ: &str = "read standard input";

/// Standard input of this process.
#[derive(Debug)]
pub(crate) struct Input {
    source: Source,
    terminal: bool,
}

#[derive(Debug)]
enum Source {
    /// A terminal, a pipe or a socket. tokio has this type for pipes; it watches whatever can be,
    /// and nothing else in tokio does without `unsafe`.
    Watched(pipe::Receiver),
    /// What cannot be watched, as it always has something: a regular file, `/dev/null`.
    Ready(tokio::fs::File),
}

impl Input {
    pub(crate) fn open() -> Result<Input, Error> {
        let stdin = io::stdin();
        let own = || stdin.as_fd().try_clone_to_owned();
        let source = match own().and_then(pipe::Receiver::from_owned_fd_unchecked) {
            Ok(watched) => Source::Watched(watched),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let file = own().map_err(terminal_error(READ))?;
                Source::Ready(tokio::fs::File::from_std(file.into()))
            }
            Err(error) => return Err(terminal_error(READ)(error)),
        };
        Ok(Input { source, terminal: stdin.is_terminal() })
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Read at most what `buffer` has room for. Ready with nothing read is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let read = match &mut self.source {
            Source::Ready(file) => Pin::new(file).poll_read(cx, buffer),
            Source::Watched(watched) => poll_watched(watched, cx, buffer),
        };
        read.map_err(terminal_error(READ))
    }
}

fn poll_watched(
    watched: &pipe::Receiver,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    loop {
        ready!(watched.poll_read_ready(cx))?;
        let read = watched.try_io(|| {
            // What the runtime heard may be old, and the read would wait.
            match has_input(watched)? {
                true => Ok(rustix::io::read(watched, buffer.initialize_unfilled())?),
                false => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        match read {
            Ok(n) => {
                buffer.advance(n);
                return Poll::Ready(Ok(()));
            }
            Err(e)
                if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(e) => return Poll::Ready(Err(e)),
        }
    }
}

fn has_input(fd: impl AsFd) -> io::Result<bool> {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&at_once))? > 0)
}
