//! Images: handles, and the verbs that make, name, list and remove them.

mod archive;
mod build;
mod details;
mod distribution;
pub(crate) mod instruction;
mod list;
mod platform;
mod progress;
mod prune;
mod pull;
mod push;
pub mod reference;
mod remove;
mod search;
mod tag;

use std::fmt;

pub use archive::{Import, Load, Loaded, Save};
pub use build::{Build, BuildOutput, BuildStream, Built, StreamBuild};
pub(crate) use build::{LeftOut, Watched};
pub use details::{History, HistoryEntry, ImageConfig, ImageDetails, InspectImage};
pub use distribution::{Descriptor, Distribution, InspectDistribution, PlatformDetails};
pub use instruction::Instruction;
pub use list::{ImageSummary, ListImages};
pub use progress::LayerProgress;
pub(crate) use progress::{Message, Messages, progress_stream};
pub use prune::{PruneImages, PrunedImages};
pub(crate) use pull::AUTH;
pub use pull::{Pull, PullStream, Pulled, StreamPull};
pub use push::{Push, PushStream, Pushed, StreamPush};
pub use remove::{RemoveImage, RemovedImage};
pub use search::{Search, SearchResult};
pub use tag::Tag;

use crate::transport::Transport;
use platform::Platforms;
use reference::{ImageName, ImageRefError, IntoImageName, IntoImageRef};

/// An image on an engine, by its id or a name.
///
/// Get one from [`Docker::image`](crate::Docker::image) or
/// [`Container::commit`](crate::Container::commit). A name may come to stand for another image;
/// an id never does.
#[derive(Clone)]
pub struct Image {
    transport: Transport,
    name: ImageName,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Image").field(&self.name).finish()
    }
}

impl Image {
    pub(crate) fn new(transport: Transport, name: ImageName) -> Image {
        Image { transport: transport.unlimited(), name }
    }

    /// Return what the image is called by.
    pub fn name(&self) -> &ImageName {
        &self.name
    }

    /// Give the image one more name: `docker tag`. An image that had the name before loses it.
    ///
    /// # Errors
    /// The image is not there ([`is_not_found`](crate::Error::is_not_found)); the new name is none.
    pub fn tag(&self, name: impl IntoImageRef) -> Tag {
        Tag::new(self.transport.clone(), self.name.clone(), name.into_image_ref())
    }

    /// Ask for everything the engine knows of the image: `docker image inspect`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)).
    pub fn inspect(&self) -> InspectImage {
        InspectImage::new(self.transport.clone(), self.name.clone())
    }

    /// Ask how the image came about, the last step first: `docker history`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)).
    pub fn history(&self) -> History {
        History::new(self.transport.clone(), self.name.clone())
    }

    /// Send the image to the registry that its name says: `docker push`.
    ///
    /// Credentials are those that the docker command would send, unless others are given. The tag
    /// is `latest` where the name has none.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let pushed = docker.image("registry:5000/app:v1")?.push().await?;
    /// println!("{}", pushed.digest);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The registry wants other credentials
    /// ([`is_unauthorized`](crate::Error::is_unauthorized)); there is no such image here.
    pub fn push(&self) -> Push {
        Push::new(self.transport.clone(), self.name.clone())
    }

    /// Take this name from the image, and remove the image with its last name: `docker rmi`.
    ///
    /// # Errors
    /// The image is not there ([`is_not_found`](crate::Error::is_not_found)); a container uses it
    /// ([`is_conflict`](crate::Error::is_conflict)).
    pub fn remove(&self) -> RemoveImage {
        RemoveImage::new(self.transport.clone(), self.name.clone())
    }
}

impl reference::sealed::Sealed for &Image {}

impl IntoImageName for &Image {
    fn into_image_name(self) -> Result<ImageName, ImageRefError> {
        Ok(self.name.clone())
    }
}

#[cfg(test)]
mod tests;
