//! The only door to the network: requests go out, replies and streams come back.
//!
//! A call drives its own connection: there is no background task, no channel and no lock between
//! a verb and its socket. Dropping the call's future drops the connection with it, so nothing
//! half-read or half-written is ever used again.

mod body;
mod conn;
mod context;
mod host;
mod http1;
mod limits;
mod pool;
mod surroundings;
mod upload;

use std::fmt::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::error::{
    ApiError, ConnectError, ConnectFailure, DecodeError, Error, InputError, Phase, StreamError,
    StreamFault, TimeoutError, TransportError, Tried, Unsupported, excerpt,
};
use crate::wire::{self, ApiVersion, Call};

pub(crate) use body::Body;
use conn::{Broken, Conn};
pub(crate) use conn::{Hijacked, Io, Source};
pub use host::Host;
use limits::Limits;
pub use limits::Timeouts;
use pool::Pool;
pub(crate) use surroundings::{
    Surroundings, api_version as asked_version, candidates, given, spoken,
};
use upload::Outgoing;
pub(crate) use upload::Upload;

/// Of an error's body, this much is read, and for no longer than this.
const ERROR_BODY: usize = 64 << 10;
const ERROR_BODY_TIME: std::time::Duration = std::time::Duration::from_secs(5);
/// Of the engine's words, this much is kept.
const ERROR_TEXT: usize = 4 << 10;

/// One engine, its kept connections and the limits of this handle. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport {
    engine: Arc<Engine>,
    timeouts: Timeouts,
    /// A limit set on the verb itself, for all its calls together and from when it was awaited:
    /// it holds for waits and streams too.
    own_limit: Option<(std::time::Duration, Instant)>,
}

struct Engine {
    host: Host,
    origin: String,
    host_header: String,
    version: AtomicU32,
    /// A version that was asked for is never negotiated away.
    pinned: bool,
    pool: Arc<Pool>,
}

/// The head of an answer, and the body that follows.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("host", &self.engine.host.to_string())
            .field("api", &self.version())
            .finish_non_exhaustive()
    }
}

/// Why one attempt failed, before it is known whether another may follow.
struct Failed {
    error: Error,
    /// Not a byte of the request had left: another connection may be tried.
    unwritten: bool,
}

impl Transport {
    pub(crate) fn new(
        host: Host,
        origin: String,
        timeouts: Timeouts,
        version: Option<ApiVersion>,
    ) -> Result<Transport, Error> {
        let host_header = host.http_host_header();
        if HeaderValue::from_str(&host_header).is_err() || !host_header.is_ascii() {
            return Err(Error::invalid("engine host", host_header, "must be printable ASCII"));
        }
        let engine = Engine {
            host,
            origin,
            host_header,
            version: AtomicU32::new(version.unwrap_or(ApiVersion::OLDEST).to_bits()),
            pinned: version.is_some(),
            pool: Pool::new(),
        };
        Ok(Transport { engine: Arc::new(engine), timeouts, own_limit: None })
    }

    pub(crate) fn host(&self) -> &Host {
        &self.engine.host
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    pub(crate) fn with_timeouts(&self, timeouts: Timeouts) -> Transport {
        Transport { engine: self.engine.clone(), timeouts, own_limit: None }
    }

    /// Limit the whole of the verb that holds this handle.
    pub(crate) fn limit(&mut self, limit: std::time::Duration) {
        self.own_limit = Some((limit, Instant::now()));
    }

    /// The verb begins: its limit counts from now.
    pub(crate) fn begin(&mut self) {
        if let Some((_, from)) = &mut self.own_limit {
            *from = Instant::now();
        }
    }

    /// The limit of the verb that holds this handle.
    pub(crate) fn own_limit(&self) -> Option<std::time::Duration> {
        self.own_limit.map(|(limit, _)| limit)
    }

    /// When the limit of the verb that holds this handle is reached, and the error that is then.
    pub(crate) fn deadline(&self, call: &Call) -> Option<(Instant, TimeoutError)> {
        let (after, from) = self.own_limit?;
        let (call, phase, maybe_applied) = (call.label(), Phase::Overall, true);
        Some((from.checked_add(after)?, TimeoutError { call, phase, after, maybe_applied }))
    }

    /// The verb has ended, and its limit with it: what it gives back is not bound by it.
    pub(crate) fn unlimited(mut self) -> Transport {
        self.own_limit = None;
        self
    }

    pub(crate) fn version(&self) -> ApiVersion {
        ApiVersion::from_bits(self.engine.version.load(Ordering::Relaxed))
    }

    /// Agree on a version with an engine whose newest is `theirs`.
    pub(crate) fn negotiate(&self, theirs: ApiVersion) {
        if !self.engine.pinned {
            let agreed = theirs.min(ApiVersion::NEWEST);
            self.engine.version.store(agreed.to_bits(), Ordering::Relaxed);
        }
    }

    /// Send, and decode the answer's JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let mut reply = self.send(call).await?;
        let body = reply.body.collect().await?;
        wire::from_slice(&body)
            .map_err(|reason| Error::Decode(DecodeError { call: call.label(), reason }))
    }

