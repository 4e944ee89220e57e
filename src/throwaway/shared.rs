//! One container for all who ask for it, in a `static`.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, OnceCell};

use super::keeper::{self, Task};
use super::session::no_thread;
use super::{Attempt, StartError, StartPhase, StartThrowaway, Throwaway, run};
use crate::docker::Docker;
use crate::error::Error;

/// A container that is started once, by the first who asks, and that all who ask use.
///
/// In a `static` it serves all tests of a program; in a run of `cargo nextest`, where each test is a
/// process, all processes of the run. See [`throwaway`](crate::throwaway#sharing) for when it goes.
///
/// ```no_run
/// use bowline::throwaway::{Ready, Shared};
///
/// static REDIS: Shared = Shared::new("redis", |docker| {
///     docker.throwaway("redis:7").publish(6379).ready(Ready::log("Ready to accept connections"))
/// });
///
/// #[tokio::test]
/// async fn a_key_is_kept() -> Result<(), Box<dyn std::error::Error>> {
///     let client = std::net::TcpStream::connect(REDIS.get().await?.addr(6379)?)?;
///     Ok(())
/// }
/// ```
pub struct Shared {
    name: &'static str,
    recipe: fn(&Docker) -> StartThrowaway,
    held: OnceCell<Result<Throwaway, SharedError>>,
    /// Whoever waits for it drives it; it goes on when nobody does.
    under_way: Mutex<Option<Task<Result<Throwaway, StartError>>>>,
}

impl Shared {
    /// Describe a container to be shared. The name and the recipe tell it from others: in a run of
    /// several processes, they share it where both say the same.
    pub const fn new(name: &'static str, recipe: fn(&Docker) -> StartThrowaway) -> Shared {
        Shared { name, recipe, held: OnceCell::const_new(), under_way: Mutex::const_new(None) }
    }

    /// Return the container. The first who asks starts it, on the engine that
    /// [`Docker::connect`] finds; others wait for that.
    ///
    /// It works in any runtime, or none. The start goes on when the test that began it ends.
    ///
    /// # Errors
    /// It did not start. It is not tried again in this process: whoever asks is told the same.
    pub async fn get(&self) -> Result<&Throwaway, SharedError> {
        match self.held.get_or_init(|| self.start()).await {
            Ok(held) => Ok(held),
            Err(error) => Err(error.clone()),
        }
    }

    async fn start(&self) -> Result<Throwaway, SharedError> {
        let mut under_way = self.under_way.lock().await;
        let started = match &mut *under_way {
            // Who began it went away.
            Some(work) => work,
            none => {
                let work = keeper::spawn(begin(self.name, self.recipe));
                none.insert(work.map_err(|e| untold(self.name, no_thread(e)))?)
            }
        }
        .await;
        *under_way = None;
        Ok(started.map_err(|e| untold(self.name, e))??)
    }
}

/// What is done on the keeper's thread, whose connections end with no test.
async fn begin(
    name: &'static str,
    recipe: fn(&Docker) -> StartThrowaway,
) -> Result<Throwaway, StartError> {
    let docker = Docker::connect().await.map_err(|e| untold(name, e))?;
    let start = recipe(&docker);
    match run::here() {
        // What is reused is found by all processes anyway.
        Some(run) if start.reuse.is_none() => run::share(start, run, name).await,
        _ => start.await,
    }
}

fn untold(name: &str, error: Error) -> StartError {
    let (image, name, phase) = (String::new(), name.to_owned(), StartPhase::ResolveImage);
    StartError::untold(Attempt { image, name, phase, begun: Instant::now() }, error.into())
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Shared");
        f.field("name", &self.name).field("held", &self.held.get()).finish_non_exhaustive()
    }
}

/// Why a shared container did not start: [`StartError`], for all who asked.
#[derive(Clone)]
pub struct SharedError(Arc<StartError>);

impl From<StartError> for SharedError {
    fn from(error: StartError) -> SharedError {
        SharedError(Arc::new(error))
    }
}

impl Deref for SharedError {
    type Target = StartError;

    fn deref(&self) -> &StartError {
        &self.0
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for SharedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
