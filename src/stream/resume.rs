//! Going on where a lost connection left off.
//!
//! What came is known by its moment, as the engine wrote it: its clock and ours need not agree.
//! The engine is asked again from a little before the last moment, since what happens at the same
//! time need not arrive in order; what had come already is dropped.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Phase, StreamError, StreamFault, TimeoutError};
use crate::time::Timestamp;
use crate::trace;

/// How often in a row it is tried to get back. With the pauses this is about half a minute: an
/// engine starts anew in less.
const TRIES: u32 = 10;
/// The first pause; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that held so long was a good one: counting begins anew.
const GOOD: Duration = Duration::from_secs(60);

/// What comes out of order does so by less than this.
const OVERLAP: Duration = Duration::from_secs(1);
/// For so long it is remembered: some engines read fractions of a second as nothing.
const KEPT: Duration = Duration::from_secs(2);
/// And so much of it. An item takes 24 bytes.
const MOST: usize = 1 << 16;

/// What came lately.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    kept: VecDeque<(Timestamp, u64)>,
    last: Option<Timestamp>,
    /// Nothing from before this was asked for.
    start: Option<Timestamp>,
    /// Not all of what came lately could be kept.
    overflown: bool,
    /// What had come when the connection was lost, and not again since.
    again: HashMap<(Timestamp, u64), u32>,
}

impl Recent {
    pub(crate) fn new(start: Option<Timestamp>) -> Recent {
        Recent { start, ..Recent::default() }
    }

    /// Nothing from before this is asked for, where that has not been said.
    pub(crate) fn begin(&mut self, start: Timestamp) {
        self.start.get_or_insert(start);
    }

    /// Take note of an item. `false` says that it had come before.
    pub(crate) fn take(
        &mut self,
        moment: Timestamp,
        pending: Option<Timestamp>,
        item: &impl Hash,
    ) -> bool {
        let mut hasher = DefaultHasher::new();
        item.hash(&mut hasher);
        let key = (moment, hasher.finish());
        if let Some(count) = self.again.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.again.remove(&key);
            }
            return false;
        }
        self.last = Some(moment);
        self.kept.push_back(key);
        let until = pending.map_or(moment, |pending| pending.min(moment)).before(KEPT);
        while self.kept.front().is_some_and(|(front, _)| *front < until) {
            self.kept.pop_front();
        }
        if self.kept.len() > MOST {
            self.kept.pop_front();
            self.overflown = true;
        }
        true
    }

    /// Say from which moment to ask again, and expect what came since then to come again. What
    /// is `pending` had begun to come and is needed from its beginning. `None` where nothing is
    /// known to ask from.
    pub(crate) fn rewind(&mut self, pending: Option<Timestamp>) -> Option<Timestamp> {
        self.again.clear();
        for key in &self.kept {
            *self.again.entry(*key).or_default() += 1;
        }
        let Some(last) = self.last else { return self.start };
        let from = match self.kept.front() {
            Some((front, _)) if self.overflown => *front,
            _ => last.before(OVERLAP),
        };
        let from = pending.map_or(from, |pending| pending.min(from));
        Some(self.start.map_or(from, |start| start.max(from)))
    }
}

/// How often, and from when on, it has been tried to get back.
#[derive(Debug)]
struct Retry {
    tried: u32,
    opened: Instant,
}

/// Say whether what failed is the connection, so that another may do better.
fn lost(error: &Error) -> bool {
    match error {
        Error::Connect(_) | Error::Transport(_) => true,
        Error::Stream(StreamError { fault: StreamFault::Cut, .. }) => true,
        Error::Timeout(TimeoutError { phase, .. }) => *phase == Phase::Connect,
        // A proxy whose engine is away.
        Error::Api(refusal) => matches!(refusal.status, 502..=504),
        _ => false,
    }
}

type Opening<T> = Pin<Box<dyn Future<Output = (Result<T, Error>, Retry)> + Send>>;

/// A stream that is opened anew when its connection is lost, if that is asked for.
pub(crate) struct Resumed<T> {
    link: Link<T>,
    /// `None` where it is not.
    retry: Option<Retry>,
}

enum Link<T> {
    Open(T),
    Opening(Opening<T>),
    Over,
}

