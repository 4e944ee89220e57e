//! Giving an image a name.

use super::Image;
use super::reference::{ImageName, ImageRef, ImageRefError};
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::Call;

/// The verb behind [`Image::tag`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Tag {
    transport: Transport,
    image: ImageName,
    name: Result<ImageRef, ImageRefError>,
}

impl Tag {
    pub(super) fn new(
        transport: Transport,
        image: ImageName,
        name: Result<ImageRef, ImageRefError>,
    ) -> Tag {
        Tag { transport, image, name }
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        let name = self.name.clone()?;
        let (repo, tag) = name.to_give()?;
        Ok(Call::post(&["images", &self.image.to_string(), "tag"])
            .arg("repo", repo)
            .arg("tag", tag))
    }

    async fn run(self) -> Result<Image, Error> {
        self.transport.done(&self.call()?).await?;
        Ok(Image::new(self.transport, ImageName::Ref(self.name?)))
    }
}

verb!(Tag, transport => Result<Image, Error>);
