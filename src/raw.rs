//! Any call of the Engine API, for what has no verb here.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::ReaderStream;

use crate::error::{DecodeError, Error, InvalidInput};
use crate::transport::{Body, Io, Reply, Source, Transport, Upload};
use crate::verb::verb;
use crate::wire::{self, Call, HeaderMap, HeaderName, HeaderValue, Method, Patience};

/// An uploaded stream is read in pieces of this many bytes.
const READ: usize = 64 << 10;

/// The path of a call, without the API version.
///
/// A text is cut at its slashes; a list of parts is not, so that a part may hold some. Each part is
/// percent-encoded: nothing in it can become another part, or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route(Vec<String>);

impl From<&str> for Route {
    fn from(path: &str) -> Route {
        Route(path.strip_prefix('/').unwrap_or(path).split('/').map(str::to_owned).collect())
    }
}

impl From<String> for Route {
    fn from(path: String) -> Route {
        path.as_str().into()
    }
}

impl<const N: usize> From<[&str; N]> for Route {
    fn from(parts: [&str; N]) -> Route {
        Route(parts.map(str::to_owned).to_vec())
    }
}

impl From<&[&str]> for Route {
    fn from(parts: &[&str]) -> Route {
        Route(parts.iter().map(|part| (*part).to_owned()).collect())
    }
}

/// The verb behind [`Docker::raw`](crate::Docker::raw).
///
/// What was set but the path is not shown by `Debug`: headers and bodies carry secrets.
#[must_use = "nothing is sent before this is awaited"]
pub struct RawCall {
    transport: Transport,
    call: Call,
    stream: Option<Upload>,
    fault: Option<InvalidInput>,
}

impl fmt::Debug for RawCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawCall").field(&self.call.label()).finish()
    }
}

impl RawCall {
    pub(crate) fn new(transport: Transport, method: &str, Route(path): Route) -> RawCall {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut fault = None;
        let known = Method::from_bytes(method.as_bytes()).ok().filter(|m| *m != Method::CONNECT);
        let method = known.unwrap_or_else(|| {
            let rule = "must be one of HTTP, such as GET, and not CONNECT";
            fault = Some(InvalidInput::new("method", method, rule));
            Method::GET
        });
        if parts.iter().any(|part| part.is_empty()) {
            let rule = "must have no empty part";
            fault = fault.or(Some(InvalidInput::new("request path", parts.join("/"), rule)));
        }
        RawCall { transport, call: Call::new(method, &parts), stream: None, fault }
    }

    /// Add `key=value` to the query.
    pub fn query(mut self, key: impl AsRef<str>, value: impl fmt::Display) -> RawCall {
        self.call = self.call.arg(key.as_ref(), value);
        self
    }

    /// Set a header. Those of the connection, such as `Host` and lengths, stay as they are.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> RawCall {
        let named = HeaderName::from_bytes(name.as_ref().as_bytes());
        match (named, HeaderValue::from_str(value.as_ref())) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                self.call = self.call.header(name, value);
            }
            (Ok(_), Err(_)) => self.fail("header", name.as_ref(), "must have a printable value"),
            (Err(_), _) => self.fail("header name", name.as_ref(), "must be a token of HTTP"),
        }
        self
    }

    /// Send this as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> RawCall {
        match serde_json::to_vec(body) {
            Ok(body) => self.call = self.call.secret_json(body.into()),
            Err(_) => self.fail("body", "", "must be JSON"),
        }
        self
    }

    /// Send these bytes. Their type is JSON unless a header says otherwise.
    pub fn body(mut self, body: impl Into<Bytes>) -> RawCall {
        self.call = self.call.secret_json(body.into());
        self
    }

    /// Send all that `reader` gives, as it comes. Its type is that of a tar archive unless a header
    /// says otherwise.
    pub fn stream(mut self, reader: impl AsyncRead + Send + 'static) -> RawCall {
        self.stream = Some(Box::pin(ReaderStream::with_capacity(reader, READ)));
        self
    }

    /// Leave the API version out of the path.
    pub fn unversioned(mut self) -> RawCall {
        self.call = self.call.unversioned();
        self
    }

    /// Let the answer come when it comes, for as long as it comes: for waits and streams. A
    /// [`timeout`](RawCall::timeout) holds all the same.
    pub fn endless(mut self) -> RawCall {
        self.call = self.call.patience(Patience::Endless);
        self
    }

    /// Take the connection over: what follows the answer's head is bytes both ways.
    pub fn upgrade(self) -> RawUpgrade {
        RawUpgrade { raw: self.endless() }
    }

    fn fail(&mut self, what: &'static str, value: &str, rule: &str) {
        self.fault.get_or_insert_with(|| InvalidInput::new(what, value, rule));
    }

    fn checked(&self) -> Result<(), Error> {
        self.fault.clone().map_or(Ok(()), |fault| Err(fault.into()))
    }

    async fn run(self) -> Result<RawReply, Error> {
        self.checked()?;
        let reply = match self.stream {
            Some(stream) => self.transport.upload(&self.call, "application/x-tar", stream).await?,
            None => self.transport.send(&self.call).await?,
        };
        let Reply { status, headers, body } = reply;
        Ok(RawReply { status, headers, body })
    }
}

