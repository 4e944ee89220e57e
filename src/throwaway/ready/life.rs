//! The container's end, told to everything that waits.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

use super::failure::NotReadyCause;
use crate::container::{Condition, Container, ExitStatus, Running};
use crate::docker::Docker;
use crate::error::Error;
use crate::events::{Action, EventKind};

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
///
/// It says it twice. Docker's event comes within a millisecond; the answer to a wait only once it
/// has cleaned up behind the container, which takes a tenth of a second and more, but cannot be
/// missed.
pub(super) async fn end(docker: &Docker, container: &Container<Running>) -> End {
    let (mut event, mut listens) = (pin!(event(docker, container)), true);
    let mut wait = pin!(container.wait_for(Condition::NotRunning).into_future());
    std::future::poll_fn(|cx| {
        // First, so that it is there before the event can be missed.
        if let Poll::Ready(answer) = wait.as_mut().poll(cx) {
            return Poll::Ready(match answer {
                Ok(status) => End::Exited(status),
                Err(error) if error.is_not_found() => End::Gone,
                Err(error) => End::Lost(Arc::new(error)),
            });
        }
        if listens {
            match event.as_mut().poll(cx) {
                Poll::Ready(Some(status)) => return Poll::Ready(End::Exited(status)),
                Poll::Ready(None) => listens = false,
                Poll::Pending => {}
            }
        }
        Poll::Pending
    })
    .await
}

/// Listen for the event. `None` where that breaks off.
async fn event(docker: &Docker, container: &Container<Running>) -> Option<ExitStatus> {
    let watch = docker.events().kind(EventKind::Container).action(Action::Die);
    let mut events = watch.container(container.id().as_str()).await.ok()?;
    loop {
        let event = events.next().await?.ok()?;
        // The engine takes a name that is another's id for that other.
        if event.actor.id.as_str() == container.id().as_str() {
            return event.exit_status();
        }
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
