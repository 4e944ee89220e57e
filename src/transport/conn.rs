//! One connection to the engine, driven by the call that uses it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
#[cfg(windows)]
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};

use super::body::Body;
use super::host::Host;
use super::route::Route;
#[cfg(unix)]
use super::socket::Quiet;
use super::upload::Outgoing;
use crate::error::{ConnectFailure, Late, SshFault};
use crate::trace::Rest;

/// A connection: where requests go in, and what must be polled for them to move.
pub(super) struct Conn {
    pub(super) sender: http1::SendRequest<Outgoing>,
    driver: http1::Connection<TokioIo<Io>, Outgoing>,
    /// Hyper is through with the connection: it is closed, or no longer HTTP.
    over: bool,
    meter: Arc<Meter>,
    bell: Arc<Bell>,
    /// The same bell, as hyper takes it.
    waker: Waker,
}

/// Wakes the task that polls a connection, unless it is awake.
///
/// Hyper's halves wake one another, and here one task polls them all: each of those wakes would
/// cost it another turn.
struct Bell {
    /// Set while the task looks after the connection by itself.
    awake: AtomicBool,
    rung: AtomicBool,
    task: Mutex<Waker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        if !self.awake.load(Ordering::SeqCst) {
            let task = self.task().clone();
            task.wake();
        }
    }
}

impl Bell {
    fn task(&self) -> MutexGuard<'_, Waker> {
        // Nothing in here can be left half-done by a panic.
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attend(&self, cx: &mut Context<'_>) {
        self.awake.store(true, Ordering::SeqCst);
        // What rang before is seen by the look at the connection that follows.
        self.rung.store(false, Ordering::SeqCst);
        let mut task = self.task();
        if !task.will_wake(cx.waker()) {
            task.clone_from(cx.waker());
        }
    }

    fn doze(&self) {
        // In this order nothing is missed: what rings in between wakes the task, perhaps twice.
        self.awake.store(false, Ordering::SeqCst);
        if self.rung.load(Ordering::SeqCst) {
            let task = self.task().clone();
            task.wake();
        }
    }
}

/// What is known of a socket from outside of hyper.
#[derive(Default)]
struct Meter {
    written: AtomicU64,
    /// Look at the socket itself at the next read, rather than at what the runtime heard of it.
    probe: AtomicBool,
    /// A peer that stops listening is still to be heard out.
    hear_out: AtomicBool,
}

impl Meter {
    /// Count what was written of `whole` bytes.
    fn count(&self, wrote: io::Result<usize>, whole: usize) -> io::Result<usize> {
        match wrote {
            Ok(n) => {
                self.written.fetch_add(n as u64, Ordering::Relaxed);
                Ok(n)
            }
            Err(e)
                if self.hear_out.load(Ordering::Relaxed)
                    && matches!(
                        e.kind(),
                        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                    ) =>
            {
                // As if it had gone out: what counts is the answer, and without one the read says
                // that the connection broke.
                Ok(whole)
            }
            Err(e) => Err(e),
        }
    }
}

impl Conn {
    /// In a box: it goes from the pool to the call, to the body and back, and is large.
    pub(super) async fn dial(route: &Route) -> Result<Box<Conn>, ConnectFailure> {
        let io = Io::dial(route).await?;
        let meter = io.meter.clone();
        let io = TokioIo::new(io);
        // Hyper takes apart all it has read before it looks up: what is read at once is to be little
        // enough that a limit is kept to.
        let mut client = http1::Builder::new();
        client.max_buf_size(64 << 10);
        let (sender, driver) =
            client.handshake(io).await.map_err(|e| ConnectFailure::Io(io::Error::other(e)))?;
        let (awake, rung) = (AtomicBool::new(true), AtomicBool::new(false));
        let bell = Arc::new(Bell { awake, rung, task: Mutex::new(Waker::noop().clone()) });
        let waker = Waker::from(bell.clone());
        Ok(Box::new(Conn { sender, driver, over: false, meter, bell, waker }))
    }

