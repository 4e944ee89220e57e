//! One connection to the engine, driven by the call that uses it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::body::Body;
use super::host::Host;
use super::http1::{Decoder, HeadReader};
use super::upload::{Outgoing, Unsent};
use crate::error::ConnectFailure;

/// So much is asked of the socket at once to begin with, and up to so much where more is there.
const LEAST: usize = 8 << 10;
const MOST: usize = 128 << 10;

/// A connection: one request goes out, and one answer comes in, at a time. What has been said is
/// all in here, so that a call may be dropped between any two bytes.
pub(super) struct Conn {
    io: Io,
    outgoing: Outgoing,
    /// So many bytes of the request have left.
    sent: u64,
    /// What was read, and its room.
    buffer: BytesMut,
    room: usize,
    /// What was read of the body and not yet taken apart.
    input: Bytes,
    head: HeadReader,
    /// The answer to this request has no body, whatever its head says.
    bodiless: bool,
    body: Decoder,
    keep: bool,
}

/// Why nothing more comes.
pub(super) enum Broken {
    /// The peer has closed the connection, where more was due.
    Closed,
    Socket(io::Error),
    /// What comes is not what HTTP has to be.
    Garbled(String),
    /// The stream that the request is made from failed.
    Input(io::Error),
}

impl From<io::Error> for Broken {
    fn from(e: io::Error) -> Broken {
        match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Broken::Closed,
            _ => Broken::Socket(e),
        }
    }
}

impl Conn {
    /// In a box: it goes from the pool to the call, to the body and back, and is large.
    pub(super) async fn dial(host: &Host) -> Result<Box<Conn>, ConnectFailure> {
        Ok(Box::new(Conn {
            io: Io::dial(host).await?,
            outgoing: Outgoing::default(),
            sent: 0,
            buffer: BytesMut::new(),
            room: LEAST,
            input: Bytes::new(),
            head: HeadReader::default(),
            bodiless: false,
            body: Decoder::Length(0),
            keep: true,
        }))
    }

    /// Begin a request. `bodiless`: its answer has no body, whatever its head says.
    pub(super) fn begin(&mut self, request: Outgoing, bodiless: bool) {
        (self.outgoing, self.bodiless, self.sent) = (request, bodiless, 0);
    }

    /// How many bytes of the request have left for the engine.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.outgoing.is_done() {
            return Poll::Ready(Ok(()));
        }
        let unsent = match ready!(self.outgoing.poll_write(&mut self.io, cx, &mut self.sent)) {
            Ok(()) => return Poll::Ready(Ok(())),
            Err(unsent) => unsent,
        };
        self.keep = false;
        Poll::Ready(match unsent {
            // An engine that refuses a large request answers and closes. The answer counts, not
            // the broken pipe, and without one reading says that the connection broke.
            Unsent::Socket(e)
                if self.sent > 0
                    && matches!(
                        e.kind(),
                        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                    ) =>
            {
                self.outgoing = Outgoing::default();
                Ok(())
            }
            Unsent::Socket(e) => Err(Broken::Socket(e)),
            Unsent::Input(e) => Err(Broken::Input(e)),
        })
    }

    /// Read what there is. Ready with 0 at the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Even an empty slice would keep the buffer from being used again.
        self.input = Bytes::new();
        if self.buffer.capacity() - self.buffer.len() < self.room / 4 {
            // What was handed on may still be held: this takes new room only then.
            self.buffer.reserve(self.room);
        }
        let free = self.buffer.capacity() - self.buffer.len();
        let io = Pin::new(&mut self.io);
        let n = ready!(tokio_util::io::poll_read_buf(io, cx, &mut self.buffer))?;
        if n == free && self.room < MOST {
            self.room *= 2;
        }
        Poll::Ready(Ok(n))
    }

    /// Send the request, and wait for the head of the answer.
    pub(super) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(u16, HeaderMap), Broken>> {
        if let Poll::Ready(Err(broken)) = self.poll_send(cx) {
            return Poll::Ready(Err(broken));
        }
        loop {
            let head = self.head.next(&mut self.buffer, self.bodiless);
            if let Some(head) = head.map_err(Broken::Garbled)? {
                self.body = head.body;
                self.keep &= head.keep;
                return Poll::Ready(Ok((head.status, head.headers)));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(Broken::Closed));
            }
        }
    }

    /// Wait for the next piece of the answer's body. `None` at its proper end.
    #[inline]
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            match self.body.next(&mut self.input) {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) if self.body.is_over() => return Poll::Ready(None),
                Ok(None) => {}
                Err(why) => return Poll::Ready(Some(Err(Broken::Garbled(why.to_owned())))),
            }
            // The answer may begin before the request has ended.
            if let Poll::Ready(Err(broken)) = self.poll_send(cx) {
                return Poll::Ready(Some(Err(broken)));
            }
            if self.buffer.is_empty() {
                match ready!(self.poll_fill(cx)) {
                    Ok(0) if self.body.may_end() => {
                        self.body = Decoder::Length(0);
                        return Poll::Ready(None);
                    }
                    Ok(0) => return Poll::Ready(Some(Err(Broken::Closed))),
                    Ok(_) => {}
                    Err(e) => return Poll::Ready(Some(Err(e.into()))),
                }
            }
            self.input = self.buffer.split().freeze();
        }
    }

    /// How much of the body is still to come, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.body.length()
    }

    /// Say whether the body has come to its end.
    pub(super) fn is_over(&self) -> bool {
        self.body.is_over()
    }

    /// Say whether the next piece must be read first.
    #[inline]
    pub(super) fn is_dry(&self) -> bool {
        self.input.is_empty() && self.buffer.is_empty()
    }

    /// Say whether another request may be sent: all is said on both sides, and nothing more has
    /// come that nobody asked for.
    pub(super) fn is_free(&self) -> bool {
        self.keep && self.is_dry() && self.body.is_over() && self.outgoing.is_done()
    }

    /// Say whether the engine has hung up on a connection that nobody uses.
    pub(super) fn hung_up(&self) -> bool {
        self.io.hung_up()
    }

    /// The socket, and what had been read behind the answer's head.
    fn into_parts(mut self) -> Option<(Io, Bytes)> {
        self.outgoing.is_done().then(|| (self.io, self.buffer.split().freeze()))
    }
}

