//! Why a container did not start, told whole.

use std::fmt;
use std::time::{Duration, Instant};

use crate::container::{Container, ContainerDetails, Health, Status};
use crate::docker::Docker;
use crate::error::Error;
use crate::stream::StdStream;
use crate::throwaway::ready::NotReady;

/// How far a start had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartPhase {
    /// Finding out which image is meant.
    ResolveImage,
    /// Fetching or building the image.
    Pull,
    /// Creating networks and volumes, and connecting to them.
    Network,
    /// Creating the container.
    Create,
    /// Copying files into it.
    CopyIn,
    /// Starting it.
    Start,
    /// Waiting until it is ready.
    Ready,
}

impl StartPhase {
    /// Whether there is a container by then. One that could not be created is none; another may
    /// have its name.
    fn has_container(self) -> bool {
        matches!(self, StartPhase::CopyIn | StartPhase::Start | StartPhase::Ready)
    }
}

impl fmt::Display for StartPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartPhase::ResolveImage => "resolve the image",
            StartPhase::Pull => "get the image",
            StartPhase::Network => "set up networks and volumes",
            StartPhase::Create => "create the container",
            StartPhase::CopyIn => "copy files in",
            StartPhase::Start => "start the container",
            StartPhase::Ready => "wait until it is ready",
        })
    }
}

/// A start, as far as it has come.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The image, as it was given, behind its prefix where it has one.
    pub image: String,
    /// The container's name.
    pub name: String,
    /// How far it has come.
    pub phase: StartPhase,
    /// When it began.
    pub begun: Instant,
}

/// What made a start fail.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartCause {
    /// A call failed.
    Engine(Error),
    /// It did not become ready.
    NotReady(NotReady),
    /// Something else.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl StartCause {
    fn error(&self) -> &(dyn std::error::Error + 'static) {
        match self {
            StartCause::Engine(error) => error,
            StartCause::NotReady(error) => error,
            StartCause::Other(error) => &**error,
        }
    }
}

impl From<Error> for StartCause {
    fn from(error: Error) -> StartCause {
        StartCause::Engine(error)
    }
}

impl From<crate::container::TransitionError> for StartCause {
    fn from(error: crate::container::TransitionError) -> StartCause {
        StartCause::Engine(error.into())
    }
}

impl From<NotReady> for StartCause {
    fn from(error: NotReady) -> StartCause {
        StartCause::NotReady(error)
    }
}

impl From<std::io::Error> for StartCause {
    fn from(error: std::io::Error) -> StartCause {
        StartCause::Other(error.into())
    }
}

/// What a container that did not start looked like. What could not be learnt is `None` or empty,
/// and [`gaps`](Story::gaps) says why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Story {
    /// The image, as it was given.
    pub image: String,
    /// The container's name.
    pub name: String,
    /// How far the start had come.
    pub phase: StartPhase,
    /// How long it took until it failed.
    pub elapsed: Duration,
    /// The state that the container was in; `None` where there was none yet.
    pub state: Option<Status>,
    /// The exit code, where it had run and ended.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it for want of memory.
    pub oom_killed: bool,
    /// Why the engine could not start it, in the engine's words; mostly empty.
    pub engine_error: String,
    /// What its health check says, where it has one.
    pub health: Option<Health>,
    /// The end of its standard output: at most 50 lines and 16 KiB, of the last 1000 lines that
    /// it printed on either stream. With a terminal, all that it printed.
    pub stdout: String,
    /// The end of its standard error, as of its output.
    pub stderr: String,
    /// What could not be learnt of it, and why.
    pub gaps: Vec<String>,
}

/// A container that did not start, and its story.
///
/// Printed it is one block: what failed and how, and the end of what the container printed.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartError {
    /// What made it fail.
    pub cause: StartCause,
    /// What the container looked like then.
    pub story: Box<Story>,
}

/// Of each stream, so many lines and bytes are told.
const LINES: usize = 50;
const BYTES: usize = 16 << 10;
/// So many lines of both together are read for that.
const READ: u64 = 1000;
/// One question to the engine may take so long.
const PATIENCE: Duration = Duration::from_secs(2);

impl StartError {
    /// Ask the engine what became of a container that did not start. To be done before it is
    /// removed.
    ///
    /// It takes 4 s at most, with an engine that does not answer, and never fails: what cannot be
    /// learnt is a gap in the story.
    pub async fn gather(
        docker: &Docker,
        attempt: Attempt,
        cause: impl Into<StartCause>,
    ) -> StartError {
        let phase = attempt.phase;
        let mut error = StartError::untold(attempt, cause.into());
        if phase.has_container() {
            error.story.ask(docker).await;
        }
        error
    }

    /// Say what is known without an engine.
    pub(super) fn untold(attempt: Attempt, cause: StartCause) -> StartError {
        let Attempt { image, name, phase, begun } = attempt;
        let story = Story {
            image,
            name,
            phase,
            elapsed: begun.elapsed(),
            state: None,
            exit_code: None,
            oom_killed: false,
            engine_error: String::new(),
            health: None,
            stdout: String::new(),
            stderr: String::new(),
            gaps: Vec::new(),
        };
        StartError { cause, story: Box::new(story) }
    }
}

