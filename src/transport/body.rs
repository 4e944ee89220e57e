//! The body of an answer, as it arrives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, Sleep};

use super::conn::{self, Conn};
use super::direct::{Broken, Direct};
use super::limits::{Limit, Limits};
use super::pool::Pool;
use crate::error::{Error, StreamError, StreamFault, TimeoutError, TransportError};
use crate::trace::Rest;
use crate::wire::Call;

/// An answer that is read as a whole may be this large; a list of 100,000 containers is half of
/// it.
const LARGEST: usize = 256 << 20;

/// A body and the connection it comes from. Read to its end, the connection is kept for the next
/// call; dropped before, it is closed.
pub(crate) struct Body {
    from: From,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
    /// The limit the timer is set to.
    running: Option<Limit>,
    call: String,
    /// Who watches this program wants to know when it is over.
    rest: Rest,
}

/// Where the pieces come from.
enum From {
    /// A connection that is kept for the next call.
    Kept { incoming: Incoming, conn: Box<Conn>, pool: Arc<Pool> },
    /// A connection of the stream's own.
    Own(Box<Direct>),
    /// All has come, or nothing more will.
    Nothing,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        conn: Box<Conn>,
        pool: Arc<Pool>,
        limits: &Limits,
        call: &Call,
    ) -> Body {
        Body::of(From::Kept { incoming, conn, pool }, limits, call)
    }

    pub(super) fn own(conn: Box<Direct>, limits: &Limits, call: &Call) -> Body {
        Body::of(From::Own(conn), limits, call)
    }

    fn of(from: From, limits: &Limits, call: &Call) -> Body {
        let (limits, call) = (limits.clone(), call.label());
        Body { from, limits, timer: None, running: None, call, rest: Rest::none() }
    }

    pub(super) fn traced(self, rest: Rest) -> Body {
        Body { rest, ..self }
    }

    /// The connection, for an answer that has no body but a stream of its own.
    pub(super) fn into_conn(self) -> Option<(Box<Conn>, Rest)> {
        match self.from {
            From::Kept { conn, .. } => Some((conn, self.rest)),
            _ => None,
        }
    }

    /// The call this answers, as errors name it.
    pub(crate) fn call(&self) -> &str {
        &self.call
    }

    /// Wait for the next piece. `None` at the proper end only: a cut is an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    #[inline]
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        // Who never pauses leaves no gap in which a timer would be looked at.
        let look = match &self.from {
            From::Nothing => return Poll::Ready(None),
            From::Own(conn) => conn.is_dry() && !conn.is_over(),
            From::Kept { incoming, .. } => !incoming.is_end_stream(),
        };
        if look {
            if let Some(limit) = self.limits.passed() {
                self.running = Some(limit);
                return Poll::Ready(Some(Err(self.late())));
            }
        }
        let piece = match &mut self.from {
            From::Nothing => return Poll::Ready(None),
            From::Own(conn) => conn.poll_piece(cx).map_err(Fault::Own),
            From::Kept { incoming, conn, .. } => poll_kept(incoming, conn, cx).map_err(Fault::Kept),
        };
        match piece {
            Poll::Ready(Some(Ok(piece))) => {
                self.running = None;
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(fault))) => {
                self.from = From::Nothing;
                self.rest.broken();
                Poll::Ready(Some(Err(self.broken(fault))))
            }
            Poll::Ready(None) => {
                self.rest.whole();
                if let From::Kept { conn, pool, .. } =
                    std::mem::replace(&mut self.from, From::Nothing)
                {
                    pool.checkin(conn);
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.poll_limit(cx));
                Poll::Ready(Some(Err(self.late())))
            }
        }
    }

    /// Ready when the time for the next piece is up.
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.running.is_none() {
            let Some(limit) = self.limits.piece() else { return Poll::Pending };
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(limit.1),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(limit.1))),
            }
            self.running = Some(limit);
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn late(&mut self) -> Error {
        self.from = From::Nothing;
        self.rest.broken();
        match self.running {
            Some(((phase, after), _)) => Error::Timeout(TimeoutError {
                call: self.call.clone(),
                phase,
                after,
                maybe_applied: true,
            }),
            None => self.cut(),
        }
    }

    fn cut(&self) -> Error {
        Error::Stream(StreamError { call: self.call.clone(), fault: StreamFault::Cut })
    }

    fn broken(&self, fault: Fault) -> Error {
        let call = self.call.clone();
        let source = match fault {
            Fault::Own(Broken::Closed) | Fault::Kept(None) => return self.cut(),
            Fault::Own(Broken::Garbled(what)) => {
                return Error::Stream(StreamError { call, fault: StreamFault::Protocol(what) });
            }
            Fault::Own(Broken::Socket(e)) => e.into(),
            Fault::Kept(Some(e)) => {
                if e.is_incomplete_message() || e.is_closed() || e.is_body_write_aborted() {
                    return self.cut();
                }
                conn::cause(e)
            }
        };
        match source.downcast_ref::<std::io::Error>().map(|e| e.kind()) {
            Some(std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset) => {
                self.cut()
            }
            _ => Error::Transport(TransportError { call, maybe_applied: true, source }),
        }
    }

    /// Read the whole body into one buffer, without a copy where it came in one piece.
    pub(crate) async fn collect(&mut self) -> Result<Bytes, Error> {
        let length = match &self.from {
            From::Kept { incoming, .. } => incoming.size_hint().exact(),
            From::Own(conn) => conn.length(),
            From::Nothing => None,
        };
        let Some(first) = self.next().await.transpose()? else { return Ok(Bytes::new()) };
        if length == Some(first.len() as u64) {
            // Nothing can follow; asking once more gives the connection back.
            self.next().await.transpose()?;
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(
            // A length from outside is a hint, not a reason to reserve gigabytes.
            length.map_or(first.len() * 2, |l| l.min(4 << 20) as usize),
        );
        whole.extend_from_slice(&first);
        while let Some(piece) = self.next().await.transpose()? {
            if whole.len() + piece.len() > LARGEST {
                self.from = From::Nothing;
                let fault = StreamFault::TooLarge(LARGEST);
                return Err(Error::Stream(StreamError { call: self.call.clone(), fault }));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Read a body that says nothing, so that the connection can be kept. A long one is not
    /// worth it: the connection is closed instead.
    pub(crate) async fn skip(&mut self) {
        let over = match &self.from {
            From::Kept { incoming, .. } => incoming.is_end_stream(),
            From::Own(conn) => conn.is_over(),
            From::Nothing => true,
        };
        if over {
            // As mostly: no clock need run for what is there.
            self.next().await;
            return;
        }
        self.excerpt(16 << 10, Duration::from_secs(1)).await;
    }

    /// Read at most `max` bytes within `time`, and whatever came, broken off or not.
    pub(crate) async fn excerpt(&mut self, max: usize, time: Duration) -> Vec<u8> {
        let mut text = Vec::new();
        let until = Instant::now() + time;
        while text.len() < max {
            match tokio::time::timeout_at(until, self.next()).await {
                Ok(Some(Ok(piece))) => {
                    let room = (max - text.len()).min(piece.len());
                    text.extend_from_slice(piece.get(..room).unwrap_or_default());
                }
                _ => return text,
            }
        }
        self.from = From::Nothing;
        text
    }
}

/// Why the next piece does not come.
enum Fault {
    Own(Broken),
    /// Without hyper's word for it, the connection has ended under the answer.
    Kept(Option<hyper::Error>),
}

/// The next piece that hyper has. Where there is none yet, the task is woken when there is.
fn poll_kept(
    incoming: &mut Incoming,
    conn: &mut Conn,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, Option<hyper::Error>>>> {
    loop {
        // Frames come out of the connection, and that is looked after here.
        let mut quiet = Context::from_waker(Waker::noop());
        let mut frame = Pin::new(&mut *incoming).poll_frame(&mut quiet);
        if frame.is_pending() {
            // Hyper hands its own errors to the body as well: read them there.
            let over = conn.drive(cx);
            frame = Pin::new(&mut *incoming).poll_frame(&mut quiet);
            if frame.is_pending() {
                if over.is_ready() {
                    return Poll::Ready(Some(Err(None)));
                }
                conn.doze();
                return Poll::Pending;
            }
        }
        match ready!(frame) {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Poll::Ready(Some(Ok(data)));
                }
            }
            Some(Err(e)) => return Poll::Ready(Some(Err(Some(e)))),
            None => return Poll::Ready(None),
        }
    }
}
