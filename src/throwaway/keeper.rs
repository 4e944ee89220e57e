//! The thread on which everything is done that must not depend on the user's runtime.
//!
//! It has a runtime of its own, and so connections of its own. It is started by the first who needs
//! it and never joined: when the process ends it ends with it, and the lease takes over.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;
use std::{io, process};

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

use crate::error::{Error, LeaseError};

struct Keeper {
    /// A child that was forked off has a copy of this, and no such thread.
    process: u32,
    runtime: Handle,
}

static KEEPER: Mutex<Option<Keeper>> = Mutex::new(None);

thread_local! {
    /// It has no destructor, and so it can be read while a thread is being taken down.
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// Begin `work` on the keeper's thread. It goes on whatever becomes of the caller.
pub(super) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<Task<T>> {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    let process = process::id();
    if let Some(keeper) = keeper.as_ref().filter(|keeper| keeper.process == process) {
        return Ok(Task { handle: keeper.runtime.spawn(work), grace: None });
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let keep = move || {
        HERE.set(true);
        runtime.block_on(pending::<()>());
    };
    thread::Builder::new().name("bowline-keeper".into()).spawn(keep)?;
    let task = Task { handle: handle.spawn(work), grace: None };
    *keeper = Some(Keeper { process, runtime: handle });
    Ok(task)
}

/// Say whether this is the keeper's own thread, which must not wait for itself.
pub(super) fn is_here() -> bool {
    HERE.get()
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
