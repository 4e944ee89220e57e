//! When a container is ready: a value, and the wait for it.

mod failure;
mod health;
mod http;
mod life;
mod log;
mod port;
mod probe;
mod run;
mod until;

use std::sync::Arc;
use std::time::Duration;

pub use failure::{NotReady, NotReadyCause, Waited};
pub use probe::{NotYet, Readiness};
pub use until::Subject;

use super::addr::ContainerPort;
use crate::stream::StdStream;
use health::Healthy;
use http::Http;
use log::{LogWait, Wanted};
use port::{Inside, Outside};
use probe::Erased;
use run::{Command, File};

/// The whole may take so long, unless [`within`](Ready::within) says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// When a container is ready. A value: cheap to clone, to be kept and used again.
///
/// ```
/// use std::time::Duration;
/// use bowline::throwaway::Ready;
///
/// let redis = Ready::log("Ready to accept connections");
/// let postgres = Ready::exec(["pg_isready", "-h", "127.0.0.1"]).within(Duration::from_secs(90));
/// let web = Ready::all([Ready::port(80), Ready::http(80, "/health").status(200)]);
/// ```
///
/// # What holds for every kind
///
/// - **A container that ends is an error at once**: within a few milliseconds of the engine's event,
///   which is listened to beside every kind. Two kinds are asked once more then:
///   [`exit`](Ready::exit), for which it is what was waited for, and the logs, which are read to
///   their end first: what was printed before the end counts. Docker lets them be read once it has
///   cleaned up behind the container, which takes about 100 ms.
/// - **There is a time limit**, 60 s over all; where something in it was given more, that.
/// - **Looking again** happens after a pause that grows from 20 ms to 250 ms
///   ([`every`](Ready::every)); one look may take 5 s ([`each`](Ready::each)).
/// - **The future may be dropped at any time**: no task is left, and nothing in the container but
///   a command that still runs there.
///
/// A setter that the kind has no use for is a mistake that the wait reports before it does
/// anything.
#[derive(Debug, Clone)]
#[must_use]
pub struct Ready {
    kind: Arc<Kind>,
    within: Option<Duration>,
    every: Option<Duration>,
    each: Option<Duration>,
    fault: Option<String>,
}

#[derive(Debug, Clone)]
enum Kind {
    Log(LogWait),
    Exit(i64),
    After(Duration),
    Outside(Outside),
    Inside(Inside),
    Http(Http),
    Healthy(Healthy),
    Command(Command),
    File(File),
    Custom(Arc<dyn Erased>),
    All(Vec<Ready>),
    Any(Vec<Ready>),
}

impl Ready {
    fn new(kind: Kind) -> Ready {
        Ready { kind: Arc::new(kind), within: None, every: None, each: None, fault: None }
    }

    /// Wait until the container prints a text, on either stream. It may stand anywhere in a line,
    /// or go over several: the bytes are followed as they come, and none are kept.
    ///
    /// What counts is everything that the container has printed since it was made, so a second
    /// start is ready by the first one's words: use another kind there. Where the logging driver
    /// cannot be read, it is what is printed from now on.
    ///
    /// An engine keeps a line until it ends before it hands it to the logs. Therefore the process
    /// is listened to as well; of a line without end, what it printed before this began is not
    /// seen.
    pub fn log(text: impl Into<String>) -> Ready {
        let text = text.into();
        let fault = text.is_empty().then(|| "the text to look for in the log is empty".to_owned());
        Ready { fault, ..Ready::new(Kind::Log(LogWait::new(Wanted::Text(text)))) }
    }

    /// Wait until the container prints a line in which a regular expression matches, in the syntax
    /// of the `regex` crate; of its Unicode tables it knows none, so `\d` is `[0-9]`.
    ///
    /// A line is looked at once it has ended, or the log has. What is longer than 64 KiB is looked
    /// at in pieces of that size.
    pub fn log_regex(pattern: impl AsRef<str>) -> Ready {
        let pattern = pattern.as_ref();
        match regex_lite::Regex::new(pattern) {
            Ok(regex) => Ready::new(Kind::Log(LogWait::new(Wanted::Regex(regex)))),
            Err(e) => {
                let fault = Some(format!("the pattern {pattern:?} cannot be understood: {e}"));
                Ready { fault, ..Ready::log(pattern) }
            }
        }
    }

