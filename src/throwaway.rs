//! Containers that are gone when you are.

mod addr;
mod clean;
mod guard;
mod keeper;
mod lease;
mod ready;
mod record;
mod session;
mod start;
mod story;
mod sweep;

use std::ops::Deref;

pub use addr::{Addresses, ContainerPort, Family, HostPort, NoAddress, NoAddressReason};
pub use ready::{NotReady, NotReadyCause, NotYet, Readiness, Ready, Subject, Waited};
pub use start::StartThrowaway;
pub use story::{Attempt, StartCause, StartError, StartPhase, Story};

use crate::{Container, ContainerSpec, Docker, Error, Running};
use guard::Guard;

impl Docker {
    /// Start a container that is gone when its handle is, or this process.
    ///
    /// Takes an image's name, or a whole [`ContainerSpec`]. The image is pulled where it is not
    /// there. What is promised is in [`throwaway`](crate::throwaway).
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// use bowline::throwaway::Ready;
    ///
    /// let ready = Ready::log("Ready to accept connections");
    /// let redis = docker.throwaway("redis:7").publish(6379).ready(ready).await?;
    /// let client = std::net::TcpStream::connect(redis.addr(6379)?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StartError`] tells what failed and what the container looked like then; it is removed
    /// before the error is seen. As [`create`](Docker::create) and [`Container::start`] fail; it
    /// does not become ready; or nobody would clean up after this process ([`Error::Lease`]).
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
    addresses: Addresses,
    guard: Guard,
}

impl Throwaway {
    /// Return the container's name, which is that of no other.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Return where a client on this machine reaches a port, by IPv4 if it can be.
    ///
    /// As of the start: a restart may move it.
    ///
    /// # Errors
    /// The port is not published, or not to be reached from here.
    pub fn addr(&self, port: impl Into<ContainerPort>) -> Result<HostPort, NoAddress> {
        self.addresses.get(port)
    }

    /// Return where all its ports are reached, as of the start.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
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