impl<T: Send + 'static> Resumed<T> {
    pub(crate) fn new(stream: T, resume: bool) -> Resumed<T> {
        let retry = resume.then(|| Retry { tried: 0, opened: Instant::now() });
        Resumed { link: Link::Open(stream), retry }
    }

    /// Wait for an open stream. `None` once all is over.
    pub(crate) fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<&mut T, Error>>> {
        if let Link::Opening(opening) = &mut self.link {
            let Poll::Ready((opened, retry)) = opening.as_mut().poll(cx) else {
                return Poll::Pending;
            };
            self.retry = Some(retry);
            match opened {
                Ok(stream) => self.link = Link::Open(stream),
                Err(error) => {
                    self.link = Link::Over;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Ready(match &mut self.link {
            Link::Open(stream) => Some(Ok(stream)),
            _ => None,
        })
    }

    /// Say whether anything is opened anew at all.
    pub(crate) fn resumes(&self) -> bool {
        self.retry.is_some()
    }

    /// Something new came: the connection is a good one.
    pub(crate) fn good(&mut self) {
        if let Some(retry) = &mut self.retry {
            retry.tried = 0;
        }
    }

    /// End it.
    pub(crate) fn end(&mut self) {
        self.link = Link::Over;
    }

    /// The stream failed: open it anew where that may help, and until `limit` says that the time
    /// for all of it is up. Otherwise all is over, and the error comes back.
    pub(crate) fn failed<F>(
        &mut self,
        error: Error,
        limit: Option<(Instant, TimeoutError)>,
        open: impl FnOnce() -> Box<dyn Fn() -> F + Send>,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.link = Link::Over;
        let Some(retry) = self.retry.take().filter(|_| lost(&error)) else { return Err(error) };
        self.link = Link::Opening(Box::pin(again(error, retry, limit, open())));
        Ok(())
    }
}

async fn again<T, F: Future<Output = Result<T, Error>>>(
    mut error: Error,
    mut retry: Retry,
    limit: Option<(Instant, TimeoutError)>,
    open: Box<dyn Fn() -> F + Send>,
) -> (Result<T, Error>, Retry) {
    if retry.opened.elapsed() >= GOOD {
        retry.tried = 0;
    }
    while retry.tried < TRIES {
        let pause = PAUSE.saturating_mul(1 << retry.tried).min(LONGEST_PAUSE);
        retry.tried += 1;
        let until = Instant::now() + pause;
        match &limit {
            Some((at, late)) if *at <= until => {
                tokio::time::sleep_until(*at).await;
                return (Err(Error::Timeout(late.clone())), retry);
            }
            _ => tokio::time::sleep_until(until).await,
        }
        match open().await {
            Ok(stream) => {
                retry.opened = Instant::now();
                trace::resumed(retry.tried);
                return (Ok(stream), retry);
            }
            Err(e) if lost(&e) => error = e,
            Err(e) => return (Err(e), retry),
        }
    }
    (Err(error), retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn what_came_is_dropped_once_and_the_rest_is_new() {
        let mut recent = Recent::new(None);
        for (moment, item) in [(50, "a"), (50, "b"), (50, "a"), (49, "late")] {
            assert!(recent.take(at(100 * SECOND + moment), None, &item));
        }
        assert_eq!(recent.rewind(None), Some(at(99 * SECOND + 49)));
        for (moment, item, new) in [
            (48, "older, and never seen", true),
            (50, "a", false),
            (49, "late", false),
            (50, "c", true),
            (50, "a", false),
            (50, "b", false),
            (50, "a", true),
            (51, "a", true),
        ] {
            assert_eq!(recent.take(at(100 * SECOND + moment), None, &item), new, "{moment} {item}");
        }
    }

    #[test]
    fn it_is_asked_for_what_was_asked_for_and_what_is_pending() {
        assert_eq!(Recent::new(None).rewind(None), None);
        let mut recent = Recent::new(Some(at(7)));
        assert_eq!(recent.rewind(None), Some(at(7)));
        recent.begin(at(8));
        assert!(recent.take(at(9), None, &1));
        assert_eq!(recent.rewind(None), Some(at(7)), "not before the start");
        assert!(recent.take(at(9 * SECOND), Some(at(10)), &2));
        assert_eq!(recent.rewind(None), Some(at(8 * SECOND)));
        assert_eq!(recent.rewind(Some(at(11))), Some(at(11)));
        assert!(!recent.take(at(9), None, &1), "kept for what is pending");
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let mut recent = Recent::new(None);
        for n in 0..2 * MOST as i64 {
            assert!(recent.take(at(n), None, &n));
        }
        assert_eq!(recent.kept.len(), MOST);
        assert_eq!(recent.rewind(None), Some(at(MOST as i64)), "from where all is known");
        for n in 1..100 {
            assert!(recent.take(at(n * 3 * SECOND), None, &n));
            assert!(n < 2 || recent.kept.len() == 1);
        }
    }
}