    /// Send, and keep the answer's body as it is.
    pub(crate) async fn bytes(&self, call: &Call) -> Result<Bytes, Error> {
        self.send(call).await?.body.collect().await
    }

    /// Send, and return the status of an answer whose body says nothing.
    pub(crate) async fn done(&self, call: &Call) -> Result<u16, Error> {
        let mut reply = self.send(call).await?;
        reply.body.skip().await;
        Ok(reply.status)
    }

    /// Send, and return the answer once its head is here. Refusals are errors already.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, Error> {
        let reply = self.checked(call, None).await?;
        if reply.status == 101 {
            return Err(stream_error(
                call,
                StreamFault::Protocol("101 without being asked".into()),
            ));
        }
        Ok(reply)
    }

    /// Send, and take the connection over: what follows is a stream of bytes both ways.
    pub(crate) async fn upgrade(&self, call: &Call) -> Result<Hijacked, Error> {
        let reply = self.checked(call, Some("tcp")).await?;
        let multiplexed = (reply.headers.get(header::CONTENT_TYPE))
            .is_some_and(|t| t.as_bytes() == b"application/vnd.docker.multiplexed-stream");
        match reply.status {
            101 => Hijacked::take(reply.body, multiplexed)
                .ok_or_else(|| stream_error(call, StreamFault::Cut)),
            // Engines and proxies that do not speak upgrades send the same bytes as a body that
            // ends with the connection; there is no way to send any.
            200 => Ok(Hijacked::read_only(reply.body, multiplexed)),
            other => Err(stream_error(
                call,
                StreamFault::Protocol(format!("status {other} where 101 was due")),
            )),
        }
    }

    /// Send, and turn refusals into errors; renegotiate once if the engine was swapped for an
    /// older one under us.
    async fn checked(&self, call: &Call, upgrade: Option<&'static str>) -> Result<Reply, Error> {
        let spoken = self.version();
        let reply = self.attempt(call, upgrade).await?;
        if reply.status < 300 || reply.status == 304 {
            return readable(call, reply);
        }
        let theirs = api_version(&reply.headers);
        let error = refusal(call, reply).await;
        if let (Error::Api(api), Some(theirs)) = (&error, theirs) {
            // The version is refused before anything is done, so this is no second try.
            let swapped = api.status == 400 && theirs < spoken && api.message.contains("too new");
            if swapped && !self.engine.pinned && theirs >= ApiVersion::OLDEST {
                self.negotiate(theirs);
                let reply = self.attempt(call, upgrade).await?;
                if reply.status < 300 || reply.status == 304 {
                    return readable(call, reply);
                }
                return Err(refusal(call, reply).await);
            }
        }
        Err(error)
    }

    /// Send with a body that is made as it is sent, and return the answer once its head is here.
    ///
    /// A stream can be read once, so it goes out on a connection of its own: a kept one may turn
    /// out to be closed when the stream has begun.
    pub(crate) async fn upload(
        &self,
        call: &Call,
        content_type: &'static str,
        stream: Upload,
    ) -> Result<Reply, Error> {
        self.supports(call)?;
        let limits = Limits::start(self.timeouts, self.own_limit, call.patience);
        let head = self.head(call, None, Some(content_type))?;
        let mut conn = self.dial(&limits, call).await?;
        conn.begin(Outgoing::streamed(head, stream), false);
        match self.exchange(conn, call, &limits, true).await {
            Ok(reply) if reply.status < 300 => Ok(reply),
            Ok(reply) => Err(refusal(call, reply).await),
            Err(failed) => Err(failed.error),
        }
    }

    fn supports(&self, call: &Call) -> Result<(), Error> {
        let has = self.version();
        match call.needs {
            Some((needs, what)) if has < needs => {
                Err(Error::Unsupported(Unsupported { what, needs, has }))
            }
            _ => Ok(()),
        }
    }

    /// Send on a kept connection or a new one. A second connection is tried only while not a byte
    /// of the request has left this process.
    async fn attempt(&self, call: &Call, upgrade: Option<&'static str>) -> Result<Reply, Error> {
        self.supports(call)?;
        let limits = Limits::start(self.timeouts, self.own_limit, call.patience);
        let request = || {
            let head = self.head(call, upgrade, None)?;
            Ok::<_, Error>(Outgoing::whole(head, call.body.clone()))
        };
        let bodiless = call.method == Method::HEAD;
        while let Some(mut conn) = self.engine.pool.checkout() {
            conn.begin(request()?, bodiless);
            match self.exchange(conn, call, &limits, false).await {
                Err(Failed { unwritten: true, error }) if !error.is_timeout() => continue,
                Err(failed) => return Err(failed.error),
                Ok(reply) => return Ok(reply),
            }
        }
        let mut conn = self.dial(&limits, call).await?;
        conn.begin(request()?, bodiless);
        self.exchange(conn, call, &limits, false).await.map_err(|failed| failed.error)
    }

    async fn dial(&self, limits: &Limits, call: &Call) -> Result<Box<Conn>, Error> {
        let limit = limits.connect();
        let dialled = match limit {
            Some((_, at)) => tokio::time::timeout_at(at, Conn::dial(&self.engine.host)).await,
            None => Ok(Conn::dial(&self.engine.host).await),
        };
        let failure = match (dialled, limit) {
            (Ok(Ok(conn)), _) => return Ok(conn),
            (Ok(Err(failure)), _) => failure,
            (Err(_), Some(((phase, after), _))) => {
                let call = call.label();
                let maybe_applied = false;
                return Err(Error::Timeout(TimeoutError { call, phase, after, maybe_applied }));
            }
            (Err(_), None) => ConnectFailure::NoAnswer(std::time::Duration::ZERO),
        };
        Err(self.connect_error(failure))
    }

    pub(crate) fn connect_error(&self, failure: ConnectFailure) -> Error {
        let tried = Tried {
            host: self.engine.host.to_string(),
            origin: self.engine.origin.clone(),
            failure,
        };
        Error::Connect(ConnectError { tried: vec![tried] })
    }

    /// Open a connection that no call uses.
    pub(crate) async fn dial_raw(&self) -> Result<Io, ConnectFailure> {
        Io::dial(&self.engine.host).await
    }

    /// Send what the connection was given, and wait for the head of the answer. The answer to a
    /// stream is waited for from when the last of it has gone out.
    async fn exchange(
        &self,
        mut conn: Box<Conn>,
        call: &Call,
        limits: &Limits,
        streams: bool,
    ) -> Result<Reply, Failed> {
        let mut deadline = limits.head();
        let mut timer = pin!(deadline.map(|(_, at)| tokio::time::sleep_until(at)));
        let mut seen = None;
        let answer = std::future::poll_fn(|cx| {
            // Who never pauses leaves no gap in which a timer would be looked at.
            let passed = deadline.filter(|(_, at)| seen.is_some() && Instant::now() >= *at);
            if let Some((limit, _)) = passed {
                return Poll::Ready(Err(limit));
            }
            if let Poll::Ready(answer) = conn.poll_answer(cx) {
                return Poll::Ready(Ok(answer));
            }
            if let Some(mut timer) = timer.as_mut().as_pin_mut() {
                let moved = seen.replace(conn.sent()).is_some_and(|sent| sent != conn.sent());
                if streams && moved {
                    deadline = limits.head();
                    if let Some((_, at)) = deadline {
                        timer.as_mut().reset(at);
                    }
                }
                if let (Poll::Ready(()), Some((limit, _))) = (timer.poll(cx), deadline) {
                    return Poll::Ready(Err(limit));
                }
            }
            Poll::Pending
        })
        .await;
        let broken = match answer {
            Ok(Ok((status, headers))) => {
                let body = Body::new(conn, self.engine.pool.clone(), limits, call);
                return Ok(Reply { status, headers, body });
            }
            Ok(Err(broken)) => Ok(broken),
            Err(limit) => Err(limit),
        };
        let (unwritten, call) = (conn.sent() == 0, call.label());
        let maybe_applied = !unwritten;
        let error = match broken {
            Err((phase, after)) => {
                Error::Timeout(TimeoutError { call, phase, after, maybe_applied })
            }
            Ok(Broken::Input(error)) => Error::Input(InputError { call, error }),
            Ok(broken) => {
                let source = match broken {
                    Broken::Socket(e) => e.into(),
                    Broken::Garbled(what) => what.into(),
                    _ => "the connection was closed before an answer came".into(),
                };
                Error::Transport(TransportError { call, maybe_applied, source })
            }
        };
        Err(Failed { error, unwritten })
    }

    /// The head of a request as it goes out. `streams` is the kind of a body that is made as it
    /// is sent.
    fn head(
        &self,
        call: &Call,
        upgrade: Option<&'static str>,
        streams: Option<&'static str>,
    ) -> Result<String, Error> {
        if call.path.ends_with('/') || call.path.contains("//") {
            // An id that is empty, wherever it came from: the route would be another one.
            return Err(Error::invalid("request path", &call.path, "must have no empty part"));
        }
        let (base, query) = (self.engine.host.base(), call.query.as_str());
        if ![base, &call.path, query].iter().all(|part| part.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(Error::invalid("request target", &call.path, "must be printable ASCII"));
        }
        let mut head = String::with_capacity(256 + base.len() + call.path.len() + query.len());
        // Infallible: a String takes what it is given.
        let _ = write!(head, "{} {base}", call.method);
        if call.versioned {
            let _ = write!(head, "/v{}", self.version());
        }
        let _ = write!(head, "{}{query} HTTP/1.1\r\n", call.path);
        let mut line = |name: HeaderName, value: &str| {
            let _ = write!(head, "{name}: {value}\r\n");
        };
        line(header::HOST, &self.engine.host_header);
        line(header::USER_AGENT, concat!("bowline/", env!("CARGO_PKG_VERSION")));
        match (streams, &call.body) {
            (Some(kind), _) => {
                line(header::CONTENT_TYPE, kind);
                line(header::TRANSFER_ENCODING, "chunked");
            }
            (None, Some(body)) => {
                line(header::CONTENT_TYPE, "application/json");
                line(header::CONTENT_LENGTH, &body.len().to_string());
            }
            // Engines refuse a start of unknown length.
            (None, None) if matches!(call.method, Method::POST | Method::PUT) => {
                line(header::CONTENT_LENGTH, "0");
            }
            (None, None) => {}
        }
        if let Some(protocol) = upgrade {
            line(header::CONNECTION, "Upgrade");
            line(header::UPGRADE, protocol);
        }
        for (name, value) in &call.headers {
            // What the connection needs has the last word.
            if !CONNECTIONS.contains(name) {
                let text = value.to_str().map_err(|_| {
                    Error::invalid("request header", name.as_str(), "must be printable ASCII")
                })?;
                line(name.clone(), text);
            }
        }
        head.push_str("\r\n");
        Ok(head)
    }
}