    /// Wait until a TCP port of the container can be connected to from here, by the address it is
    /// published at.
    ///
    /// Docker's proxy takes a connection before the container does, and closes it when it finds
    /// nobody there; so one counts that is still open after 100 ms, or on which something has come.
    /// A server that takes connections only to close them is never ready by this.
    pub fn port(port: impl Into<ContainerPort>) -> Ready {
        let port = port.into();
        let fault = (!port.is_tcp()).then(|| format!("port {port} cannot be connected to"));
        Ready { fault, ..Ready::new(Kind::Outside(Outside { port })) }
    }

    /// Wait until something in the container listens on a TCP port, published or not.
    ///
    /// The kernel's own table is read, in the first of these ways that works: from this host,
    /// where the engine's processes can be seen (a local engine on Linux); by `cat` in the
    /// container; by its `sh`. An image that has neither, on an engine elsewhere, gives
    /// [`Never`](NotReadyCause::Never): use [`port`](Ready::port) there.
    ///
    /// It says nothing on whether the port can be reached: a server may listen on the container's
    /// loopback only.
    pub fn inside_port(port: u16) -> Ready {
        Ready::new(Kind::Inside(Inside { port }))
    }

    /// Wait until a GET answers with what is wanted: a status from 200 to 399, unless
    /// [`status`](Ready::status), [`header`](Ready::header) and [`body`](Ready::body) say more.
    ///
    /// Plain HTTP/1.1, by the address at which the port is published; redirects are not followed.
    pub fn http(port: impl Into<ContainerPort>, path: impl Into<String>) -> Ready {
        let (port, path) = (port.into(), path.into());
        let fault = match &path {
            _ if !port.is_tcp() => Some(format!("port {port} cannot be connected to")),
            path if path.starts_with('/') => Http::fault_of_path(path),
            path => Some(format!("the path {path:?} must begin with a slash")),
        };
        Ready { fault, ..Ready::new(Kind::Http(Http::new(port, path))) }
    }

    /// Wait until the container's health check says "healthy". "unhealthy" ends the wait, with
    /// what the check has printed: how often it may fail is the check's own to say.
    pub fn healthy() -> Ready {
        Ready::new(Kind::Healthy(Healthy))
    }

    /// Wait until a command in the container ends with code 0, or the one that
    /// [`code`](Ready::code) names.
    pub fn exec<A: Into<String>>(command: impl IntoIterator<Item = A>) -> Ready {
        let command: Vec<String> = command.into_iter().map(Into::into).collect();
        let fault = match command.first() {
            None => Some("the command to run has no program".to_owned()),
            Some(program) if program.is_empty() => Some("the command to run has no program".into()),
            Some(_) => None,
        };
        Ready { fault, ..Ready::new(Kind::Command(Command { command, code: 0 })) }
    }

    /// Wait until the container ends with this code. Any other is an error.
    pub fn exit(code: i64) -> Ready {
        Ready::new(Kind::Exit(code))
    }

    /// Wait until there is something at a path in the container. A symbolic link is something,
    /// wherever it leads.
    pub fn file(path: impl Into<String>) -> Ready {
        let path = path.into();
        let fault = (!path.starts_with('/')).then(|| format!("the path {path:?} must be absolute"));
        Ready { fault, ..Ready::new(Kind::File(File { path })) }
    }

    /// Wait for a time. For a service that gives no sign: any sign is better.
    pub fn after(time: Duration) -> Ready {
        Ready::new(Kind::After(time))
    }

    /// Wait for all of these, side by side. The first that fails, fails the whole. Of none: ready
    /// at once.
    pub fn all<R: Into<Ready>>(of: impl IntoIterator<Item = R>) -> Ready {
        Ready::new(Kind::All(of.into_iter().map(Into::into).collect()))
    }

    /// Wait for the first of these, side by side. It fails when all have.
    pub fn any<R: Into<Ready>>(of: impl IntoIterator<Item = R>) -> Ready {
        let of: Vec<Ready> = of.into_iter().map(Into::into).collect();
        let fault = of.is_empty().then(|| "any of nothing never comes".to_owned());
        Ready { fault, ..Ready::new(Kind::Any(of)) }
    }

    /// Wait by a rule of one's own: see [`Readiness`].
    pub fn custom(readiness: impl Readiness) -> Ready {
        Ready::new(Kind::Custom(Arc::new(readiness)))
    }

    /// Wait for so many of them instead of one. For the logs.
    pub fn times(mut self, n: u32) -> Ready {
        match Arc::make_mut(&mut self.kind) {
            Kind::Log(_) if n == 0 => self.mistake("zero times is always"),
            Kind::Log(log) => log.times = n,
            _ => self.mistake("`times` is for the logs"),
        }
        self
    }

