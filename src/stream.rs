//! Frames: the engine's way to carry stdout and stderr on one connection.
//!
//! Each frame has a header of eight bytes, `[stream, 0, 0, 0, length as u32 big-endian]`. What is
//! handed on are slices of what was read, as it arrives: nothing is copied, and nothing is
//! reserved because a header says so.

mod duplex;
mod json;
mod lines;
mod resume;
mod tar;

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::error::{Error, StreamError, StreamFault, TransportError};
use crate::transport::{Body, Hijacked, Io, Source};

pub use duplex::AttachInput;
pub(crate) use duplex::{OutputHalf, Stdin};
pub(crate) use json::JsonValues;
pub use lines::LogLine;
pub(crate) use lines::{Lines, Prefix};
pub(crate) use resume::{Recent, Resumed};
pub use tar::TarStream;

/// The stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StdStream {
    /// Standard output. All of a terminal's output comes here.
    Out,
    /// Standard error.
    Err,
}

/// A piece of output: as much as arrived at once, newline or not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// Where it came from.
    pub stream: StdStream,
    /// The bytes.
    pub data: Bytes,
}

/// Of the engine's own error inside a stream, this much is kept.
const ENGINE_ERROR: usize = 4 << 10;

/// Takes a multiplexed stream apart, whatever pieces it comes in.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    raw: bool,
    header: [u8; 8],
    have: usize,
    /// The frame under way: whose it is, and how much of it is still to come.
    left: u32,
    stream: Option<StdStream>,
    /// Nothing of the frame has been handed on.
    fresh: bool,
    engine: Vec<u8>,
}

impl Demux {
    /// Begin a stream; `raw` is a terminal's, which has no frames.
    pub(crate) fn new(raw: bool) -> Demux {
        Demux { raw, ..Demux::default() }
    }

    /// Take the next piece of output off the front of `input`. `None` asks for more input.
    #[inline]
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Result<Option<Chunk>, StreamFault> {
        if self.raw {
            let data = std::mem::take(input);
            return Ok((!data.is_empty()).then_some(Chunk { stream: StdStream::Out, data }));
        }
        loop {
            if self.left > 0 {
                if input.is_empty() {
                    // Even an empty slice would keep its buffer from being used again.
                    *input = Bytes::new();
                    return Ok(None);
                }
                let n = input.len().min(self.left as usize);
                let data = input.split_to(n);
                self.left -= n as u32;
                match self.stream {
                    Some(stream) => return Ok(Some(Chunk { stream, data })),
                    None => {
                        let room = (ENGINE_ERROR - self.engine.len()).min(n);
                        self.engine.extend_from_slice(data.get(..room).unwrap_or_default());
                        if self.left == 0 || self.engine.len() == ENGINE_ERROR {
                            return Err(self.engine_error());
                        }
                        continue;
                    }
                }
            }
            if let (0, Some(header)) = (self.have, input.first_chunk()) {
                self.header = *header;
                self.have = 8;
                input.advance(8);
            }
            while self.have < 8 {
                if input.is_empty() {
                    *input = Bytes::new();
                    return Ok(None);
                }
                let n = input.len().min(8 - self.have);
                if let Some(room) = self.header.get_mut(self.have..self.have + n) {
                    input.copy_to_slice(room);
                }
                self.have += n;
            }
            self.have = 0;
            let [id, _, _, _, a, b, c, d] = self.header;
            self.left = u32::from_be_bytes([a, b, c, d]);
            self.fresh = true;
            self.stream = match id {
                // 0 is stdin, echoed by nobody; the engine's own reader takes it for output.
                0 | 1 => Some(StdStream::Out),
                2 => Some(StdStream::Err),
                3 => None,
                other => {
                    return Err(StreamFault::Protocol(format!(
                        "a frame of stream {other}; is this a terminal's output?"
                    )));
                }
            };
            if self.stream.is_none() && self.left == 0 {
                return Err(self.engine_error());
            }
        }
    }

    fn engine_error(&self) -> StreamFault {
        let text = String::from_utf8_lossy(&self.engine);
        let text = text.trim();
        StreamFault::Engine(match text.is_empty() {
            true => "the engine reports an error and does not say which".into(),
            false => text.to_owned(),
        })
    }

    /// Say whether the stream may end here.
    pub(crate) fn finish(&self) -> Result<(), StreamFault> {
        if self.have > 0 || self.left > 0 {
            return Err(match self.stream {
                None if !self.engine.is_empty() => self.engine_error(),
                _ => StreamFault::Cut,
            });
        }
        Ok(())
    }
}

/// How much is asked of the socket at once.
const READ: usize = 64 << 10;

/// The output of a process: what attach, exec and logs have in common.
pub(crate) struct Frames {
    from: From,
    demux: Demux,
    input: Bytes,
    call: String,
    ending: Ending,
    over: bool,
}

