//! Removing what a session that is over has left, by its record: the lease and the sweep do the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::companion::is_used;
use super::record::{Line, Told};
use super::session::{ITEM, SESSION, Session};
use super::ways::Ways;
use crate::container::ContainerId;
use crate::docker::{Connect, Docker};
use crate::error::Error;
use crate::several::several;

/// So many removals at once: an engine works on several, and no list is too long.
const AT_ONCE: usize = 32;
/// A creation whose answer nobody has seen comes to its end within this.
const IN_FLIGHT: Duration = Duration::from_secs(30);
/// Between two looks, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Remove all that bears the session's label on all its engines, but for what is to be kept. Returns
/// whether nothing is left; after `limit` there may be.
pub(super) async fn settle(session: &str, told: &Told, ways: &Ways, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    let mut engines = JoinSet::new();
    for url in told.engines.clone() {
        let label = format!("{SESSION}={session}");
        let clean = Clean { label, kept: told.kept(), pending: told.pending.clone(), here: None };
        engines.spawn(timeout_at(until, clean.run(ways.connect(&url))));
    }
    let mut all = true;
    while let Some(done) = engines.join_next().await {
        all &= matches!(done, Ok(Ok(())));
    }
    all
}

struct Clean {
    label: String,
    kept: BTreeSet<String>,
    pending: BTreeSet<String>,
    /// Whose record says what is pending, where it is not over.
    here: Option<Arc<Session>>,
}

impl Clean {
    /// Look and remove, until there is nothing to be seen and nothing to come.
    async fn run(mut self, connect: Connect) {
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        let mut engine = None;
        loop {
            let docker = match engine.take() {
                Some(docker) => Ok(docker),
                None => connect.clone().await,
            };
            let mut empty = None;
            if let Ok(docker) = docker {
                empty = self.round(&docker).await.ok();
                // After an error it may be another engine's.
                engine = empty.map(|_| docker);
            }
            match empty {
                Some(true) if self.pending.is_empty() || begun.elapsed() >= IN_FLIGHT => return,
                // What was there is gone. Is there more?
                Some(false) => pause = PAUSES.0,
                Some(true) | None => {}
            }
            sleep(pause).await;
            pause = PAUSES.1.min(pause * 2);
        }
    }

    /// Remove what is there; say whether there was nothing.
    async fn round(&mut self, docker: &Docker) -> Result<bool, Error> {
        let mut found = Vec::new();
        for row in docker.containers().all().label(&self.label).await? {
            let item = row.labels.get(ITEM).unwrap_or_default();
            self.seen(item);
            if !self.kept.contains(item) {
                found.push(row.id);
            }
        }
        let mut empty = found.is_empty();
        remove_all(docker, found).await?;
        for network in docker.networks().label(&self.label).await? {
            let item = network.labels.get(ITEM).unwrap_or_default();
            self.seen(item);
            if !self.kept.contains(item) {
                empty &= self.gone(docker.network(&network.id).await?.remove().await)?;
            }
        }
        for volume in docker.volumes().label(&self.label).await?.volumes {
            let item = volume.labels.get(ITEM).unwrap_or_default();
            self.seen(item);
            if !self.kept.contains(item) {
                empty &= self.gone(docker.volume(&volume.name)?.remove().await)?;
            }
        }
        for image in docker.images().label(&self.label).await? {
            let item = image.labels.get(ITEM).unwrap_or_default();
            self.seen(item);
            if self.kept.contains(item) {
                continue;
            }
            let removal = docker.image(&image.id)?.remove();
            // Forced, it goes although a container that has ended is to stay and was made from it.
            let removal = if self.kept.is_empty() { removal.force() } else { removal };
            match removal.await {
                // What is to stay needs it.
                Err(error) if error.is_conflict() && !self.kept.is_empty() => continue,
                Err(error) if !error.is_not_found() => return Err(error),
                Ok(_) | Err(_) => empty = false,
            }
        }
        Ok(empty)
    }
}

impl Clean {
    /// It is there, and need not be waited for any more: nor by the lease, should this process end
    /// now.
    fn seen(&mut self, item: &str) {
        if let (true, Some(session)) = (self.pending.remove(item), &self.here) {
            let _ = session.tell(Line::Made(item));
        }
    }

    /// Say whether there was nothing to remove: where what is to stay needs it, it stays.
    fn gone(&self, removed: Result<(), Error>) -> Result<bool, Error> {
        match removed {
            Err(error) if is_used(&error) && !self.kept.is_empty() => Ok(true),
            removed => removed.map(|()| false),
        }
    }
}

async fn remove_all(docker: &Docker, containers: Vec<ContainerId>) -> Result<(), Error> {
    let removals = containers.into_iter().map(|id| remove(docker.clone(), id));
    several(AT_ONCE, removals).await.into_iter().collect()
}

/// Remove a container whatever it does, and its volumes without names. Gone already is as good.
pub(super) async fn remove(docker: Docker, id: ContainerId) -> Result<(), Error> {
    let removed = docker.containers().all().id(id.as_str()).remove().force().volumes().await?;
    removed.failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

/// Wait for what the engine may be making, although the answer was lost, and remove it.
pub(super) async fn lost(docker: Docker, session: Arc<Session>, item: String) {
    let begun = Instant::now();
    let mut pause = PAUSES.0;
    let (label, pending) = (format!("{ITEM}={item}"), BTreeSet::from([item.clone()]));
    let mut clean = Clean { label, kept: BTreeSet::new(), pending, here: Some(session.clone()) };
    while begun.elapsed() < IN_FLIGHT {
        // Once it has been seen there is no more to come.
        if clean.round(&docker).await.is_ok() && clean.pending.is_empty() {
            return;
        }
        sleep(pause).await;
        pause = PAUSES.1.min(pause * 2);
    }
    let _ = session.tell(Line::Made(&item));
}
