//! What goes out with a request: nothing or a few bytes, or a stream of any length.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use tokio::io::AsyncWrite;

use super::conn::Io;

/// Bytes that are made as they are sent.
pub(crate) type Upload = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A request on its way out.
#[derive(Default)]
pub(super) struct Outgoing {
    /// The head, or a chunk's size.
    front: Bytes,
    piece: Bytes,
    tail: &'static [u8],
    stream: Option<Upload>,
}

/// Why a request could not be sent further.
pub(super) enum Unsent {
    Socket(io::Error),
    /// The stream it is made from failed.
    Input(io::Error),
}

impl Outgoing {
    pub(super) fn whole(head: String, body: Option<Bytes>) -> Outgoing {
        Outgoing { front: head.into(), piece: body.unwrap_or_default(), tail: b"", stream: None }
    }

    pub(super) fn streamed(head: String, stream: Upload) -> Outgoing {
        Outgoing { front: head.into(), piece: Bytes::new(), tail: b"", stream: Some(stream) }
    }

    /// Say whether all has gone out.
    pub(super) fn is_done(&self) -> bool {
        self.stream.is_none() && self.left() == 0
    }

    fn left(&self) -> usize {
        self.front.len() + self.piece.len() + self.tail.len()
    }

    /// Write all of it, and count in `sent` what has gone.
    pub(super) fn poll_write(
        &mut self,
        io: &mut Io,
        cx: &mut Context<'_>,
        sent: &mut u64,
    ) -> Poll<Result<(), Unsent>> {
        loop {
            while self.left() > 0 {
                let slices =
                    [IoSlice::new(&self.front), IoSlice::new(&self.piece), IoSlice::new(self.tail)];
                let n = ready!(Pin::new(&mut *io).poll_write_vectored(cx, &slices));
                match n.map_err(Unsent::Socket)? {
                    0 => return Poll::Ready(Err(Unsent::Socket(io::ErrorKind::WriteZero.into()))),
                    n => {
                        *sent += n as u64;
                        self.advance(n);
                    }
                }
            }
            // Even an empty slice would keep its buffer from being used again.
            self.piece = Bytes::new();
            let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
            match ready!(stream.as_mut().poll_next(cx)) {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => {
                    self.front = format!("{:x}\r\n", piece.len()).into();
                    (self.piece, self.tail) = (piece, b"\r\n");
                }
                Some(Err(error)) => return Poll::Ready(Err(Unsent::Input(error))),
                None => (self.tail, self.stream) = (b"0\r\n\r\n", None),
            }
        }
    }

    fn advance(&mut self, mut n: usize) {
        for part in [&mut self.front, &mut self.piece] {
            let gone = n.min(part.len());
            part.advance(gone);
            n -= gone;
        }
        self.tail = self.tail.get(n..).unwrap_or_default();
    }
}
