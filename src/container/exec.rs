//! Running a second process in a running container.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::attach::{End, take_over};
use super::{Attached, Container, ContainerId, ExitStatus, Resize, Unknown, details};
use crate::error::{DecodeError, Error, StreamError, StreamFault};
use crate::stream::{AttachInput, Chunk, Stdin};
use crate::transport::Transport;
use crate::verb::{awaitable, verb, within};
use crate::wire::{ApiVersion, Call, Patience, null_default};

/// What a process printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How the process ended.
    pub status: ExitStatus,
    /// What it wrote to standard output; with a terminal, all it wrote.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// The container it ran in.
    pub container: ContainerId,
}

impl Output {
    /// Return standard output as text; bytes that are no UTF-8 become U+FFFD.
    pub fn stdout_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Return standard error as text; bytes that are no UTF-8 become U+FFFD.
    pub fn stderr_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }
}

/// The verb behind [`Container::exec`]. Awaited, it runs the command to its end and collects what
/// it prints.
///
/// Dropping its future, or a time-out, does not end the process: the engine has no call for that.
#[must_use = "nothing is sent before this is awaited"]
pub struct Exec {
    pub(super) on: Container<Unknown>,
    pub(super) request: Request,
    pub(super) limit: Option<Duration>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    cmd: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) tty: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    privileged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detach_keys: Option<String>,
    /// Rows and columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) console_size: Option<(u16, u16)>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    detach: bool,
    tty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_size: Option<(u16, u16)>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Made {
    #[serde(deserialize_with = "null_default")]
    id: String,
}

/// Environment values may be secrets: only their number is shown.
impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("on", &self.on)
            .field("cmd", &self.request.cmd)
            .field("env", &self.request.env.len())
            .finish_non_exhaustive()
    }
}

impl Exec {
    pub(super) fn new(on: Container<Unknown>, cmd: Vec<String>) -> Exec {
        Exec { on, request: Request { cmd, ..Request::default() }, limit: None }
    }

    /// Set an environment variable, besides those the container has: `--env`.
    pub fn env(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Exec {
        self.request.env.push(format!("{}={}", name.as_ref(), value.as_ref()));
        self
    }

    /// Set the user, by name or number, and the group after a colon: `--user`.
    pub fn user(mut self, user: impl Into<String>) -> Exec {
        self.request.user = Some(user.into());
        self
    }

    /// Set the directory it starts in, an absolute path: `--workdir`.
    pub fn workdir(mut self, dir: impl Into<String>) -> Exec {
        self.request.working_dir = Some(dir.into());
        self
    }

    /// Give it a terminal: `--tty`. All its output is standard output then.
    pub fn tty(mut self) -> Exec {
        self.request.tty = true;
        self
    }

    /// Give it all privileges: `--privileged`.
    pub fn privileged(mut self) -> Exec {
        self.request.privileged = true;
        self
    }

    /// Run to the end and throw away what it prints.
    ///
    /// # Errors
    /// As [`Container::exec`].
    pub fn status(self) -> ExecStatus {
        ExecStatus { exec: self }
    }

    /// Start it and talk to it: its output comes as it is printed, and its input can be written
    /// to.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), Box<dyn std::error::Error>> {
    /// use tokio::io::AsyncWriteExt;
    ///
    /// let mut tar = web.exec(["tar", "-x", "-C", "/www"]).session().interactive().await?;
    /// tar.stdin().write_all(&std::fs::read("pages.tar")?).await?;
    /// assert!(tar.wait().await?.success());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Container::exec`].
    pub fn session(self) -> OpenExec {
        OpenExec { exec: self }
    }

    /// Start it and leave it: `docker exec --detach`.
    ///
    /// # Errors
    /// As [`Container::exec`]; the command is not found (status 400).
    pub fn detach(self) -> ExecDetach {
        ExecDetach { exec: self }
    }

    /// Limit the whole, from creation to the end. The process goes on after it.
    pub fn timeout(mut self, limit: Duration) -> Exec {
        self.limit = Some(limit);
        self
    }

    fn call(&self) -> Result<Call, Error> {
        let Request { cmd, env, user, working_dir, .. } = &self.request;
        if cmd.first().is_none_or(String::is_empty) {
            let value = cmd.join(" ");
            return Err(Error::invalid("exec command", value, "must begin with a program"));
        }
        for pair in env {
            let name = pair.split('=').next().unwrap_or_default();
            if name.is_empty() || pair.contains('\0') {
                let rule = "must have a name, and no NUL in name or value";
                return Err(Error::invalid("exec env", name, rule));
            }
        }
        if cmd.iter().any(|arg| arg.contains('\0')) {
            let value = cmd.join(" ");
            return Err(Error::invalid("exec command", value, "must not hold a NUL"));
        }
        if user.as_ref().is_some_and(|u| u.contains(['\0', '\n'])) {
            let value = user.clone().unwrap_or_default();
            return Err(Error::invalid("exec user", value, "must not hold a NUL or line break"));
        }
        if let Some(dir) = working_dir.as_ref().filter(|d| !d.starts_with('/') || d.contains('\0'))
        {
            return Err(Error::invalid("exec workdir", dir, "must be an absolute path"));
        }
        if let Some((rows, cols)) = self.request.console_size.filter(|_| !self.request.tty) {
            let size = format!("{rows}x{cols}");
            return Err(Error::invalid("console size", size, "needs a terminal: say `tty`"));
        }
        Ok(self.on.post("exec").json(&self.request))
    }

    async fn create(&self) -> Result<ExecHandle, Error> {
        let call = self.call()?;
        let made: Made = self.on.transport.json(&call).await?;
        if made.id.is_empty() {
            let reason = "it names no exec".to_owned();
            return Err(Error::Decode(DecodeError { call: call.label(), reason }));
        }
        Ok(ExecHandle { on: self.on.clone(), id: made.id, tty: self.request.tty })
    }

    /// Create it, and start it on a connection that is taken over.
    pub(super) async fn open(mut self) -> Result<ExecSession, Error> {
        // Also where nobody wants the output: its end is how the engine tells of the end.
        self.request.attach_stdout = true;
        self.request.attach_stderr = true;
        let size = self.request.console_size;
        let old = self.on.transport.version() < ApiVersion::new(1, 42);
        if old {
            self.request.console_size = None;
        }
        let exec = self.create().await?;
        let begin = exec.begin(false, self.request.console_size).patience(Patience::Endless);
        let stdin = match (self.request.attach_stdin, exec.tty) {
            (false, _) => Stdin::Absent,
            (true, false) => Stdin::Ends,
            (true, true) => Stdin::Stays,
        };
        let end = End::Exec(exec.clone());
        let attached = take_over(self.on, begin, exec.tty, stdin, end).await?;
        if let Some((rows, cols)) = size.filter(|_| old) {
            exec.resize(rows, cols).await?;
        }
        Ok(ExecSession { exec, attached })
    }

    async fn run(self) -> Result<Output, Error> {
        within("exec", self.limit, async { self.open().await?.wait_with_output().await }).await
    }
}

awaitable!(Exec => Result<Output, Error>);

/// The verb behind [`Exec::status`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ExecStatus {
    exec: Exec,
}