    /// Move bytes both ways. Ready when hyper is through with the connection; where it is not,
    /// the task is woken only once it has said [`doze`](Conn::doze).
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        if self.over {
            return Poll::Ready(Ok(()));
        }
        self.bell.attend(cx);
        let over = self.driver.poll_without_shutdown(&mut Context::from_waker(&self.waker));
        self.over = over.is_ready();
        over
    }

    /// Have the task of the last [`drive`](Conn::drive) woken from now on: to be said whenever
    /// that task is to sleep until something happens here.
    pub(super) fn doze(&self) {
        self.bell.doze();
    }

    /// How many bytes have left for the engine so far.
    pub(super) fn written(&self) -> u64 {
        self.meter.written.load(Ordering::Relaxed)
    }

    /// Let a peer that stops listening have its say: an engine that refuses a large body answers
    /// and closes, and the answer counts, not the broken pipe.
    pub(super) fn hear_out(&self) {
        self.meter.hear_out.store(true, Ordering::Relaxed);
    }

    /// Say whether another request may be sent: the last answer is read to its end, and the
    /// engine has not hung up.
    pub(super) fn is_ready(&mut self, probe: bool) -> bool {
        self.meter.probe.store(probe, Ordering::Relaxed);
        let mut cx = Context::from_waker(Waker::noop());
        self.drive(&mut cx).is_pending() && self.sender.is_ready()
    }
}

#[cfg(unix)]
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

#[cfg(unix)]
fn is_socket(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|m| m.file_type().is_socket())
}

#[cfg(windows)]
async fn dial_pipe(path: &str) -> Result<NamedPipeClient, ConnectFailure> {
    /// ERROR_PIPE_BUSY: the engine lives, and has no end of the pipe free right now.
    const BUSY: i32 = 231;
    let path = path.replace('/', "\\");
    loop {
        match ClientOptions::new().open(&path) {
            // The connect limit ends this.
            Err(e) if e.raw_os_error() == Some(BUSY) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            dialled => return dialled.map_err(failure),
        }
    }
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
            if let Some(late) = late(io) {
                return late.into();
            }
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

/// What a connection that stood says only once something is read: that it does not stand.
pub(super) fn late(e: &io::Error) -> Option<Late> {
    e.get_ref().and_then(|e| e.downcast_ref::<Late>()).cloned()
}

#[cfg(windows)]
type Quiet = TcpStream;

fn plain(stream: TcpStream) -> io::Result<Quiet> {
    #[cfg(unix)]
    return Quiet::tcp(stream);
    #[cfg(windows)]
    Ok(stream)
}

/// A socket of any kind.
pub(crate) enum Socket {
    Plain(Quiet),
    #[cfg(windows)]
    Pipe(NamedPipeClient),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::Secured>),
    #[cfg(feature = "ssh")]
    Ssh(Box<super::ssh::Session>),
}

macro_rules! on_socket {
    ($socket:expr, $s:ident => $call:expr) => {
        match $socket {
            Socket::Plain($s) => $call,
            #[cfg(windows)]
            Socket::Pipe($s) => $call,
            #[cfg(feature = "tls")]
            Socket::Tls($s) => $call,
            #[cfg(feature = "ssh")]
            Socket::Ssh($s) => $call,
        }
    };
}

/// A socket that counts what it writes.
pub(crate) struct Io {
    socket: Socket,
    meter: Arc<Meter>,
    /// What it is used for where it is no longer HTTP.
    _rest: Rest,
}