    /// Look at one of both streams. For the logs. With a terminal, all is standard output.
    pub fn on(mut self, stream: StdStream) -> Ready {
        match Arc::make_mut(&mut self.kind) {
            Kind::Log(log) => log.stream = Some(stream),
            _ => self.mistake("`on` is for the logs"),
        }
        self
    }

    /// Want this status. Said several times, any of them. For HTTP.
    pub fn status(mut self, status: u16) -> Ready {
        match Arc::make_mut(&mut self.kind) {
            Kind::Http(http) => http.statuses.push(status),
            _ => self.mistake("`status` is for HTTP"),
        }
        self
    }

    /// Want a header of this value, among others. For HTTP.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Ready {
        match Arc::make_mut(&mut self.kind) {
            Kind::Http(http) => http.headers.push((name.into(), value.into())),
            _ => self.mistake("`header` is for HTTP"),
        }
        self
    }

    /// Want a body that holds this text, in its first MiB. Said several times, all of them. For
    /// HTTP.
    pub fn body(mut self, text: impl Into<String>) -> Ready {
        match Arc::make_mut(&mut self.kind) {
            Kind::Http(http) => http.bodies.push(text.into()),
            _ => self.mistake("`body` is for HTTP"),
        }
        self
    }

    /// Want this exit code instead of 0. For [`exec`](Ready::exec).
    pub fn code(mut self, code: i64) -> Ready {
        match Arc::make_mut(&mut self.kind) {
            Kind::Command(command) => command.code = code,
            _ => self.mistake("`code` is for `exec`"),
        }
        self
    }

    /// Limit the time of this wait. In one of several it limits that one; on the outermost, all.
    pub fn within(mut self, limit: Duration) -> Ready {
        self.within = Some(limit);
        self
    }

    /// Pause so long between two looks, and no less than 1 ms. For the kinds that look again and
    /// again.
    pub fn every(mut self, pause: Duration) -> Ready {
        self.every = Some(pause.max(Duration::from_millis(1)));
        self
    }

    /// Give one look so long. For the kinds that look again and again. A command that takes longer
    /// goes on in the container.
    pub fn each(mut self, limit: Duration) -> Ready {
        self.each = Some(limit);
        self
    }

    fn mistake(&mut self, rule: &str) {
        self.fault.get_or_insert_with(|| rule.to_owned());
    }

    /// Return the rule that a value of this breaks, where one does. The wait reports it as
    /// [`NotReadyCause::Invalid`]; this is for whoever wants to know before anything is created.
    pub fn fault(&self) -> Option<&str> {
        let of_parts = || match &*self.kind {
            Kind::All(of) | Kind::Any(of) => of.iter().find_map(Ready::fault),
            _ => None,
        };
        self.fault.as_deref().or_else(of_parts)
    }

    /// Return how long the whole may take: what [`within`](Ready::within) says, else 60 s or the
    /// longest of its parts.
    pub fn limit(&self) -> Duration {
        let of_parts = || match &*self.kind {
            Kind::All(of) | Kind::Any(of) => of.iter().map(Ready::limit).max(),
            _ => None,
        };
        self.within.unwrap_or_else(|| of_parts().unwrap_or_default().max(PATIENCE))
    }

    /// The kind that looks again and again.
    fn probe(&self) -> Option<&dyn Erased> {
        Some(match &*self.kind {
            Kind::Outside(probe) => probe,
            Kind::Inside(probe) => probe,
            Kind::Http(probe) => probe,
            Kind::Healthy(probe) => probe,
            Kind::Command(probe) => probe,
            Kind::File(probe) => probe,
            Kind::Custom(probe) => &**probe,
            _ => return None,
        })
    }
}

/// What is waited for, in one line: `log "ready", 2 times`.
impl std::fmt::Display for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let several = |f: &mut std::fmt::Formatter<'_>, what: &str, of: &[Ready]| {
            write!(f, "{what} of (")?;
            for (n, one) in of.iter().enumerate() {
                write!(f, "{}{one}", if n > 0 { "; " } else { "" })?;
            }
            f.write_str(")")
        };
        match &*self.kind {
            Kind::Log(log) => write!(f, "{log}"),
            Kind::Exit(code) => write!(f, "exit with code {code}"),
            Kind::After(time) => write!(f, "{time:?} have passed"),
            Kind::All(of) => several(f, "all", of),
            Kind::Any(of) => several(f, "any", of),
            _ => f.write_str(&self.probe().map(Erased::says).unwrap_or_default()),
        }?;
        match self.within {
            Some(limit) => write!(f, ", within {limit:?}"),
            None => Ok(()),
        }
    }
}
