//! What a container has printed, line by line.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::Logs;
use crate::error::Error;
use crate::stream::{Frames, Lines, LogLine, Prefix, Recent, Resumed, StdStream};
use crate::time::Timestamp;
use crate::verb::verb;

/// Unless asked for otherwise, no line is longer.
const LONGEST: usize = 1 << 20;

/// The verb behind [`Logs::lines`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct LogLines {
    logs: Logs,
    limit: usize,
    resume: bool,
}

impl LogLines {
    pub(super) fn new(logs: Logs) -> LogLines {
        LogLines { logs, limit: LONGEST, resume: false }
    }

    /// Set how long a line may be, in bytes; 1 MiB unless set. A longer one is handed on in
    /// parts, all but the last of which are [`partial`](LogLine::partial).
    pub fn max_line(mut self, bytes: usize) -> LogLines {
        self.limit = bytes;
        self
    }

    /// Go on where a lost connection left off, as when the engine starts anew: it is asked again
    /// from the last line's moment, and what had come already is left out. It is tried for about
    /// half a minute.
    ///
    /// This asks for [`timestamps`](Logs::timestamps). An end that the engine makes is an end,
    /// unless the same process still runs.
    pub fn resume(mut self) -> LogLines {
        self.resume = true;
        self.logs.timestamps = true;
        self
    }

    async fn run(self) -> Result<LogLineStream, Error> {
        let LogLines { logs, limit, resume } = self;
        let (frames, raw, headers) = logs.open().await?;
        // Where it begins with the last lines, it is their moments that say from when.
        let mut recent = Recent::new(logs.since.filter(|_| logs.tail.is_none()));
        if logs.tail == Some(0) {
            // By the engine's clock, at which lines are told apart.
            let date = headers.get("date").and_then(|date| date.to_str().ok());
            date.and_then(Timestamp::from_http).into_iter().for_each(|date| recent.begin(date));
        }
        let prefix = Prefix { timestamps: logs.timestamps, details: logs.details };
        Ok(LogLineStream {
            source: Resumed::new(frames, resume),
            lines: Lines::new(prefix, raw, limit),
            stream: StdStream::Out,
            input: Bytes::new(),
            reopening: false,
            end: None,
            recent,
            logs,
        })
    }
}

verb!(LogLines, logs.on => Result<LogLineStream, Error>);

/// What a container prints, line by line. The lines of one stream are in order.
#[must_use = "a stream does nothing unless it is read"]
pub struct LogLineStream {
    source: Resumed<Frames>,
    lines: Lines,
    /// What has come, and of which stream it is.
    stream: StdStream,
    input: Bytes,
    reopening: bool,
    /// It has ended, well or not; the last lines may still be due.
    end: Option<Option<Error>>,
    recent: Recent,
    logs: Logs,
}

impl std::fmt::Debug for LogLineStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LogLineStream").field(&self.logs.on).finish()
    }
}

impl LogLineStream {
    /// Wait for the next line. `None` at the proper end; a last line without a line break is a
    /// line.
    ///
    /// # Errors
    /// The stream broke off or broke its framing; what came before has been handed on, the
    /// beginning of a line as a [`partial`](LogLine::partial) one. With
    /// [`resume`](LogLines::resume), the connection could not be had back, or what answers now
    /// does not know the container.
    pub async fn next(&mut self) -> Option<Result<LogLine, Error>> {
        std::future::poll_fn(|cx| self.poll_line(cx)).await
    }

    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<LogLine, Error>>> {
        loop {
            if let Some(line) = self.lines.next(self.stream, &mut self.input) {
                if self.is_new(&line) {
                    return Poll::Ready(Some(Ok(line)));
                }
                continue;
            }
            if let Some(error) = &mut self.end {
                let Some(line) = self.lines.finish(error.is_some()) else {
                    return Poll::Ready(error.take().map(Err));
                };
                if self.is_new(&line) {
                    return Poll::Ready(Some(Ok(line)));
                }
                continue;
            }
            let frames = match ready!(self.source.poll_open(cx)) {
                Some(Ok(frames)) => frames,
                Some(Err(error)) => {
                    self.end = Some(Some(error));
                    continue;
                }
                None => {
                    self.end = Some(None);
                    continue;
                }
            };
            if std::mem::take(&mut self.reopening) {
                self.lines.clear();
            }
            match ready!(frames.poll_next(cx)) {
                Some(Ok(chunk)) => {
                    if frames.begins_frame() {
                        self.lines.frame(chunk.stream);
                    }
                    (self.stream, self.input) = (chunk.stream, chunk.data);
                }
                Some(Err(error)) => self.lost(error),
                None => self.end = Some(None),
            }
        }
    }

    fn is_new(&mut self, line: &LogLine) -> bool {
        let Some(time) = line.time.filter(|_| self.source.resumes()) else { return true };
        if self.logs.tail.is_some() {
            self.recent.begin(time);
        }
        let item = (line.stream, &line.data, line.partial);
        let new = self.recent.take(time, self.lines.pending(), &item);
        if new {
            self.source.good();
        }
        new
    }

    fn lost(&mut self, error: Error) {
        let open = || {
            let mut logs = self.logs.clone();
            if let Some(from) = self.recent.rewind(self.lines.pending()) {
                (logs.since, logs.tail) = (Some(from), None);
            }
            Box::new(move || {
                let logs = logs.clone();
                async move { Ok(logs.open().await?.0) }
            }) as Box<dyn Fn() -> _ + Send>
        };
        let limit = self.logs.on.transport.deadline(&self.logs.call());
        match self.source.failed(error, limit, open) {
            Ok(()) => self.reopening = true,
            Err(error) => self.end = Some(Some(error)),
        }
    }
}

impl Stream for LogLineStream {
    type Item = Result<LogLine, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_line(cx)
    }
}
