//! What an engine reports while layers travel.

use std::task::{Context, Poll, ready};

use serde::Deserialize;

use crate::error::{ApiError, Error, StreamError, StreamFault};
use crate::stream::JsonValues;
use crate::transport::Body;
use crate::wire::null_default;

/// One report on the way of an image or plugin, or of one of its layers.
///
/// Every report is handed on as it comes, also one with nothing in it that is known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerProgress {
    /// The layer's short id, or what else the report is about; `None` for the whole.
    pub id: Option<String>,
    /// What is being done: "Downloading", "Pull complete".
    pub status: String,
    /// How many bytes are done.
    pub current: Option<u64>,
    /// How many bytes there are to do. Engines get it wrong: it may be less than `current`.
    pub total: Option<u64>,
}

impl LayerProgress {
    /// Return the short id of the layer that this is about; `None` where it is about the image as a
    /// whole, also where the engine then gives the tag for an [`id`](LayerProgress::id).
    pub fn layer(&self) -> Option<&str> {
        let digits = |id: &&str| id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit());
        // A tag may look like an id. It stands in the first line alone.
        let id = self.id.as_deref().filter(|_| !self.status.starts_with("Pulling from "));
        id.filter(digits)
    }
}

/// A line of any of the engine's progress streams.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Message {
    id: Option<String>,
    #[serde(deserialize_with = "null_default")]
    status: String,
    #[serde(deserialize_with = "null_default")]
    pub(super) stream: String,
    #[serde(deserialize_with = "null_default")]
    progress_detail: Detail,
    error_detail: Option<serde_json::Value>,
    error: Option<serde_json::Value>,
    pub(super) aux: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    current: Option<i64>,
    total: Option<i64>,
}

impl Message {
    /// The error that a line is: a 200 that has begun can fail in no other way. Old and new
    /// engines, and Podman, fill one of two fields or both.
    fn fault(&mut self) -> Option<Told> {
        let detail = self.error_detail.take();
        let plain = self.error.take().filter(|error| error.as_str() != Some(""));
        if detail.is_none() && plain.is_none() {
            return None;
        }
        let code = detail.as_ref().and_then(|detail| detail.get("code")).and_then(|c| c.as_i64());
        // Words, also where they are not where they should be.
        let words = |told: &serde_json::Value| {
            let text = told.as_str().or(told.get("message").and_then(|words| words.as_str()));
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let message = detail.as_ref().and_then(words).or(plain.as_ref().and_then(words));
        Some((code, message.unwrap_or_else(|| "the engine does not say why".to_owned())))
    }

    pub(crate) fn progress(&self) -> LayerProgress {
        // 0 and below stand for what is not known.
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        LayerProgress {
            id: self.id.clone(),
            status: self.status.clone(),
            current: count(self.progress_detail.current),
            total: count(self.progress_detail.total).filter(|total| *total > 0),
        }
    }

    /// The tag and digest of "v1: digest: sha256:… size: 528".
    pub(super) fn said_digest(&self) -> Option<(&str, &str)> {
        let (tag, rest) = self.status.split_once(": digest: ")?;
        Some((tag, rest.split(' ').next().unwrap_or(rest)))
    }

    /// What follows `mark` in the status: "Digest: sha256:…".
    pub(super) fn after(&self, mark: &str) -> Option<&str> {
        self.status.strip_prefix(mark).map(str::trim)
    }
}

/// An error as a line tells it: a code, if any, and words.
pub(super) type Told = (Option<i64>, String);

/// The lines of a progress stream; one that is an error ends it.
pub(crate) struct Messages(JsonValues<Message>);

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Messages").field(&self.0.call()).finish()
    }
}

impl Messages {
    pub(crate) fn new(body: Body) -> Messages {
        Messages(JsonValues::new(body))
    }

    pub(super) fn call(&self) -> &str {
        self.0.call()
    }

