//! The container's end, told to everything that waits.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

use super::failure::NotReadyCause;
use crate::container::{Condition, Container, ExitStatus, Running};
use crate::error::Error;

/// How a container came to its end.
#[derive(Debug, Clone)]
pub(super) enum End {
    Exited(ExitStatus),
    /// It was removed.
    Gone,
    /// Nobody knows: the engine cannot be asked any more.
    Lost(Arc<Error>),
}

/// Wait for the container's end. The engine says it; it is not looked for.
pub(super) async fn end(container: &Container<Running>) -> End {
    match container.wait_for(Condition::NotRunning).await {
        Ok(status) => End::Exited(status),
        Err(error) if error.is_not_found() => End::Gone,
        Err(error) => End::Lost(Arc::new(error)),
    }
}

/// A wait that failed.
#[derive(Debug, Clone)]
pub(super) struct Stop(pub(super) NotReadyCause);

impl Stop {
    pub(super) fn never(why: String) -> Stop {
        Stop(NotReadyCause::Never(why))
    }
}

impl From<End> for Stop {
    fn from(end: End) -> Stop {
        Stop(match end {
            End::Exited(status) => NotReadyCause::Died(status),
            End::Gone => NotReadyCause::Gone,
            End::Lost(error) => NotReadyCause::Engine(error),
        })
    }
}

/// An end may be known this much earlier by what it brings about than by word of it.
const FORERUNNER: Duration = Duration::from_millis(100);

/// Whether the container lives. Each wait has one.
#[derive(Debug, Clone)]
pub(super) struct Life(watch::Receiver<Option<End>>);

impl Life {
    pub(super) fn new() -> (watch::Sender<Option<End>>, Life) {
        let (tell, told) = watch::channel(None);
        (tell, Life(told))
    }

    /// Wait for its end.
    pub(super) async fn ended(&self) -> End {
        let mut told = self.0.clone();
        match told.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(end)) => end,
            // Who would tell is gone, and with them whoever waits here.
            _ => std::future::pending().await,
        }
    }

    /// Work for as long as it lives. What is done when it ends counts.
    pub(super) async fn or_end<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let (mut work, mut ended) = (pin!(work), pin!(self.ended()));
        std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            ended.as_mut().poll(cx).map(|end| Err(end.into()))
        })
        .await
    }

    /// Fail by the container's end where that comes within a moment: it is why then.
    pub(super) async fn rather_end(&self, stop: Stop) -> Stop {
        match tokio::time::timeout(FORERUNNER, self.ended()).await {
            Ok(end) => end.into(),
            Err(_) => stop,
        }
    }
}
