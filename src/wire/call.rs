//! One request as a value: what a snapshot test can see before anything is sent.

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;

use super::ApiVersion;

/// Everything but RFC 3986's unreserved characters.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long an answer may rightly take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Every limit holds.
    Plain,
    /// The engine itself takes up to this long before it answers (`stop?t=…`).
    Plus(Duration),
    /// The answer may be as long as it is, as long as it keeps coming (logs).
    Long,
    /// The answer comes when it comes (`wait`, followed logs, commit).
    Endless,
}

/// One request: method, path without the version, query and body.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) body: Option<Bytes>,
    /// The body holds a secret: not even a snapshot shows it.
    secret: bool,
    /// Headers of this call's own. Those of the connection (`Host`, lengths) are not its business.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) patience: Patience,
    pub(crate) needs: Option<(ApiVersion, &'static str)>,
    /// The path begins with the version, as all do but `/_ping`.
    pub(crate) versioned: bool,
}

impl Call {
    /// Start a call; each segment is percent-encoded, so none can change the route.
    pub(crate) fn new(method: Method, segments: &[&str]) -> Call {
        let mut path =
            String::with_capacity(8 + segments.iter().map(|s| s.len() + 1).sum::<usize>());
        for segment in segments {
            path.push('/');
            // "." and ".." are unreserved characters and yet change a path.
            match *segment {
                "." => path.push_str("%2E"),
                ".." => path.push_str("%2E%2E"),
                s => path.extend(percent_encode(s.as_bytes(), STRICT)),
            }
        }
        Call {
            method,
            path,
            query: Query::default(),
            body: None,
            secret: false,
            headers: Vec::new(),
            patience: Patience::Plain,
            needs: None,
            versioned: true,
        }
    }

    pub(crate) fn get(segments: &[&str]) -> Call {
        Call::new(Method::GET, segments)
    }

    pub(crate) fn head(segments: &[&str]) -> Call {
        Call::new(Method::HEAD, segments)
    }

    pub(crate) fn post(segments: &[&str]) -> Call {
        Call::new(Method::POST, segments)
    }

    pub(crate) fn put(segments: &[&str]) -> Call {
        Call::new(Method::PUT, segments)
    }

    pub(crate) fn delete(segments: &[&str]) -> Call {
        Call::new(Method::DELETE, segments)
    }

    /// Add `key=value`.
    pub(crate) fn arg(mut self, key: &str, value: impl fmt::Display) -> Call {
        self.query.push(key, value);
        self
    }

    /// Add `key=value` where there is a value.
    pub(crate) fn maybe(self, key: &str, value: Option<impl fmt::Display>) -> Call {
        match value {
            Some(v) => self.arg(key, v),
            None => self,
        }
    }

    /// Add `key=1` where `on`.
    pub(crate) fn flag(self, key: &str, on: bool) -> Call {
        if on { self.arg(key, 1) } else { self }
    }

    /// Send `body` as JSON.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Call {
        // Our own request shapes have string keys and finite numbers: they always serialise.
        self.body = serde_json::to_vec(body).ok().map(Bytes::from);
        self
    }

    /// Send `body`, which is JSON and holds a secret.
    pub(crate) fn secret_json(mut self, body: Bytes) -> Call {
        self.body = Some(body);
        self.secret = true;
        self
    }

    /// Send a header; a value marked sensitive is never shown.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Call {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn unversioned(mut self) -> Call {
        self.versioned = false;
        self
    }

    pub(crate) fn patience(mut self, patience: Patience) -> Call {
        self.patience = patience;
        self
    }

    /// Refuse the call below `version`, naming `what` lacks.
    pub(crate) fn since(mut self, version: ApiVersion, what: &'static str) -> Call {
        if self.needs.is_none_or(|(v, _)| v < version) {
            self.needs = Some((version, what));
        }
        self
    }

    /// "POST /containers/web/start": how errors name the call. Never holds a query or a body.
    pub(crate) fn label(&self) -> String {
        [self.method.as_str(), &self.path].join(" ")
    }
}

/// A percent-encoded query.
#[derive(Clone, Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn push(&mut self, key: &str, value: impl fmt::Display) {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.extend(percent_encode(key.as_bytes(), STRICT));
        self.0.push('=');
        // Infallible: a String takes what it is given.
        let _ = write!(Encoding(&mut self.0), "{value}");
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Encodes what is written through it, without an intermediate string.
struct Encoding<'a>(&'a mut String);

impl fmt::Write for Encoding<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.extend(percent_encode(s.as_bytes(), STRICT));
        Ok(())
    }
}

/// The request as it would be sent, for snapshots. `Debug` of a call may hold its body: calls are
/// never printed outside of tests.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.path, self.query.as_str())?;
        for (name, value) in &self.headers {
            // Of a sensitive value `Debug` shows nothing.
            write!(f, "\n{name}: {value:?}")?;
        }
        if self.secret {
            f.write_str("\n***")?;
        } else if let Some(body) = &self.body {
            let pretty = serde_json::from_slice::<serde_json::Value>(body)
                .and_then(|v| serde_json::to_string_pretty(&v))
                .unwrap_or_else(|_| format!("<{} bytes>", body.len()));
            write!(f, "\n{pretty}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.label()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_never_changes_the_route() {
        let call =
            Call::get(&["containers", "../images/x?force=1#a%2f\n", "json"]).arg("a b", "c&d=é");
        assert_eq!(
            call.to_string(),
            "GET /containers/..%2Fimages%2Fx%3Fforce%3D1%23a%252f%0A/json?a%20b=c%26d%3D%C3%A9"
        );
        assert_eq!(Call::get(&["containers", "..", "json"]).path, "/containers/%2E%2E/json");
    }

    #[test]
    fn secrets_are_not_shown() {
        let name = HeaderName::from_static("x-registry-auth");
        let mut value = HeaderValue::from_static("canary");
        value.set_sensitive(true);
        let plain = (HeaderName::from_static("x-plain"), HeaderValue::from_static("seen"));
        let call = Call::post(&["auth"])
            .header(name, value)
            .header(plain.0, plain.1)
            .secret_json(Bytes::from_static(b"{\"password\":\"canary\"}"));
        let shown = "POST /auth\nx-registry-auth: Sensitive\nx-plain: \"seen\"\n***";
        assert_eq!(call.to_string(), shown);
        assert!(!format!("{call:?}").contains("canary"));
    }

    #[test]
    fn the_newest_need_counts() {
        let call =
            Call::get(&["x"]).since(ApiVersion::new(1, 44), "b").since(ApiVersion::new(1, 42), "a");
        assert_eq!(call.needs, Some((ApiVersion::new(1, 44), "b")));
    }
}
