//! Containers that are gone when you are.

mod clean;
mod guard;
mod keeper;
mod lease;
mod record;
mod session;
mod start;
mod sweep;

use std::ops::Deref;

pub use start::StartThrowaway;

use crate::{Container, ContainerSpec, Docker, Error, Running};
use guard::Guard;

impl Docker {
    /// Start a container that is gone when its handle is, or this process.
    ///
    /// Takes an image's name, or a whole [`ContainerSpec`]. The image is pulled where it is not
    /// there. What is promised is in [`throwaway`](crate::throwaway).
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let redis = docker.throwaway("redis:7").publish(6379).await?;
    /// let pong = redis.exec(["redis-cli", "ping"]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`create`](Docker::create) and [`Container::start`]; what was made is removed before the
    /// error is seen. [`Error::Lease`] where nobody would clean up after this process.
    pub fn throwaway(&self, spec: impl Into<ContainerSpec>) -> StartThrowaway {
        StartThrowaway::new(self.clone(), spec.into())
    }
}

/// A container that is gone when this is dropped.
///
/// It derefs to the [`Container<Running>`] that it is. Dropping it never panics, in any runtime or
/// none: the removal is done on a thread of this crate's own, and the drop does not wait for it
/// unless nobody else would finish it (see [`throwaway`](crate::throwaway)).
#[derive(Debug)]
#[must_use = "the container is removed when this is dropped"]
pub struct Throwaway {
    name: String,
    container: Container<Running>,
    guard: Guard,
}

impl Throwaway {
    /// Return the container's name, which is that of no other.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Remove the container, and wait until it is gone.
    ///
    /// Dropped half-way, the removal goes on.
    ///
    /// # Errors
    /// The engine does not remove it, or cannot be reached. It is tried again when this process
    /// ends.
    pub async fn close(self) -> Result<(), Error> {
        self.guard.remove().await
    }

    /// Let the container live on: nobody removes it then, whatever becomes of this process.
    ///
    /// # Errors
    /// That it is to stay could not be written down; it is removed.
    pub fn keep(self) -> Result<Container<Running>, Error> {
        self.guard.keep()?;
        Ok(self.container)
    }
}

impl Deref for Throwaway {
    type Target = Container<Running>;

    fn deref(&self) -> &Container<Running> {
        &self.container
    }
}
