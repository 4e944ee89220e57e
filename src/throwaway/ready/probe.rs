//! Kinds that look again and again, and how to add one.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use super::failure::Note;
use super::life::{Life, Stop};
use super::until::Subject;

/// A rule of one's own for when a container is ready: one look at it.
///
/// The rest is taken care of: looking again after a pause, the limits on one look and on all, and
/// the container's end. `?` works on any error and means "not yet, because of this". `Debug` says
/// in errors what was waited for, unless [`describe`](Readiness::describe) does.
///
/// ```
/// use bowline::throwaway::{NotYet, Readiness, Ready, Subject};
///
/// #[derive(Debug)]
/// struct Greets { port: u16 }
///
/// impl Readiness for Greets {
///     async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
///         use tokio::io::AsyncReadExt;
///
///         let addr = on.addr(self.port).await?;
///         let mut server = tokio::net::TcpStream::connect(addr.to_string()).await?;
///         let mut hello = [0; 3];
///         server.read_exact(&mut hello).await?;
///         match &hello {
///             b"220" => Ok(()),
///             b"554" => Err(NotYet::never("it takes no mail")),
///             other => Err(NotYet::new(format!("it said {other:?}"))),
///         }
///     }
/// }
///
/// let ready = Ready::custom(Greets { port: 25 });
/// ```
pub trait Readiness: fmt::Debug + Send + Sync + 'static {
    /// Look once. To be written as an `async fn`; it may be dropped half-way.
    ///
    /// # Errors
    /// It is not ready, and what was seen instead.
    fn look(&self, on: &Subject<'_>) -> impl Future<Output = Result<(), NotYet>> + Send;

    /// Return what is waited for, in a few words.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// Why a look found a container not ready.
///
/// Every error can be made one by `?`: its words are what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYet {
    pub(super) seen: String,
    pub(super) never: bool,
}

impl NotYet {
    /// Say what was seen instead. It is looked at again.
    pub fn new(seen: impl Into<String>) -> NotYet {
        NotYet { seen: seen.into(), never: false }
    }

    /// Say why it never will be. The wait fails at once.
    pub fn never(why: impl Into<String>) -> NotYet {
        NotYet { seen: why.into(), never: true }
    }
}

impl<E: std::error::Error> From<E> for NotYet {
    fn from(error: E) -> NotYet {
        let mut seen = error.to_string();
        let mut next = error.source();
        while let Some(why) = next {
            let why_text = why.to_string();
            // Some errors repeat their source.
            if !seen.ends_with(&why_text) {
                seen.push_str(": ");
                seen.push_str(&why_text);
            }
            next = why.source();
        }
        NotYet::new(seen)
    }
}

type Look<'a> = Pin<Box<dyn Future<Output = Result<(), NotYet>> + Send + 'a>>;

/// [`Readiness`] behind a pointer.
pub(super) trait Erased: fmt::Debug + Send + Sync {
    fn once<'a>(&'a self, on: &'a Subject<'a>) -> Look<'a>;
    fn says(&self) -> String;
}

impl<R: Readiness> Erased for R {
    fn once<'a>(&'a self, on: &'a Subject<'a>) -> Look<'a> {
        Box::pin(self.look(on))
    }

    fn says(&self) -> String {
        self.describe()
    }
}

/// How often to look, and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) every: Option<Duration>,
    pub(super) each: Option<Duration>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
const ONE_LOOK: Duration = Duration::from_secs(5);

/// Look until it is ready, cannot be, or the container has ended.
pub(super) async fn poll(
    probe: &dyn Erased,
    pace: Pace,
    on: &Subject<'_>,
    life: &Life,
    note: &Note,
) -> Result<(), Stop> {
    let mut pause = pace.every.unwrap_or(FIRST_PAUSE);
    let each = pace.each.unwrap_or(ONE_LOOK);
    loop {
        match life.or_end(tokio::time::timeout(each, probe.once(on))).await? {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(NotYet { seen, never: true })) => {
                return Err(life.rather_end(Stop::never(seen)).await);
            }
            Ok(Err(NotYet { seen, never: false })) => note.see(seen),
            Err(_) => note.see(format!("no answer within {each:?}")),
        }
        life.or_end(tokio::time::sleep(pause)).await?;
        if pace.every.is_none() {
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errors_reasons_are_seen_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let inner = || std::io::Error::other("inner");
        assert_eq!(NotYet::from(Outer(inner())), NotYet::new("outer: inner"));
        assert_eq!(NotYet::from(inner()), NotYet::new("inner"));
    }
}
