//! A creation under way, of which the lease knows.

use std::sync::Arc;
use std::time::Duration;

use super::clean;
use super::guard::{Guard, Thing};
use super::record::Line;
use super::session::{ITEM, OWNER, SESSION, Session};
use crate::docker::Docker;
use crate::error::Error;

/// A creation that nobody waits for any more may take so long; what it makes is removed then. It may
/// be the pull that takes the time, and that is not to go on for long.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// Whose a container is to be.
#[derive(Debug, Clone)]
pub(super) enum Home {
    /// The process's: it goes with it.
    Process,
    /// A session's that several processes are in: it goes with the last of them.
    Shared(Arc<Session>),
    /// Nobody's: it stays, and is found by these labels.
    Nobody([(&'static str, String); 2]),
}

impl Home {
    /// Begin to make something that is its.
    pub(super) fn begin(&self, docker: &Docker) -> Result<Making, Error> {
        match self {
            Home::Process => Making::begin(docker),
            Home::Shared(session) => Making::within(session.clone()),
            Home::Nobody(_) => Making::to_stay(docker),
        }
    }

    /// Return the labels by which it is found, beside those of what is made.
    pub(super) fn labels(&self) -> Vec<(&'static str, String)> {
        match self {
            Home::Process | Home::Shared(_) => Vec::new(),
            Home::Nobody(labels) => labels.to_vec(),
        }
    }
}

pub(super) struct Making {
    session: Arc<Session>,
    item: String,
    stays: bool,
}

impl Making {
    /// Say that something may come of it, before it is asked for.
    pub(super) fn begin(docker: &Docker) -> Result<Making, Error> {
        Making::within(Session::of(docker)?)
    }

    /// The same in a session that is not this process's alone.
    fn within(session: Arc<Session>) -> Result<Making, Error> {
        let item = session.item();
        session.tell(Line::Making(&item))?;
        Ok(Making { session, item, stays: false })
    }

    /// The same of what is to stay when all sessions are over: nobody finds it by a session's label.
    fn to_stay(docker: &Docker) -> Result<Making, Error> {
        let session = Session::of(docker)?;
        let item = session.item();
        Ok(Making { session, item, stays: true })
    }

    /// Return a name that nothing else has.
    pub(super) fn name(&self) -> String {
        format!("bowline-{}", self.item)
    }

    /// Return the labels by which it is found.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&'static str, String)> {
        let session = (!self.stays).then(|| (SESSION, self.session.id().to_owned()));
        let all = [(ITEM, self.item.clone()), (OWNER, self.session.owner())];
        session.into_iter().chain(all)
    }

    /// The engine has answered: hold what it has made. Where its answer was lost, it is looked for.
    pub(super) fn made<T>(
        self,
        docker: Docker,
        made: Result<T, Error>,
        thing: impl FnOnce(&T) -> Thing,
    ) -> Result<(T, Guard), Error> {
        let Making { session, item, .. } = self;
        match made {
            Ok(made) => {
                let guard = Guard::new(session.clone(), docker, thing(&made), item.clone());
                session.tell(Line::Made(&item))?;
                Ok((made, guard))
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
}