/// What the proper end of the framing is worth.
enum Ending {
    /// It is the end.
    Final,
    /// Somebody else has to say whether it is.
    Asked(Box<dyn FnOnce() -> MayEnd + Send>),
    Asking(MayEnd),
}

type MayEnd = Pin<Box<dyn Future<Output = bool> + Send>>;

enum From {
    Socket {
        io: Io,
        /// What was read and not yet taken apart.
        buffer: BytesMut,
        /// How reading ended, where it has.
        end: Option<std::io::Result<()>>,
    },
    Body(Body),
}

impl Frames {
    /// Read the answer to a logs request.
    pub(crate) fn of_body(body: Body, raw: bool) -> Frames {
        let call = body.call().to_owned();
        let demux = Demux::new(raw);
        let (input, ending) = (Bytes::new(), Ending::Final);
        Frames { from: From::Body(body), demux, input, call, ending, over: false }
    }

    /// At the proper end, ask whether it is one. Where it is not, the stream has broken off.
    pub(crate) fn ask_at_end(&mut self, ask: Box<dyn FnOnce() -> MayEnd + Send>) {
        self.ending = Ending::Asked(ask);
    }

    /// At the proper end, ask nobody, unless that is under way.
    fn end_unasked(&mut self) {
        if matches!(self.ending, Ending::Asked(_)) {
            self.ending = Ending::Final;
        }
    }

    /// Read a connection that was taken over; `tty` says what was asked for.
    pub(crate) fn of_connection(taken: Hijacked, tty: bool, call: String) -> Frames {
        let raw = tty && !taken.multiplexed;
        let (from, input) = match taken.source {
            Source::Socket { io, read } => {
                (From::Socket { io, buffer: BytesMut::new(), end: None }, read)
            }
            Source::Body(body) => (From::Body(body), Bytes::new()),
        };
        let (demux, ending) = (Demux::new(raw), Ending::Final);
        Frames { from, demux, input, call, ending, over: false }
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Error>>> {
        loop {
            if self.over {
                return Poll::Ready(None);
            }
            let next = if self.input.is_empty() {
                // In its place, and not moved: small frames come by the million.
                match &mut ready!(self.poll_input(cx)) {
                    Some(Ok(input)) => {
                        let next = self.demux.next(input);
                        // Mostly one frame is all there was.
                        if !input.is_empty() {
                            self.input = std::mem::take(input);
                        }
                        next
                    }
                    error @ Some(Err(_)) => {
                        self.over = true;
                        return Poll::Ready(error.take().and_then(Result::err).map(Err));
                    }
                    None => match self.demux.finish() {
                        Ok(()) if ready!(self.poll_may_end(cx)) => {
                            self.over = true;
                            return Poll::Ready(None);
                        }
                        Ok(()) => Err(StreamFault::Cut),
                        Err(fault) => Err(fault),
                    },
                }
            } else {
                self.demux.next(&mut self.input)
            };
            match next {
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Some(Err(self.end(fault)))),
            }
        }
    }

    fn poll_may_end(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.ending = match std::mem::replace(&mut self.ending, Ending::Final) {
            Ending::Asked(ask) => Ending::Asking(ask()),
            other => other,
        };
        match &mut self.ending {
            Ending::Asking(may_end) => may_end.as_mut().poll(cx),
            _ => Poll::Ready(true),
        }
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match &mut self.from {
            From::Body(body) => body.poll_next(cx),
            From::Socket { io, buffer, end } => {
                if buffer.is_empty() && end.is_none() {
                    ready!(poll_fill(io, cx, buffer, end));
                }
                if !buffer.is_empty() {
                    return Poll::Ready(Some(Ok(buffer.split().freeze())));
                }
                Poll::Ready(match end.replace(Ok(())) {
                    // The second where TLS was not closed in due form: anybody can have cut it.
                    Some(Err(e))
                        if matches!(
                            e.kind(),
                            ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
                        ) =>
                    {
                        let call = self.call.clone();
                        Some(Err(Error::Stream(StreamError { call, fault: StreamFault::Cut })))
                    }
                    Some(Err(e)) => Some(Err(Error::Transport(TransportError {
                        call: self.call.clone(),
                        maybe_applied: true,
                        source: e.into(),
                    }))),
                    _ => None,
                })
            }
        }
    }

