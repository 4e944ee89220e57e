//! Pieces that arrive, read as a file is.

use std::io;
use std::task::{Poll, ready};

use bytes::Bytes;
use tokio::io::ReadBuf;

use crate::error::Error;

/// What a read had no room for: the beginning of what the next one gets.
#[derive(Debug, Default)]
pub(crate) struct Rest(Bytes);

impl Rest {
    /// Take it out, for somebody who wants pieces.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        (!self.0.is_empty()).then(|| std::mem::take(&mut self.0))
    }

    /// Fill `buf` with it, or with the next piece. No bytes are the end, so an empty piece is
    /// passed over.
    pub(crate) fn poll_read(
        &mut self,
        buf: &mut ReadBuf<'_>,
        mut next: impl FnMut() -> Poll<Option<Result<Bytes, Error>>>,
    ) -> Poll<io::Result<()>> {
        while self.0.is_empty() {
            match ready!(next()) {
                Some(Ok(piece)) => self.0 = piece,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let n = self.0.len().min(buf.remaining());
        buf.put_slice(&self.0.split_to(n));
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_buffer_loses_nothing_and_an_empty_piece_ends_nothing() {
        let mut pieces = ["", "abc", "", "d"].into_iter();
        let mut rest = Rest::default();
        let mut read = |size| {
            let mut room = vec![0; size];
            let mut buf = ReadBuf::new(&mut room);
            let next = || Poll::Ready(pieces.next().map(|p| Ok(Bytes::from_static(p.as_bytes()))));
            assert!(matches!(rest.poll_read(&mut buf, next), Poll::Ready(Ok(()))));
            String::from_utf8(buf.filled().to_vec()).unwrap()
        };
        assert_eq!([read(2), read(2), read(2), read(2)], ["ab", "c", "d", ""]);
        rest.0 = Bytes::from_static(b"left");
        assert_eq!((rest.take(), rest.take()), (Some("left".into()), None));
        let error = || Poll::Ready(Some(Err(Error::invalid("a", "b", "c"))));
        let mut room = [0; 4];
        let failed = rest.poll_read(&mut ReadBuf::new(&mut room), error);
        assert!(matches!(failed, Poll::Ready(Err(e)) if e.to_string().contains("\"b\"")));
    }
}
