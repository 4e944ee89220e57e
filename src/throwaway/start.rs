//! Starting a throwaway container.

use std::fmt;
use std::time::{Duration, Instant};

use super::guard::{Guard, Thing};
use super::making::{GRACE, Home};
use super::session::no_thread;
use super::{Addresses, Attempt, Ready, StartCause, StartError, StartPhase, Subject};
use super::{Throwaway, keeper, prefix, reuse};
use crate::container::spec::{Endpoint, Healthcheck, Mount, PortSpec, PullPolicy};
use crate::container::{Container, ContainerSpec, Created, Running};
use crate::docker::Docker;
use crate::error::{Error, Phase, TimeoutError};
use crate::verb::{awaitable, within};

/// What is limited as a whole.
const WHAT: &str = "start a throwaway container";

/// The verb behind [`Docker::throwaway`].
///
/// The commonest settings can be made here; for all others give it a [`ContainerSpec`].
///
/// Dropped half-way, what it has made by then is removed, and so is what the engine makes of a
/// request that was under way.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StartThrowaway {
    pub(super) docker: Docker,
    pub(super) spec: ContainerSpec,
    pub(super) ready: Option<Ready>,
    limit: Option<Duration>,
    prefix: Option<String>,
    pub(super) reuse: Option<String>,
    begun: Option<Instant>,
}

