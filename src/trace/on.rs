//! Spans and events, all of them under the target "bowline".

use std::time::{Duration, Instant};

use tracing::field::{Empty, display};
use tracing::{Instrument, Level, debug, debug_span, info, trace, warn};

use super::routes;
use crate::error::Error;
use crate::transport::Host;
use crate::wire::{ApiVersion, Call};

/// The span of one call under way.
pub(crate) struct Span(Option<Called>);

struct Called {
    span: tracing::Span,
    begun: Instant,
    method: String,
    route: &'static str,
    versioned: bool,
}

impl Span {
    pub(crate) fn of(call: &Call, engine: &Host) -> Span {
        if !tracing::enabled!(target: "bowline", Level::DEBUG) {
            return Span(None);
        }
        let method = call.method.to_string();
        let route = routes::pattern(&method, &call.path);
        let span = debug_span!(
            target: "bowline",
            "call",
            method,
            route,
            engine = %engine,
            api_version = Empty,
            status = Empty,
            error = Empty,
            elapsed_ms = Empty,
        );
        let versioned = call.versioned;
        Span(Some(Called { span, begun: Instant::now(), method, route, versioned }))
    }

    /// Do `work` within the span.
    pub(crate) fn around<F: Future>(&self, work: F) -> tracing::instrument::Instrumented<F> {
        let span = self.0.as_ref().map_or_else(tracing::Span::none, |called| called.span.clone());
        work.instrument(span)
    }

    /// The head of the answer is here, or will not be. The span of a stream ends with it.
    pub(crate) fn answered(
        self,
        version: ApiVersion,
        status: Result<u16, &Error>,
        streams: bool,
    ) -> Rest {
        let Some(called) = self.0 else { return Rest(None) };
        let span = &called.span;
        if called.versioned {
            span.record("api_version", display(version));
        }
        match status {
            Ok(status) => span.record("status", status),
            Err(error) => {
                if let Error::Api(refusal) = error {
                    span.record("status", refusal.status);
                }
                span.record("error", kind(error));
                span.record("elapsed_ms", millis(called.begun.elapsed()));
                return Rest(None);
            }
        };
        if !streams {
            return Rest(Some(Open::Answer { span: called.span, begun: called.begun }));
        }
        let Called { begun, method, route, .. } = called;
        span.record("elapsed_ms", millis(begun.elapsed()));
        Rest(Some(Open::Stream { begun, method, route }))
    }
}

/// The rest of an answer, behind its head. Dropped before its end, it was given up.
pub(crate) struct Rest(Option<Open>);

enum Open {
    /// Part of the call.
    Answer { span: tracing::Span, begun: Instant },
    /// A stream, which may go on for days.
    Stream { begun: Instant, method: String, route: &'static str },
}

impl Rest {
    pub(crate) fn none() -> Rest {
        Rest(None)
    }

    /// All of it came.
    #[inline]
    pub(crate) fn whole(&mut self) {
        self.end("whole");
    }

    /// No more of it comes.
    pub(crate) fn broken(&mut self) {
        self.end("broken off");
    }

    fn end(&mut self, how: &'static str) {
        match self.0.take() {
            None => {}
            Some(Open::Answer { span, begun }) => {
                if how == "broken off" {
                    span.record("error", "stream");
                }
                span.record("elapsed_ms", millis(begun.elapsed()));
            }
            Some(Open::Stream { begun, method, route }) => {
                let elapsed_ms = millis(begun.elapsed());
                debug!(target: "bowline", method, route, end = how, elapsed_ms, "stream ended");
            }
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.end("dropped");
    }
}

/// All that is sent to this engine, and comes from it, crosses a network as it is.
pub(crate) fn in_clear(engine: &Host) {
    warn!(target: "bowline", %engine, "no TLS: who is on the way can read all, and use the engine");
}

/// Others than its owner may read this private key.
#[cfg(feature = "tls")]
pub(crate) fn key_is_open(path: &std::path::Path) {
    warn!(target: "bowline", path = %path.display(), "private key can be read by others");
}

/// A new connection stands.
pub(crate) fn dialled(engine: &Host) {
    debug!(target: "bowline", %engine, "connection dialled");
}

/// A kept connection is used for another call.
pub(crate) fn reused() {
    trace!(target: "bowline", "connection reused");
}

/// A kept connection was closed before a byte of the request had left.
pub(crate) fn retried() {
    info!(target: "bowline", "kept connection was closed, retried on another");
}

/// This version of the API is spoken from now on.
pub(crate) fn agreed(version: ApiVersion, newest: ApiVersion) {
    debug!(target: "bowline", %version, engine_newest = %newest, "API version agreed");
}

/// A stream goes on over a connection of its own, after so many tries.
pub(crate) fn resumed(tries: u32) {
    info!(target: "bowline", tries, "lost stream resumed");
}

/// What a dropped call made was seen to; `undone` where it had made something.
pub(crate) fn followed_up(undone: bool) {
    info!(target: "bowline", undone, "dropped call followed up");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// An error in one word: its own words may hold an engine's, and those anything.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::InvalidInput(_) | Error::ImageRef(_) => "invalid input",
        Error::Connect(_) => "connect",
        Error::Unsupported(_) => "unsupported",
        Error::Timeout(_) => "timeout",
        Error::Api(_) => "refused",
        Error::Transport(_) => "transport",
        Error::Input(_) => "input",
        Error::Stream(_) => "stream",
        _ => "other",
    }
}
