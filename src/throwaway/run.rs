//! One container for all processes of a run of tests: who asks first starts it, and it is gone when
//! the last of them is.
//!
//! The container is in a session of its own, whose record all of its users hold, and their leases.
//! Which session that is stands in a file ([`slot`](super::slot)) that is named by the run, the name
//! and the configuration.

use std::env;
use std::path::Path;
use std::sync::Arc;

use super::digest::digest;
use super::guard::Guard;
use super::making::Home;
use super::session::Session;
use super::slot::{Entry, SHARED, Slot};
use super::{Addresses, StartError, StartThrowaway, Throwaway};
use crate::container::Lookup;
use crate::docker::Docker;
use crate::error::{Error, LeaseError};

/// What names the run that this process is part of: the first that is set and not empty. nextest
/// sets the second, for each process that it starts.
const NAMES: [&str; 2] = ["BOWLINE_RUN", "NEXTEST_RUN_ID"];

/// Return the run that this process is part of.
pub(super) fn here() -> Option<String> {
    NAMES.iter().find_map(|name| env::var(name).ok().filter(|run| !run.is_empty()))
}

/// Find the container that the run has by this name, or start it. On the keeper: it blocks for
/// moments.
pub(super) async fn share(
    start: StartThrowaway,
    run: String,
    name: &str,
) -> Result<Throwaway, StartError> {
    let attempt = start.attempt();
    let untold = |error: Error| StartError::untold(attempt.clone(), error.into());
    let start = start.begin().map_err(untold)?;
    let (slot, found) = start.within(look(&start, &run, name)).await?;
    if let Some(found) = found {
        return Ok(found);
    }
    // Locked until it is ready: the others wait for that, and not for the half of it.
    let docker = start.docker.clone();
    let session = Session::begin_shared(&docker).map_err(untold)?;
    let mut entry = Entry { session: session.id().to_owned(), container: None };
    slot.write(&entry.text()).map_err(|e| untold(unwritten(e)))?;
    let mut started = start.launch(Home::Shared(session)).await?;
    entry.container = Some(started.id().as_str().to_owned());
    slot.write(&entry.text()).map_err(|e| untold(unwritten(e)))?;
    // From now on its session says when it goes, and not this handle.
    started.guard.disarm();
    Ok(started)
}

/// Wait until nobody else looks or starts, and see what there is.
async fn look(
    start: &StartThrowaway,
    run: &str,
    name: &str,
) -> Result<(Slot, Option<Throwaway>), Error> {
    let docker = &start.docker;
    let engine = docker.host().to_string();
    let key = digest(&[run, name, &engine, &start.spec.to_json()?], 24);
    let path = Session::of(docker)?.folder().join(format!("{key}.{SHARED}"));
    let slot = wait(&path).await?;
    let told = slot.read().map_err(|e| LeaseError::new("read what is shared", e))?;
    let Some(Entry { session, container: Some(container) }) = Entry::parse(&told) else {
        return Ok((slot, None));
    };
    let Some(session) = Session::join(docker, &session)? else { return Ok((slot, None)) };
    let found = find(docker, session, container).await?;
    Ok((slot, found))
}

/// Wait for a file that says who starts what.
pub(super) async fn wait(path: &Path) -> Result<Slot, Error> {
    let slot = Slot::wait(path.to_owned()).await;
    Ok(slot.map_err(|e| LeaseError::new(format!("lock {}", path.display()), e))?)
}

/// Return a handle to a container, if it runs.
async fn find(
    docker: &Docker,
    session: Arc<Session>,
    container: String,
) -> Result<Option<Throwaway>, Error> {
    match docker.container(container).await {
        Ok(Lookup::Running(container)) => {
            let details = container.inspect().await?;
            let addresses = Addresses::of(docker, &details).await;
            let guard = Guard::idle(session, docker.clone(), container.id().clone());
            Ok(Some(Throwaway { name: details.name, container, addresses, guard }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn unwritten(e: std::io::Error) -> Error {
    LeaseError::new("write down what is shared", e).into()
}
