//! Fetching an image from a registry.

use std::fmt;

use super::progress::{Message, Messages, progress_stream};
use super::reference::{ImageId, ImageName, ImageRef, ImageRefError};
use super::{Image, InspectImage};
use crate::error::{DecodeError, Error, StreamError, StreamFault};
use crate::registry::{AuthChoice, Credentials};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, HeaderName, Patience};

pub(crate) const AUTH: HeaderName = HeaderName::from_static("x-registry-auth");

/// The verb behind [`Docker::pull`](crate::Docker::pull). Awaited, it pulls to the end;
/// [`stream`](Pull::stream) reports on the way.
///
/// Dropped meanwhile, the engine gives up too; layers that are complete it keeps.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Pull {
    transport: Transport,
    image: Result<ImageRef, ImageRefError>,
    platform: Option<String>,
    all_tags: bool,
    auth: AuthChoice,
}

/// What a pull came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pulled {
    /// The image, by the name it was pulled by.
    pub image: Image,
    /// The image's id; `None` where all tags were pulled.
    pub id: Option<ImageId>,
    /// The digest that the registry knows it by, where the engine says.
    pub digest: Option<String>,
    /// Whether anything was fetched; `false` where all of it was there already.
    pub newer: bool,
}

impl Pull {
    pub(crate) fn new(transport: Transport, image: Result<ImageRef, ImageRefError>) -> Pull {
        Pull { transport, image, platform: None, all_tags: false, auth: AuthChoice::default() }
    }

    /// Ask for a platform's image, such as "linux/arm64": `--platform`.
    pub fn platform(mut self, platform: impl Into<String>) -> Pull {
        self.platform = Some(platform.into());
        self
    }

    /// Pull all tags of the repository: `--all-tags`. A tag in the name is an error then.
    pub fn all_tags(mut self) -> Pull {
        self.all_tags = true;
        self
    }

    /// Send these credentials, instead of those that the docker command would.
    pub fn credentials(mut self, credentials: Credentials) -> Pull {
        self.auth = AuthChoice::Given(credentials);
        self
    }

    /// Send no credentials.
    pub fn anonymous(mut self) -> Pull {
        self.auth = AuthChoice::Anonymous;
        self
    }

    /// Pull, and report on each layer on the way.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let mut pull = docker.pull("busybox").stream().await?;
    /// while let Some(report) = pull.next().await.transpose()? {
    ///     println!("{} {:?} of {:?}", report.status, report.current, report.total);
    /// }
    /// let pulled = pull.finish().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Docker::pull`](crate::Docker::pull), as far as they come before the first report.
    pub fn stream(self) -> StreamPull {
        StreamPull { pull: self }
    }

    /// The request but for the credentials, and the name that is asked for.
    fn call(&self) -> Result<(Call, ImageRef), Error> {
        let image = self.image.clone()?;
        if self.all_tags && (image.tag().is_some() || image.digest().is_some()) {
            let rule = "must have no tag or digest where all tags are asked for";
            return Err(Error::invalid("image reference", image.to_string(), rule));
        }
        if let Some(platform) = self.platform.as_deref() {
            let fine = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
            if platform.is_empty() || !platform.bytes().all(fine) {
                let rule = "must be OS, OS/ARCH or OS/ARCH/VARIANT";
                return Err(Error::invalid("platform", platform, rule));
            }
        }
        // Without a tag the engine would take all of them.
        let image = if self.all_tags { image } else { image.or_latest() };
        let call = Call::post(&["images", "create"])
            .arg("fromImage", image.familiar_name())
            .maybe("tag", image.digest().or(image.tag()))
            .maybe("platform", self.platform.as_ref())
            .patience(Patience::Endless);
        Ok((call, image))
    }

    async fn begin(self) -> Result<PullStream, Error> {
        let (call, image) = self.call()?;
        let call = call.header(AUTH, self.auth.header(image.registry()?).await?);
        let reply = self.transport.stream(&call).await?;
        Ok(PullStream {
            messages: Messages::new(reply.body),
            transport: self.transport.unlimited(),
            image,
            all_tags: self.all_tags,
            digest: None,
            told: None,
        })
    }

    async fn run(self) -> Result<Pulled, Error> {
        self.begin().await?.finish().await
    }
}

