//! Running a process in a container of its own, as `std::process::Command` runs one beside us.

use std::time::Duration;

use super::scrap::Scrap;
use super::wait::{self, Armed, Condition};
use super::{
    Attach, Container, ContainerSpec, Create, ExitStatus, Output, Running, Start, Unknown,
};
use crate::error::Error;
use crate::stream::Stdin;
use crate::transport::Transport;
use crate::verb::{awaitable, within};

/// What to run: see [`Docker::run`](crate::Docker::run). Say how with
/// [`output`](Run::output), [`status`](Run::status) or [`spawn`](Run::spawn).
///
/// As with `docker run`, the container stays when its process has ended, unless the spec says
/// [`rm`](ContainerSpec::rm). It goes in any case when the run fails, or when its future is
/// dropped half-way.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `output`, `status` or `spawn` is awaited"]
pub struct Run {
    transport: Transport,
    spec: ContainerSpec,
}

impl Run {
    pub(crate) fn new(transport: Transport, spec: ContainerSpec) -> Run {
        Run { transport, spec }
    }

    /// Run to the end and collect what it prints.
    ///
    /// Memory holds all of the output. An exit code other than 0 is a value, not an error.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::ContainerSpec;
    ///
    /// let out = docker.run(ContainerSpec::new("busybox").cmd(["date"]).rm()).output().await?;
    /// assert!(out.status.success());
    /// print!("{}", out.stdout_lossy());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Docker::create`](crate::Docker::create) and [`Container::start`]; the connection
    /// breaks before the end. The container is removed then.
    pub fn output(self) -> RunOutput {
        RunOutput { run: self, limit: None }
    }

    /// Run to the end, and leave what it prints to `docker logs`.
    ///
    /// # Errors
    /// As [`output`](Run::output).
    pub fn status(self) -> RunStatus {
        RunStatus { run: self, limit: None }
    }

    /// Start it and leave it running: `docker run --detach`.
    ///
    /// # Errors
    /// As [`Docker::create`](crate::Docker::create) and [`Container::start`]; a container that
    /// could not be started is removed.
    pub fn spawn(self) -> Spawn {
        Spawn { run: self, limit: None }
    }

    pub(super) async fn create(self, scrap: &mut Scrap) -> Result<Container<Unknown>, Error> {
        let container = Create::new(self.transport, self.spec).await?.forget();
        scrap.hold(container.clone());
        Ok(container)
    }

    async fn started(self, scrap: &mut Scrap) -> Result<Container<Running>, Error> {
        let on = self.create(scrap).await?;
        Ok(Start::new(on).await?)
    }

    /// Create, listen, start, and wait: in this order nothing can be missed.
    async fn ended(self, listen: bool, scrap: &mut Scrap) -> Result<Output, Error> {
        let stdin = self.spec.stdin();
        let on = self.create(scrap).await?;
        let output = match listen {
            true => {
                let attach = Attach::new(on.clone(), false);
                // Nothing is sent, and a process that reads must see the end of it.
                let attach = if stdin == Stdin::Ends { attach.stdin() } else { attach };
                let attached = attach.await?;
                on.transport.done(&Start::plain(&on)).await?;
                attached.wait_with_output().await?
            }
            false => {
                let armed = Armed::new(&on, Condition::NextExit).await?;
                on.transport.done(&Start::plain(&on)).await?;
                let (stdout, stderr) = (Vec::new(), Vec::new());
                let status = armed.status(&on).await?;
                Output { status, stdout, stderr, container: on.id.clone() }
            }
        };
        if on.traits.auto_remove {
            // Gone already is as good; and the exit status is not to be lost to a removal that
            // fails.
            let _ = wait::wait(&on, Condition::Removed).await;
        }
        Ok(output)
    }
}

/// The verb behind [`Run::output`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RunOutput {
    run: Run,
    limit: Option<Duration>,
}

impl RunOutput {
    async fn run(self) -> Result<Output, Error> {
        let mut scrap = Scrap::none();
        let done = within("run a container", self.limit, self.run.ended(true, &mut scrap)).await;
        scrap.settle(done).await
    }

    /// Limit the whole, from creation to the last byte. When it passes, the container is removed.
    pub fn timeout(mut self, limit: Duration) -> RunOutput {
        self.limit = Some(limit);
        self
    }
}

awaitable!(RunOutput => Result<Output, Error>);

/// The verb behind [`Run::status`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RunStatus {
    run: Run,
    limit: Option<Duration>,
}

impl RunStatus {
    async fn run(self) -> Result<ExitStatus, Error> {
        let mut scrap = Scrap::none();
        let done = within("run a container", self.limit, self.run.ended(false, &mut scrap)).await;
        Ok(scrap.settle(done).await?.status)
    }

    /// Limit the whole, from creation to the end. When it passes, the container is removed.
    pub fn timeout(mut self, limit: Duration) -> RunStatus {
        self.limit = Some(limit);
        self
    }
}

awaitable!(RunStatus => Result<ExitStatus, Error>);

/// The verb behind [`Run::spawn`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Spawn {
    run: Run,
    limit: Option<Duration>,
}

impl Spawn {
    async fn run(self) -> Result<Container<Running>, Error> {
        let mut scrap = Scrap::none();
        let done = within("run a container", self.limit, self.run.started(&mut scrap)).await;
        scrap.settle(done).await
    }

    /// Limit creation and start. When it passes, the container is removed.
    pub fn timeout(mut self, limit: Duration) -> Spawn {
        self.limit = Some(limit);
        self
    }
}

awaitable!(Spawn => Result<Container<Running>, Error>);
