//! What a build reports, and what it comes to.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::LeftOut;
use crate::build::{Notes, Skipped};
use crate::error::{BuildError, Error, StreamError, StreamFault};
use crate::image::progress::{Message, Messages};
use crate::image::reference::{ImageId, ImageName};
use crate::image::{Image, LayerProgress};
use crate::transport::{Body, Transport};

/// One report of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildOutput {
    /// A step begins.
    #[non_exhaustive]
    Step {
        /// Which, from 1.
        number: u32,
        /// How many there are.
        total: u32,
        /// The instruction, as the Dockerfile has it: "RUN make".
        instruction: String,
    },
    /// What a step printed, or the builder remarks, as it comes; mostly a line with its end.
    Text(String),
    /// A layer of what is begun from travels; or a line that is none of the others.
    Layer(LayerProgress),
    /// An image is made: the last is the result.
    Image(ImageId),
}

/// What a build came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Built {
    /// The image, by its id.
    pub image: Image,
    /// The image's id.
    pub id: ImageId,
    /// What the context's folder holds and no archive can: sockets, devices, pipes.
    pub skipped: Vec<Skipped>,
    /// What of the context's folder was sent and looks like a secret, by its name: `.env`, private
    /// keys, `.git`, `.aws/credentials` and the like. Whoever has the image may have those too,
    /// unless a `.dockerignore` keeps them back.
    pub secrets: Vec<PathBuf>,
}

/// A build under way: what it reports, and what it comes to.
#[must_use = "a stream does nothing unless it is read"]
pub struct BuildStream {
    messages: Messages,
    transport: Transport,
    left_out: LeftOut,
    seen: Seen,
}

/// What is to be remembered of the reports.
#[derive(Debug, Default)]
struct Seen {
    step: Option<(u32, u32)>,
    instruction: String,
    output: String,
    image: Option<ImageId>,
    /// The step's line has come without its end.
    open: bool,
}

/// So begin the builder's own remarks, which are not what a step prints.
const REMARKS: [&str; 2] = [" ---> ", "Removing intermediate container "];
const COLOURS: [&str; 2] = ["\u{1b}[91m", "\u{1b}[0m"];

/// Of a step's output, this much is kept for an error.
const KEPT: usize = 4 << 10;

