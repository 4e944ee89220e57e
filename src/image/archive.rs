//! Images as archives: out of the engine, and back into it.

use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use super::instruction::{self, Instruction};
use super::progress::Messages;
use super::reference::{ImageId, ImageName, ImageRef, ImageRefError, IntoImageRef};
use super::{Image, Platforms};
use crate::error::{Error, StreamError, StreamFault};
use crate::stream::TarStream;
use crate::transport::{Transport, Upload};
use crate::verb::verb;
use crate::wire::{Call, Patience};

/// How much of a file is read at once.
const READ: usize = 64 << 10;
const TAR: &str = "application/x-tar";

/// The verb behind [`Docker::save`](crate::Docker::save).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Save {
    transport: Transport,
    images: Vec<Result<ImageName, ImageRefError>>,
    platform: Platforms,
}

impl Save {
    pub(crate) fn new(transport: Transport, images: Vec<Result<ImageName, ImageRefError>>) -> Save {
        Save { transport, images, platform: Platforms::default() }
    }

    /// Save one platform's image alone, such as "linux/arm64": `--platform`. API 1.48.
    pub fn platform(mut self, platform: impl Into<String>) -> Save {
        self.platform.set(platform.into());
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        if self.images.is_empty() {
            return Err(Error::invalid("images to save", "", "must be one or more"));
        }
        let mut call = Call::get(&["images", "get"]).patience(Patience::Endless);
        for image in &self.images {
            call = call.arg("names", image.clone()?);
        }
        self.platform.apply(call, 48, "saving one platform's image")
    }

    async fn run(self) -> Result<TarStream, Error> {
        Ok(TarStream::new(self.transport.stream(&self.call()?).await?.body))
    }
}

verb!(Save, transport => Result<TarStream, Error>);

/// The verb behind [`Docker::load`](crate::Docker::load).
#[must_use = "nothing is sent before this is awaited"]
pub struct Load {
    transport: Transport,
    archive: Upload,
    platform: Platforms,
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load").finish_non_exhaustive()
    }
}

/// What a load brought.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The images, by the names or ids that the archive gives them.
    pub images: Vec<Image>,
}

impl Load {
    pub(crate) fn new(transport: Transport, archive: impl AsyncRead + Send + 'static) -> Load {
        let archive = Box::pin(ReaderStream::with_capacity(archive, READ));
        Load { transport, archive, platform: Platforms::default() }
    }

    /// Load one platform's image alone, such as "linux/arm64": `--platform`. API 1.48.
    pub fn platform(mut self, platform: impl Into<String>) -> Load {
        self.platform.set(platform.into());
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        let call = Call::post(&["images", "load"]).flag("quiet", true).patience(Patience::Endless);
        self.platform.apply(call, 48, "loading one platform's image")
    }

    async fn run(self) -> Result<Loaded, Error> {
        let call = self.call()?;
        let reply = self.transport.upload(&call, TAR, self.archive).await?;
        let mut messages = Messages::new(reply.body);
        let mut loaded = Loaded::default();
        let mut said = String::new();
        while let Some(message) = messages.next().await.transpose()? {
            said.push_str(&message.stream);
            // Podman's lines have no end.
            said.push('\n');
        }
        for line in said.lines() {
            let marks = ["Loaded image ID: ", "Loaded image(s): ", "Loaded image: "];
            let Some(names) = marks.iter().find_map(|mark| line.strip_prefix(mark)) else {
                continue;
            };
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let name = super::reference::IntoImageName::into_image_name(name)?;
                loaded.images.push(Image::new(self.transport.clone(), name));
            }
        }
        if loaded.images.is_empty() {
            // Docker takes an empty archive without a word.
            let fault = StreamFault::Engine("the archive holds no image".to_owned());
            return Err(Error::Stream(StreamError { call: call.label(), fault }));
        }
        Ok(loaded)
    }
}

verb!(Load, transport => Result<Loaded, Error>);

/// The verb behind [`Docker::import`](crate::Docker::import).
#[must_use = "nothing is sent before this is awaited"]
pub struct Import {
    transport: Transport,
    archive: Upload,
    name: Option<Result<ImageRef, ImageRefError>>,
    message: Option<String>,
    changes: Vec<Instruction>,
    platform: Option<String>,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Import {
    pub(crate) fn new(transport: Transport, archive: impl AsyncRead + Send + 'static) -> Import {
        let archive = Box::pin(ReaderStream::with_capacity(archive, READ));
        let changes = Vec::new();
        Import { transport, archive, name: None, message: None, changes, platform: None }
    }

    /// Name the image: "app", "app:tuned". An image that had the name before loses it.
    pub fn name(mut self, name: impl IntoImageRef) -> Import {
        self.name = Some(name.into_image_ref());
        self
    }

    /// Say what it is: `--message`.
    pub fn message(mut self, message: impl Into<String>) -> Import {
        self.message = Some(message.into());
        self
    }

    /// Apply a Dockerfile instruction, a typed one or a text such as `EXPOSE 80`: `--change`. Each
    /// call adds one.
    pub fn change(mut self, instruction: impl Into<Instruction>) -> Import {
        self.changes.push(instruction.into());
        self
    }

    /// Say which platform it is for, such as "linux/arm64": `--platform`.
    pub fn platform(mut self, platform: impl Into<String>) -> Import {
        self.platform = Some(platform.into());
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        let name = self.name.clone().transpose()?;
        let name = name.as_ref().map(ImageRef::to_give).transpose()?;
        let call = Call::post(&["images", "create"])
            .arg("fromSrc", "-")
            .maybe("repo", name.map(|(repo, _)| repo))
            .maybe("tag", name.map(|(_, tag)| tag))
            .maybe("message", self.message.as_ref())
            .maybe("platform", self.platform.as_ref())
            .patience(Patience::Endless);
        instruction::apply(&self.changes, call)
    }

    async fn run(self) -> Result<Image, Error> {
        let call = self.call()?;
        let reply = self.transport.upload(&call, TAR, self.archive).await?;
        let mut messages = Messages::new(reply.body);
        let mut id = None;
        while let Some(message) = messages.next().await.transpose()? {
            id = message.progress().status.trim().parse::<ImageId>().ok().or(id);
        }
        let Some(id) = id else {
            return Err(Error::Stream(StreamError { call: call.label(), fault: StreamFault::Cut }));
        };
        Ok(Image::new(self.transport, ImageName::Id(id)))
    }
}

verb!(Import, transport => Result<Image, Error>);