/// Headers that belong to the connection, and not to a call.
const CONNECTIONS: [HeaderName; 7] = [
    header::HOST,
    header::USER_AGENT,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
];

/// The newest version an engine speaks, as every one of its answers says.
pub(crate) fn api_version(headers: &HeaderMap) -> Option<ApiVersion> {
    headers.get("api-version")?.to_str().ok()?.parse().ok()
}

/// How a body is packed, where that is not as it is.
fn packed(reply: &Reply) -> Option<String> {
    let encoding = reply.headers.get(header::CONTENT_ENCODING)?.to_str().unwrap_or("?");
    (!encoding.eq_ignore_ascii_case("identity")).then(|| excerpt(encoding, 40))
}

/// Refuse a body that somebody on the way has packed, which no call of ours asks for, and one of
/// two lengths: whoever else reads it may see another end, and another answer behind it.
fn readable(call: &Call, reply: Reply) -> Result<Reply, Error> {
    let what = if let Some(encoding) = packed(&reply) {
        format!("the answer is packed ({encoding}) without being asked")
    } else if reply.headers.contains_key(header::CONTENT_LENGTH)
        && reply.headers.contains_key(header::TRANSFER_ENCODING)
    {
        "the answer has both a length and chunks".to_owned()
    } else {
        return Ok(reply);
    };
    Err(stream_error(call, StreamFault::Protocol(what)))
}