verb!(Pull, transport => Result<Pulled, Error>);

/// The verb behind [`Pull::stream`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StreamPull {
    pull: Pull,
}

impl StreamPull {
    async fn run(self) -> Result<PullStream, Error> {
        self.pull.begin().await
    }
}

verb!(StreamPull, pull.transport => Result<PullStream, Error>);

/// A pull under way: what it reports, and what it comes to.
#[must_use = "a stream does nothing unless it is read"]
pub struct PullStream {
    messages: Messages,
    transport: Transport,
    image: ImageRef,
    all_tags: bool,
    digest: Option<String>,
    /// The engine's last word: whether anything was fetched.
    told: Option<bool>,
}

impl fmt::Debug for PullStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PullStream").field("image", &self.image).finish_non_exhaustive()
    }
}

progress_stream!(PullStream);

impl PullStream {
    /// Read to the end, and return what the pull came to.
    ///
    /// # Errors
    /// The engine gave up, in its own words; the stream broke off.
    pub async fn finish(mut self) -> Result<Pulled, Error> {
        while let Some(message) = self.messages.next().await.transpose()? {
            self.take(&message);
        }
        let name = ImageName::Ref(self.image.clone());
        let image = Image::new(self.transport.clone(), name.clone());
        if self.all_tags {
            return Ok(Pulled {
                image,
                id: None,
                digest: self.digest,
                newer: self.told.unwrap_or(true),
            });
        }
        let call = self.messages.call().to_owned();
        let found = match InspectImage::new(self.transport, name).await {
            Ok(found) => found,
            // Neither an error nor an image: the stream ended early, whatever its framing says.
            Err(e) if e.is_not_found() && self.told.is_none() => {
                return Err(Error::Stream(StreamError { call, fault: StreamFault::Cut }));
            }
            Err(e) => return Err(e),
        };
        let id = found.id.parse().map_err(|e: ImageRefError| {
            Error::Decode(DecodeError { call, reason: e.to_string() })
        })?;
        let digest = self.digest.or_else(|| {
            let known = found.repo_digests.iter().find_map(|known| known.split_once('@'));
            known.map(|(_, digest)| digest.to_owned())
        });
        Ok(Pulled { image, id: Some(id), digest, newer: self.told.unwrap_or(true) })
    }

    fn take(&mut self, message: &Message) {
        if let Some(digest) = message.after("Digest: ") {
            self.digest = Some(digest.to_owned());
        }
        if let Some(word) = message.after("Status: ") {
            self.told = Some(!word.starts_with("Image is up to date"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::reference::IntoImageRef;
    use crate::transport::Host;

    fn pull(image: &str) -> Pull {
        let host = Host::unix("/nowhere").unwrap();
        let transport = Transport::new(host, "test".into(), Default::default(), None).unwrap();
        Pull::new(transport, image.into_image_ref())
    }

    #[test]
    fn what_is_asked_for() {
        let said = |pull: Pull| pull.call().map(|(call, _)| call.to_string());
        insta::assert_snapshot!(said(pull("busybox")).unwrap(),
            @"POST /images/create?fromImage=busybox&tag=latest");
        insta::assert_snapshot!(said(pull("reg:5000/a/b:v1").platform("linux/arm64/v8")).unwrap(),
            @"POST /images/create?fromImage=reg%3A5000%2Fa%2Fb&tag=v1&platform=linux%2Farm64%2Fv8");
        let digest = format!("busybox@sha256:{}", "0a".repeat(32));
        assert!(said(pull(&digest)).unwrap().contains("tag=sha256%3A0a0a"));
        insta::assert_snapshot!(said(pull("busybox").all_tags()).unwrap(),
            @"POST /images/create?fromImage=busybox");
        insta::assert_snapshot!(said(pull("busybox:1").all_tags()).unwrap_err(),
            @r#"image reference "busybox:1" must have no tag or digest where all tags are asked for"#);
        insta::assert_snapshot!(said(pull("busybox").platform("linux arm64")).unwrap_err(),
            @r#"platform "linux arm64" must be OS, OS/ARCH or OS/ARCH/VARIANT"#);
        assert!(matches!(said(pull("BUSYBOX")), Err(Error::ImageRef(_))));
    }
}
