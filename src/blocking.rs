//! The whole crate without `async`: every verb has a [`block`](Block::block) beside its `.await`.
//!
//! ```no_run
//! use bowline::Docker;
//! use bowline::blocking::Block as _;
//! use bowline::throwaway::Ready;
//!
//! #[test]
//! fn the_cache_is_filled() -> Result<(), Box<dyn std::error::Error>> {
//!     let docker = Docker::connect().block()?;
//!     let ready = Ready::log("Ready to accept connections");
//!     let redis = docker.throwaway("redis:7").publish(6379).ready(ready).block()?;
//!     let client = std::net::TcpStream::connect(redis.addr(6379)?)?;
//!
//!     let pong = redis.exec(["redis-cli", "ping"]).block()?;
//!     assert_eq!(pong.stdout_lossy(), "PONG\n");
//!     Ok(())
//! }
//! ```
//!
//! # One trait, and no second crate
//!
//! There are no blocking handles, because there is nothing that they would do otherwise: a
//! [`Docker`](crate::Docker), a [`Container<S>`](crate::Container) or a
//! `Throwaway` is the same in both worlds, what they
//! give back is the same, and what is dropped needs no runtime. What differs is the last word. So
//! this is an extension of all that can be awaited, and what is new in the crate is here from its
//! first day.
//!
//! | to | write |
//! |---|---|
//! | call a verb | `redis.exec(["true"]).block()?` |
//! | call a method that is an `async fn` | `redis.close().block()?` |
//! | read a stream | `while let Some(line) = lines.next().block() {` |
//! | do several things at once, or limit them | `async { tokio::join!(a, b) }.block()` |
//! | share a container among tests | a [`LazyLock`](std::sync::LazyLock) in a `static` |
//!
//! The word is not `wait`, which here is what one does for a container's end.
//!
//! ```no_run
//! use std::sync::LazyLock;
//!
//! use bowline::blocking::Block as _;
//! use bowline::{Docker, Throwaway};
//!
//! static REDIS: LazyLock<Throwaway> = LazyLock::new(|| {
//!     let docker = Docker::connect().block().unwrap();
//!     docker.throwaway("redis:7").publish(6379).block().unwrap()
//! });
//! ```
//!
//! # Where it can be called
//!
//! Anywhere, and it never panics for where it is: on a plain thread, in any flavour of runtime, in a
//! `LocalSet`, in a `Drop` while a panic unwinds, while a thread is taken down. What is waited for is
//! polled by the thread that waits. One runtime with a thread of its own, for the whole process, looks
//! after its sockets and timers: so connections are kept from one call to the next, whoever calls. In
//! an async task the work is polled on a thread made for the call, which takes some 50 µs; the task's
//! own thread waits, and with it whatever else would run there. There `.await` is the better word.
//!
//! # Limits
//!
//! - A stream or a session that was opened in another runtime needs that runtime to run: read it with
//!   `block` in a task that this runtime has no other thread for, and it waits for ever. Handles are
//!   free to go anywhere.
//! - A task that was spawned by what is waited for runs on the thread that looks after the sockets. If
//!   it calls `block` in turn, it is served apart, but all others wait meanwhile.
//! - Where the system has no thread to give, it is waited for.

use std::time::Duration;
use std::{io, panic, thread};

use tokio::runtime::{Builder, Handle};

use crate::aside::Aside;

static ASIDE: Aside = Aside::new("bowline-blocking");

/// Between two attempts to get what the system has run out of.
const PAUSE: Duration = Duration::from_millis(10);

/// Wait on the spot for what is otherwise awaited.
///
/// Everything that can be awaited has it, once this trait is imported. See [the module](self).
pub trait Block: IntoFuture {
    /// Do it, and block the thread until it is done.
    ///
    /// ```no_run
    /// use bowline::blocking::Block as _;
    ///
    /// # fn f() -> Result<(), bowline::Error> {
    /// let docker = bowline::Docker::connect().block()?;
    /// println!("{}", docker.version().block()?.version);
    /// # Ok(()) }
    /// ```
    ///
    /// It gives back what `.await` would. A panic in it is handed on.
    fn block(self) -> Self::Output
    where
        Self: Sized,
        Self::IntoFuture: Send,
        Self::Output: Send,
    {
        let future = self.into_future();
        match Handle::try_current() {
            Err(e) if e.is_missing_context() => insist(|| ASIDE.runtime()).block_on(future),
            // In a runtime, which would not have it; or in a thread too far gone for one.
            _ => apart(future),
        }
    }
}

impl<T: IntoFuture> Block for T {}

/// Do it on a thread that is no runtime's.
fn apart<F>(future: F) -> F::Output
where
    F: Future<Output: Send> + Send,
{
    // Our own thread, which is to wait, cannot look after the sockets meanwhile.
    let here = ASIDE.is_here();
    let work = |future| match here {
        true => insist(|| Builder::new_current_thread().enable_all().build()).block_on(future),
        false => insist(|| ASIDE.runtime()).block_on(future),
    };
    let mut future = Some(future);
    insist(|| {
        let thread = thread::Builder::new().name("bowline-block".into());
        let done = thread::scope(|scope| {
            Ok::<_, io::Error>(thread.spawn_scoped(scope, || future.take().map(work))?.join())
        });
        match done? {
            Ok(Some(output)) => Ok(output),
            Ok(None) => Err(io::ErrorKind::NotFound.into()),
            Err(panic) => panic::resume_unwind(panic),
        }
    })
}

/// Get what the system may have run out of for a moment: a thread, or a file for its runtime.
fn insist<T>(mut get: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match get() {
            Ok(got) => return got,
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
