//! Why no engine could be reached.

use std::fmt;
use std::time::Duration;

/// No engine could be reached: every place that was tried, and why each failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectError {
    /// The places, in the order in which they were tried.
    pub tried: Vec<Tried>,
    /// How long an engine was waited for; `None` where each place was tried once.
    pub waited: Option<Duration>,
}

/// One place where an engine was looked for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Tried {
    /// The address, as a URL.
    pub host: String,
    /// Where the address came from: "DOCKER_HOST", "well-known socket".
    pub origin: String,
    /// Why it did not serve.
    pub failure: ConnectFailure,
}

/// Why a place did not serve.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// Nothing is there.
    Absent,
    /// The place is there, and this user may not use it.
    PermissionDenied,
    /// The place is there, and nobody listens.
    Refused,
    /// Somebody accepted and did not answer within this time.
    NoAnswer(Duration),
    /// Somebody answered, and it is not a Docker Engine.
    NotAnEngine(String),
    /// The engine's API is older, or demands a newer one, than this crate speaks.
    Version(String),
    /// The operating system's own words.
    Io(std::io::Error),
}

impl ConnectFailure {
    /// Whether an engine that is on its way up may fail so.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Version(_) => false,
            Self::Io(e) => e.kind() != std::io::ErrorKind::Unsupported,
            _ => true,
        }
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing there (is the engine running?)"),
            Self::PermissionDenied => f.write_str(
                "permission denied (is this user in the engine's group, usually \"docker\"?)",
            ),
            Self::Refused => {
                f.write_str("connection refused (the address exists, no engine listens)")
            }
            Self::NoAnswer(t) => write!(f, "no answer within {t:?}"),
            Self::NotAnEngine(why) => write!(f, "not a Docker Engine: {why}"),
            Self::Version(why) => f.write_str(why),
            Self::Io(e) => write!(f, "{e}"),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no Docker Engine could be reached")?;
        if let Some(waited) = self.waited {
            write!(f, " within {waited:?}")?;
        }
        f.write_str("; tried")?;
        for t in &self.tried {
            write!(f, "\n  {} ({}): {}", t.host, t.origin, t.failure)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {}