verb!(RawCall, transport => Result<RawReply, Error>);

/// The verb behind [`RawCall::upgrade`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RawUpgrade {
    raw: RawCall,
}

impl RawUpgrade {
    async fn run(self) -> Result<RawConnection, Error> {
        self.raw.checked()?;
        if self.raw.stream.is_some() {
            let rule = "must be bytes or nothing where the connection is taken over";
            return Err(Error::invalid("body", "", rule));
        }
        let taken = self.raw.transport.upgrade(&self.raw.call).await?;
        Ok(match taken.source {
            Source::Socket { io, read } => RawConnection { end: End::Socket(io), read },
            Source::Body(body) => RawConnection { end: End::Body(body), read: Bytes::new() },
        })
    }
}

verb!(RawUpgrade, raw.transport => Result<RawConnection, Error>);

/// An answer whose head is here, and whose body comes as it is read.
///
/// Read it whole, by [`json`](RawReply::json) or [`bytes`](RawReply::bytes), or piece by piece, by
/// [`next`](RawReply::next) or as a [`Stream`]. Dropped before its end, the connection is closed.
#[must_use = "an answer does nothing unless it is read"]
pub struct RawReply {
    status: u16,
    headers: HeaderMap,
    body: Body,
}

impl fmt::Debug for RawReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawReply")
            .field("call", &self.body.call())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl RawReply {
    /// Return the HTTP status: below 300, or 304. A refusal is an error before this.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Return a header's value, if there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Read the whole body, up to 256 MiB.
    ///
    /// # Errors
    /// It broke off, was too late or is too large.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        self.body.collect().await
    }

    /// Read the whole body, and decode it. What does not fit `T` is left out, value by value, where
    /// `T` can do without it.
    ///
    /// # Errors
    /// As [`bytes`](RawReply::bytes); [`Error::Decode`] where it is no JSON, or none of this kind.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let body = self.body.collect().await?;
        let call = self.body.call().to_owned();
        wire::from_slice(&body).map_err(|reason| Error::Decode(DecodeError { call, reason }))
    }

    /// Wait for the next piece of the body. `None` at the proper end.
    ///
    /// # Errors
    /// It broke off, or was too late.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        self.body.next().await
    }
}

impl Stream for RawReply {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().body.poll_next(cx)
    }
}

/// A connection that was taken over: bytes both ways.
///
/// An engine, or somebody between, that does not upgrade sends an answer that ends with the
/// connection: then it can be read, and a write fails.
pub struct RawConnection {
    end: End,
    read: Bytes,
}

enum End {
    Socket(Io),
    Body(Body),
}

impl fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConnection").finish_non_exhaustive()
    }
}

impl AsyncRead for RawConnection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.read.is_empty() {
            match &mut this.end {
                End::Socket(io) => return Pin::new(io).poll_read(cx, buf),
                End::Body(body) => match ready!(body.poll_next(cx)) {
                    Some(Ok(piece)) => this.read = piece,
                    Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                    None => return Poll::Ready(Ok(())),
                },
            }
        }
        let n = this.read.len().min(buf.remaining());
        buf.put_slice(this.read.get(..n).unwrap_or_default());
        this.read.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl RawConnection {
    fn socket(self: Pin<&mut Self>) -> io::Result<Pin<&mut Io>> {
        match &mut self.get_mut().end {
            End::Socket(io) => Ok(Pin::new(io)),
            End::Body(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl AsyncWrite for RawConnection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let raw = |method: &str, route: Route| RawCall::new(Transport::nowhere(), method, route);
        let calls = [
            raw("GET", "/networks".into()),
            raw("POST", "containers/../x?y#z".into()).query("a b", "c&d"),
            raw("GET", ["images", "a/b", "json"].into()),
            raw("PUT", "/x".into()).header("X-Secret", "canary").json("canary"),
            raw("DELETE", "/x".into()).unversioned().body("canary"),
        ];
        let shown: Vec<_> = calls.iter().map(|raw| raw.call.to_string()).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        GET /networks
        POST /containers/%2E%2E/x%3Fy%23z?a%20b=c%26d
        GET /images/a%2Fb/json
        PUT /x
        x-secret: Sensitive
        ***
        DELETE /x
        ***
        ");
        assert!(!format!("{calls:?} {shown:?}").contains("canary"));
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let raw = |method: &str| RawCall::new(Transport::nowhere(), method, "/x".into());
        let refused = [
            raw("GET /"),
            raw("CONNECT"),
            raw("GET").header("a b", "c"),
            raw("GET").header("x-secret", "canary\n"),
        ]
        .map(|raw| raw.checked().unwrap_err().to_string());
        insta::assert_snapshot!(refused.join("\n"), @r#"
        method "GET /" must be one of HTTP, such as GET, and not CONNECT
        method "CONNECT" must be one of HTTP, such as GET, and not CONNECT
        header name "a b" must be a token of HTTP
        header "x-secret" must have a printable value
        "#);
    }
}