async fn dial_unix(path: &std::path::Path) -> Result<UnixStream, ConnectFailure> {
    loop {
        match UnixStream::connect(path).await {
            // The backlog is full: the daemon lives and is busy. The connect limit ends this.
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused && !is_socket(path) => {
                return Err(ConnectFailure::NotAnEngine("the path is not a socket".into()));
            }
            Err(e) => return Err(failure(e)),
            Ok(stream) => return Ok(stream),
        }
    }
}

fn is_socket(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket())
}

fn failure(e: io::Error) -> ConnectFailure {
    match e.kind() {
        io::ErrorKind::NotFound => ConnectFailure::Absent,
        io::ErrorKind::PermissionDenied => ConnectFailure::PermissionDenied,
        io::ErrorKind::ConnectionRefused => ConnectFailure::Refused,
        _ => ConnectFailure::Io(e),
    }
}

/// A socket of either kind.
pub(crate) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

macro_rules! on_socket {
    ($socket:expr, $s:ident => $call:expr) => {
        match $socket {
            Socket::Unix($s) => $call,
            Socket::Tcp($s) => $call,
        }
    };
}

/// A socket, as all read and write it.
pub(crate) struct Io {
    socket: Socket,
}

impl Io {
    pub(super) async fn dial(host: &Host) -> Result<Io, ConnectFailure> {
        let socket = match host {
            Host::Unix(path) => Socket::Unix(dial_unix(path).await?),
            Host::Tcp { host, port, .. } => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((name, *port)).await.map_err(failure)?;
                stream.set_nodelay(true).map_err(failure)?;
                Socket::Tcp(stream)
            }
        };
        Ok(Io { socket })
    }

    /// Ask the kernel whether the peer has hung up or said something unasked: over TCP a write
    /// to a closed peer seems to succeed, and over either kind what was said unasked would be
    /// taken for the next answer.
    fn hung_up(&self) -> bool {
        let socket = match &self.socket {
            Socket::Unix(stream) => socket2::SockRef::from(stream),
            Socket::Tcp(stream) => socket2::SockRef::from(stream),
        };
        let mut byte = [std::mem::MaybeUninit::uninit()];
        match socket.peek(&mut byte) {
            Ok(_) => true,
            Err(e) => e.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_socket!(&mut self.get_mut().socket, s => Pin::new(s).poll_read(cx, buf))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_socket!(&mut self.get_mut().socket, s => Pin::new(s).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_socket!(&mut self.get_mut().socket, s => Pin::new(s).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(&mut self.get_mut().socket, s => Pin::new(s).poll_flush(cx))
    }

    /// Close the writing side only: the peer sees the end, and may still answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(&mut self.get_mut().socket, s => Pin::new(s).poll_shutdown(cx))
    }
}

/// A connection that is no longer HTTP: bytes both ways, until either side has enough.
pub(crate) struct Hijacked {
    /// The engine says that the stream has frames. From API 1.42; silence says nothing.
    pub(crate) multiplexed: bool,
    pub(crate) source: Source,
}

pub(crate) enum Source {
    /// The socket itself, and what had been read of the stream with the answer's head.
    Socket { io: Io, read: Bytes },
    /// An answer's body, where the engine did not upgrade.
    Body(Body),
}

impl Hijacked {
    /// Take the socket over. `None` if the connection broke meanwhile.
    pub(super) fn take(body: Body, multiplexed: bool) -> Option<Hijacked> {
        let (io, read) = body.into_conn()?.into_parts()?;
        Some(Hijacked { multiplexed, source: Source::Socket { io, read } })
    }

    pub(super) fn read_only(body: Body, multiplexed: bool) -> Hijacked {
        Hijacked { multiplexed, source: Source::Body(body) }
    }
}
