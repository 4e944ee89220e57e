//! Attaching to a container's process: its output as it is printed, and its input.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::exec::ExecHandle;
use super::wait::{Armed, Condition};
use super::{
    Container, Created, ExitStatus, Exited, Output, Resize, Running, State, Unknown, details,
};
use crate::error::{Error, StateError, StreamFault};
use crate::stream::{AttachInput, Chunk, Frames, OutputHalf, StdStream, Stdin};
use crate::transport::{Source, stream_error};
use crate::verb::{awaitable, within};
use crate::wire::{Call, Patience};

/// A state in which there is, or will be, a process to attach to: [`Created`], [`Running`] and
/// [`Exited`].
#[diagnostic::on_unimplemented(
    message = "no method `attach` on `Container<{Self}>`",
    label = "a container in this state cannot be attached to",
    note = "`attach` is there on `Container<Created>`, `Container<Running>` and `Container<Exited>`"
)]
pub trait Attachable: State {
    /// Whether its process runs.
    #[doc(hidden)]
    const RUNS: bool = false;
}

impl Attachable for Created {}
impl Attachable for Exited {}
impl Attachable for Running {
    const RUNS: bool = true;
}

/// The verb behind `attach`. Awaited, it gives an [`Attached`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Attach {
    pub(super) on: Container<Unknown>,
    pub(super) runs: bool,
    pub(super) stdin: bool,
    streams: Option<StdStream>,
    logs: bool,
    pub(super) detach_keys: Option<String>,
    limit: Option<Duration>,
}

impl Attach {
    pub(super) fn new(on: Container<Unknown>, runs: bool) -> Attach {
        let (stdin, streams, logs, detach_keys, limit) = (false, None, false, None, None);
        Attach { on, runs, stdin, streams, logs, detach_keys, limit }
    }

    /// Attach to the process's input too. The container must have been created with its input
    /// open ([`interactive`](crate::ContainerSpec::interactive)).
    pub fn stdin(mut self) -> Attach {
        self.stdin = true;
        self
    }

    /// Attach to standard output alone.
    pub fn stdout(mut self) -> Attach {
        self.streams = Some(StdStream::Out);
        self
    }

    /// Attach to standard error alone.
    pub fn stderr(mut self) -> Attach {
        self.streams = Some(StdStream::Err);
        self
    }

    /// Begin with what the container has printed before, in all its runs, as `docker logs` has
    /// it. A logging driver that cannot be read gives an error in the stream.
    pub fn logs(mut self) -> Attach {
        self.logs = true;
        self
    }

    /// Set the keys that end the stream and leave the process running, where it has a terminal:
    /// `--detach-keys`. A letter, or `ctrl-` and one of `a` to `z`, `@`, `[`, `\`, `]`, `^`, `_`;
    /// several with commas between. The engine's own are `ctrl-p,ctrl-q`. It sees them only where
    /// each arrives by itself, as from a keyboard.
    pub fn detach_keys(mut self, keys: impl Into<String>) -> Attach {
        self.detach_keys = Some(keys.into());
        self
    }

    /// Limit the time until the stream is there. What is attached is not bound by it.
    pub fn timeout(mut self, limit: Duration) -> Attach {
        self.limit = Some(limit);
        self
    }

    fn call(&self) -> Result<Call, Error> {
        if self.stdin && self.on.traits.stdin == Some(Stdin::Absent) {
            let rule = "is closed: create the container with `interactive`";
            return Err(Error::invalid("input of container", self.on.id.short(), rule));
        }
        Ok(self
            .on
            .post("attach")
            .flag("stream", true)
            .flag("stdin", self.stdin)
            .flag("stdout", self.streams != Some(StdStream::Err))
            .flag("stderr", self.streams != Some(StdStream::Out))
            .flag("logs", self.logs)
            .maybe("detachKeys", self.detach_keys.as_ref())
            .patience(Patience::Endless))
    }

    async fn run(self) -> Result<Attached, Error> {
        within("attach", self.limit, self.open()).await
    }