/// Read what the engine has to say to its refusal, within bounds.
async fn refusal(call: &Call, mut reply: Reply) -> Error {
    if (300..400).contains(&reply.status) {
        let to =
            reply.headers.get(header::LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()));
        let to = excerpt(to.as_deref().unwrap_or("nowhere"), 200);
        let message = format!("the engine redirects to {to}; not followed");
        return Error::Api(ApiError { call: call.label(), status: reply.status, message });
    }
    let text = match packed(&reply) {
        Some(_) => Vec::new(),
        None => reply.body.excerpt(ERROR_BODY, ERROR_BODY_TIME).await,
    };
    let reason = StatusCode::from_u16(reply.status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("refused without a word");
    let message = engine_message(&text).unwrap_or_else(|| reason.to_owned());
    Error::Api(ApiError { call: call.label(), status: reply.status, message })
}

/// The message in an error's body: Docker's JSON, Podman's, or plain text.
pub(crate) fn engine_message(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Refusal {
        message: Option<String>,
        error: Option<String>,
        cause: Option<String>,
    }
    let json = serde_json::from_slice::<Refusal>(body)
        .ok()
        .and_then(|refusal| refusal.message.or(refusal.error).or(refusal.cause));
    let text = match json {
        Some(message) => message,
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let mut cut = text.len().min(ERROR_TEXT);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    Some(text.get(..cut).unwrap_or_default().to_owned())
}

pub(crate) fn stream_error(call: &Call, fault: StreamFault) -> Error {
    Error::Stream(StreamError { call: call.label(), fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calls_headers_are_sent_and_change_no_others() {
        let host = Host::parse("engine", "tcp://engine:1").unwrap();
        let transport = Transport::new(host, "a test".into(), Timeouts::default(), None).unwrap();
        let auth = HeaderName::from_static("x-registry-auth");
        let mut secret = HeaderValue::from_static("e30=");
        secret.set_sensitive(true);
        let call = Call::post(&["x"])
            .header(auth.clone(), secret)
            .header(header::HOST, HeaderValue::from_static("elsewhere"))
            .header(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
        insta::assert_snapshot!(transport.head(&call, None, None).unwrap().replace('\r', ""), @r"
        POST /v1.41/x HTTP/1.1
        host: engine:1
        user-agent: bowline/0.1.0
        content-length: 0
        x-registry-auth: e30=
        ");
        insta::assert_snapshot!(
            transport.head(&Call::get(&["a"]), Some("tcp"), Some("a/b")).unwrap().replace('\r', ""),
            @r"
        GET /v1.41/a HTTP/1.1
        host: engine:1
        user-agent: bowline/0.1.0
        content-type: a/b
        transfer-encoding: chunked
        connection: Upgrade
        upgrade: tcp
        "
        );
    }

    #[test]
    fn the_engines_words_are_found() {
        let message = |b: &str| engine_message(b.as_bytes());
        assert_eq!(message(r#"{"message":"no"}"#).as_deref(), Some("no"));
        assert_eq!(message(r#"{"cause":"c","message":"m","response":500}"#).as_deref(), Some("m"));
        assert_eq!(message(r#"{"error":"e"}"#).as_deref(), Some("e"));
        assert_eq!(message("<html>502</html>\n").as_deref(), Some("<html>502</html>"));
        assert_eq!(message(r#"{"message":"cut"#).as_deref(), Some(r#"{"message":"cut"#));
        assert_eq!(message(" \n"), None);
        assert_eq!(message(&"é".repeat(9_000)).map(|m| m.len()), Some(ERROR_TEXT));
    }
}