    /// Take the next line; or the code, if it has one, and the words of an error in its place.
    pub(super) fn poll_raw(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Result<Message, Told>, Error>>> {
        self.0.poll_next(cx).map_ok(|mut message| match message.fault() {
            Some(told) => {
                self.0.stop();
                Err(told)
            }
            None => Ok(message),
        })
    }

    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        let (code, message) = match ready!(self.poll_raw(cx)) {
            Some(Ok(Ok(message))) => return Poll::Ready(Some(Ok(message))),
            Some(Ok(Err(told))) => told,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        };
        let call = self.call().to_owned();
        // Where nothing had been sent yet, the same refusal would have been the status.
        let status = code.and_then(|c| u16::try_from(c).ok()).filter(|s| (400..600).contains(s));
        Poll::Ready(Some(Err(match status {
            Some(status) => Error::Api(ApiError { call, status, message }),
            None => Error::Stream(StreamError { call, fault: StreamFault::Engine(message) }),
        })))
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

/// Give a stream of progress its `next`, and make it a `Stream`: `take` sees each line first.
macro_rules! progress_stream {
    ($stream:ident) => {
        impl $stream {
            /// Wait for the next report. `None` at the proper end; see `finish` for the result.
            ///
            /// # Errors
            /// The engine gave up, in its own words; the stream broke off or broke its framing.
            pub async fn next(
                &mut self,
            ) -> Option<Result<$crate::image::LayerProgress, $crate::error::Error>> {
                std::future::poll_fn(|cx| self.poll_report(cx)).await
            }

            fn poll_report(
                &mut self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<$crate::image::LayerProgress, $crate::error::Error>>>
            {
                self.messages.poll_next(cx).map(|message| {
                    Some(message?.map(|message| {
                        self.take(&message);
                        message.progress()
                    }))
                })
            }
        }

        impl futures_core::Stream for $stream {
            type Item = Result<$crate::image::LayerProgress, $crate::error::Error>;

            fn poll_next(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Self::Item>> {
                self.get_mut().poll_report(cx)
            }
        }
    };
}

pub(crate) use progress_stream;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Message {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn errors_in_every_shape() {
        for (line, fault) in [
            (r#"{"errorDetail":{"message":"no"},"error":"no"}"#, (None, "no")),
            (r#"{"errorDetail":{"code":404,"message":"gone"}}"#, (Some(404), "gone")),
            (r#"{"error":"plain"}"#, (None, "plain")),
            (r#"{"errorDetail":{"code":7}}"#, (Some(7), "the engine does not say why")),
            (r#"{"errorDetail":{},"error":"words"}"#, (None, "words")),
        ] {
            assert_eq!(read(line).fault(), Some((fault.0, fault.1.to_owned())), "{line}");
        }
        for fine in [r#"{"error":null}"#, r#"{"error":""}"#, r#"{"new":1}"#] {
            assert_eq!(read(fine).fault(), None, "{fine}");
        }
    }

    #[test]
    fn odd_numbers_are_none() {
        let p =
            read(r#"{"id":"a","status":"Downloading","progressDetail":{"current":-1,"total":0}}"#);
        assert_eq!((p.progress().current, p.progress().total), (None, None));
        let p = read(r#"{"status":"x","progressDetail":{"current":9,"total":5}}"#).progress();
        assert_eq!((p.current, p.total), (Some(9), Some(5)));
        assert_eq!(read(r#"{"progressDetail":null}"#).progress(), LayerProgress::default());
    }

    #[test]
    fn a_layer_is_told_from_a_tag() {
        for (line, layer) in [
            (r#"{"id":"a6a305ba189c","status":"Downloading"}"#, Some("a6a305ba189c")),
            (r#"{"id":"latest","status":"Pulling from library/busybox"}"#, None),
            (r#"{"id":"a6a305ba189c","status":"Pulling from mine/tagged-by-commit"}"#, None),
            (r#"{"status":"Digest: sha256:a6a305ba189c"}"#, None),
        ] {
            assert_eq!(read(line).progress().layer(), layer, "{line}");
        }
    }
}
