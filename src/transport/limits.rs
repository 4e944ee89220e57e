//! How long each part of a call may take.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Phase;
use crate::wire::Patience;

/// Limits on the parts of a call. `None` is no limit.
///
/// Waits and streams (`wait`, followed logs, attach, exec) are exempt from `head`, `idle` and
/// `overall`: their answers come when they come. Logs that are not followed are exempt from
/// `overall` alone: they may be long. A limit set on the verb itself holds always.
/// Where the engine is told to take its time (`stop` with a grace period), that time is added.
///
/// ```
/// use bowline::Timeouts;
/// use std::time::Duration;
///
/// let quick = Timeouts::default().head(Duration::from_millis(500)).overall(None);
/// assert_eq!(quick.connect, Some(Duration::from_secs(10)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Opening a connection; 10 s unless set.
    pub connect: Option<Duration>,
    /// From sending the request to the beginning of the answer; 60 s unless set.
    pub head: Option<Duration>,
    /// Between two pieces of an answer; 60 s unless set.
    pub idle: Option<Duration>,
    /// The whole call; 120 s unless set.
    pub overall: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Some(Duration::from_secs(10)),
            head: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(60)),
            overall: Some(Duration::from_secs(120)),
        }
    }
}

impl Timeouts {
    /// Set the limit on opening a connection.
    pub fn connect(mut self, limit: impl Into<Option<Duration>>) -> Timeouts {
        self.connect = limit.into();
        self
    }

    /// Set the limit on waiting for an answer to begin.
    pub fn head(mut self, limit: impl Into<Option<Duration>>) -> Timeouts {
        self.head = limit.into();
        self
    }

    /// Set the limit on the gap between two pieces of an answer.
    pub fn idle(mut self, limit: impl Into<Option<Duration>>) -> Timeouts {
        self.idle = limit.into();
        self
    }

    /// Set the limit on a whole call.
    pub fn overall(mut self, limit: impl Into<Option<Duration>>) -> Timeouts {
        self.overall = limit.into();
        self
    }
}

/// A limit as errors name it, and the moment at which it is reached.
pub(super) type Limit = ((Phase, Duration), Instant);

/// The limits of one call, from its beginning.
#[derive(Clone)]
pub(super) struct Limits {
    connect: Option<Duration>,
    head: Option<Duration>,
    idle: Option<Duration>,
    overall: Option<Limit>,
}

impl Limits {
    /// `own` is the verb's limit and when it began; it stands in for the overall one.
    pub(super) fn start(
        timeouts: Timeouts,
        own: Option<(Duration, Instant)>,
        patience: Patience,
    ) -> Limits {
        let (head, idle, overall) = match patience {
            Patience::Plain => (timeouts.head, timeouts.idle, timeouts.overall),
            Patience::Plus(more) => (
                timeouts.head.map(|h| h.saturating_add(more)),
                timeouts.idle,
                timeouts.overall.map(|o| o.saturating_add(more)),
            ),
            Patience::Long => (timeouts.head, timeouts.idle, None),
            Patience::Endless => (None, None, None),
        };
        let overall = own
            .or(overall.map(|limit| (limit, Instant::now())))
            .and_then(|(limit, from)| at(Phase::Overall, limit, from));
        Limits { connect: timeouts.connect, head, idle, overall }
    }

    pub(super) fn connect(&self) -> Option<Limit> {
        self.nearest(Phase::Connect, self.connect)
    }

    pub(super) fn head(&self) -> Option<Limit> {
        self.nearest(Phase::Head, self.head)
    }

    pub(super) fn piece(&self) -> Option<Limit> {
        self.nearest(Phase::Idle, self.idle)
    }

    /// The limit on the whole, once it is reached.
    pub(super) fn passed(&self) -> Option<Limit> {
        self.overall.filter(|(_, at)| Instant::now() >= *at)
    }

    /// A limit that begins now, or the overall one where that is nearer.
    fn nearest(&self, phase: Phase, limit: Option<Duration>) -> Option<Limit> {
        let own = limit.and_then(|limit| at(phase, limit, Instant::now()));
        match (own, self.overall) {
            (Some(own), Some(overall)) => Some(if own.1 <= overall.1 { own } else { overall }),
            (own, overall) => own.or(overall),
        }
    }
}

/// A limit beyond what a clock can say is none.
fn at(phase: Phase, limit: Duration, from: Instant) -> Option<Limit> {
    from.checked_add(limit).map(|at| ((phase, limit), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_limit_counts_and_long_ones_never_overflow() {
        let ms = Duration::from_millis;
        let t = Timeouts::default().head(ms(300)).overall(ms(200));
        let limits = Limits::start(t, None, Patience::Plain);
        assert_eq!(limits.head().map(|l| l.0), Some((Phase::Overall, ms(200))));
        let limits = Limits::start(t.overall(None), None, Patience::Plus(ms(50)));
        assert_eq!(limits.head().map(|l| l.0), Some((Phase::Head, ms(350))));
        let limits = Limits::start(t, None, Patience::Endless);
        assert!(limits.head().is_none() && limits.piece().is_none());
        let limits = Limits::start(t, Some((ms(7), Instant::now())), Patience::Endless);
        assert_eq!(limits.piece().map(|l| l.0), Some((Phase::Overall, ms(7))));
        let limits = Limits::start(
            t.head(Duration::MAX),
            Some((Duration::MAX, Instant::now())),
            Patience::Plain,
        );
        assert!(limits.head().is_none());
    }
}
