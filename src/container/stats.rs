//! What a container uses: one record a second, as the engine takes them.

mod record;

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

pub use record::{
    BlkioEntry, BlkioStats, BlockIo, CpuStats, CpuUsage, MemoryStats, NetworkIo, NetworkStats,
    PidsStats, Stats, Throttling,
};

use super::{Container, Unknown};
use crate::error::Error;
use crate::stream::JsonValues;
use crate::verb::verb;
use crate::wire::{Call, Patience};

/// The verb behind [`Container::stats`].
///
/// Awaited, it gives a record a second, without end; [`once`](WatchStats::once) gives one.
///
/// ```no_run
/// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
/// let now = web.stats().once().await?;
/// println!("{:?} % of a processor, {:?} bytes", now.cpu_percent(), now.memory_usage());
///
/// let mut stats = web.stats().await?;
/// while let Some(record) = stats.next().await.transpose()? {
///     println!("{:?}", record.cpu_percent());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct WatchStats {
    on: Container<Unknown>,
}

impl WatchStats {
    pub(super) fn new(on: Container<Unknown>) -> WatchStats {
        WatchStats { on }
    }

    /// Take one record alone: `docker stats --no-stream`.
    ///
    /// The engine takes two a second apart, so that the use of the processor between them is known;
    /// [`at_once`](OnceStats::at_once) does without.
    ///
    /// # Errors
    /// As [`Container::stats`].
    pub fn once(self) -> OnceStats {
        OnceStats { on: self.on, at_once: false }
    }

    fn call(&self) -> Call {
        self.on.get("stats").arg("stream", 1).patience(Patience::Endless)
    }

    async fn run(self) -> Result<StatsStream, Error> {
        let reply = self.on.transport.stream(&self.call()).await?;
        Ok(StatsStream { records: JsonValues::new(reply.body) })
    }
}

verb!(WatchStats, on => Result<StatsStream, Error>);

/// The verb behind [`WatchStats::once`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct OnceStats {
    on: Container<Unknown>,
    at_once: bool,
}

impl OnceStats {
    /// Take the record at once. [`cpu_percent`](Stats::cpu_percent) is `None` then.
    pub fn at_once(mut self) -> OnceStats {
        self.at_once = true;
        self
    }

    fn call(&self) -> Call {
        self.on.get("stats").arg("stream", 0).flag("one-shot", self.at_once)
    }

    async fn run(self) -> Result<Stats, Error> {
        self.on.transport.json(&self.call()).await
    }
}

verb!(OnceStats, on => Result<Stats, Error>);

/// The records of a container, one a second. There is no end before the container is removed:
/// of one that does not run they are empty.
#[must_use = "a stream does nothing unless it is read"]
pub struct StatsStream {
    records: JsonValues<Stats>,
}

impl std::fmt::Debug for StatsStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StatsStream").field(&self.records.call()).finish()
    }
}

impl StatsStream {
    /// Wait for the next record. `None` once the container is removed.
    ///
    /// # Errors
    /// The stream broke off or broke its framing.
    pub async fn next(&mut self) -> Option<Result<Stats, Error>> {
        std::future::poll_fn(|cx| self.records.poll_next(cx)).await
    }
}

impl Stream for StatsStream {
    type Item = Result<Stats, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().records.poll_next(cx)
    }
}
