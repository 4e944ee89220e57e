//! The body of an answer, as it arrives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep};

use super::conn::{Broken, Conn};
use super::limits::{Limit, Limits};
use super::pool::Pool;
use crate::error::{Error, InputError, StreamError, StreamFault, TimeoutError, TransportError};
use crate::wire::Call;

/// An answer that is read as a whole may be this large; a list of 100,000 containers is half of
/// it.
const LARGEST: usize = 256 << 20;

/// A body and the connection it comes from. Read to its end, the connection is kept for the next
/// call; dropped before, it is closed.
pub(crate) struct Body {
    conn: Option<Box<Conn>>,
    pool: Arc<Pool>,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
    /// The limit the timer is set to.
    running: Option<Limit>,
    call: String,
}

impl Body {
    pub(super) fn new(conn: Box<Conn>, pool: Arc<Pool>, limits: &Limits, call: &Call) -> Body {
        Body {
            conn: Some(conn),
            pool,
            limits: limits.clone(),
            timer: None,
            running: None,
            call: call.label(),
        }
    }

    /// The connection, for an answer that has no body but a stream of its own.
    pub(super) fn into_conn(mut self) -> Option<Box<Conn>> {
        self.conn.take()
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
        let Some(conn) = self.conn.as_mut() else { return Poll::Ready(None) };
        // Who never pauses leaves no gap in which a timer would be looked at.
        if conn.is_dry() && !conn.is_over() {
            if let Some(limit) = self.limits.passed() {
                self.running = Some(limit);
                return Poll::Ready(Some(Err(self.late())));
            }
        }
        match conn.poll_piece(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                self.running = None;
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(broken))) => {
                self.conn = None;
                Poll::Ready(Some(Err(self.broken(broken))))
            }
            Poll::Ready(None) => {
                if let Some(conn) = self.conn.take() {
                    self.pool.checkin(conn);
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
        self.conn = None;
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

    fn broken(&self, broken: Broken) -> Error {
        let call = self.call.clone();
        match broken {
            Broken::Closed => self.cut(),
            Broken::Garbled(what) => {
                Error::Stream(StreamError { call, fault: StreamFault::Protocol(what) })
            }
            Broken::Input(error) => Error::Input(InputError { call, error }),
            Broken::Socket(e) => {
                Error::Transport(TransportError { call, maybe_applied: true, source: e.into() })
            }
        }
    }

    /// Read the whole body into one buffer, without a copy where it came in one piece.
    pub(crate) async fn collect(&mut self) -> Result<Bytes, Error> {
        let length = self.conn.as_ref().and_then(|conn| conn.length());
        let Some(first) = self.next().await.transpose()? else { return Ok(Bytes::new()) };
        // Where nothing follows, this gives the connection back.
        let Some(second) = self.next().await.transpose()? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity(
            // A length from outside is a hint, not a reason to reserve gigabytes.
            length.map_or(first.len() * 4, |l| l.min(4 << 20) as usize),
        );
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        drop((first, second));
        while let Some(piece) = self.next().await.transpose()? {
            if whole.len() + piece.len() > LARGEST {
                self.conn = None;
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
        if self.conn.as_ref().is_none_or(|conn| conn.is_over()) {
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
        self.conn = None;
        text
    }
}