impl Io {
    pub(super) async fn dial(route: &Route) -> Result<Io, ConnectFailure> {
        let socket = match &route.host {
            #[cfg(unix)]
            Host::Unix(path) => {
                Socket::Plain(Quiet::unix(dial_unix(path).await?).map_err(failure)?)
            }
            #[cfg(windows)]
            Host::Npipe(path) => Socket::Pipe(dial_pipe(path).await?),
            #[cfg(unix)]
            Host::Npipe(_) => return Err(ConnectFailure::Io(io::ErrorKind::Unsupported.into())),
            #[cfg(windows)]
            Host::Unix(_) => return Err(ConnectFailure::Io(io::ErrorKind::Unsupported.into())),
            Host::Tcp { host, port, .. } => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((name, *port)).await.map_err(failure)?;
                stream.set_nodelay(true).map_err(failure)?;
                #[cfg(feature = "tls")]
                match &route.tls {
                    Some(tls) => Socket::Tls(Box::new(tls.secure(stream).await?)),
                    None => Socket::Plain(plain(stream).map_err(failure)?),
                }
                #[cfg(not(feature = "tls"))]
                Socket::Plain(plain(stream).map_err(failure)?)
            }
            Host::Ssh { .. } => {
                #[cfg(feature = "ssh")]
                if let Some(ssh) = &route.ssh {
                    let socket = Socket::Ssh(Box::new(ssh.dial().await?));
                    return Ok(Io::over(socket));
                }
                return Err(ConnectFailure::Ssh(SshFault::NotInThisBuild));
            }
        };
        Ok(Io::over(socket))
    }

    fn over(socket: Socket) -> Io {
        Io { socket, meter: Arc::default(), _rest: Rest::none() }
    }

    /// Ask the kernel whether the peer has hung up or said something unasked: over TCP a write
    /// to a closed peer seems to succeed, and over either kind what was said unasked would be
    /// taken for the next answer.
    fn hung_up(&mut self) -> bool {
        let socket = match &mut self.socket {
            Socket::Plain(socket) => socket2::SockRef::from(&*socket),
            // A pipe cannot be peeked at. Its end is seen by the read that is under way all the time.
            #[cfg(windows)]
            Socket::Pipe(_) => return false,
            #[cfg(feature = "tls")]
            Socket::Tls(stream) => return stream.hung_up(),
            #[cfg(feature = "ssh")]
            Socket::Ssh(session) => session.socket(),
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
        let wrote = on_socket!(&mut this.socket, s => Pin::new(s).poll_write_vectored(cx, bufs));
        wrote.map(|wrote| this.meter.count(wrote, bufs.iter().map(|b| b.len()).sum()))
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
    /// Take the socket out of hyper. `None` if the connection broke meanwhile.
    pub(super) async fn take(body: Body, multiplexed: bool) -> Option<Hijacked> {
        let (mut conn, rest) = body.into_conn()?;
        std::future::poll_fn(|cx| {
            let over = conn.drive(cx);
            conn.doze();
            over
        })
        .await
        .ok()?;
        let parts = conn.driver.into_parts();
        let io = Io { _rest: rest, ..parts.io.into_inner() };
        let source = Source::Socket { io, read: parts.read_buf };
        Some(Hijacked { multiplexed, source })
    }

    pub(super) fn read_only(body: Body, multiplexed: bool) -> Hijacked {
        Hijacked { multiplexed, source: Source::Body(body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Count(AtomicU64);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_bell_wakes_who_sleeps_and_nobody_else() {
        let (awake, rung) = (AtomicBool::new(true), AtomicBool::new(false));
        let bell = Arc::new(Bell { awake, rung, task: Mutex::new(Waker::noop().clone()) });
        let ring = Waker::from(bell.clone());
        let [one, two] = [Arc::new(Count::default()), Arc::new(Count::default())];
        let wakes = || (one.0.load(Ordering::Relaxed), two.0.load(Ordering::Relaxed));
        let (first, second) = (Waker::from(one.clone()), Waker::from(two.clone()));

        ring.wake_by_ref();
        bell.attend(&mut Context::from_waker(&first));
        bell.doze();
        assert_eq!(wakes(), (0, 0), "what rang before the look was seen by it");
        ring.wake_by_ref();
        assert_eq!(wakes(), (1, 0), "the sleeper is woken");
        bell.attend(&mut Context::from_waker(&second));
        ring.wake_by_ref();
        assert_eq!(wakes(), (1, 0), "who is awake is not");
        bell.doze();
        assert_eq!(wakes(), (1, 1), "what rang after the look is not slept through");
    }
}
