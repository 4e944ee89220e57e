//! What goes out with a request: nothing or a few bytes, or a stream of any length.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

/// Bytes that are made as they are sent.
pub(crate) type Upload = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A request's body.
pub(super) enum Outgoing {
    Whole(Full<Bytes>),
    Stream(Upload, Fault),
}

/// Why a stream could not be read further: hyper says only that it could not.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<io::Error>>>);

impl Fault {
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Outgoing::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Outgoing::Stream(stream, fault) => stream.as_mut().poll_next(cx).map(|piece| {
                Some(piece?.map(Frame::data).map_err(|error| {
                    let kind = error.kind();
                    *fault.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    kind.into()
                }))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Outgoing::Whole(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(body) => body.size_hint(),
            Outgoing::Stream(..) => SizeHint::default(),
        }
    }
}