    /// Read at most about `most` bytes more than were asked for. Ready when some came, or the end.
    fn poll_ahead(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<()> {
        match &mut self.from {
            From::Socket { io, buffer, end: end @ None } if !self.over && buffer.len() < most => {
                poll_fill(io, cx, buffer, end)
            }
            From::Socket { end: None, .. } if !self.over => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// Throw away what was read ahead.
    fn drop_ahead(&mut self) {
        if let From::Socket { buffer, .. } = &mut self.from {
            buffer.clear();
        }
    }

    /// Say whether nobody takes input any more: the engine has closed its side, or the stream
    /// made no sense.
    fn ended(&self) -> bool {
        self.over || !matches!(self.from, From::Socket { end: None, .. })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match &mut self.from {
            From::Socket { io, .. } => Pin::new(io).poll_write(cx, buf),
            From::Body(_) => Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// See that what was written has left: under TLS some may wait for room in the socket.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.from {
            From::Socket { io, .. } => Pin::new(io).poll_flush(cx),
            From::Body(_) => Poll::Ready(Ok(())),
        }
    }

    /// Close our side: the process sees the end of its input, and may go on printing.
    fn poll_end_input(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.from {
            From::Socket { io, .. } => Pin::new(io).poll_shutdown(cx),
            From::Body(_) => Poll::Ready(Ok(())),
        }
    }

    fn end(&mut self, fault: StreamFault) -> Error {
        self.over = true;
        Error::Stream(StreamError { call: self.call.clone(), fault })
    }

    /// Say whether the piece that was handed on last is the beginning of a frame. To be asked once
    /// for each.
    pub(crate) fn begins_frame(&mut self) -> bool {
        std::mem::take(&mut self.demux.fresh)
    }

    /// Wait for the next piece.
    pub(crate) async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Read to the end, both streams apart.
    pub(crate) async fn collect(&mut self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(chunk) = self.next().await.transpose()? {
            match chunk.stream {
                StdStream::Out => out.extend_from_slice(&chunk.data),
                StdStream::Err => err.extend_from_slice(&chunk.data),
            }
        }
        Ok((out, err))
    }
}

/// Read what there is into the spare room of `buffer`. Ready when some came, or the end.
fn poll_fill(
    io: &mut Io,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
    end: &mut Option<std::io::Result<()>>,
) -> Poll<()> {
    // Handed-on slices may still be held: this takes new room only then.
    if buffer.capacity() - buffer.len() < READ / 2 {
        buffer.reserve(READ);
    }
    match ready!(tokio_util::io::poll_read_buf(Pin::new(io), cx, buffer)) {
        Ok(0) => *end = Some(Ok(())),
        Ok(_) => {}
        Err(e) => *end = Some(Err(e)),
    }
    Poll::Ready(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(id: u8, data: &[u8]) -> Vec<u8> {
        let mut f = vec![id, 0, 0, 0];
        f.extend((data.len() as u32).to_be_bytes());
        f.extend(data);
        f
    }

    type Joined = Vec<(StdStream, Vec<u8>)>;

    /// Feed `pieces`, and join neighbours of one stream.
    fn run(raw: bool, pieces: &[&[u8]]) -> (Joined, Result<(), StreamFault>) {
        let mut demux = Demux::new(raw);
        let mut out = Joined::new();
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            loop {
                match demux.next(&mut input) {
                    Ok(Some(chunk)) => match out.last_mut() {
                        Some((s, data)) if *s == chunk.stream => data.extend(&chunk.data),
                        _ => out.push((chunk.stream, chunk.data.to_vec())),
                    },
                    Ok(None) => break,
                    Err(fault) => return (out, Err(fault)),
                }
            }
            assert!(input.is_empty());
        }
        (out, demux.finish())
    }

    #[test]
    fn every_split_gives_the_same() {
        let mut wire = frame(1, b"one");
        wire.extend(frame(2, b""));
        wire.extend(frame(2, b"\x01\0\0\0\0\0\0\x05"));
        wire.extend(frame(0, b"in"));
        let whole = run(false, &[&wire]);
        assert_eq!(whole.1, Ok(()));
        assert_eq!(whole.0.len(), 3);
        for at in 0..=wire.len() {
            for to in at..=wire.len() {
                assert_eq!(run(false, &[&wire[..at], &wire[at..to], &wire[to..]]), whole);
            }
        }
    }

    #[test]
    fn a_cut_is_told_at_every_byte() {
        let mut wire = frame(1, b"abc");
        wire.extend(frame(2, b"d"));
        for at in 1..wire.len() {
            let (out, end) = run(false, &[&wire[..at]]);
            let clean = at == 11;
            assert_eq!(end, if clean { Ok(()) } else { Err(StreamFault::Cut) }, "cut at {at}");
            let got: usize = out.iter().map(|(_, d)| d.len()).sum();
            assert_eq!(got, at.saturating_sub(8).min(3), "what came is handed on");
        }
    }

    #[test]
    fn odd_streams_are_errors_and_reserve_nothing() {
        assert_eq!(run(false, &[&frame(3, b"no\n")]).1, Err(StreamFault::Engine("no".into())));
        assert!(matches!(run(false, &[b"\x07\0\0\0\0\0\0\0"]).1, Err(StreamFault::Protocol(_))));
        let (out, end) = run(false, &[b"\x01\x09\x09\x09\xff\xff\xff\xff", b"x"]);
        assert_eq!((out, end), (vec![(StdStream::Out, b"x".to_vec())], Err(StreamFault::Cut)));
        assert_eq!(run(true, &[b"\x01\x02\0$ "]).0, [(StdStream::Out, b"\x01\x02\0$ ".to_vec())]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = run(false, &pieces);
        }
    }
}