/// Setters that hand on to the spec's of the same name.
macro_rules! forward {
    ($($(#[doc = $doc:literal])* $name:ident($($arg:ident: $type:ty),*);)*) => {
        impl StartThrowaway {$(
            $(#[doc = $doc])*
            pub fn $name(mut self, $($arg: $type),*) -> StartThrowaway {
                self.spec = self.spec.$name($($arg),*);
                self
            }
        )*}
    };
}

forward! {
    /// Set the command: [`ContainerSpec::cmd`].
    cmd(command: impl IntoIterator<Item = impl Into<String>>);
    /// Set the program that the command is the arguments of: [`ContainerSpec::entrypoint`].
    entrypoint(entrypoint: impl IntoIterator<Item = impl Into<String>>);
    /// Set an environment variable: [`ContainerSpec::env`].
    env(name: impl Into<String>, value: impl Into<String>);
    /// Publish a port: 6379 is one of the container's, on a free one of the host. Other forms as
    /// for [`ContainerSpec::publish`].
    publish(ports: impl Into<PortSpec>);
    /// Mount files: [`ContainerSpec::mount`].
    mount(mount: Mount);
    /// Mount files, in the short form: [`ContainerSpec::volume`].
    volume(volume: impl Into<String>);
    /// Mount memory: [`ContainerSpec::tmpfs`].
    tmpfs(tmpfs: impl Into<String>);
    /// Connect to a network: [`ContainerSpec::network`].
    network(network: impl Into<Endpoint>);
    /// Add a name on the first network: [`ContainerSpec::network_alias`].
    network_alias(alias: impl Into<String>);
    /// Name it, instead of a name that no other container has: [`ContainerSpec::name`].
    name(name: impl Into<String>);
    /// Label it: [`ContainerSpec::label`].
    label(key: impl Into<String>, value: impl Into<String>);
    /// Set the host name inside: [`ContainerSpec::hostname`].
    hostname(name: impl Into<String>);
    /// Make a host known by name: [`ContainerSpec::add_host`].
    add_host(host: impl Into<String>, address: impl fmt::Display);
    /// Set the user: [`ContainerSpec::user`].
    user(user: impl Into<String>);
    /// Set the directory it starts in: [`ContainerSpec::workdir`].
    workdir(path: impl Into<String>);
    /// Set how the engine finds out whether it is healthy: [`ContainerSpec::healthcheck`].
    healthcheck(check: Healthcheck);
    /// Set the image's platform: [`ContainerSpec::platform`].
    platform(platform: impl Into<String>);
    /// Set when the image is pulled: [`ContainerSpec::pull`].
    pull(policy: PullPolicy);
    /// Give it all privileges: [`ContainerSpec::privileged`].
    privileged();
}

impl StartThrowaway {
    pub(super) fn new(docker: Docker, spec: ContainerSpec) -> StartThrowaway {
        let (ready, limit, prefix, reuse, begun) = (None, None, None, None, None);
        StartThrowaway { docker, spec, ready, limit, prefix, reuse, begun }
    }

    /// Wait until it is ready. Without this, it is enough that it was started.
    pub fn ready(mut self, ready: impl Into<Ready>) -> StartThrowaway {
        self.ready = Some(ready.into());
        self
    }

    /// Limit the whole, the pull of the image too. When it passes, what was made is removed.
    pub fn timeout(mut self, limit: Duration) -> StartThrowaway {
        self.limit = Some(limit);
        self
    }

    /// Fetch images of Docker Hub from a mirror: put this before their names. "registry.corp/hub"
    /// makes "registry.corp/hub/redis:7" of "redis:7".
    ///
    /// It holds for names without a registry, and for "docker.io/redis:7", which is the same
    /// image; names on other registries and ids stay as they are. Without this it is
    /// `BOWLINE_IMAGE_PREFIX` that says so, else `TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX`; an empty
    /// prefix here is none whatever they say.
    pub fn image_prefix(mut self, prefix: impl Into<String>) -> StartThrowaway {
        self.prefix = Some(prefix.into());
        self
    }

    /// Use the container that another run has left, and leave it to the next: by this name, and by
    /// its whole configuration. See [`throwaway`](crate::throwaway#reuse).
    pub fn reuse(mut self, name: impl Into<String>) -> StartThrowaway {
        self.reuse = Some(name.into());
        self
    }

    async fn run(self) -> Result<Throwaway, StartError> {
        let attempt = self.attempt();
        let begun = self.begin();
        let mut start = begun.map_err(|error| StartError::untold(attempt, error.into()))?;
        match start.reuse.take() {
            Some(name) => reuse::start(start, name).await,
            None => start.launch(Home::Process).await,
        }
    }

    /// Begin to tell of it.
    pub(super) fn attempt(&self) -> Attempt {
        let image = self.spec.get_image().map(ToString::to_string).unwrap_or_default();
        let name = self.spec.get_name().unwrap_or_default().to_owned();
        let begun = self.begun.unwrap_or_else(Instant::now);
        Attempt { image, name, phase: StartPhase::ResolveImage, begun }
    }

    /// Wait for others, or for an image, for no longer than the whole may take.
    pub(super) async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StartError> {
        let done = within(WHAT, self.limit, work).await;
        done.map_err(|error| StartError::untold(self.attempt(), error.into()))
    }

    /// Begin: name the image by what is to be before its name.
    pub(super) fn begin(mut self) -> Result<StartThrowaway, Error> {
        self.begun = Some(Instant::now());
        self.spec = prefix::apply(self.spec, self.prefix.as_deref())?;
        // Once is enough.
        self.prefix = Some(String::new());
        Ok(self)
    }

    /// Wait until one that runs already is ready.
    pub(super) async fn join(self, found: Throwaway) -> Result<Throwaway, StartError> {
        let (attempt, home) = (self.attempt(), Home::Process);
        let StartThrowaway { docker, ready, limit, .. } = self;
        match ready {
            Some(ready) => Start { docker, limit, attempt, home }.wait(found, ready).await,
            None => Ok(found),
        }
    }

    /// Start it, come what may: as the process's own, or as another's.
    pub(super) async fn launch(self, home: Home) -> Result<Throwaway, StartError> {
        let attempt = Attempt { phase: StartPhase::Create, ..self.attempt() };
        let StartThrowaway { docker, spec, ready, limit, .. } = self;
        let start = Start { docker, limit, attempt, home };
        // On the keeper, so that what has been begun is brought to an end without this runtime.
        let started = match keeper::spawn(start.clone().begin(spec)) {
            Ok(work) => work.tied(Duration::ZERO).await,
            Err(error) => Err(no_thread(error)),
        };
        match (started, ready) {
            (Ok(Ok(started)), Some(ready)) => start.wait(started, ready).await,
            (Ok(started), _) => started,
            (Err(error), _) => Err(start.tell(error).await),
        }
    }
}

awaitable!(StartThrowaway => Result<Throwaway, StartError>);

/// A start under way.
#[derive(Clone)]
struct Start {
    docker: Docker,
    limit: Option<Duration>,
    attempt: Attempt,
    home: Home,
}

impl Start {
    async fn begin(mut self, spec: ContainerSpec) -> Result<Throwaway, StartError> {
        let (created, guard) = match self.create(spec).await {
            Ok(made) => made,
            Err(cause) => return Err(self.tell(cause).await),
        };
        self.attempt.phase = StartPhase::Start;
        match self.start(created).await {
            Ok((container, addresses)) => {
                Ok(Throwaway { name: self.attempt.name, container, addresses, guard })
            }
            Err(cause) => Err(self.fail(cause, guard).await),
        }
    }

    async fn create(
        &mut self,
        spec: ContainerSpec,
    ) -> Result<(Container<Created>, Guard), StartCause> {
        let making = self.home.begin(&self.docker)?;
        if self.attempt.name.is_empty() {
            self.attempt.name = making.name();
        }
        let spec = spec.name(&self.attempt.name).labels(making.labels()).labels(self.home.labels());
        let docker = self.docker.clone();
        let making = async move {
            let created = docker.create(spec).await;
            making.made(docker, created, |it| Thing::Container(it.id().clone()))
        };
        // A creation is not broken off: only its answer tells whether there is something to remove.
        let making = keeper::spawn(making).map_err(no_thread)?.tied(GRACE);
        self.limited(async { Ok(making.await??) }).await
    }

    async fn start(
        &self,
        created: Container<Created>,
    ) -> Result<(Container<Running>, Addresses), StartCause> {
        self.limited(async {
            let container = created.start().await?;
            let details = container.inspect().await?;
            Ok((container, Addresses::of(&self.docker, &details).await))
        })
        .await
    }

    async fn wait(mut self, started: Throwaway, ready: Ready) -> Result<Throwaway, StartError> {
        self.attempt.phase = StartPhase::Ready;
        self.attempt.name.clone_from(&started.name);
        let on = Subject::new(&self.docker, &started.container, &started.name);
        match self.limited(async { Ok(ready.until(&on).await?) }).await {
            Ok(()) => Ok(started),
            Err(cause) => Err(self.fail(cause, started.guard).await),
        }
    }

    /// Do a part of it within what is left of the time.
    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, StartCause>>,
    ) -> Result<T, StartCause> {
        let Some(after) = self.limit else { return work.await };
        let left = after.saturating_sub(self.attempt.begun.elapsed());
        tokio::time::timeout(left, work).await.unwrap_or_else(|_| {
            let call = WHAT.to_owned();
            let (phase, maybe_applied) = (Phase::Overall, true);
            Err(Error::Timeout(TimeoutError { call, phase, after, maybe_applied }).into())
        })
    }

    async fn tell(self, cause: impl Into<StartCause>) -> StartError {
        StartError::gather(&self.docker, self.attempt, cause).await
    }

    /// Tell what the container looked like, and remove it before the error is seen. Should that
    /// fail, the lease tries again.
    async fn fail(self, cause: StartCause, guard: Guard) -> StartError {
        let error = self.tell(cause).await;
        let _ = guard.remove().await;
        error
    }
}