    async fn open(mut self) -> Result<Attached, Error> {
        if self.on.traits.tty.is_none() {
            self.on.traits = details::see(&self.on).await?.traits();
        }
        let call = self.call()?;
        let stdin = match (self.stdin, self.on.traits.stdin) {
            (true, Some(stdin)) => stdin,
            _ => Stdin::Absent,
        };
        // First, so that no end is missed from here on.
        let armed = Armed::new(&self.on, Condition::NextExit).await?;
        let tty = self.on.traits.tty == Some(true);
        let attached = take_over(self.on, call, tty, stdin, End::Container(armed)).await?;
        if self.runs {
            // Attached to a process that has ended, one would wait for the next.
            let seen = details::see(&attached.output.on).await?;
            if !seen.status().has_process() {
                return Err(Error::State(StateError {
                    container: attached.output.on.id.as_str().to_owned(),
                    wanted: "running",
                    found: seen.status().as_str().to_owned(),
                }));
            }
        }
        Ok(attached)
    }
}

awaitable!(Attach => Result<Attached, Error>);

/// Make the call that takes its connection over.
pub(super) async fn take_over(
    on: Container<Unknown>,
    call: Call,
    tty: bool,
    stdin: Stdin,
    end: End,
) -> Result<Attached, Error> {
    let taken = on.transport.upgrade(&call).await?;
    if stdin != Stdin::Absent && matches!(taken.source, Source::Body(_)) {
        let what = "status 200 where 101 was due: nothing can be sent on this connection";
        return Err(stream_error(&call, StreamFault::Protocol(what.into())));
    }
    let mut frames = Frames::of_connection(taken, tty, call.label());
    let asked = on.clone();
    frames.ask_at_end(Box::new(move || Box::pin(engine_is_there(asked))));
    let (input, wire) = frames.split(stdin);
    Ok(Attached { input, output: AttachOutput { wire, on, end } })
}

/// Say whether a stream that has no mark of its end was ended by its engine, and not by the
/// engine's own end. Any answer will do, a refusal too.
async fn engine_is_there(on: Container<Unknown>) -> bool {
    matches!(details::see(&on).await, Ok(_) | Err(Error::Api(_)))
}

/// Who knows how the process ended: its stream does not tell.
pub(super) enum End {
    Container(Armed),
    Exec(ExecHandle),
}

/// A process's output, and its input where that was asked for.
///
/// ```no_run
/// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
/// use bowline::ContainerSpec;
/// use tokio::io::AsyncWriteExt;
///
/// let sort = docker.create(ContainerSpec::new("busybox").cmd(["sort"]).interactive().rm()).await?;
/// let mut attached = sort.attach().stdin().await?;
/// let sort = sort.start().await?;
/// attached.stdin().write_all(b"pear\napple\n").await?;
/// let out = attached.wait_with_output().await?;
/// assert_eq!(out.stdout, b"apple\npear\n");
/// # Ok(()) }
/// ```
///
/// The output must be read: an engine holds up a process whose output somebody is attached to and
/// does not take, after a few hundred kilobytes. Dropping this lets it go on. To write much and
/// read much, [`split`](Attached::split) the two and use a task for each.
///
/// Dropping this closes the connection at once. The process goes on; the input of a container that
/// is [`interactive`](crate::ContainerSpec::interactive) ends with it unless it is kept.
#[derive(Debug)]
#[must_use = "the process is held up when nobody reads its output"]
pub struct Attached {
    input: AttachInput,
    pub(super) output: AttachOutput,
}