impl Story {
    async fn ask(&mut self, docker: &Docker) {
        let found = async {
            let found = docker.container(&self.name).await?;
            match found.any() {
                Some(container) => {
                    let details = container.inspect().await?;
                    Ok(Some((container, details)))
                }
                None => Ok(None),
            }
        };
        let (container, details) = match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(Some(found))) => found,
            Ok(Ok(None)) => return,
            // There is none, and what made the start fail says why.
            Ok(Err(error)) if error.is_not_found() => return,
            Ok(Err::<_, Error>(error)) => return self.gaps.push(error.to_string()),
            Err(_) => return self.gaps.push(format!("its state: no answer within {PATIENCE:?}")),
        };
        self.inspected(&details);
        if self.state == Some(Status::Created) {
            return;
        }
        let (mut out, mut err) = (Tail::new(LINES, BYTES), Tail::new(LINES, BYTES));
        let read = read_logs(&container, &mut out, &mut err);
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.gaps.push(format!("its logs: {error}")),
            Err(_) => self.gaps.push(format!("its logs: no end within {PATIENCE:?}")),
        }
        self.stdout = out.text();
        self.stderr = err.text();
    }

    fn inspected(&mut self, details: &ContainerDetails) {
        let state = &details.state;
        let ended = matches!(state.status, Status::Exited | Status::Dead | Status::Restarting);
        self.exit_code = ended.then_some(state.exit_code);
        self.state = Some(state.status.clone());
        self.oom_killed = state.oom_killed;
        self.engine_error = state.error.clone();
        self.health = state.health.clone().filter(|h| !matches!(&*h.status, "" | "none"));
    }
}

async fn read_logs(container: &Container, out: &mut Tail, err: &mut Tail) -> Result<(), Error> {
    let mut logs = container.logs().tail(READ).await?;
    while let Some(chunk) = logs.next().await.transpose()? {
        match chunk.stream {
            StdStream::Out => out.feed(&chunk.data),
            StdStream::Err => err.feed(&chunk.data),
        }
    }
    Ok(())
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Story { image, name, phase, elapsed, .. } = &*self.story;
        writeln!(f, "container {name} of image {image} did not start")?;
        write!(f, "  failed to {phase}, after {elapsed:.1?}")?;
        // The whole story is one text: whoever prints this mostly prints no sources.
        let mut next = Some(self.cause.error());
        let mut said = String::new();
        while let Some(why) = next {
            let text = why.to_string();
            if !said.ends_with(&text) {
                block(f, "because", &text)?;
            }
            said = text;
            next = why.source();
        }
        write!(f, "{}", self.story)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.cause.error())
    }
}

/// What the container looked like; [`StartError`] prints the rest.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(state) = &self.state {
            write!(f, "\n  state: {state}")?;
            if let Some(code) = self.exit_code {
                write!(f, ", exit code {code}")?;
            }
            if self.oom_killed {
                f.write_str(", killed for want of memory")?;
            }
        }
        if !self.engine_error.is_empty() {
            block(f, "engine", &self.engine_error)?;
        }
        if let Some(health) = &self.health {
            write!(f, "\n  health: {}, {} failed in a row", health.status, health.failing_streak)?;
            for check in &health.log {
                block(f, &format!("check, exit code {}", check.exit_code), &check.output)?;
            }
        }
        for (what, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                block(f, &format!("last of {what}"), text)?;
            }
        }
        if self.stdout.is_empty() && self.stderr.is_empty() && self.exit_code.is_some() {
            f.write_str("\n  it printed nothing")?;
        }
        for gap in &self.gaps {
            block(f, "not known", gap)?;
        }
        Ok(())
    }
}

/// Print a text below its title, or beside it where it is one line. What could drive a terminal is
/// escaped.
fn block(f: &mut fmt::Formatter<'_>, title: &str, text: &str) -> fmt::Result {
    let tame = |line: &str| -> String {
        let keep = |c: char| !c.is_control() || c == '\t';
        let escape = |c: char| match keep(c) {
            true => c.to_string(),
            false => c.escape_default().to_string(),
        };
        line.chars().map(escape).collect()
    };
    let text = text.trim_end();
    write!(f, "\n  {title}:")?;
    if !text.contains('\n') && !title.starts_with("last of") {
        return write!(f, " {}", tame(text));
    }
    for line in text.lines() {
        write!(f, "\n    {}", tame(line))?;
    }
    Ok(())
}

/// The end of a stream: so many lines, and so many bytes.
#[derive(Debug)]
pub(super) struct Tail {
    lines: usize,
    bytes: usize,
    kept: Vec<u8>,
    cut: bool,
}

impl Tail {
    pub(super) fn new(lines: usize, bytes: usize) -> Tail {
        Tail { lines, bytes, kept: Vec::new(), cut: false }
    }

    /// Take the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        let fits = piece.len().saturating_sub(self.bytes);
        self.cut |= fits > 0;
        self.kept.extend_from_slice(piece.get(fits..).unwrap_or_default());
        // Not at each piece: what is in front is thrown away once it is as much as what stays.
        if self.kept.len() > 2 * self.bytes {
            let over = self.kept.len() - self.bytes;
            self.kept.drain(..over);
            self.cut = true;
        }
    }

    /// Return the end. A line that is cut begins with "…".
    pub(super) fn text(&self) -> String {
        let over = self.kept.len().saturating_sub(self.bytes);
        let kept = self.kept.get(over..).unwrap_or_default();
        let cut = self.cut || over > 0;
        let text = String::from_utf8_lossy(kept);
        let count = text.lines().count();
        let lines = text.lines().skip(count.saturating_sub(self.lines));
        let whole = count > self.lines;
        let mut out = String::with_capacity(text.len());
        for (n, line) in lines.enumerate() {
            if n > 0 {
                out.push('\n');
            } else if cut && !whole {
                out.push('…');
            }
            out.push_str(line);
        }
        out
    }
}

#[cfg(test)]
mod tests;
