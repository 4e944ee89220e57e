//! The only door to the network: requests go out, replies and streams come back.
//!
//! A call drives its own connection: there is no background task, no channel and no lock between
//! a verb and its socket. Dropping the call's future drops the connection with it, so nothing
//! half-read or half-written is ever used again.

mod body;
mod conn;
mod context;
mod direct;
mod host;
mod http1;
mod limits;
mod pool;
mod refusal;
mod route;
#[cfg(unix)]
mod socket;
#[cfg(feature = "ssh")]
mod ssh;
mod surroundings;
#[cfg(feature = "tls")]
mod tls;
mod upload;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::Request;
use hyper::header::{self, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::error::{
    ConnectError, ConnectFailure, DecodeError, Error, InputError, Late, Phase, StreamError,
    StreamFault, TimeoutError, TransportError, Tried, Unsupported,
};
use crate::trace;
use crate::wire::{self, ApiVersion, Call, Raw};

pub(crate) use body::Body;
use conn::Conn;
pub(crate) use conn::{Hijacked, Io, Source};
pub use context::DockerContext;
pub use host::Host;
use limits::Limits;
pub use limits::Timeouts;
use pool::Pool;
pub(crate) use refusal::engine_message;
use refusal::{readable, refusal};
pub(crate) use route::{NoRoute, Route};
pub(crate) use surroundings::{
    Surroundings, api_version as asked_version, candidates, given, in_context, look_up, spoken,
};
#[cfg(feature = "tls")]
pub use tls::Tls;
pub(crate) use upload::Upload;
use upload::{Fault, Outgoing};

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
    route: Route,
    origin: String,
    host_header: HeaderValue,
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
            .field("host", &self.engine.route.host.to_string())
            .field("api", &self.version())
            .finish_non_exhaustive()
    }
}

/// How a request goes out, and its answer comes back.
#[derive(Clone, Copy)]
enum Road {
    /// On a connection that is kept.
    Kept,
    /// On one that is taken over by the answer, for bytes both ways.
    Upgrade(&'static str),
    /// On one that the answer has to itself.
    Own,
}

/// Why one attempt failed, before it is known whether another may follow.
struct Failed {
    error: Error,
    /// Not a byte of the request had left: another connection may be tried.
    unwritten: bool,
}

impl Transport {
    /// Go to what needs nothing but its address.
    #[cfg(test)]
    pub(crate) fn new(
        host: Host,
        origin: String,
        timeouts: Timeouts,
        version: Option<ApiVersion>,
    ) -> Result<Transport, Error> {
        Transport::by(host.into(), origin, timeouts, version)
    }

    /// Go this way. Nothing is dialled yet.
    pub(crate) fn by(
        route: Route,
        origin: String,
        timeouts: Timeouts,
        version: Option<ApiVersion>,
    ) -> Result<Transport, Error> {
        let header = route.host.http_host_header();
        let host_header = HeaderValue::from_str(&header)
            .map_err(|_| Error::invalid("engine host", header, "must be printable ASCII"))?;
        if route.is_in_clear() {
            trace::in_clear(&route.host);
        }
        let engine = Engine {
            route,
            origin,
            host_header,
            version: AtomicU32::new(version.unwrap_or(ApiVersion::OLDEST).to_bits()),
            pinned: version.is_some(),
            pool: Pool::new(),
        };
        Ok(Transport { engine: Arc::new(engine), timeouts, own_limit: None })
    }

    /// For tests that look at calls and send none.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Transport {
        let host = Host::Tcp { host: "engine".into(), port: 1, base: String::new(), tls: false };
        Transport::new(host, "a test".into(), Timeouts::default(), None).unwrap()
    }

    pub(crate) fn host(&self) -> &Host {
        &self.engine.route.host
    }

