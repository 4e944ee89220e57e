//! A socket of this machine's kernel, of which the runtime hears no more than it needs to.
//!
//! The runtime's own sockets ask for news of room to write too, and so a thread wakes up whenever
//! the peer takes what was written, long before it answers. Here only what comes in is asked for;
//! news of room is asked for once there is none.

use std::io::{self, IoSlice, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe::Receiver;
use tokio::runtime::Handle;

/// A connected socket. Closed when this is dropped.
pub(crate) struct Quiet {
    /// Never blocks.
    socket: Plain<UnixStream, TcpStream>,
    /// The same socket, to read from. A pipe's receiver is the runtime's reader of a descriptor
    /// that is asked for nothing but what is to be read, and reads without clearing the buffer.
    input: Receiver,
    /// The same socket, to write to, since it was full for the first time.
    output: Option<Plain<tokio::net::UnixStream, tokio::net::TcpStream>>,
    /// Where its news comes from.
    runtime: Handle,
}

/// A socket of either kind.
enum Plain<U, T> {
    Unix(U),
    Tcp(T),
}

macro_rules! on_plain {
    ($plain:expr, $s:ident => $call:expr) => {
        match $plain {
            Plain::Unix($s) => $call,
            Plain::Tcp($s) => $call,
        }
    };
}

impl Quiet {
    /// Take over a connection.
    pub(super) fn unix(stream: tokio::net::UnixStream) -> io::Result<Quiet> {
        let stream = stream.into_std()?;
        let input = stream.try_clone()?.into();
        Quiet::of(Plain::Unix(stream), input)
    }

    /// The same of TCP.
    pub(super) fn tcp(stream: tokio::net::TcpStream) -> io::Result<Quiet> {
        let stream = stream.into_std()?;
        let input = stream.try_clone()?.into();
        Quiet::of(Plain::Tcp(stream), input)
    }

    fn of(socket: Plain<UnixStream, TcpStream>, input: OwnedFd) -> io::Result<Quiet> {
        // Unchecked: that it is no pipe is known.
        let input = Receiver::from_owned_fd_unchecked(input)?;
        Ok(Quiet { socket, input, output: None, runtime: Handle::current() })
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.output.is_none() {
            // A peer that takes all at once is no reason to keep the thread from others.
            ready!(pin!(tokio::task::coop::consume_budget()).poll(cx));
            match self.send(bufs) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.output = Some(self.again()?)
                }
                sent => return Poll::Ready(sent),
            }
        }
        match &mut self.output {
            Some(output) => on_plain!(output, s => match bufs {
                [one] => Pin::new(s).poll_write(cx, one),
                many => Pin::new(s).poll_write_vectored(cx, many),
            }),
            None => Poll::Pending,
        }
    }

    fn send(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            let sent = on_plain!(&self.socket, s => match bufs {
                // Not as a list of one: this way a broken pipe is no signal.
                [one] => (&*s).write(one),
                many => (&*s).write_vectored(many),
            });
            match sent {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent,
            }
        }
    }

    /// The same socket once more, as the runtime has them.
    fn again(&self) -> io::Result<Plain<tokio::net::UnixStream, tokio::net::TcpStream>> {
        let _runtime = self.runtime.enter();
        Ok(match &self.socket {
            Plain::Unix(s) => Plain::Unix(tokio::net::UnixStream::from_std(s.try_clone()?)?),
            Plain::Tcp(s) => Plain::Tcp(tokio::net::TcpStream::from_std(s.try_clone()?)?),
        })
    }
}

impl AsFd for Quiet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        on_plain!(&self.socket, s => s.as_fd())
    }
}

impl AsyncRead for Quiet {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().input).poll_read(cx, buf)
    }
}

impl AsyncWrite for Quiet {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Close the writing side only.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(on_plain!(&self.socket, s => s.shutdown(Shutdown::Write)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_goes_out_waits_for_room_and_is_whole() {
        let (ours, mut peer) = tokio::net::UnixStream::pair().unwrap();
        let mut ours = Quiet::unix(ours).unwrap();
        let sent: Vec<u8> = (0..3 << 20_u32).map(|n| (n % 251) as u8).collect();
        ours.write_all(b"small").await.unwrap();
        assert!(ours.output.is_none(), "room is asked for where there is none only");
        let mut small = [0; 5];
        peer.read_exact(&mut small).await.unwrap();

        let wanted = sent.clone();
        let peer = tokio::spawn(async move {
            let mut came = Vec::new();
            peer.read_to_end(&mut came).await.unwrap();
            assert!(came == wanted);
            peer.write_all(b"all").await.unwrap();
        });
        let (first, second) = sent.split_at(1 << 20);
        ours.write_all(first).await.unwrap();
        assert!(ours.output.is_some(), "a socket holds less");
        for list in second.chunks(100_000) {
            // Whatever is taken of a list is its beginning.
            let (a, b) = list.split_at(list.len() / 3);
            let n = ours.write_vectored(&[IoSlice::new(a), IoSlice::new(b)]).await.unwrap();
            ours.write_all(&list[n..]).await.unwrap();
        }
        ours.shutdown().await.unwrap();
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "all");
        peer.await.unwrap();
    }

    #[tokio::test]
    async fn over_tcp_and_to_a_peer_that_is_gone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut ours = Quiet::tcp(ours).unwrap();
        ours.write_all(b"ping").await.unwrap();
        let mut said = [0; 4];
        peer.read_exact(&mut said).await.unwrap();
        peer.write_all(&said).await.unwrap();
        let mut said = [0; 4];
        ours.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"ping");
        drop(peer);
        assert_eq!(ours.read(&mut said).await.unwrap(), 0);
        let error = loop {
            if let Err(e) = ours.write_all(&[0; 1 << 16]).await {
                break e.kind();
            }
        };
        assert!(matches!(error, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset));
    }
}
