//! Why a container is not ready, and what was seen of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::container::ExitStatus;
use crate::error::Error;

/// A container that did not become ready.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NotReady {
    /// The container's name.
    pub container: String,
    /// What was waited for, as [`Ready`](super::Ready) prints itself.
    pub what: String,
    /// Why the wait is over.
    pub cause: NotReadyCause,
    /// How long it took.
    pub elapsed: Duration,
    /// What had not come, each with what was seen last.
    pub waits: Vec<Waited>,
}

/// Something that was waited for and did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// What: `log "ready"`, `GET 8080/tcp /health`.
    pub what: String,
    /// What was seen last: a status, an exit code and output, lines of the log. At most 2 KiB;
    /// empty where there was nothing to see.
    pub seen: String,
}

/// Why a wait is over.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NotReadyCause {
    /// The time is up: this limit.
    TimedOut(Duration),
    /// The container has ended.
    Died(ExitStatus),
    /// The container has been removed.
    Gone,
    /// It can never come, and why.
    Never(String),
    /// A value breaks a rule; nothing was done.
    Invalid(String),
    /// The engine could not be asked any more.
    Engine(Arc<Error>),
}

impl fmt::Display for NotReadyCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotReadyCause::TimedOut(limit) => write!(f, "the limit of {limit:?} has passed"),
            NotReadyCause::Died(status) => write!(f, "it has ended: {status}"),
            NotReadyCause::Gone => f.write_str("it has been removed"),
            NotReadyCause::Never(why) => f.write_str(why),
            NotReadyCause::Invalid(rule) => write!(f, "what to wait for is wrong: {rule}"),
            NotReadyCause::Engine(_) => f.write_str("the engine cannot be asked"),
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotReady { container, cause, elapsed, .. } = self;
        write!(f, "container {container} is not ready after {elapsed:.1?}: {cause}")?;
        for Waited { what, seen } in &self.waits {
            write!(f, "\n  waited for: {what}")?;
            for (n, line) in seen.lines().enumerate() {
                f.write_str(if n == 0 { "\n    seen last: " } else { "\n               " })?;
                f.write_str(line)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for NotReady {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            NotReadyCause::Engine(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Of what was seen, so much is kept.
const SEEN: usize = 2 << 10;

/// What is waited for, as it goes on; kept outside of the wait, which may be cut short.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Vec<Arc<Note>>>);

/// One thing that is waited for.
#[derive(Debug)]
pub(super) struct Note {
    what: String,
    state: Mutex<(String, bool)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Notes {
    pub(super) fn begin(&self, what: String) -> Arc<Note> {
        let note = Arc::new(Note { what, state: Mutex::default() });
        lock(&self.0).push(note.clone());
        note
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// Note that these are waited for no more.
    pub(super) fn came(&self, these: std::ops::Range<usize>) {
        lock(&self.0).get(these).into_iter().flatten().for_each(|note| note.came());
    }

    /// What has not come.
    pub(super) fn open(&self) -> Vec<Waited> {
        let read = |note: &Arc<Note>| {
            let (seen, came) = lock(&note.state).clone();
            (!came).then(|| Waited { what: note.what.clone(), seen })
        };
        lock(&self.0).iter().filter_map(read).collect()
    }
}

impl Note {
    /// Note what was seen last.
    pub(super) fn see(&self, seen: impl AsRef<str>) {
        let (seen, mut kept) = (seen.as_ref().trim_end(), String::new());
        for c in seen.chars() {
            if kept.len() >= SEEN {
                kept.push('…');
                break;
            }
            match c {
                '\n' | '\t' => kept.push(c),
                c if c.is_control() => kept.extend(c.escape_default()),
                c => kept.push(c),
            }
        }
        lock(&self.state).0 = kept;
    }

    /// Note that it has come.
    pub(super) fn came(&self) {
        lock(&self.state).1 = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_what_was_seen() {
        let notes = Notes::default();
        notes.begin("log \"ready\"".into()).see("0 of 1 times; the log ends in\nstart\n\x1b[2J");
        notes.begin("GET 80/tcp /".into()).came();
        notes.begin("after".into());
        let mut error = NotReady {
            container: "web".into(),
            what: "all of it".into(),
            cause: NotReadyCause::TimedOut(Duration::from_secs(60)),
            elapsed: Duration::from_millis(60_012),
            waits: notes.open(),
        };
        insta::assert_snapshot!(error, @r#"
        container web is not ready after 60.0s: the limit of 60s has passed
          waited for: log "ready"
            seen last: 0 of 1 times; the log ends in
                       start
                       \u{1b}[2J
          waited for: after
        "#);
        error.waits.clear();
        let refused = Error::invalid("x", "y", "must not be");
        error.cause = NotReadyCause::Engine(Arc::new(refused));
        insta::assert_snapshot!(error, @"container web is not ready after 60.0s: the engine cannot be asked");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn what_was_seen_is_bounded() {
        let notes = Notes::default();
        notes.begin("x".into()).see("\0".repeat(1 << 20));
        assert!(notes.open()[0].seen.len() < SEEN + 16);
    }
}