    /// What TLS to the engine is made of, where there is TLS.
    #[cfg(all(feature = "throwaway", feature = "tls"))]
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.engine.route.tls.as_ref().map(tls::Client::made_of)
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
            trace::agreed(agreed, theirs);
            self.engine.version.store(agreed.to_bits(), Ordering::Relaxed);
        }
    }

    /// Send, and decode the answer's JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        Ok(self.kept(call).await?.0)
    }

    /// Send, decode the answer's JSON, and keep it as it came too.
    pub(crate) async fn kept<T: DeserializeOwned>(&self, call: &Call) -> Result<(T, Raw), Error> {
        let body = self.bytes(call).await?;
        match wire::from_slice(&body) {
            Ok(answer) => Ok((answer, Raw(body))),
            Err(reason) => Err(Error::Decode(DecodeError { call: call.label(), reason })),
        }
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
        self.answered(call, Road::Kept).await
    }

    /// Send, and return the answer once its head is here, for a body that is a stream: it comes on
    /// a connection of its own, which [`Direct`] reads.
    pub(crate) async fn stream(&self, call: &Call) -> Result<Reply, Error> {
        self.answered(call, Road::Own).await
    }

    async fn answered(&self, call: &Call, road: Road) -> Result<Reply, Error> {
        let reply = self.checked(call, road).await?;
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
        let reply = self.checked(call, Road::Upgrade("tcp")).await?;
        let multiplexed = (reply.headers.get(header::CONTENT_TYPE))
            .is_some_and(|t| t.as_bytes() == b"application/vnd.docker.multiplexed-stream");
        match reply.status {
            101 => Hijacked::take(reply.body, multiplexed)
                .await
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

    /// Send, and turn refusals into errors.
    async fn checked(&self, call: &Call, road: Road) -> Result<Reply, Error> {
        let streams = !matches!(road, Road::Kept);
        self.traced(call, streams, self.agreeing(call, road)).await
    }

    /// Let who watches this program know of a call.
    async fn traced(
        &self,
        call: &Call,
        streams: bool,
        work: impl Future<Output = Result<Reply, Error>>,
    ) -> Result<Reply, Error> {
        let span = trace::Span::of(call, self.host());
        let answer = span.around(work).await;
        let status = answer.as_ref().map(|reply| reply.status);
        let rest = span.answered(self.version(), status, streams);
        answer.map(|reply| Reply { body: reply.body.traced(rest), ..reply })
    }

    /// Renegotiate once if the engine was swapped for an older one under us.
    async fn agreeing(&self, call: &Call, road: Road) -> Result<Reply, Error> {
        let spoken = self.version();
        let reply = self.attempt(call, road).await?;
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
                let reply = self.attempt(call, road).await?;
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
        self.traced(call, true, self.uploaded(call, content_type, stream)).await
    }

    async fn uploaded(
        &self,
        call: &Call,
        content_type: &'static str,
        stream: Upload,
    ) -> Result<Reply, Error> {
        self.supports(call)?;
        let limits = Limits::start(self.timeouts, self.own_limit, call.patience);
        let fault = Fault::default();
        let mut request =
            self.request(call, None)?.map(|_| Outgoing::Stream(stream, fault.clone()));
        let headers = request.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        let content_type = HeaderValue::from_static(content_type);
        headers.entry(header::CONTENT_TYPE).or_insert(content_type);
        let conn = self.dial(&limits, call).await?;
        conn.hear_out();
        let sent = self.exchange(conn, request, call, &limits).await;
        match (sent, fault.take()) {
            (Ok(reply), _) if reply.status < 300 => Ok(reply),
            (Ok(reply), _) => Err(refusal(call, reply).await),
            (Err(_), Some(error)) => Err(Error::Input(InputError { call: call.label(), error })),
            (Err(failed), None) => Err(failed.error),
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
    async fn attempt(&self, call: &Call, road: Road) -> Result<Reply, Error> {
        self.supports(call)?;
        let limits = Limits::start(self.timeouts, self.own_limit, call.patience);
        let upgrade = match road {
            Road::Kept => None,
            Road::Upgrade(protocol) => Some(protocol),
            Road::Own => return self.attempt_own(call, &limits).await,
        };
        // Before a connection is taken: one that is refused costs none.
        let mut request = self.request(call, upgrade)?;
        while let Some(conn) = self.engine.pool.checkout() {
            trace::reused();
            match self.exchange(conn, request, call, &limits).await {
                Err(Failed { unwritten: true, error }) if !error.is_timeout() => {
                    trace::retried();
                    request = self.request(call, upgrade)?;
                }
                Err(failed) => return Err(failed.error),
                Ok(reply) => return Ok(reply),
            }
        }
        let conn = self.dial(&limits, call).await?;
        self.exchange(conn, request, call, &limits).await.map_err(|failed| failed.error)
    }

    async fn dial(&self, limits: &Limits, call: &Call) -> Result<Box<Conn>, Error> {
        self.within(limits, call, Conn::dial(&self.engine.route)).await
    }

    /// Wait for a connection, for as long as the limits allow.
    async fn within<T>(
        &self,
        limits: &Limits,
        call: &Call,
        dial: impl Future<Output = Result<T, ConnectFailure>>,
    ) -> Result<T, Error> {
        let limit = limits.connect();
        let dialled = match limit {
            Some((_, at)) => tokio::time::timeout_at(at, dial).await,
            None => Ok(dial.await),
        };
        let failure = match (dialled, limit) {
            (Ok(Ok(conn)), _) => {
                trace::dialled(self.host());
                return Ok(conn);
            }
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
            host: self.engine.route.host.to_string(),
            origin: self.engine.origin.clone(),
            failure,
        };
        Error::Connect(ConnectError { tried: vec![tried], waited: None })
    }

    /// Open a connection that no call uses.
    pub(crate) async fn dial_raw(&self) -> Result<Io, ConnectFailure> {
        Io::dial(&self.engine.route).await
    }

    async fn exchange(
        &self,
        mut conn: Box<Conn>,
        request: Request<Outgoing>,
        call: &Call,
        limits: &Limits,
    ) -> Result<Reply, Failed> {
        let before = conn.written();
        let streams = matches!(request.body(), Outgoing::Stream(..));
        let mut answer = pin!(conn.sender.send_request(request));
        let mut deadline = limits.head();
        let mut timer = pin!(deadline.map(|(_, at)| tokio::time::sleep_until(at)));
        // The answer to a stream is waited for from when the last of it has gone out.
        let mut streamed = streams.then_some(before);
        let mut looked = false;
        let answer = std::future::poll_fn(|cx| {
            // Who never pauses leaves no gap in which a timer would be looked at.
            let again = std::mem::replace(&mut looked, true);
            if again && !streams && deadline.is_some_and(|(_, at)| Instant::now() >= at) {
                return Poll::Ready(Err(None));
            }
            // The connection first: it is what moves the answer along.
            let over = conn.drive(cx);
            // And nothing else does, so the answer need not wake anybody.
            let mut quiet = Context::from_waker(Waker::noop());
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut quiet) {
                return Poll::Ready(Ok(answer));
            }
            if let Poll::Ready(over) = over {
                // Closed, and the answer still pending: nothing will come any more.
                return Poll::Ready(Err(over.err()));
            }
            if let Some(mut timer) = timer.as_mut().as_pin_mut() {
                if let Some(written) = &mut streamed {
                    if std::mem::replace(written, conn.written()) != *written {
                        deadline = limits.head();
                        if let Some((_, at)) = deadline {
                            timer.as_mut().reset(at);
                        }
                    }
                }
                if timer.poll(cx).is_ready() {
                    return Poll::Ready(Err(None));
                }
            }
            conn.doze();
            Poll::Pending
        })
        .await;
        let unwritten = conn.written() == before;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            let error = match source.downcast::<Late>() {
                Ok(late) => self.connect_error((*late).into()),
                Err(source) => Error::Transport(TransportError {
                    call: call.label(),
                    maybe_applied: !unwritten,
                    source,
                }),
            };
            Failed { error, unwritten }
        };
        match answer {
            Ok(Ok(response)) => {
                let (head, incoming) = response.into_parts();
                let body = Body::new(incoming, conn, self.engine.pool.clone(), limits, call);
                Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
            }
            Ok(Err(e)) | Err(Some(e)) => Err(failed(conn::cause(e))),
            Err(None) => Err(match deadline {
                Some(((phase, after), at)) if Instant::now() >= at => Failed {
                    error: Error::Timeout(TimeoutError {
                        call: call.label(),
                        phase,
                        after,
                        maybe_applied: !unwritten,
                    }),
                    unwritten,
                },
                _ => failed("the engine closed the connection without an answer".into()),
            }),
        }
    }
}

/// The newest version an engine speaks, as every one of its answers says.
pub(crate) fn api_version(headers: &HeaderMap) -> Option<ApiVersion> {
    headers.get("api-version")?.to_str().ok()?.parse().ok()
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
        let auth = hyper::header::HeaderName::from_static("x-registry-auth");
        let mut secret = HeaderValue::from_static("e30=");
        secret.set_sensitive(true);
        let call = Call::post(&["x"])
            .header(auth.clone(), secret)
            .header(header::HOST, HeaderValue::from_static("elsewhere"))
            .header(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
        let request = transport.request(&call, None).unwrap();
        let sent = |name| request.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(sent(auth.clone()), ["e30="]);
        assert!(sent(auth)[0].is_sensitive());
        assert_eq!(sent(header::HOST), ["engine:1"]);
        assert_eq!(sent(header::CONTENT_LENGTH), ["0"]);
    }
}