impl Attached {
    /// Wait for the next piece of output: as [`AttachOutput::next`].
    ///
    /// # Errors
    /// As [`AttachOutput::next`].
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        self.output.next().await
    }

    /// Return the process's input, to be written to. Where it was not asked for, writing fails
    /// with [`BrokenPipe`](std::io::ErrorKind::BrokenPipe).
    pub fn stdin(&mut self) -> &mut AttachInput {
        &mut self.input
    }

    /// End the process's input; its output goes on.
    ///
    /// # Errors
    /// The input outlives the connection ([`Error::InvalidInput`]): that of a terminal, or one that
    /// is kept. The engine would not end it but cut the output off, so nothing is sent.
    pub async fn close_stdin(&mut self) -> Result<(), Error> {
        if self.input.stdin() == Stdin::Stays {
            let rule = "cannot be closed from here: it is a terminal's, or is kept";
            return Err(Error::invalid("input of container", self.output.on.id.short(), rule));
        }
        self.input.end().await;
        Ok(())
    }

    /// Part input and output, so that two tasks can use them.
    pub fn split(self) -> (AttachInput, AttachOutput) {
        (self.input, self.output)
    }

    /// Tell the process how large its terminal is, in characters.
    ///
    /// # Errors
    /// It has no terminal (before anything is sent); it does not run
    /// ([`is_conflict`](Error::is_conflict)).
    pub fn resize(&self, rows: u16, cols: u16) -> Resize {
        match &self.output.end {
            End::Container(_) => self.output.on.resize_to(rows, cols),
            End::Exec(exec) => exec.resize(rows, cols),
        }
    }

    /// Wait for the process to end, and throw away what else it prints: as
    /// [`AttachOutput::wait`]. Its input is ended first, where that can be done.
    ///
    /// # Errors
    /// As [`AttachOutput::wait`].
    pub async fn wait(mut self) -> Result<ExitStatus, Error> {
        self.input.end().await;
        self.output.wait().await
    }

    /// Wait for the process to end, and collect what else it prints: as
    /// [`AttachOutput::wait_with_output`]. Its input is ended first, where that can be done.
    ///
    /// # Errors
    /// As [`AttachOutput::wait`].
    pub async fn wait_with_output(mut self) -> Result<Output, Error> {
        self.input.end().await;
        self.output.wait_with_output().await
    }
}

impl Stream for Attached {
    type Item = Result<Chunk, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().output.wire.poll_next(cx)
    }
}

/// The half of an [`Attached`] that reads.
#[must_use = "the process is held up when nobody reads its output"]
pub struct AttachOutput {
    wire: OutputHalf,
    pub(super) on: Container<Unknown>,
    pub(super) end: End,
}

impl fmt::Debug for AttachOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachOutput").field("on", &self.on).finish_non_exhaustive()
    }
}

impl AttachOutput {
    /// Wait for the next piece of output.
    ///
    /// `None` says that the engine closed the connection: the process has ended or has closed its
    /// output, or the detach keys were sent. [`wait`](AttachOutput::wait) tells them apart.
    ///
    /// # Errors
    /// The stream broke off inside a frame, or broke its framing, or the engine itself is gone;
    /// what came before has been handed on. An engine that is gone for a moment only may be taken
    /// for one that has closed the connection: to `wait` is certain.
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        self.wire.next().await
    }

    /// Wait for the process to end, and throw away what else it prints.
    ///
    /// The engine is asked: that the stream has ended is no proof. What was asked for at the
    /// attaching is the next end of a container's process; after the detach keys this waits on.
    /// There is no time limit. Where the start fails of a container that was attached to before
    /// it, there is no end to come: drop this then.
    ///
    /// # Errors
    /// The connection broke before the end ([`Error::Stream`], [`Error::Transport`]): output may
    /// be lost, and the process may still run.
    pub async fn wait(mut self) -> Result<ExitStatus, Error> {
        self.wire.end_unasked();
        while self.next().await.transpose()?.is_some() {}
        self.end.status().await
    }

    /// Wait for the process to end, and collect what else it prints. Memory holds all of it.
    ///
    /// # Errors
    /// As [`wait`](AttachOutput::wait).
    pub async fn wait_with_output(mut self) -> Result<Output, Error> {
        self.wire.end_unasked();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(chunk) = self.next().await.transpose()? {
            match chunk.stream {
                StdStream::Out => stdout.extend_from_slice(&chunk.data),
                StdStream::Err => stderr.extend_from_slice(&chunk.data),
            }
        }
        let status = self.end.status().await?;
        Ok(Output { status, stdout, stderr, container: self.on.id })
    }
}

impl Stream for AttachOutput {
    type Item = Result<Chunk, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().wire.poll_next(cx)
    }
}

impl End {
    pub(super) async fn status(self) -> Result<ExitStatus, Error> {
        match self {
            // A connection that was taken over ends alike whether the process is through or the
            // engine was killed. The wait tells: where it broke off, output may be lost.
            End::Container(armed) => armed.unbroken().await,
            End::Exec(exec) => exec.ended().await,
        }
    }
}
