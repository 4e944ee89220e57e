//! Why no engine could be reached.

use std::fmt;
use std::time::Duration;

use super::tame;

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
    /// TLS could not be agreed on.
    Tls(TlsFault),
    /// `ssh` did not lead to an engine.
    Ssh(SshFault),
    /// The operating system's own words.
    Io(std::io::Error),
}

impl ConnectFailure {
    /// Whether an engine that is on its way up may fail so.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Version(_) => false,
            Self::Tls(fault) => matches!(fault, TlsFault::NotTls | TlsFault::Other(_)),
            // Its own failure mostly is that the machine is not reached yet.
            Self::Ssh(SshFault::Ended { code, said }) => {
                *code != Some(127)
                    && !said.contains("Permission denied (")
                    && !said.contains("Host key verification failed")
            }
            Self::Ssh(_) => false,
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
            Self::Tls(fault) => write!(f, "{fault}"),
            Self::Ssh(fault) => write!(f, "{fault}"),
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

/// Why TLS could not be agreed on. Nothing of a call has been sent in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFault {
    /// TLS is asked for, and this build has none: that takes the feature `tls`.
    NotInThisBuild,
    /// The engine speaks TLS, and nobody asked for it.
    NotAskedFor,
    /// Who answers speaks something else than TLS.
    NotTls,
    /// No authority that is trusted here has signed the engine's certificate.
    UnknownAuthority,
    /// The engine's certificate, or its authority's, has expired.
    Expired,
    /// The engine's certificate, or its authority's, is not valid yet.
    NotYetValid,
    /// The engine's certificate is for other names.
    WrongName {
        /// The name that was asked for.
        asked: String,
        /// The names that the certificate holds.
        holds: Vec<String>,
    },
    /// The engine wants a client certificate, and none was given.
    NoClientCertificate,
    /// The engine refuses the client certificate. TLS's word for why: "UnknownCA".
    ClientCertificateRefused(String),
    /// Something else, in the words of the TLS library.
    Other(String),
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TLS: ")?;
        match self {
            Self::NotInThisBuild => f.write_str(
                "it is asked for (https://, DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH or \
                 the context), and this build has none (feature \"tls\")",
            ),
            Self::NotAskedFor => f.write_str(
                "the engine speaks it, and it was not asked for (DOCKER_TLS_VERIFY=1 and \
                 DOCKER_CERT_PATH do)",
            ),
            Self::NotTls => {
                f.write_str("who answers does not speak it (is this port a plain one?)")
            }
            Self::UnknownAuthority => f.write_str(
                "the engine's certificate is signed by no authority that is trusted here (is \
                 ca.pem this engine's?)",
            ),
            Self::Expired => f.write_str("the engine's certificate has expired"),
            Self::NotYetValid => {
                f.write_str("the engine's certificate is not valid yet (is the clock right?)")
            }
            Self::WrongName { asked, holds } => {
                write!(f, "the engine's certificate is not for \"{}\"", tame(asked))?;
                match holds.is_empty() {
                    true => f.write_str(", nor for any other name"),
                    false => write!(f, " but for {}", tame(&holds.join(", "))),
                }
            }
            Self::NoClientCertificate => f.write_str(
                "the engine wants a client certificate, and none was given (cert.pem and key.pem)",
            ),
            Self::ClientCertificateRefused(why) => {
                write!(f, "the engine refuses the client certificate ({why})")
            }
            Self::Other(words) => f.write_str(&tame(words)),
        }
    }
}

/// Why `ssh` did not lead to an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SshFault {
    /// The address asks for SSH, and this build has none: that takes the feature `ssh`.
    NotInThisBuild,
    /// There is no program `ssh` in `PATH`.
    NoProgram,
    /// `ssh`, or the command on the other side, has ended.
    Ended {
        /// The exit code: 255 is `ssh`'s own, 127 a missing command on the other side; `None`
        /// after a signal.
        code: Option<i32>,
        /// The last that was printed on standard error, at most 4 KiB.
        said: String,
    },
}

impl fmt::Display for SshFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, said) = match self {
            Self::NotInThisBuild => {
                return f.write_str(
                    "the address asks for SSH, and this build has none (feature \"ssh\")",
                );
            }
            Self::NoProgram => return f.write_str("there is no program \"ssh\" in PATH"),
            Self::Ended { code, said } => (code, said.trim()),
        };
        match code {
            Some(code) => write!(f, "ssh ended with exit code {code}")?,
            None => f.write_str("ssh was killed")?,
        }
        if !said.is_empty() {
            write!(f, ": {}", tame(said))?;
        }
        // Nobody was asked for anything: `ssh` runs in batch mode.
        if said.contains("Host key verification failed") {
            f.write_str(" (connect once by hand, to see and accept the host's key)")?;
        } else if said.contains("Permission denied (") {
            f.write_str(
                " (is the key in the agent, or named in ~/.ssh/config, and without a pass phrase?)",
            )?;
        } else if *code == Some(127) {
            f.write_str(" (is there a docker command on the other side?)")?;
        }
        Ok(())
    }
}

/// What shows only after a connection was opened: that it had led nowhere. The connection's own
/// error carries this through HTTP's.
#[derive(Debug, Clone)]
#[cfg_attr(not(all(feature = "tls", feature = "ssh")), allow(dead_code, reason = "by feature"))]
pub(crate) enum Late {
    Tls(TlsFault),
    Ssh(SshFault),
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(fault) => write!(f, "{fault}"),
            Self::Ssh(fault) => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for Late {}

impl From<Late> for ConnectFailure {
    fn from(late: Late) -> ConnectFailure {
        match late {
            Late::Tls(fault) => ConnectFailure::Tls(fault),
            Late::Ssh(fault) => ConnectFailure::Ssh(fault),
        }
    }
}
