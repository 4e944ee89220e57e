//! Running a second process in a running container.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Container, ContainerId, ExitStatus, Unknown, details};
use crate::error::{DecodeError, Error, StreamError, StreamFault};
use crate::stream::Frames;
use crate::transport::Transport;
use crate::verb::{awaitable, verb, within};
use crate::wire::{Call, Patience, null_default};

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
    on: Container<Unknown>,
    request: Request,
    limit: Option<Duration>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
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
    tty: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    privileged: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    detach: bool,
    tty: bool,
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
        Ok(self.on.post("exec").json(&self.request))
    }

    async fn create(&self) -> Result<ExecSession, Error> {
        let call = self.call()?;
        let made: Made = self.on.transport.json(&call).await?;
        if made.id.is_empty() {
            let reason = "it names no exec".to_owned();
            return Err(Error::Decode(DecodeError { call: call.label(), reason }));
        }
        Ok(ExecSession { on: self.on.clone(), id: made.id })
    }

    async fn run(mut self) -> Result<Output, Error> {
        self.request.attach_stdout = true;
        self.request.attach_stderr = true;
        let limit = self.limit;
        within("exec", limit, async move {
            let session = self.create().await?;
            let (stdout, stderr) = session.attach(self.request.tty).await?.collect().await?;
            let status = session.ended().await?;
            Ok(Output { status, stdout, stderr, container: session.on.id })
        })
        .await
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
    async fn run(mut self) -> Result<ExitStatus, Error> {
        // Attached all the same: the end of the output is how the engine tells of the end.
        self.exec.request.attach_stdout = true;
        self.exec.request.attach_stderr = true;
        let limit = self.exec.limit;
        within("exec", limit, async move {
            let session = self.exec.create().await?;
            let mut output = session.attach(self.exec.request.tty).await?;
            while output.next().await.transpose()?.is_some() {}
            session.ended().await
        })
        .await
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
    async fn run(self) -> Result<ExecSession, Error> {
        let limit = self.exec.limit;
        within("exec", limit, async move {
            let session = self.exec.create().await?;
            let begin = Begin { detach: true, tty: self.exec.request.tty };
            session.on.transport.done(&session.start().json(&begin)).await?;
            Ok(session)
        })
        .await
    }
}

awaitable!(ExecDetach => Result<ExecSession, Error>);

/// A second process in a container.
#[derive(Debug)]
pub struct ExecSession {
    on: Container<Unknown>,
    id: String,
}

impl ExecSession {
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

    fn start(&self) -> Call {
        Call::post(&["exec", &self.id, "start"])
    }

    async fn attach(&self, tty: bool) -> Result<Frames, Error> {
        let call = self.start().json(&Begin { detach: false, tty }).patience(Patience::Endless);
        let taken = self.on.transport.upgrade(&call).await?;
        Ok(Frames::of_connection(taken, tty, call.label()))
    }

    /// Learn how the process ended whose output has ended. It may have closed its output long
    /// before its end, so that is asked for; ever more seldom.
    async fn ended(&self) -> Result<ExitStatus, Error> {
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
                    let call = self.start().label();
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

/// The verb behind [`ExecSession::inspect`].
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
        self.transport.json(&Call::get(&["exec", &self.id, "json"])).await
    }
}

verb!(ExecInspect, transport => Result<ExecDetails, Error>);
