//! Sending an image to a registry.

use std::fmt;

use super::Platforms;
use super::progress::{Message, Messages, progress_stream};
use super::pull::AUTH;
use super::reference::{ImageName, ImageRef};
use crate::error::{Error, StreamError, StreamFault};
use crate::registry::{AuthChoice, Credentials};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Patience};

/// The verb behind [`Image::push`](super::Image::push). Awaited, it pushes to the end;
/// [`stream`](Push::stream) reports on the way.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Push {
    transport: Transport,
    image: ImageName,
    platform: Platforms,
    all_tags: bool,
    auth: AuthChoice,
}

/// What a push came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// The tag; empty where all tags were pushed.
    pub tag: String,
    /// The digest that the registry knows it by now; of the last tag, where all were pushed.
    pub digest: String,
    /// Bytes of the manifest.
    pub size: u64,
}

impl Push {
    pub(super) fn new(transport: Transport, image: ImageName) -> Push {
        let auth = AuthChoice::default();
        Push { transport, image, platform: Platforms::default(), all_tags: false, auth }
    }

    /// Push one platform's image alone, such as "linux/arm64": `--platform`. API 1.46.
    pub fn platform(mut self, platform: impl Into<String>) -> Push {
        self.platform.set(platform.into());
        self
    }

    /// Push all tags of the repository: `--all-tags`. A tag in the name is an error then.
    pub fn all_tags(mut self) -> Push {
        self.all_tags = true;
        self
    }

    /// Send these credentials, instead of those that the docker command would.
    pub fn credentials(mut self, credentials: Credentials) -> Push {
        self.auth = AuthChoice::Given(credentials);
        self
    }

    /// Send no credentials.
    pub fn anonymous(mut self) -> Push {
        self.auth = AuthChoice::Anonymous;
        self
    }

    /// Push, and report on each layer on the way.
    ///
    /// # Errors
    /// As [`Image::push`](super::Image::push), as far as they come before the first report.
    pub fn stream(self) -> StreamPush {
        StreamPush { push: self }
    }

    fn call(&self) -> Result<(Call, ImageRef), Error> {
        let ImageName::Ref(image) = &self.image else {
            let rule = "is an id; what is pushed needs a name that says where to";
            return Err(Error::invalid("image to push", self.image.to_string(), rule));
        };
        if image.digest().is_some() {
            let rule = "has a digest; a registry finds that out by itself";
            return Err(Error::invalid("image to push", image.to_string(), rule));
        }
        if self.all_tags && image.tag().is_some() {
            let rule = "must have no tag where all tags are asked for";
            return Err(Error::invalid("image to push", image.to_string(), rule));
        }
        // Without a tag the engine would take all of them.
        let tag = if self.all_tags { None } else { Some(image.tag().unwrap_or("latest")) };
        let call = Call::post(&["images", image.familiar_name(), "push"])
            .maybe("tag", tag)
            .patience(Patience::Endless);
        let call = self.platform.apply(call, 46, "a push of one platform")?;
        Ok((call, image.clone()))
    }

    async fn begin(self) -> Result<PushStream, Error> {
        let (call, image) = self.call()?;
        let call = call.header(AUTH, self.auth.header(image.registry()?).await?);
        let reply = self.transport.stream(&call).await?;
        Ok(PushStream { messages: Messages::new(reply.body), pushed: None })
    }

    async fn run(self) -> Result<Pushed, Error> {
        self.begin().await?.finish().await
    }
}

verb!(Push, transport => Result<Pushed, Error>);

/// The verb behind [`Push::stream`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StreamPush {
    push: Push,
}

impl StreamPush {
    async fn run(self) -> Result<PushStream, Error> {
        self.push.begin().await
    }
}

verb!(StreamPush, push.transport => Result<PushStream, Error>);

/// A push under way: what it reports, and what it comes to.
#[must_use = "a stream does nothing unless it is read"]
pub struct PushStream {
    messages: Messages,
    pushed: Option<Pushed>,
}

impl fmt::Debug for PushStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushStream").field("of", &self.messages).finish_non_exhaustive()
    }
}

progress_stream!(PushStream);

impl PushStream {
    /// Read to the end, and return what the push came to.
    ///
    /// # Errors
    /// The engine or the registry gave up, in its own words; the stream broke off.
    pub async fn finish(mut self) -> Result<Pushed, Error> {
        while let Some(message) = self.messages.next().await.transpose()? {
            self.take(&message);
        }
        self.pushed.ok_or_else(|| {
            let call = self.messages.call().to_owned();
            Error::Stream(StreamError { call, fault: StreamFault::Cut })
        })
    }

    fn take(&mut self, message: &Message) {
        if let Some(aux) = &message.aux {
            let text = |key: &str| aux.get(key).and_then(|v| v.as_str()).map(str::to_owned);
            if let Some(digest) = text("Digest") {
                let size = aux.get("Size").and_then(|v| v.as_u64()).unwrap_or_default();
                self.pushed = Some(Pushed { tag: text("Tag").unwrap_or_default(), digest, size });
            }
        } else if let Some((tag, rest)) = message.said_digest() {
            // Podman says it in words alone.
            let pushed = Pushed { tag: tag.to_owned(), digest: rest.to_owned(), size: 0 };
            self.pushed.get_or_insert(pushed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::reference::IntoImageName;
    use crate::transport::Host;

    fn push(image: &str) -> Push {
        let host = Host::unix("/nowhere").unwrap();
        let transport = Transport::new(host, "test".into(), Default::default(), None).unwrap();
        Push::new(transport, image.into_image_name().unwrap())
    }

    #[test]
    fn what_is_asked_for() {
        let said = |push: Push| push.call().map(|(call, _)| call.to_string());
        insta::assert_snapshot!(said(push("reg:5000/a/b")).unwrap(),
            @"POST /images/reg%3A5000%2Fa%2Fb/push?tag=latest");
        insta::assert_snapshot!(said(push("reg:5000/a").all_tags()).unwrap(),
            @"POST /images/reg%3A5000%2Fa/push");
        insta::assert_snapshot!(said(push("a:v1").platform("linux/arm/v7")).unwrap(),
            @"POST /images/a/push?tag=v1&platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm%22%2C%22variant%22%3A%22v7%22%7D");
        for (bad, rule) in [
            (push("a:v1").all_tags(), "must have no tag"),
            (push(&format!("sha256:{}", "0a".repeat(32))), "is an id"),
            (push(&format!("a@sha256:{}", "0a".repeat(32))), "has a digest"),
            (push("a").platform("linux"), "must be OS/ARCH"),
            (push("a").platform("linux//v7"), "must be OS/ARCH"),
        ] {
            let error = bad.call().unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
    }
}
