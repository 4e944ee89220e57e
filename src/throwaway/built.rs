//! Images that are built to be thrown away.

use std::time::Duration;

use super::guard::Thing;
use super::making::Making;
use super::session::no_thread;
use super::{ThrowawayImage, keeper};
use crate::docker::Docker;
use crate::error::Error;
use crate::image::Build;
use crate::verb::awaitable;

impl Docker {
    /// Build an image that is gone when its handle is, or this process.
    ///
    /// Any number of containers can be started from it. It goes once those are gone. Each build has
    /// an image of its own, and names that it gives it go with it. The stages before the last, and the
    /// steps of a build that fails, are the engine's build cache, as with `docker build`: they stay.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// let image = docker.throwaway_image(docker.build("tests/app").target("test")).await?;
    /// let app = docker.throwaway(&*image).publish(8080).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`build`](Docker::build); or nobody would clean up after this process
    /// ([`Error::Lease`]).
    pub fn throwaway_image(&self, build: Build) -> BuildThrowawayImage {
        BuildThrowawayImage { docker: self.clone(), build }
    }
}

/// The verb behind [`Docker::throwaway_image`].
///
/// Dropped half-way, the engine gives the build up, and what came of it by then is removed.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct BuildThrowawayImage {
    docker: Docker,
    build: Build,
}

impl BuildThrowawayImage {
    async fn run(self) -> Result<ThrowawayImage, Error> {
        let BuildThrowawayImage { docker, build } = self;
        let making = async move {
            let making = Making::begin(&docker)?;
            // With a name it is safe from a neighbour's `docker image prune`.
            let build = build.tag(making.name());
            let build = making.labels().fold(build, |b, (key, v)| b.label(key, v));
            let built = build.await;
            let (built, guard) = making.made(docker, built, |it| Thing::Image(it.image.clone()))?;
            Ok(ThrowawayImage { image: built.image, guard })
        };
        // The engine gives up a build as soon as nobody listens any more.
        keeper::spawn(making).map_err(no_thread)?.tied(Duration::ZERO).await?
    }
}

awaitable!(BuildThrowawayImage => Result<ThrowawayImage, Error>);
