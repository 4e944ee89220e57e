//! How much is held, and how much is being removed. Where there is no lease somebody must wait for
//! the last removal: who lets go last does.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// So many requests for a removal at once: an engine works on several, and no crowd is too large.
const AT_ONCE: usize = 16;

#[derive(Debug)]
pub(super) struct Going {
    count: Mutex<Count>,
    gone: Condvar,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Count {
    held: usize,
    going: usize,
}

impl Going {
    pub(super) fn new() -> Going {
        let (count, gone) = (Mutex::default(), Condvar::new());
        Going { count, gone, turns: Semaphore::new(AT_ONCE) }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more is held.
    pub(super) fn hold(&self) {
        self.count().held += 1;
    }

    /// A removal begins. It ends with an [`ended`](Going::ended).
    pub(super) fn begun(&self) {
        self.count().going += 1;
    }

    /// A removal has come to its end, or could not begin.
    pub(super) fn ended(&self) {
        self.count().going -= 1;
        self.gone.notify_all();
    }

    /// One is let go of; say whether it was the last.
    pub(super) fn let_go(&self) -> bool {
        let mut count = self.count();
        count.held -= 1;
        count.held == 0
    }

    /// Wait until nothing is being removed any more, at most so long.
    pub(super) fn wait(&self, limit: Duration) {
        let _ = self.gone.wait_timeout_while(self.count(), limit, |count| count.going > 0);
    }

    /// Wait for a turn to send a request. It is over when this is dropped.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.turns.acquire().await.ok()
    }
}
