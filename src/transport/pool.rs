//! Connections kept for the next call.
//!
//! A socket belongs to the runtime it was opened on, so it is handed only to calls on the same
//! runtime: one client serves any number of them, one after the other or at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::conn::Conn;

/// Podman hangs up after 10 s; a connection must never be used in the moment in which it dies.
const KEEP: Duration = Duration::from_secs(8);
/// More at once than this are not kept.
const MOST: usize = 64;

pub(super) struct Pool {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Most recently used last.
    idle: Vec<Idle>,
    /// One task a runtime closes what has been idle too long, and ends with the last connection.
    sweepers: Vec<(Id, Option<AbortHandle>)>,
}

struct Idle {
    conn: Box<Conn>,
    since: Instant,
    runtime: Id,
}

impl Pool {
    pub(super) fn new() -> Arc<Pool> {
        Arc::new(Pool { state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can be left half-done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take the connection that was used last, if the engine has not hung up on it.
    pub(super) fn checkout(&self) -> Option<Box<Conn>> {
        let runtime = Handle::try_current().ok()?.id();
        loop {
            let idle = {
                let mut state = self.lock();
                let at = state.idle.iter().rposition(|i| i.runtime == runtime)?;
                state.idle.remove(at)
            };
            if idle.since.elapsed() < KEEP && !idle.conn.hung_up() {
                return Some(idle.conn);
            }
        }
    }

    /// Keep a connection whose last answer was read to its end.
    pub(super) fn checkin(self: &Arc<Self>, conn: Box<Conn>) {
        if !conn.is_free() {
            return;
        }
        let Ok(handle) = Handle::try_current() else { return };
        let runtime = handle.id();
        let mut state = self.lock();
        if state.idle.len() >= MOST {
            return;
        }
        state.idle.push(Idle { conn, since: Instant::now(), runtime });
        if state.sweepers.iter().any(|(id, _)| *id == runtime) {
            return;
        }
        state.sweepers.push((runtime, None));
        // A runtime that is shutting down drops the sweeper here and now, and that takes the lock.
        drop(state);
        let sweeper = Sweeper { pool: Arc::downgrade(self), runtime, done: false };
        let abort = handle.spawn(sweeper.run()).abort_handle();
        if let Some((_, slot)) = self.lock().sweepers.iter_mut().find(|(id, _)| *id == runtime) {
            *slot = Some(abort);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for sweeper in self.lock().sweepers.drain(..).filter_map(|(_, abort)| abort) {
            sweeper.abort();
        }
    }
}

impl State {
    /// Take out what `which` says, to be dropped when the lock is no longer held.
    fn take(&mut self, which: impl Fn(&Idle) -> bool) -> Vec<Idle> {
        let (out, kept) = std::mem::take(&mut self.idle).into_iter().partition(which);
        self.idle = kept;
        out
    }
}

struct Sweeper {
    pool: Weak<Pool>,
    runtime: Id,
    /// It has signed itself off; another may have taken its place.
    done: bool,
}

impl Sweeper {
    async fn run(mut self) {
        let mut oldest = Instant::now();
        loop {
            tokio::time::sleep_until(oldest + KEEP).await;
            let Some(pool) = self.pool.upgrade() else { return };
            let mut state = pool.lock();
            let mine = self.runtime;
            let dead = state.take(|i| i.runtime == mine && i.since.elapsed() >= KEEP);
            let next = state.idle.iter().filter(|i| i.runtime == mine).map(|i| i.since).min();
            if next.is_none() {
                state.sweepers.retain(|(id, _)| *id != mine);
                self.done = true;
            }
            drop(state);
            drop(dead);
            match next {
                Some(since) => oldest = since,
                None => return,
            }
        }
    }
}

/// The runtime ends and takes the sweeper with it: its sockets are of no more use to anybody.
impl Drop for Sweeper {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade().filter(|_| !self.done) else { return };
        let mut state = pool.lock();
        let mine = self.runtime;
        state.sweepers.retain(|(id, _)| *id != mine);
        let dead = state.take(|i| i.runtime == mine);
        drop(state);
        drop(dead);
    }
}
