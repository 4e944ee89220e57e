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

pub(super) struct Making {
    session: Arc<Session>,
    item: String,
}

impl Making {
    /// Say that something may come of it, before it is asked for.
    pub(super) fn begin(docker: &Docker) -> Result<Making, Error> {
        let session = Session::of(docker)?;
        let item = session.item();
        session.tell(Line::Making(&item))?;
        Ok(Making { session, item })
    }

    /// Return a name that nothing else has.
    pub(super) fn name(&self) -> String {
        format!("bowline-{}", self.item)
    }

    /// Return the labels by which it is found.
    pub(super) fn labels(&self) -> [(&'static str, String); 3] {
        let session = &self.session;
        [(SESSION, session.id().to_owned()), (ITEM, self.item.clone()), (OWNER, session.owner())]
    }

    /// The engine has answered: hold what it has made. Where its answer was lost, it is looked for.
    pub(super) fn made<T>(
        self,
        docker: Docker,
        made: Result<T, Error>,
        thing: impl FnOnce(&T) -> Thing,
    ) -> Result<(T, Guard), Error> {
        let Making { session, item } = self;
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
