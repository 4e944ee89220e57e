//! Starting a throwaway container.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::guard::Guard;
use super::record::Line;
use super::session::{ITEM, OWNER, SESSION, Session, no_thread};
use super::{Throwaway, clean, keeper};
use crate::container::spec::{Endpoint, Healthcheck, Mount, PortSpec, PullPolicy};
use crate::verb::{awaitable, within};
use crate::{Container, ContainerSpec, Created, Docker, Error};

/// A creation that nobody waits for any more may take so long; what it makes is removed then. It may
/// be the pull that takes the time, and that is not to go on for long.
const GRACE: Duration = Duration::from_secs(10);

/// The verb behind [`Docker::throwaway`].
///
/// The commonest settings can be made here; for all others give it a [`ContainerSpec`].
///
/// Dropped half-way, what it has made by then is removed, and so is what the engine makes of a
/// request that was under way.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StartThrowaway {
    docker: Docker,
    spec: ContainerSpec,
    limit: Option<Duration>,
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
        StartThrowaway { docker, spec, limit: None }
    }

    /// Limit the whole, the pull of the image too. When it passes, what was made is removed.
    pub fn timeout(mut self, limit: Duration) -> StartThrowaway {
        self.limit = Some(limit);
        self
    }

    async fn run(self) -> Result<Throwaway, Error> {
        let limit = self.limit;
        // On the keeper, so that what has been begun is brought to an end without this runtime.
        let work = async move {
            within("start a throwaway container", limit, begin(self.docker, self.spec)).await
        };
        keeper::spawn(work).map_err(no_thread)?.tied(Duration::ZERO).await?
    }
}

awaitable!(StartThrowaway => Result<Throwaway, Error>);

async fn begin(docker: Docker, spec: ContainerSpec) -> Result<Throwaway, Error> {
    let session = Session::of(&docker)?;
    let item = session.item();
    let mut spec =
        spec.label(SESSION, session.id()).label(ITEM, &item).label(OWNER, session.owner());
    let name = match spec.get_name() {
        Some(name) => name.to_owned(),
        None => format!("bowline-{item}"),
    };
    spec = spec.name(&name);

    // A creation is not broken off: only its answer tells whether there is something to remove.
    let making = make(session, docker, spec, item);
    let (created, guard) = keeper::spawn(making).map_err(no_thread)?.tied(GRACE).await??;
    match created.start().await {
        Ok(container) => Ok(Throwaway { name, container, guard }),
        Err(failed) => {
            // Before the error is seen. Should that fail, the lease tries again.
            let _ = guard.remove().await;
            Err(failed.error)
        }
    }
}

/// Create, while the lease knows that something may come of it.
async fn make(
    session: Arc<Session>,
    docker: Docker,
    spec: ContainerSpec,
    item: String,
) -> Result<(Container<Created>, Guard), Error> {
    session.tell(Line::Making(&item))?;
    match docker.create(spec).await {
        Ok(created) => {
            let guard = Guard::new(session.clone(), docker, created.id().clone(), item.clone());
            session.tell(Line::Made(&item))?;
            Ok((created, guard))
        }
        Err(error) => {
            match error.maybe_applied() {
                true => drop(tokio::spawn(clean::lost(docker, session, item))),
                false => session.tell(Line::Made(&item))?,
            }
            Err(error)
        }
    }
}
