//! What can go wrong, named for the reader.
//!
//! One enum by meaning; no dependency's type inside. `Display` says what bowline was doing,
//! [`source`](std::error::Error::source) says why, never both.

mod connect;
mod lease;
mod output;
mod path;
#[cfg(feature = "terminal")]
mod terminal;

use std::fmt;
use std::time::Duration;

pub(crate) use connect::Late;
pub use connect::{ConnectError, ConnectFailure, SshFault, TlsFault, Tried};
pub use lease::LeaseError;
pub use output::OutputError;
pub use path::PathError;
#[cfg(feature = "terminal")]
pub use terminal::TerminalError;

use crate::wire::ApiVersion;

/// Whatever a call of this crate can fail with.
///
/// A process that ends with a non-zero code is not an error: that is a value,
/// [`ExitStatus`](crate::ExitStatus).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value was refused before anything was sent.
    #[error(transparent)]
    InvalidInput(InvalidInput),
    /// A text is not an image reference.
    #[error(transparent)]
    ImageRef(ImageRefError),
    /// No engine could be reached.
    #[error(transparent)]
    Connect(ConnectError),
    /// The engine's API version lacks what was asked for; nothing was sent.
    #[error(transparent)]
    Unsupported(Unsupported),
    /// A time limit passed.
    #[error(transparent)]
    Timeout(TimeoutError),
    /// The engine answered, and its answer is no.
    #[error(transparent)]
    Api(ApiError),
    /// A short id stands for more than one container.
    #[error(transparent)]
    Ambiguous(Ambiguous),
    /// The connection failed under a call.
    #[error(transparent)]
    Transport(TransportError),
    /// A build failed.
    #[error(transparent)]
    Build(BuildError),
    /// What was to be sent could not be read.
    #[error(transparent)]
    Input(InputError),
    /// What came could not be written to the local disk.
    #[error(transparent)]
    Output(OutputError),
    /// A path in a container leads to another kind of thing than is needed.
    #[error(transparent)]
    Path(PathError),
    /// A reply could not be understood.
    #[error(transparent)]
    Decode(DecodeError),
    /// A stream broke off, broke its framing, or carried the engine's own error.
    #[error(transparent)]
    Stream(StreamError),
    /// A container was found in another state than the one asked for.
    #[error(transparent)]
    State(StateError),
    /// The credentials for a registry could not be had.
    #[error(transparent)]
    Credentials(CredentialsError),
    /// The local terminal failed.
    #[cfg(feature = "terminal")]
    #[error(transparent)]
    Terminal(TerminalError),
    /// What cleans up after this process could not be set up: see [`LeaseError`].
    #[error(transparent)]
    Lease(LeaseError),
}

impl Error {
    /// Say whether the engine does not know the thing that was named (status 404).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Say whether the engine refused because of the state things are in (status 409).
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409) || matches!(self, Error::State(_))
    }

    /// Say whether a registry refuses the credentials, or asks for some.
    ///
    /// The engine passes such an answer on with status 401 for some registries, with 500 or inside
    /// a stream for others; there only its words tell.
    pub fn is_unauthorized(&self) -> bool {
        let words = match self {
            Error::Api(api) if api.status == 401 => return true,
            Error::Api(api) if api.status == 500 => &api.message,
            Error::Stream(StreamError { fault: StreamFault::Engine(words), .. }) => words,
            _ => return false,
        };
        // The blank keeps an image's name and tag out.
        ["401 Unauthorized", "unauthorized: ", "no basic auth credentials"]
            .into_iter()
            .any(|mark| words.contains(mark))
    }

    /// Say whether a time limit passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Timeout(_))
    }

    /// Say whether no engine could be reached.
    pub fn is_connect(&self) -> bool {
        matches!(self, Error::Connect(_))
    }

    /// Return the HTTP status of the engine's refusal, if it was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Api(api) => Some(api.status),
            _ => None,
        }
    }

    /// Say whether the engine may have done what was asked although the call failed.
    ///
    /// True where the request had left this process and no answer came back whole. Nothing is
    /// sent twice by this crate in that case: ask the engine before you do.
    pub fn maybe_applied(&self) -> bool {
        match self {
            Error::Transport(e) => e.maybe_applied,
            Error::Timeout(e) => e.maybe_applied,
            Error::Decode(_) | Error::Stream(_) | Error::Input(_) => true,
            _ => false,
        }
    }

    pub(crate) fn invalid(
        what: &'static str,
        value: impl Into<String>,
        rule: impl Into<String>,
    ) -> Error {
        Error::InvalidInput(InvalidInput::new(what, value, rule))
    }
}

