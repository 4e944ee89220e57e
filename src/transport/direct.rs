//! A connection of one stream's own, read without hyper.
//!
//! Of an answer in many small chunks hyper makes a frame, a wake and a copy each, many times the work
//! that there is. A stream has its connection to itself, so that nothing of what makes HTTP large
//! is needed here: one request goes out, one answer comes in, and the connection is closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::header::HeaderMap;
use tokio::io::AsyncWrite;

use super::body::Body;
use super::conn::{self, Io, late};
use super::http1::{Decoder, HeadReader};
use super::limits::Limits;
use super::{Reply, Transport};
use crate::error::{Error, TimeoutError, TransportError};
use crate::wire::Call;

/// So much is asked of the socket at once to begin with, and up to so much where more is there.
const LEAST: usize = 8 << 10;
const MOST: usize = 128 << 10;

/// One request and its answer. What has been said is all in here, so that a call may be dropped
/// between any two bytes.
pub(super) struct Direct {
    io: Io,
    /// What of the request has not left yet.
    unsent: Bytes,
    sent: u64,
    /// What was read, and its room.
    buffer: BytesMut,
    room: usize,
    /// What was read of the body and not yet taken apart.
    input: Bytes,
    head: HeadReader,
    body: Decoder,
}

/// Why nothing more comes.
pub(super) enum Broken {
    /// The peer has closed the connection, where more was due.
    Closed,
    Socket(io::Error),
    /// What comes is not what HTTP has to be.
    Garbled(String),
}

impl From<io::Error> for Broken {
    fn from(e: io::Error) -> Broken {
        match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset if late(&e).is_none() => {
                Broken::Closed
            }
            _ => Broken::Socket(e),
        }
    }
}

impl Direct {
    /// In a box: it goes from the call to the body, and is large.
    pub(super) fn new(io: Io, request: Bytes) -> Box<Direct> {
        Box::new(Direct {
            io,
            unsent: request,
            sent: 0,
            buffer: BytesMut::new(),
            room: LEAST,
            input: Bytes::new(),
            head: HeadReader::default(),
            body: Decoder::Length(0),
        })
    }

    /// Say whether any of the request has left for the engine.
    pub(super) fn has_spoken(&self) -> bool {
        self.sent > 0
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.unsent)) {
                Ok(0) => return Poll::Ready(Err(Broken::Socket(io::ErrorKind::WriteZero.into()))),
                Ok(n) => {
                    self.sent += n as u64;
                    let _ = self.unsent.split_to(n);
                }
                Err(e) => return Poll::Ready(Err(Broken::Socket(e))),
            }
        }
        Poll::Ready(Ok(()))
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
            let head = self.head.next(&mut self.buffer);
            if let Some(head) = head.map_err(Broken::Garbled)? {
                self.body = head.body;
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
}

impl Transport {
    /// Send on a new connection, which the answer then has to itself.
    pub(super) async fn attempt_own(&self, call: &Call, limits: &Limits) -> Result<Reply, Error> {
        let request = written(&self.request(call, None)?, call.body.as_deref());
        let io = self.within(limits, call, Io::dial(&self.engine.route)).await?;
        let mut own = Direct::new(io, request);
        let deadline = limits.head();
        let answer = std::future::poll_fn(|cx| own.poll_answer(cx));
        let answer = match deadline {
            Some((_, at)) => tokio::time::timeout_at(at, answer).await.ok(),
            None => Some(answer.await),
        };
        let (maybe_applied, call_label) = (own.has_spoken(), call.label());
        let source = match (answer, deadline) {
            (Some(Ok((status, headers))), _) => {
                return Ok(Reply { status, headers, body: Body::own(own, limits, call) });
            }
            (None, Some(((phase, after), _))) => {
                let call = call_label;
                return Err(Error::Timeout(TimeoutError { call, phase, after, maybe_applied }));
            }
            (Some(Err(Broken::Socket(e))), _) => match conn::late(&e) {
                Some(late) => return Err(self.connect_error(late.into())),
                None => e.into(),
            },
            (Some(Err(Broken::Garbled(what))), _) => what.into(),
            (Some(Err(Broken::Closed)) | None, _) => {
                "the engine closed the connection without an answer".into()
            }
        };
        Err(Error::Transport(TransportError { call: call_label, maybe_applied, source }))
    }
}

/// A request as it goes out: its head, and its body.
pub(super) fn written<B>(request: &hyper::Request<B>, body: Option<&[u8]>) -> Bytes {
    let mut out = Vec::with_capacity(512 + body.map_or(0, <[u8]>::len));
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    for part in [request.method().as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut line = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    };
    for (name, value) in request.headers() {
        // A body's length is the connection's own to say.
        if body.is_none() || *name != hyper::header::CONTENT_LENGTH {
            line(name.as_str(), value.as_bytes());
        }
    }
    if let Some(body) = body {
        line("content-length", body.len().to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or_default());
    out.into()
}
