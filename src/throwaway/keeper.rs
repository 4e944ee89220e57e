//! The thread on which everything is done that must not depend on the user's runtime.
//!
//! It has a runtime of its own, and so connections of its own. When the process ends it ends with it,
//! and the lease takes over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::aside::Aside;
use crate::error::{Error, LeaseError};

static KEEPER: Aside = Aside::new("bowline-keeper");

/// Begin `work` on the keeper's thread. It goes on whatever becomes of the caller.
pub(super) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<Task<T>> {
    Ok(Task { handle: KEEPER.runtime()?.spawn(work), grace: None })
}

/// Say whether this is the keeper's own thread, which must not wait for itself.
pub(super) fn is_here() -> bool {
    KEEPER.is_here()
}

/// Work on the keeper's thread. It can be awaited from any executor, or left alone.
pub(super) struct Task<T> {
    handle: JoinHandle<T>,
    /// How long it may go on when this is dropped; without one, to its end.
    grace: Option<Duration>,
}

impl<T> Task<T> {
    /// Break the work off so long after this is dropped.
    pub(super) fn tied(mut self, grace: Duration) -> Task<T> {
        self.grace = Some(grace);
        self
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let done = std::task::ready!(Pin::new(&mut self.handle).poll(cx));
        Poll::Ready(done.map_err(|e| {
            Error::Lease(LeaseError::new("do its work on a thread of its own", io::Error::other(e)))
        }))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let Some(grace) = self.grace.filter(|_| !self.handle.is_finished()) else { return };
        let work = self.handle.abort_handle();
        if grace.is_zero() {
            return work.abort();
        }
        // Without a keeper there is no work either.
        let _ = spawn(async move {
            tokio::time::sleep(grace).await;
            work.abort();
        });
    }
}
