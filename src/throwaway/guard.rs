//! Holds a thing on an engine, and removes it when it is let go of.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::record::Line;
use super::session::{Session, no_thread};
use super::slot::Slot;
use super::{companion, keeper};
use crate::container::ContainerId;
use crate::docker::Docker;
use crate::error::Error;
use crate::network::Network;
use crate::volume::Volume;

/// Without a lease, a drop waits for the removal at most this long.
const LIMIT: Duration = Duration::from_secs(10);

/// What is held.
#[derive(Debug, Clone)]
pub(super) enum Thing {
    Container(ContainerId),
    Network(Network),
    Volume(Volume),
}

#[derive(Debug)]
pub(super) struct Guard {
    session: Arc<Session>,
    docker: Docker,
    thing: Thing,
    item: String,
    armed: bool,
    /// What says that it is in use, while this is there.
    hold: Option<Slot>,
}

impl Guard {
    pub(super) fn new(session: Arc<Session>, docker: Docker, thing: Thing, item: String) -> Guard {
        Guard { session, docker, thing, item, armed: true, hold: None }
    }

    /// Hold what others remove.
    pub(super) fn idle(session: Arc<Session>, docker: Docker, container: ContainerId) -> Guard {
        let (thing, item) = (Thing::Container(container), String::new());
        Guard { session, docker, thing, item, armed: false, hold: None }
    }

    /// Say that it is in use for as long as this is there.
    pub(super) fn holding(mut self, hold: Slot) -> Guard {
        self.hold = Some(hold);
        self
    }

    /// Leave its removal to others from now on.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }

    /// Remove it, and wait for it. Dropped half-way, it is removed all the same. Where that is left
    /// to others, let go of it.
    pub(super) async fn remove(mut self) -> Result<(), Error> {
        if !self.armed {
            return Ok(());
        }
        self.armed = false;
        let removal = companion::discard(self.docker.clone(), self.thing.clone());
        keeper::spawn(removal).map_err(no_thread)?.await?
    }

    /// Let it be.
    pub(super) fn keep(mut self) -> Result<(), Error> {
        if self.armed {
            self.session.tell(Line::Keep(&self.item))?;
        }
        self.armed = false;
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.session.is_of_this_process() {
            // In a child that was forked off, this is a copy: the container is the parent's. So are
            // the connections, and to close them here would deafen the parent: the two share what
            // tells of sockets.
            return std::mem::forget(self.docker.clone());
        }
        if !self.armed {
            return;
        }
        let (done, wait) = mpsc::channel::<()>();
        let removal = companion::discard(self.docker.clone(), self.thing.clone());
        let begun = keeper::spawn(async move {
            // Nobody is left to be told of a failure: `close` tells it.
            let _ = removal.await;
            drop(done);
        });
        // Where no thread can be had, the lease or the next sweep removes it.
        if begun.is_ok() && !self.session.outlives() && !keeper::is_here() {
            let _ = wait.recv_timeout(LIMIT);
        }
    }
}