impl fmt::Debug for BuildStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildStream").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl BuildStream {
    pub(super) fn new(transport: Transport, body: Body, left_out: LeftOut) -> BuildStream {
        let seen = Seen::default();
        BuildStream { messages: Messages::new(body), transport, left_out, seen }
    }

    /// Wait for the next report. `None` at the proper end; see [`finish`](BuildStream::finish) for
    /// the result.
    ///
    /// # Errors
    /// [`Error::Build`] where a step fails; the stream broke off or broke its framing.
    pub async fn next(&mut self) -> Option<Result<BuildOutput, Error>> {
        std::future::poll_fn(|cx| self.poll_report(cx)).await
    }

    fn poll_report(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<BuildOutput, Error>>> {
        loop {
            match ready!(self.messages.poll_raw(cx)) {
                Some(Ok(Ok(message))) => {
                    if let Some(report) = self.seen.take(message) {
                        return Poll::Ready(Some(Ok(report)));
                    }
                }
                Some(Ok(Err((code, message)))) => {
                    return Poll::Ready(Some(Err(self.seen.failed(code, message))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Read to the end, and return what the build came to.
    ///
    /// # Errors
    /// As [`next`](BuildStream::next); the stream ended without naming an image.
    pub async fn finish(mut self) -> Result<Built, Error> {
        while self.next().await.transpose()?.is_some() {}
        let Some(id) = self.seen.image else {
            let call = self.messages.call().to_owned();
            return Err(Error::Stream(StreamError { call, fault: StreamFault::Cut }));
        };
        let image = Image::new(self.transport, ImageName::Id(id.clone()));
        let Notes { skipped, secrets } = self.left_out.get();
        Ok(Built { image, id, skipped, secrets })
    }
}

impl Stream for BuildStream {
    type Item = Result<BuildOutput, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_report(cx)
    }
}

impl Seen {
    fn take(&mut self, message: Message) -> Option<BuildOutput> {
        let id = message.aux.as_ref().and_then(|aux| aux.get("ID")).and_then(|id| id.as_str());
        if let Some(id) = id.and_then(|id| id.parse::<ImageId>().ok()) {
            self.image = Some(id.clone());
            return Some(BuildOutput::Image(id));
        }
        if message.stream.is_empty() {
            return Some(BuildOutput::Layer(message.progress()));
        }
        if let Some((number, total, instruction)) = step(&message.stream) {
            self.step = Some((number, total));
            self.instruction = instruction.to_owned();
            self.output.clear();
            self.open = !message.stream.ends_with('\n');
            return Some(BuildOutput::Step { number, total, instruction: instruction.to_owned() });
        }
        if std::mem::take(&mut self.open) && message.stream == "\n" {
            return None;
        }
        let remark = REMARKS.iter().any(|begin| message.stream.starts_with(begin));
        if !remark {
            // The builder colours what goes to standard error, by a mark before and one behind.
            let [on, off] = COLOURS;
            self.output.push_str(&message.stream.replace(on, "").replace(off, ""));
            let excess = self.output.len().saturating_sub(KEPT);
            let cut = (excess..=self.output.len()).find(|at| self.output.is_char_boundary(*at));
            self.output.drain(..cut.unwrap_or(0));
        }
        Some(BuildOutput::Text(message.stream))
    }

    fn failed(&mut self, code: Option<i64>, message: String) -> Error {
        Error::Build(BuildError {
            step: self.step,
            instruction: std::mem::take(&mut self.instruction),
            code,
            message,
            output: std::mem::take(&mut self.output),
        })
    }
}

/// Take "Step 2/7 : RUN make" apart.
fn step(text: &str) -> Option<(u32, u32, &str)> {
    let (count, instruction) = text.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, total) = count.split_once('/')?;
    Some((number.parse().ok()?, total.parse().ok()?, instruction.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(seen: &mut Seen, line: &str) -> Option<BuildOutput> {
        seen.take(serde_json::from_str(line).unwrap())
    }

    #[test]
    fn reports_are_told_apart() {
        let mut seen = Seen::default();
        let step = see(&mut seen, r#"{"stream":"Step 2/7 : RUN a : b\n"}"#).unwrap();
        let instruction = "RUN a : b".to_owned();
        assert_eq!(step, BuildOutput::Step { number: 2, total: 7, instruction });
        assert!(matches!(see(&mut seen, r#"{"stream":" ---> 0a\n"}"#), Some(BuildOutput::Text(_))));
        assert!(matches!(
            see(&mut seen, r#"{"stream":"Step by step\n"}"#),
            Some(BuildOutput::Text(_))
        ));
        assert!(matches!(see(&mut seen, r#"{"status":"Pulling"}"#), Some(BuildOutput::Layer(_))));
        // Another builder's trace, in a form of its own.
        let trace = r#"{"id":"moby.buildkit.trace","aux":"CkQK"}"#;
        let passed_on = see(&mut seen, trace).unwrap();
        assert!(matches!(passed_on, BuildOutput::Layer(_)), "{passed_on:?}");
        let id = format!("sha256:{}", "0a".repeat(32));
        let made = see(&mut seen, &format!(r#"{{"aux":{{"ID":"{id}"}}}}"#)).unwrap();
        assert_eq!(made, BuildOutput::Image(id.parse().unwrap()));
    }

    /// As the classic builder sends it, piece by piece.
    #[test]
    fn a_steps_own_line_and_colours_are_no_output_of_it() {
        let mut seen = Seen::default();
        let step = see(&mut seen, r#"{"stream":"Step 2/2 : RUN make"}"#);
        assert!(matches!(step, Some(BuildOutput::Step { .. })));
        assert_eq!(see(&mut seen, r#"{"stream":"\n"}"#), None);
        // Only the first is the step's.
        assert!(see(&mut seen, r#"{"stream":"\n"}"#).is_some());
        see(&mut seen, r#"{"stream":"\u001b[91mno rule\n"}"#);
        see(&mut seen, r#"{"stream":"\u001b[0m"}"#);
        see(&mut seen, r#"{"stream":"Removing intermediate container 0a\n"}"#);
        assert_eq!(seen.output, "\nno rule\n");
    }

    #[test]
    fn a_failure_tells_the_story() {
        let mut seen = Seen::default();
        see(&mut seen, r#"{"stream":"Step 1/2 : FROM busybox\n"}"#);
        see(&mut seen, r#"{"stream":"not of this step\n"}"#);
        see(&mut seen, r#"{"stream":"Step 2/2 : RUN make\n"}"#);
        see(&mut seen, r#"{"stream":" ---> Running in 0a\n"}"#);
        for n in 0..2_000 {
            see(&mut seen, &format!(r#"{{"stream":"é{n}\n"}}"#));
        }
        let Error::Build(error) = seen.failed(Some(2), "it returned 2\n".into()) else { panic!() };
        assert!(error.output.len() <= KEPT && error.output.ends_with("é1999\n"));
        let shown = BuildError { output: "cc: no input files\n".into(), ..error }.to_string();
        insta::assert_snapshot!(shown, @r"
        build failed at step 2 of 2, RUN make: it returned 2
        it printed last:
        cc: no input files
        ");
    }
}
