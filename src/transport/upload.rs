//! What goes out with a request: nothing or a few bytes, or a stream of any length.

use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request};

use super::Transport;
use crate::error::Error;
use crate::wire::Call;

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

impl Transport {
    /// A request as hyper takes it; what belongs to the connection has the last word.
    pub(super) fn request(
        &self,
        call: &Call,
        upgrade: Option<&'static str>,
    ) -> Result<Request<Outgoing>, Error> {
        if call.path.ends_with('/') || call.path.contains("//") {
            // An id that is empty, wherever it came from: the route would be another one.
            return Err(Error::invalid("request path", &call.path, "must have no empty part"));
        }
        let version = self.version();
        let base = self.engine.route.host.base();
        let query = call.query.as_str();
        let mut target = String::with_capacity(base.len() + 8 + call.path.len() + query.len());
        target.push_str(base);
        if call.versioned {
            // Infallible: a String takes what it is given.
            let _ = write!(target, "/v{version}");
        }
        target.push_str(&call.path);
        target.push_str(query);
        let mut request =
            Request::new(Outgoing::Whole(call.body.clone().unwrap_or_default().into()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = hyper::http::Uri::from_maybe_shared(Bytes::from(target))
            .map_err(|e| Error::invalid("request target", call.path.as_str(), e.to_string()))?;
        let headers = request.headers_mut();
        // The call's own first: what the connection needs has the last word.
        headers.extend(call.headers.iter().cloned());
        headers.insert(header::HOST, self.engine.host_header.clone());
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("bowline/", env!("CARGO_PKG_VERSION"))),
        );
        if call.body.is_some() {
            let json = HeaderValue::from_static("application/json");
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        } else if call.method == Method::POST {
            // Engines refuse a start of unknown length.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(protocol) = upgrade {
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static(protocol));
        }
        Ok(request)
    }
}
