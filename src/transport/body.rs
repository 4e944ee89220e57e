//! The body of an answer, as it arrives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, Sleep};

use super::conn::{self, Conn};
use super::limits::{Limit, Limits};
use super::pool::Pool;
use crate::error::{Error, StreamError, StreamFault, TimeoutError, TransportError};
use crate::wire::Call;

/// An answer that is read as a whole may be this large; a list of 100,000 containers is half of
/// it.
const LARGEST: usize = 256 << 20;

/// A body and the connection it comes from. Read to its end, the connection is kept for the next
/// call; dropped before, it is closed.
pub(crate) struct Body {
    incoming: Incoming,
    conn: Option<Box<Conn>>,
    pool: Arc<Pool>,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
    /// The limit the timer is set to.
    running: Option<Limit>,
    call: String,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        conn: Box<Conn>,
        pool: Arc<Pool>,
        limits: &Limits,
        call: &Call,
    ) -> Body {
        Body {
            incoming,
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

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            let Some(conn) = self.conn.as_mut() else { return Poll::Ready(None) };
            // Frames come out of the connection, and that is looked after here.
            let mut quiet = Context::from_waker(Waker::noop());
            let mut frame = Pin::new(&mut self.incoming).poll_frame(&mut quiet);
            if frame.is_pending() {
                // Hyper hands its own errors to the body as well: read them there.
                let over = conn.drive(cx);
                frame = Pin::new(&mut self.incoming).poll_frame(&mut quiet);
                if frame.is_pending() {
                    if over.is_ready() {
                        self.conn = None;
                        return Poll::Ready(Some(Err(self.cut())));
                    }
                    conn.doze();
                    ready!(self.poll_limit(cx));
                    return Poll::Ready(Some(Err(self.late())));
                }
            }
            self.running = None;
            match frame {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(e))) => {
                    self.conn = None;
                    return Poll::Ready(Some(Err(self.broken(e))));
                }
                Poll::Ready(None) => {
                    if let Some(conn) = self.conn.take() {
                        self.pool.checkin(conn);
                    }
                    return Poll::Ready(None);
                }
                Poll::Pending => return Poll::Pending,
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

    fn broken(&self, e: hyper::Error) -> Error {
        if e.is_incomplete_message() || e.is_closed() || e.is_body_write_aborted() {
            return self.cut();
        }
        let source = conn::cause(e);
        match source.downcast_ref::<std::io::Error>().map(|e| e.kind()) {
            Some(std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset) => {
                self.cut()
            }
            _ => Error::Transport(TransportError {
                call: self.call.clone(),
                maybe_applied: true,
                source,
            }),
        }
    }

    /// Read the whole body into one buffer, without a copy where it came in one piece.
    pub(crate) async fn collect(&mut self) -> Result<Bytes, Error> {
        let length = self.incoming.size_hint().exact();
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
        if self.incoming.is_end_stream() {
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
