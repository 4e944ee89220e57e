//! An archive as it comes from the engine.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::error::{Error, StreamError, StreamFault};
use crate::pieces::Rest;
use crate::transport::{Body, engine_message};

/// A tar archive that arrives piece by piece, for as long as it is read: a slow reader makes the
/// engine wait, and no memory is filled.
///
/// Read it by [`next`](TarStream::next), as a [`Stream`] or as an [`AsyncRead`], or hand it to a
/// file by [`write_to`](TarStream::write_to). An archive that is not closed as archives are ends
/// with an error: engines that fail half-way end the stream as if all were well.
#[must_use = "a stream does nothing unless it is read"]
pub struct TarStream {
    pieces: Pieces,
    rest: Rest,
}

struct Pieces {
    body: Body,
    tail: Tail,
    over: bool,
}

/// The end of what came: an archive is closed by 1,024 zeros.
#[derive(Default)]
struct Tail {
    zeros: usize,
    /// What followed the last such close, where it is short: an engine's words.
    words: Vec<u8>,
}

/// What closes an archive.
const CLOSE: usize = 1_024;
/// Of what an engine says in place of it, this much is kept.
const WORDS: usize = 4 << 10;

impl Tail {
    fn see(&mut self, piece: &[u8]) {
        // No more than counts: a piece may be a megabyte of them.
        let zeros = piece.iter().rev().take(CLOSE).take_while(|b| **b == 0).count();
        self.zeros = if zeros == piece.len() { self.zeros + zeros } else { zeros };
        // Mostly a file's content: only the last of it can be words.
        let from = piece.len().saturating_sub(WORDS);
        if from > 0 {
            self.words.clear();
        }
        self.words.extend_from_slice(piece.get(from..).unwrap_or_default());
        let excess = self.words.len().saturating_sub(WORDS);
        self.words.drain(..excess);
    }

    fn finish(&self) -> Result<(), StreamFault> {
        if self.zeros >= CLOSE {
            return Ok(());
        }
        // JSON behind the last zero is what an engine has to say.
        let after = self.words.rsplit(|b| *b == 0).next().unwrap_or_default();
        let json = after.iter().position(|b| *b == b'{').and_then(|at| after.get(at..));
        match json.filter(|json| json.trim_ascii_end().ends_with(b"}")).and_then(engine_message) {
            Some(words) => Err(StreamFault::Engine(words)),
            None => Err(StreamFault::Cut),
        }
    }
}

impl fmt::Debug for TarStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TarStream").field(&self.pieces.body.call()).finish()
    }
}

impl TarStream {
    pub(crate) fn new(body: Body) -> TarStream {
        TarStream {
            pieces: Pieces { body, tail: Tail::default(), over: false },
            rest: Rest::default(),
        }
    }

    /// Wait for the next piece. `None` at the proper end.
    ///
    /// # Errors
    /// The stream broke off, or the engine gave up half-way.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Write all of it to `writer`, and return how many bytes there were.
    ///
    /// # Errors
    /// As [`next`](TarStream::next), and what `writer` says; either in an [`io::Error`].
    pub async fn write_to(mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<u64> {
        let mut written = 0;
        while let Some(piece) = self.next().await {
            let piece = piece.map_err(io::Error::other)?;
            writer.write_all(&piece).await?;
            written += piece.len() as u64;
        }
        writer.flush().await?;
        Ok(written)
    }
}

impl Pieces {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let next = ready!(self.body.poll_next(cx));
        match &next {
            Some(Ok(piece)) => self.tail.see(piece),
            Some(Err(_)) => self.over = true,
            None => {
                self.over = true;
                if let Err(fault) = self.tail.finish() {
                    let call = self.body.call().to_owned();
                    return Poll::Ready(Some(Err(Error::Stream(StreamError { call, fault }))));
                }
            }
        }
        Poll::Ready(next)
    }
}

impl Stream for TarStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match this.rest.take() {
            Some(rest) => Poll::Ready(Some(Ok(rest))),
            None => this.pieces.poll_next(cx),
        }
    }
}

impl AsyncRead for TarStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let TarStream { pieces, rest } = self.get_mut();
        rest.poll_read(buf, || pieces.poll_next(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pieces: &[&[u8]]) -> Result<(), StreamFault> {
        let mut tail = Tail::default();
        pieces.iter().for_each(|piece| tail.see(piece));
        tail.finish()
    }

    #[test]
    fn only_a_closed_archive_ends_well() {
        let zeros = [0; 600];
        assert_eq!(run(&[b"file", &zeros, &zeros]), Ok(()));
        assert_eq!(run(&[&zeros, &zeros]), Ok(()));
        assert_eq!(run(&[b"file", &zeros]), Err(StreamFault::Cut));
        assert_eq!(run(&[]), Err(StreamFault::Cut));
        assert_eq!(run(&[&zeros, &zeros, b"x"]), Err(StreamFault::Cut));
        let words = b"{\"message\":\"disk full\"}\n";
        assert_eq!(run(&[b"\x01\0", words]), Err(StreamFault::Engine("disk full".into())));
        assert_eq!(
            run(&[&zeros, &words[..9], &words[9..]]),
            Err(StreamFault::Engine("disk full".into()))
        );
    }
}
