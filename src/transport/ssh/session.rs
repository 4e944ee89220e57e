//! One connection through `ssh`: a process whose standard input and output are our socket.

use std::io;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};

use super::Master;
use crate::error::{Late, SshFault};

/// Of what a process says on standard error, the last so many bytes are kept.
const KEPT: usize = 4 << 10;

/// A running `ssh`. Dropped, it is killed.
pub(crate) struct Session {
    socket: UnixStream,
    said: Tail,
    child: Child,
    /// Something has come from the other side.
    heard: bool,
    /// It lives as long as who uses it.
    _master: Option<Arc<Master>>,
}

impl Session {
    pub(super) fn start(mut ssh: Command, master: Option<Arc<Master>>) -> io::Result<Session> {
        // A socket rather than two pipes: its sides close one by one, and it can be looked at.
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let socket = UnixStream::from_std(ours)?;
        ssh.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs.try_clone()?)));
        ssh.stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        let mut child = ssh.stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
        let said = Tail::new(child.stderr.take());
        // `ssh` goes out of scope with its copies of the socket, so that the end can be seen.
        Ok(Session { socket, said, child, heard: false, _master: master })
    }

    /// The socket, to be looked at.
    pub(in crate::transport) fn socket(&self) -> socket2::SockRef<'_> {
        socket2::SockRef::from(&self.socket)
    }

    /// The other side's output has ended, and `ssh` with it: say whether that is in order.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let status = ready!(pin!(self.child.wait()).poll(cx)).ok();
        self.said.listen(cx);
        if self.heard && status.is_some_and(|status| status.success()) {
            return Poll::Ready(Ok(()));
        }
        let fault = ended(status, &self.said);
        let kind = io::ErrorKind::ConnectionAborted;
        Poll::Ready(Err(match self.heard {
            true => io::Error::new(kind, fault.to_string()),
            // It never led to an engine.
            false => io::Error::new(kind, Late::Ssh(fault)),
        }))
    }
}

/// Say how a process ended.
pub(super) fn ended(status: Option<ExitStatus>, said: &Tail) -> SshFault {
    SshFault::Ended { code: status.and_then(|status| status.code()), said: said.text() }
}

/// The end of what a process says on standard error. It is listened to whenever there is reason to
/// look at the process at all.
pub(super) struct Tail {
    from: Option<ChildStderr>,
    kept: Vec<u8>,
}

impl Tail {
    pub(super) fn new(from: Option<ChildStderr>) -> Tail {
        Tail { from, kept: Vec::new() }
    }

    /// Hear what there is.
    pub(super) fn listen(&mut self, cx: &mut Context<'_>) {
        let mut room = [0; 1024];
        while let Some(from) = &mut self.from {
            let mut piece = ReadBuf::new(&mut room);
            match Pin::new(from).poll_read(cx, &mut piece) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    self.kept.extend_from_slice(piece.filled());
                    let over = self.kept.len().saturating_sub(KEPT);
                    self.kept.drain(..over);
                }
                Poll::Ready(_) => self.from = None,
            }
        }
    }

    /// Listen until something else is done.
    pub(super) async fn until<T>(&mut self, done: impl Future<Output = T>) -> T {
        let mut done = pin!(done);
        std::future::poll_fn(|cx| {
            self.listen(cx);
            let done = ready!(done.as_mut().poll(cx));
            self.listen(cx);
            Poll::Ready(done)
        })
        .await
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).trim().to_owned()
    }
}

impl AsyncRead for Session {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.said.listen(cx);
        let (room, before) = (buf.remaining(), buf.filled().len());
        match ready!(Pin::new(&mut this.socket).poll_read(cx, buf)) {
            Ok(()) if buf.filled().len() > before || room == 0 => {
                this.heard |= room > 0;
                Poll::Ready(Ok(()))
            }
            // A process that leaves some of its input unread resets the socket.
            _ => this.poll_end(cx),
        }
    }
}

impl AsyncWrite for Session {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