/// A value that was refused before anything was sent, and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidInput {
    /// What the value was meant to be: "container name".
    pub what: &'static str,
    /// The value, escaped and cut to a readable length. Secrets never appear here.
    pub value: String,
    /// The rule: "must not be empty".
    pub rule: String,
}

impl InvalidInput {
    pub(crate) fn new(
        what: &'static str,
        value: impl Into<String>,
        rule: impl Into<String>,
    ) -> InvalidInput {
        InvalidInput { what, value: excerpt(&value.into(), 80), rule: rule.into() }
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\" {}", self.what, self.value, self.rule)
    }
}

impl std::error::Error for InvalidInput {}

impl From<InvalidInput> for Error {
    fn from(e: InvalidInput) -> Error {
        Error::InvalidInput(e)
    }
}

/// A text that names no image, and the rule it breaks. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageRefError {
    /// What the text was meant to be: "image reference", "image id", "tag", "digest".
    pub what: &'static str,
    /// The text, escaped and cut to a readable length.
    pub text: String,
    /// The rule: "must not be empty".
    pub rule: &'static str,
}

impl ImageRefError {
    pub(crate) fn new(what: &'static str, text: &str, rule: &'static str) -> ImageRefError {
        ImageRefError { what, text: excerpt(text, 80), rule }
    }
}

impl fmt::Display for ImageRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\" {}", self.what, self.text, self.rule)
    }
}

impl std::error::Error for ImageRefError {}

impl From<ImageRefError> for Error {
    fn from(e: ImageRefError) -> Error {
        Error::ImageRef(e)
    }
}

/// An option that the engine's API version does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The option or verb.
    pub what: &'static str,
    /// The first API version that has it.
    pub needs: ApiVersion,
    /// The version this client and the engine speak.
    pub has: ApiVersion,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} needs engine API {} or newer; this engine and client speak {}",
            self.what, self.needs, self.has
        )
    }
}

impl std::error::Error for Unsupported {}

/// The part of a call that ran out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Opening the connection.
    Connect,
    /// From the request's first byte to the answer's status line and headers.
    Head,
    /// Between two pieces of the answer's body.
    Idle,
    /// The whole call, from the await to the last byte.
    Overall,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Connect => "connecting",
            Phase::Head => "waiting for the answer to begin",
            Phase::Idle => "waiting for more of the answer",
            Phase::Overall => "the whole call",
        })
    }
}

/// A time limit passed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeoutError {
    /// The call: "POST /containers/web/start".
    pub call: String,
    /// Which limit it was.
    pub phase: Phase,
    /// The limit.
    pub after: Duration,
    /// Whether the request, or a part of it, had already left this process.
    pub maybe_applied: bool,
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: timed out after {:?} ({})", self.call, self.after, self.phase)
    }
}

impl std::error::Error for TimeoutError {}

/// The engine answered, and its answer is no.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The call: "POST /containers/web/start".
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// The engine's own words, at most 4 KiB of them.
    pub message: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.call, tame(&self.message), self.status)
    }
}

impl std::error::Error for ApiError {}

/// A short id that stands for more than one container.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ambiguous {
    /// What was asked for.
    pub prefix: String,
    /// The full ids that begin with it.
    pub matches: Vec<String>,
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is the beginning of {} container ids", self.prefix, self.matches.len())
    }
}

impl std::error::Error for Ambiguous {}

/// The connection failed under a call.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransportError {
    /// The call: "POST /containers/web/start".
    pub call: String,
    /// Whether the request, or a part of it, had already left this process.
    pub maybe_applied: bool,
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the connection to the engine failed", self.call)?;
        if self.maybe_applied {
            f.write_str(" after the request was sent; the engine may have acted on it")?;
        }
        Ok(())
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// A file, directory or stream that was to be sent and could not be read to its end.
///
/// The engine saw the request break off.
#[derive(Debug)]
#[non_exhaustive]
pub struct InputError {
    /// The call: "POST /build".
    pub call: String,
    pub(crate) error: std::io::Error,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: what was to be sent could not be read", self.call)
    }
}

impl std::error::Error for InputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A reply that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// The call: "GET /containers/web/json".
    pub call: String,
    /// What was wrong with the reply.
    pub reason: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the reply could not be understood: {}", self.call, self.reason)
    }
}

impl std::error::Error for DecodeError {}

/// A stream that did not come to its proper end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamError {
    /// The call: "GET /containers/web/logs".
    pub call: String,
    /// What happened.
    pub fault: StreamFault,
}

