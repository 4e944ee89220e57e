//! Images.

pub mod reference;

use std::fmt;

use serde::Deserialize;

use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, null_default};
use reference::{ImageName, ImageRef, ImageRefError, IntoImageRef};

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
    /// The image is not there ([`is_not_found`](Error::is_not_found)); the new name is none.
    pub fn tag(&self, name: impl IntoImageRef) -> Tag {
        Tag {
            transport: self.transport.clone(),
            image: self.name.clone(),
            name: name.into_image_ref(),
        }
    }

    /// Take this name from the image, and remove the image with its last name: `docker rmi`.
    ///
    /// # Errors
    /// The image is not there ([`is_not_found`](Error::is_not_found)); a container uses it
    /// ([`is_conflict`](Error::is_conflict)).
    pub fn remove(&self) -> RemoveImage {
        RemoveImage {
            transport: self.transport.clone(),
            image: self.name.clone(),
            force: false,
            no_prune: false,
        }
    }
}

/// The verb behind [`Image::tag`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Tag {
    transport: Transport,
    image: ImageName,
    name: Result<ImageRef, ImageRefError>,
}

impl Tag {
    fn call(&self) -> Result<Call, Error> {
        let name = self.name.clone()?;
        if let Some(digest) = name.digest() {
            let rule = "has a digest, which only the engine can give an image";
            return Err(Error::invalid("image name", digest, rule));
        }
        Ok(Call::post(&["images", &self.image.to_string(), "tag"])
            .arg("repo", name.familiar_name())
            .arg("tag", name.tag().unwrap_or("latest")))
    }

    async fn run(self) -> Result<Image, Error> {
        self.transport.done(&self.call()?).await?;
        Ok(Image::new(self.transport, ImageName::Ref(self.name?)))
    }
}

verb!(Tag, transport => Result<Image, Error>);

/// The verb behind [`Image::remove`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemoveImage {
    transport: Transport,
    image: ImageName,
    force: bool,
    no_prune: bool,
}

/// What the removal of an image came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedImage {
    /// The names that were taken away.
    pub untagged: Vec<String>,
    /// The ids of the images and layers that are gone.
    pub deleted: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    #[serde(deserialize_with = "null_default")]
    untagged: String,
    #[serde(deserialize_with = "null_default")]
    deleted: String,
}

impl RemoveImage {
    /// Remove it though stopped containers use it or it has more names: `--force`.
    pub fn force(mut self) -> RemoveImage {
        self.force = true;
        self
    }

    /// Keep the nameless images it was made from: `--no-prune`.
    pub fn no_prune(mut self) -> RemoveImage {
        self.no_prune = true;
        self
    }

    fn call(&self) -> Call {
        Call::delete(&["images", &self.image.to_string()])
            .flag("force", self.force)
            .flag("noprune", self.no_prune)
    }

    async fn run(self) -> Result<RemovedImage, Error> {
        let rows: Vec<Row> = self.transport.json(&self.call()).await?;
        let mut out = RemovedImage::default();
        for row in rows {
            for (text, list) in [(row.untagged, &mut out.untagged), (row.deleted, &mut out.deleted)]
            {
                if !text.is_empty() {
                    list.push(text);
                }
            }
        }
        Ok(out)
    }
}

verb!(RemoveImage, transport => Result<RemovedImage, Error>);
