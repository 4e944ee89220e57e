//! Containers that outlive their process, for the next that wants the same.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::digest::digest;
use super::guard::Guard;
use super::making::Home;
use super::session::{Session, no_thread};
use super::slot::Slot;
use super::{Addresses, StartCause, StartError, StartThrowaway, Throwaway, clean, keeper, run};
use crate::container::spec::PullPolicy;
use crate::container::{ContainerId, ContainerSpec, Lookup};
use crate::docker::Docker;
use crate::error::{Error, LeaseError};
use crate::image::reference::ImageName;

/// The label that names what is reused.
const REUSE: &str = "bowline.reuse";
/// The label that tells configurations apart: a digest.
const CONFIG: &str = "bowline.config";

/// What a process that was killed had asked for may be under way still: a creation that has the name
/// before it is listed, a start that meets the removal. So long it is tried again.
const UNDER_WAY: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Use the container that is there, or start one that stays.
pub(super) async fn start(start: StartThrowaway, name: String) -> Result<Throwaway, StartError> {
    let attempt = start.attempt();
    // It blocks for moments.
    let error = match keeper::spawn(begin(start, name)) {
        Ok(work) => match work.tied(Duration::ZERO).await {
            Ok(started) => return started,
            Err(error) => error,
        },
        Err(e) => no_thread(e),
    };
    Err(StartError::untold(attempt, error.into()))
}

async fn begin(mut start: StartThrowaway, name: String) -> Result<Throwaway, StartError> {
    let attempt = start.attempt();
    let untold = |error: Error| StartError::untold(attempt.clone(), error.into());
    let reuse = start.within(Reuse::prepare(&start, name)).await?;
    let made_up = start.spec.get_name().is_none();
    // The image is there by now.
    start.spec = start.spec.pull(PullPolicy::Missing);
    if made_up {
        start.spec = start.spec.name(reuse.container_name());
    }
    let since = Instant::now();
    loop {
        match reuse.find().await {
            Ok(Some(found)) => return reuse.check(start, found).await,
            Ok(None) => {}
            Err(error) if is_passing(&error) && since.elapsed() < UNDER_WAY => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(untold(error)),
        }
        match start.clone().launch(reuse.home()).await {
            Err(StartError { cause: StartCause::Engine(error), .. })
                if error.is_conflict() && made_up && since.elapsed() < UNDER_WAY =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            Ok(mut started) => {
                started.guard.disarm();
                started.guard = started.guard.holding(reuse.hold);
                return Ok(started);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Gone meanwhile, being removed, or not to be killed for its start is not over.
fn is_passing(error: &Error) -> bool {
    matches!(error.status(), Some(404 | 409 | 500))
}

struct Reuse {
    docker: Docker,
    session: Arc<Session>,
    name: String,
    config: String,
    /// While this is there, nobody else of this user looks for it, or starts it.
    _slot: Slot,
    /// While this is there, it is in use.
    hold: Slot,
}

impl Reuse {
    async fn prepare(start: &StartThrowaway, name: String) -> Result<Reuse, Error> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        if name.is_empty() || !name.bytes().all(fits) {
            let rule = "must be ASCII letters, digits, '_', '.' and '-'";
            return Err(Error::invalid("name to reuse by", name, rule));
        }
        let docker = start.docker.clone();
        let sent = start.spec.to_json()?;
        let session = Session::of(&docker)?;
        let image = image_id(&docker, &start.spec).await?;
        let config = digest(&[&sent, &image], 32);
        let engine = docker.host().to_string();
        let slot = session.folder().join(format!("{}.reuse", digest(&[&engine, &name], 24)));
        let slot = run::wait(&slot).await?;
        let path = held(&session, &docker, &name, &config);
        // Who takes the file away has the slot.
        let hold = Slot::beside_others(&path).and_then(|hold| {
            hold.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::WouldBlock))
        });
        let hold = hold.map_err(|e| LeaseError::new(format!("lock {}", path.display()), e))?;
        Ok(Reuse { docker, session, name, config, _slot: slot, hold })
    }

    fn home(&self) -> Home {
        Home::Nobody([(REUSE, self.name.clone()), (CONFIG, self.config.clone())])
    }

    fn container_name(&self) -> String {
        format!("bowline-{}-{}", self.name, self.config.get(..12).unwrap_or_default())
    }

    /// Return the one that runs and is as it is to be. On the way, remove those that are of no use
    /// to anybody.
    async fn find(&self) -> Result<Option<Throwaway>, Error> {
        let mut found = None;
        let label = format!("{REUSE}={}", self.name);
        for row in self.docker.containers().all().label(label).await? {
            let config = row.labels.get(CONFIG).unwrap_or_default();
            if config != self.config {
                self.replace(row.id, config).await?;
            } else if let Lookup::Running(container) = self.docker.container(&row.id).await? {
                let details = container.inspect().await?;
                let addresses = Addresses::of(&self.docker, &details).await;
                let id = container.id().clone();
                let guard = Guard::idle(self.session.clone(), self.docker.clone(), id);
                found = Some(Throwaway { name: details.name, container, addresses, guard });
            } else {
                // Made by half, or ended.
                clean::remove(self.docker.clone(), row.id).await?;
            }
        }
        Ok(found)
    }

    /// Remove one of another configuration, if it is this user's and nobody holds it.
    async fn replace(&self, id: ContainerId, config: &str) -> Result<(), Error> {
        let path = held(&self.session, &self.docker, &self.name, config);
        if !path.exists() {
            return Ok(());
        }
        let alone = Slot::alone(&path);
        let alone = alone.map_err(|e| LeaseError::new(format!("lock {}", path.display()), e))?;
        if let Some(slot) = alone {
            clean::remove(self.docker.clone(), id).await?;
            slot.remove();
        }
        Ok(())
    }

    /// See whether one that was found is ready. Where it is not, the next is to start another.
    async fn check(self, start: StartThrowaway, found: Throwaway) -> Result<Throwaway, StartError> {
        let id = found.id().clone();
        match start.join(found).await {
            Ok(mut found) => {
                found.guard = found.guard.holding(self.hold);
                Ok(found)
            }
            Err(error) => {
                if self.hold.is_alone() {
                    let _ = clean::remove(self.docker, id).await;
                }
                Err(error)
            }
        }
    }
}

/// The file that is locked by those who use it.
fn held(session: &Session, docker: &Docker, name: &str, config: &str) -> PathBuf {
    let engine = docker.host().to_string();
    session.folder().join(format!("{}.held", digest(&[&engine, name, config], 24)))
}

/// Return the image's id, and pull it where that is called for.
async fn image_id(docker: &Docker, spec: &ContainerSpec) -> Result<String, Error> {
    let Some(image) = spec.get_image() else { return Ok(String::new()) };
    let policy = spec.get_pull();
    let inspect = docker.image(image.clone())?.inspect();
    if policy != PullPolicy::Always {
        match inspect.clone().await {
            Err(error) if error.is_not_found() && policy == PullPolicy::Missing => {}
            found => return Ok(found?.id.to_string()),
        }
    }
    if let ImageName::Ref(name) = image {
        let pull = docker.pull(name.clone());
        let pull = match spec.get_platform() {
            Some(platform) => pull.platform(platform),
            None => pull,
        };
        pull.await?;
    }
    Ok(inspect.await?.id.to_string())
}
