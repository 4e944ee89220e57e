//! One connection to the engine, driven by the call that uses it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::body::Body;
use super::host::Host;
use crate::error::ConnectFailure;

/// A connection: where requests go in, and what must be polled for them to move.
pub(super) struct Conn {
    pub(super) sender: http1::SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<Io>, Full<Bytes>>,
    /// Hyper is through with the connection: it is closed, or no longer HTTP.
    over: bool,
    meter: Arc<Meter>,
}

/// What is known of a socket from outside of hyper.
#[derive(Default)]
struct Meter {
    written: AtomicU64,
    /// Look at the socket itself at the next read, rather than at what the runtime heard of it.
    probe: AtomicBool,
}

impl Conn {
    /// Boxed: it is moved from call to body to pool, and it is large.
    pub(super) async fn dial(host: &Host) -> Result<Box<Conn>, ConnectFailure> {
        let io = Io::dial(host).await?;
        let meter = io.meter.clone();
        let io = TokioIo::new(io);
        let (sender, driver) =
            http1::handshake(io).await.map_err(|e| ConnectFailure::Io(io::Error::other(e)))?;
        Ok(Box::new(Conn { sender, driver, over: false, meter }))
    }

    /// Move bytes both ways. Ready when hyper is through with the connection.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        if self.over {
            return Poll::Ready(Ok(()));
        }
        let over = self.driver.poll_without_shutdown(cx);
        self.over = over.is_ready();
        over
    }

    /// How many bytes have left for the engine so far.
    pub(super) fn written(&self) -> u64 {
        self.meter.written.load(Ordering::Relaxed)
    }

    /// Say whether another request may be sent: the last answer is read to its end, and the
    /// engine has not hung up.
    pub(super) fn is_ready(&mut self, probe: bool) -> bool {
        self.meter.probe.store(probe, Ordering::Relaxed);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        self.drive(&mut cx).is_pending() && self.sender.is_ready()
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

/// The cause beneath hyper's error, without hyper's type: the operating system's error where
/// there is one, hyper's words otherwise.
pub(super) fn cause(e: hyper::Error) -> Box<dyn std::error::Error + Send + Sync> {
    let mut source = std::error::Error::source(&e);
    while let Some(s) = source {
        if let Some(io) = s.downcast_ref::<io::Error>() {
            return match io.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code).into(),
                None => io::Error::new(io.kind(), io.to_string()).into(),
            };
        }
        source = s.source();
    }
    if e.is_canceled() {
        return "the engine closed the connection before it was used".into();
    }
    e.to_string().into()
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

/// A socket that counts what it writes.
pub(crate) struct Io {
    socket: Socket,
    meter: Arc<Meter>,
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
        Ok(Io { socket, meter: Arc::default() })
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
        let this = self.get_mut();
        if this.meter.probe.swap(false, Ordering::Relaxed) && this.hung_up() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        on_socket!(&mut this.socket, s => Pin::new(s).poll_read(cx, buf))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let n =
            std::task::ready!(on_socket!(&mut this.socket, s => Pin::new(s).poll_write(cx, buf)))?;
        this.meter.written.fetch_add(n as u64, Ordering::Relaxed);
        Poll::Ready(Ok(n))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let n = std::task::ready!(
            on_socket!(&mut this.socket, s => Pin::new(s).poll_write_vectored(cx, bufs))
        )?;
        this.meter.written.fetch_add(n as u64, Ordering::Relaxed);
        Poll::Ready(Ok(n))
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
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) source: Source,
}

pub(crate) enum Source {
    /// The socket itself, and what had been read of the stream with the answer's head.
    Socket { io: Io, read: Bytes },
    /// An answer's body, where the engine did not upgrade.
    Body(Body),
}

impl Hijacked {
    /// Take the socket out of hyper. `None` if the connection broke meanwhile.
    pub(super) async fn take(body: Body, content_type: Option<HeaderValue>) -> Option<Hijacked> {
        let mut conn = body.into_conn()?;
        std::future::poll_fn(|cx| conn.drive(cx)).await.ok()?;
        let Conn { driver, .. } = *conn;
        let parts = driver.into_parts();
        let source = Source::Socket { io: parts.io.into_inner(), read: parts.read_buf };
        Some(Hijacked { content_type, source })
    }

    pub(super) fn read_only(body: Body, content_type: Option<HeaderValue>) -> Hijacked {
        Hijacked { content_type, source: Source::Body(body) }
    }
}
