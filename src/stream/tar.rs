//! An archive as it comes from the engine.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::error::{Error, StreamError, StreamFault};
use crate::transport::{Body, engine_message};

/// A tar archive that arrives piece by piece, for as long as it is read: a slow reader makes the
/// engine wait, and no memory is filled.
///
/// Read it by [`next`](TarStream::next), as a [`Stream`] or as an [`AsyncRead`], or hand it to a
/// file by [`write_to`](TarStream::write_to). An archive that is not closed as archives are ends
/// with an error: engines that fail half-way end the stream as if all were well.
#[must_use = "a stream does nothing unless it is read"]
pub struct TarStream {
    body: Body,
    rest: Bytes,
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
        f.debug_tuple("TarStream").field(&self.body.call()).finish()
    }
}

impl TarStream {
    pub(crate) fn new(body: Body) -> TarStream {
        TarStream { body, rest: Bytes::new(), tail: Tail::default(), over: false }
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

impl Stream for TarStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut this.rest))));
        }
        if this.over {
            return Poll::Ready(None);
        }
        let next = ready!(this.body.poll_next(cx));
        match &next {
            Some(Ok(piece)) => this.tail.see(piece),
            Some(Err(_)) => this.over = true,
            None => {
                this.over = true;
                if let Err(fault) = this.tail.finish() {
                    let call = this.body.call().to_owned();
                    return Poll::Ready(Some(Err(Error::Stream(StreamError { call, fault }))));
                }
            }
        }
        Poll::Ready(next)
    }
}

impl AsyncRead for TarStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.as_mut().poll_next(cx)) {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let n = self.rest.len().min(buf.remaining());
        buf.put_slice(self.rest.get(..n).unwrap_or_default());
        self.rest.advance(n);
        Poll::Ready(Ok(()))
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
