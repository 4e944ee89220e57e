//! What a container has printed.

mod lines;

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

pub use lines::{LogLineStream, LogLines};

use super::{Container, Status, Unknown, details};
use crate::error::Error;
use crate::pieces::Rest;
use crate::stream::{Chunk, Frames, StdStream};
use crate::time::Timestamp;
use crate::verb::verb;
use crate::wire::{Call, HeaderMap, Patience};

/// The verb behind [`Container::logs`].
///
/// Awaited, it gives a stream of pieces; [`lines`](Logs::lines) puts lines together,
/// [`collect`](Logs::collect) gives all at once.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Logs {
    on: Container<Unknown>,
    streams: Option<StdStream>,
    follow: bool,
    tail: Option<u64>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    timestamps: bool,
    details: bool,
}

impl Logs {
    pub(super) fn new(on: Container<Unknown>) -> Logs {
        Logs {
            on,
            streams: None,
            follow: false,
            tail: None,
            since: None,
            until: None,
            timestamps: false,
            details: false,
        }
    }

    /// Go on with what is printed from now on, until the container ends: `--follow`.
    pub fn follow(mut self) -> Logs {
        self.follow = true;
        self
    }

    /// Begin with the last `lines` lines: `--tail`.
    pub fn tail(mut self, lines: u64) -> Logs {
        self.tail = Some(lines);
        self
    }

    /// Leave out what was printed before this moment: `--since`.
    pub fn since(mut self, moment: Timestamp) -> Logs {
        self.since = Some(moment);
        self
    }

    /// Leave out what was printed after this moment: `--until`.
    pub fn until(mut self, moment: Timestamp) -> Logs {
        self.until = Some(moment);
        self
    }

    /// Begin each line with the moment it was printed, in RFC 3339, and a blank: `--timestamps`.
    /// [`lines`](Logs::lines) reads it. A line of more than 16 KiB comes in pieces, each of which
    /// begins so.
    pub fn timestamps(mut self) -> Logs {
        self.timestamps = true;
        self
    }

    /// Begin each line with the attributes that the logging driver keeps with it, such as
    /// `tag=web`, and a blank: `--details`. [`lines`](Logs::lines) reads them.
    pub fn details(mut self) -> Logs {
        self.details = true;
        self
    }

    /// Read standard output alone.
    pub fn stdout(mut self) -> Logs {
        self.streams = Some(StdStream::Out);
        self
    }

    /// Read standard error alone.
    pub fn stderr(mut self) -> Logs {
        self.streams = Some(StdStream::Err);
        self
    }

    /// Read line by line.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
    /// let mut lines = web.logs().follow().timestamps().lines().await?;
    /// while let Some(line) = lines.next().await.transpose()? {
    ///     println!("{:?} {}", line.time, line.text_lossy());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Container::logs`].
    pub fn lines(self) -> LogLines {
        LogLines::new(self)
    }

    /// Read to the end and return both streams apart. Memory holds all of it.
    ///
    /// # Errors
    /// As [`Container::logs`].
    pub fn collect(self) -> CollectLogs {
        CollectLogs { logs: self }
    }

    fn call(&self) -> Call {
        let call = self
            .on
            .get("logs")
            .flag("stdout", self.streams != Some(StdStream::Err))
            .flag("stderr", self.streams != Some(StdStream::Out))
            .flag("follow", self.follow)
            .flag("timestamps", self.timestamps)
            .flag("details", self.details)
            .maybe("tail", self.tail)
            .maybe("since", self.since.map(Timestamp::to_query))
            .maybe("until", self.until.map(Timestamp::to_query));
        // Podman sends no head before the first byte of what it follows.
        call.patience(if self.follow { Patience::Endless } else { Patience::Long })
    }