impl ExecStatus {
    async fn run(self) -> Result<ExitStatus, Error> {
        within("exec", self.exec.limit, async { self.exec.open().await?.wait().await }).await
    }
}

awaitable!(ExecStatus => Result<ExitStatus, Error>);

/// The verb behind [`Exec::detach`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ExecDetach {
    exec: Exec,
}

impl ExecDetach {
    async fn run(self) -> Result<ExecHandle, Error> {
        within("exec", self.exec.limit, async {
            let exec = self.exec.create().await?;
            exec.on.transport.done(&exec.begin(true, None)).await?;
            Ok(exec)
        })
        .await
    }
}

awaitable!(ExecDetach => Result<ExecHandle, Error>);

/// The verb behind [`Exec::session`]. A limit on it ([`Exec::timeout`]) is on the time until the
/// process runs; the session is not bound by it.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct OpenExec {
    exec: Exec,
}

impl OpenExec {
    /// Open its input: `--interactive`. It is written to by way of [`ExecSession::stdin`].
    pub fn interactive(mut self) -> OpenExec {
        self.exec.request.attach_stdin = true;
        self
    }

    /// Set how large its terminal is when it starts, in characters. For [`tty`](Exec::tty) only.
    ///
    /// Before API 1.42 it is told as soon as the process has started, which may see another size
    /// first.
    pub fn console_size(mut self, rows: u16, cols: u16) -> OpenExec {
        self.exec.request.console_size = Some((rows, cols));
        self
    }

    async fn run(self) -> Result<ExecSession, Error> {
        within("exec", self.exec.limit, self.exec.open()).await
    }
}

awaitable!(OpenExec => Result<ExecSession, Error>);

/// A second process in a container, its output, and its input where that was asked for.
///
/// All that is said of [`Attached`] holds here: the output must be read. Dropping this closes the
/// connection at once and leaves the process running; the engine has no call that ends it. Do not
/// use the engine's detach keys for that: Docker 20.10 ends the process then.
///
/// A command that is not found or cannot be run is a session all the same, in which the engine
/// says so: [`wait`](ExecSession::wait) gives 126 or 127 then, by the engine's version
/// ([`ExitStatus::cannot_run`], [`ExitStatus::not_found`]).
#[derive(Debug)]
#[must_use = "the process is held up when nobody reads its output"]
pub struct ExecSession {
    exec: ExecHandle,
    pub(super) attached: Attached,
}

impl ExecSession {
    /// Return what stands for the process itself: it can be cloned, and outlives the session.
    pub fn handle(&self) -> &ExecHandle {
        &self.exec
    }