/// What befell a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// It broke off before its end. What came before was handed on.
    Cut,
    /// It broke its own framing.
    Protocol(String),
    /// The engine reported an error inside the stream.
    Engine(String),
    /// One item was larger than this many bytes.
    TooLarge(usize),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.call)?;
        match &self.fault {
            StreamFault::Cut => f.write_str("the stream broke off before its end"),
            StreamFault::Protocol(what) => write!(f, "the stream broke its framing: {what}"),
            StreamFault::Engine(message) => f.write_str(&tame(message)),
            StreamFault::TooLarge(limit) => write!(f, "an item is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for StreamError {}

/// A build that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildError {
    /// The step that failed: its number and how many there are; `None` before the first.
    pub step: Option<(u32, u32)>,
    /// The step's instruction: "RUN make"; empty before the first.
    pub instruction: String,
    /// The exit code of the step's command, where it had one.
    pub code: Option<i64>,
    /// The builder's own words.
    pub message: String,
    /// The last that the step printed, at most 4 KiB.
    pub output: String,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some((number, total)) => {
                write!(f, "build failed at step {number} of {total}, {}: ", self.instruction)?;
            }
            None => f.write_str("build failed: ")?,
        }
        f.write_str(self.message.trim_end())?;
        if !self.output.trim().is_empty() {
            write!(f, "\nit printed last:\n{}", self.output.trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// A container that was found in another state than the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateError {
    /// The container's full id.
    pub container: String,
    /// The state that was asked for: "running".
    pub wanted: &'static str,
    /// The state it was found in: "exited".
    pub found: String,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.container.get(..12).unwrap_or(&self.container);
        write!(f, "container {short} is {}, not {}", self.found, self.wanted)
    }
}

impl std::error::Error for StateError {}

/// The credentials for a registry could not be had. No secret is ever part of this.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialsError {
    /// The registry they were wanted for: "registry:5000".
    pub registry: String,
    /// Where they were looked for: a file, "DOCKER_AUTH_CONFIG", "docker-credential-pass".
    pub place: String,
    /// What was wrong there.
    pub fault: CredentialsFault,
}

/// Why a place gave no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsFault {
    /// The entry, or the whole text, cannot be understood. The rule it breaks.
    Malformed(String),
    /// The credential helper's name could be something else than a program's in `PATH`.
    HelperName,
    /// The credential helper is not in `PATH`.
    HelperMissing,
    /// The credential helper cannot be run: the operating system's words.
    HelperIo(String),
    /// The credential helper did not end within this time, and was killed.
    HelperTimeout(Duration),
    /// The credential helper wrote more than this many bytes.
    HelperTooLarge(usize),
    /// The credential helper failed. The first line of what it says to that, if it is no JSON.
    HelperFailed(String),
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no credentials for registry \"{}\": {} ", self.registry, self.place)?;
        match &self.fault {
            CredentialsFault::Malformed(rule) => f.write_str(rule),
            CredentialsFault::HelperName => {
                f.write_str("is no helper's name: only letters, digits, '.', '_' and '-' are")
            }
            CredentialsFault::HelperMissing => f.write_str("is not in PATH"),
            CredentialsFault::HelperIo(e) => write!(f, "cannot be run: {e}"),
            CredentialsFault::HelperTimeout(t) => write!(f, "did not answer within {t:?}"),
            CredentialsFault::HelperTooLarge(n) => write!(f, "answered more than {n} bytes"),
            CredentialsFault::HelperFailed(words) => write!(f, "failed: {words}"),
        }
    }
}

impl std::error::Error for CredentialsError {}

/// Escape what could drive a terminal; line breaks and tabs stay.
fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// Escape control characters and cut at `max` characters, so that a text from anywhere can stand
/// in one line of an error.
pub(crate) fn excerpt(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == max {
            out.push('…');
            break;
        }
        if c.is_control() || c == '"' || c == '\\' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_no_is_told_from_an_engines_trouble() {
        let api = |status, message: &str| {
            Error::Api(ApiError { call: String::new(), status, message: message.into() })
        };
        let stream = |words: &str| {
            let fault = StreamFault::Engine(words.into());
            Error::Stream(StreamError { call: String::new(), fault })
        };
        for yes in [
            api(401, "Get \"https://r/v2/\": unauthorized: incorrect username or password"),
            api(500, "login attempt to http://r/v2/ failed with status: 401 Unauthorized"),
            api(500, "Head \"http://r/v2/x/manifests/1\": no basic auth credentials"),
            api(500, "Head \"https://r/v2/x\": unauthorized: authentication required"),
            stream("no basic auth credentials"),
            stream("unauthorized: authentication required"),
        ] {
            assert!(yes.is_unauthorized(), "{yes}");
        }
        for no in [
            api(500, "manifest for r/unauthorized:latest not found"),
            api(404, "no such image: 401 Unauthorized"),
            api(500, "dial tcp 127.0.0.1:1: connect: connection refused"),
            stream("unauthorized:latest does not exist"),
        ] {
            assert!(!no.is_unauthorized(), "{no}");
        }
    }
}