    /// Send, and say how the answer is framed and what its head says.
    async fn open(&self) -> Result<(Frames, bool, HeaderMap), Error> {
        let reply = self.on.transport.stream(&self.call()).await?;
        let kind = reply.headers.get("content-type").map(|kind| kind.as_bytes());
        let raw = match (kind, self.on.traits.tty) {
            (Some(b"application/vnd.docker.multiplexed-stream"), _) => false,
            (Some(b"application/vnd.docker.raw-stream"), _) => true,
            // Before API 1.42 the engine does not say it: how the container was made does.
            (_, Some(tty)) => tty,
            (_, None) => details::see(&self.on).await?.traits().tty == Some(true),
        };
        let mut frames = Frames::of_body(reply.body, raw);
        let begun = reply.headers.get("date").and_then(|date| date.to_str().ok());
        if let (true, None, Some(begun)) =
            (self.follow, self.until, begun.and_then(Timestamp::from_http))
        {
            let on = self.on.clone();
            frames.ask_at_end(Box::new(move || Box::pin(may_end(on, begun))));
        }
        Ok((frames, raw, reply.headers))
    }

    async fn run(self) -> Result<LogStream, Error> {
        let (frames, ..) = self.open().await?;
        Ok(LogStream { frames })
    }
}

verb!(Logs, on => Result<LogStream, Error>);

/// Say whether a log that was followed from `begun` on may have come to its end. An engine that
/// goes away and leaves its containers running ends their logs as if all were said; the process
/// is the same as before then. A process that was started since stands for one that has ended.
async fn may_end(on: Container<Unknown>, begun: Timestamp) -> bool {
    // Engines that are not sure themselves are asked again: some end a log before they take note
    // of the process's end.
    for pause in [20, 100, 500, 0] {
        let seen = match details::see(&on).await {
            Ok(seen) => seen,
            Err(error) => return error.is_not_found(),
        };
        let runs = matches!(seen.status(), Status::Running | Status::Paused);
        if !runs || seen.started_at().is_none_or(|started| started.secs() > begun.secs()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    false
}

/// The verb behind [`Logs::collect`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CollectLogs {
    logs: Logs,
}

/// What a container has printed, both streams apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectedLogs {
    /// Standard output; with a terminal, all.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl CollectedLogs {
    /// Return standard output as text; bytes that are no UTF-8 become U+FFFD.
    pub fn stdout_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Return standard error as text; bytes that are no UTF-8 become U+FFFD.
    pub fn stderr_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }
}

impl CollectLogs {
    async fn run(self) -> Result<CollectedLogs, Error> {
        let (stdout, stderr) = self.logs.await?.frames.collect().await?;
        Ok(CollectedLogs { stdout, stderr })
    }
}

verb!(CollectLogs, logs.on => Result<CollectedLogs, Error>);

/// What a container prints, piece by piece as it arrives. A piece may hold several lines, or part
/// of one.
#[must_use = "a stream does nothing unless it is read"]
pub struct LogStream {
    frames: Frames,
}

impl std::fmt::Debug for LogStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogStream").finish_non_exhaustive()
    }
}

impl LogStream {
    /// Wait for the next piece. `None` at the proper end.
    ///
    /// # Errors
    /// The stream broke off or broke its framing; what came before has been handed on. A followed
    /// log whose end comes while the same process still runs has broken off as well: so an engine
    /// ends it that goes away and leaves its containers running.
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        self.frames.next().await
    }

    /// Read it as a file, whichever stream it comes from: ask for [`stdout`](Logs::stdout) or
    /// [`stderr`](Logs::stderr) to have one of them.
    pub fn into_reader(self) -> LogReader {
        LogReader { logs: self, rest: Rest::default() }
    }
}

impl Stream for LogStream {
    type Item = Result<Chunk, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().frames.poll_next(cx)
    }
}

/// What a container prints, to be read as a file is. A stream that breaks off is an error, and
/// never an end.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is read"]
pub struct LogReader {
    logs: LogStream,
    rest: Rest,
}

impl AsyncRead for LogReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let LogReader { logs, rest } = self.get_mut();
        rest.poll_read(buf, || logs.frames.poll_next(cx).map_ok(|chunk| chunk.data))
    }
}