    /// Wait for the next piece of output: as [`AttachOutput::next`](super::AttachOutput::next).
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        self.attached.next().await
    }

    /// Return the process's input: as [`Attached::stdin`].
    pub fn stdin(&mut self) -> &mut AttachInput {
        self.attached.stdin()
    }

    /// End the process's input; its output goes on.
    ///
    /// # Errors
    /// It has a terminal ([`Error::InvalidInput`]): as [`Attached::close_stdin`].
    pub async fn close_stdin(&mut self) -> Result<(), Error> {
        self.attached.close_stdin().await
    }

    /// Part input and output, so that two tasks can use them. The output half can wait for the
    /// end.
    pub fn split(self) -> (AttachInput, super::AttachOutput) {
        self.attached.split()
    }

    /// Tell the process how large its terminal is, in characters.
    ///
    /// # Errors
    /// As [`ExecHandle::resize`].
    pub fn resize(&self, rows: u16, cols: u16) -> Resize {
        self.exec.resize(rows, cols)
    }

    /// Wait for the process to end, and throw away what else it prints. Its input is ended first,
    /// but for a terminal's.
    ///
    /// That the output has ended proves nothing: the engine is asked, ever more seldom, until the
    /// process is through.
    ///
    /// # Errors
    /// The connection broke ([`Error::Stream`], [`Error::Transport`]), or the process was lost
    /// together with its container: how it ended is not known then.
    pub async fn wait(self) -> Result<ExitStatus, Error> {
        self.attached.wait().await
    }

    /// Wait as [`wait`](ExecSession::wait) does, and collect what else it prints.
    ///
    /// # Errors
    /// As [`wait`](ExecSession::wait).
    pub async fn wait_with_output(self) -> Result<Output, Error> {
        self.attached.wait_with_output().await
    }
}

impl Stream for ExecSession {
    type Item = Result<Chunk, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().attached).poll_next(cx)
    }
}

/// A second process in a container, by its id: what [`Exec::detach`] leaves, and what stands
/// behind every [`ExecSession`]. Dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct ExecHandle {
    on: Container<Unknown>,
    id: String,
    pub(super) tty: bool,
}

impl ExecHandle {
    /// Return the engine's id for it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Ask for the state of the process.
    ///
    /// # Errors
    /// The engine has forgotten it ([`is_not_found`](Error::is_not_found)): it does so when the
    /// container is removed or, for one never started, when the container stops.
    pub fn inspect(&self) -> ExecInspect {
        ExecInspect { transport: self.on.transport.clone(), id: self.id.clone() }
    }

    /// Tell the process how large its terminal is, in characters.
    ///
    /// # Errors
    /// It has no terminal (before anything is sent), or has ended.
    pub fn resize(&self, rows: u16, cols: u16) -> Resize {
        let call = Call::post(&["exec", &self.id, "resize"]);
        Resize::new(self.on.transport.clone(), call, Some(self.tty), (rows, cols))
    }

    fn begin(&self, detach: bool, console_size: Option<(u16, u16)>) -> Call {
        let begin = Begin { detach, tty: self.tty, console_size };
        Call::post(&["exec", &self.id, "start"]).json(&begin)
    }

    /// Learn how the process ended whose output has ended. It may have closed its output long
    /// before its end, so that is asked for; ever more seldom.
    pub(super) async fn ended(&self) -> Result<ExitStatus, Error> {
        let mut pause = Duration::from_millis(1);
        loop {
            let seen = self.inspect().await?;
            match seen.exit_code {
                Some(code) if !seen.running => return Ok(ExitStatus::new(code)),
                _ => {}
            }
            if pause > Duration::from_millis(100) {
                // The engine may have lost the process with its container.
                let container = details::see(&self.on).await?;
                if !container.status().has_process() {
                    let seen = self.inspect().await?;
                    let call = self.begin(false, None).label();
                    return seen.exit_code.map(ExitStatus::new).ok_or_else(|| {
                        Error::Stream(StreamError { call, fault: StreamFault::Cut })
                    });
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
    }
}

/// The verb behind [`ExecHandle::inspect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ExecInspect {
    transport: Transport,
    id: String,
}

/// The state of a second process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ExecDetails {
    /// Whether it runs.
    #[serde(deserialize_with = "null_default")]
    pub running: bool,
    /// How it ended; `None` before.
    pub exit_code: Option<i64>,
    /// Its process's id on the host; 0 before its start.
    #[serde(deserialize_with = "null_default")]
    pub pid: i64,
    /// The container's id.
    #[serde(rename = "ContainerID")]
    pub container: ContainerId,
}

impl ExecInspect {
    async fn run(self) -> Result<ExecDetails, Error> {
        let seen: ExecDetails =
            self.transport.json(&Call::get(&["exec", &self.id, "json"])).await?;
        // Podman says 0 of a process that has not ended.
        let exit_code = seen.exit_code.filter(|_| !seen.running);
        Ok(ExecDetails { exit_code, ..seen })
    }
}

verb!(ExecInspect, transport => Result<ExecDetails, Error>);
