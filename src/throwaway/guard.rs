//! Holds a thing on an engine, and removes it when it is let go of.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::keep::{self, Keep};
use super::keeper::Task;
use super::record::Line;
use super::session::{Session, no_thread};
use super::slot::Slot;
use super::{companion, keeper, words};
use crate::container::ContainerId;
use crate::docker::Docker;
use crate::error::Error;
use crate::image::Image;
use crate::network::Network;
use crate::volume::Volume;

/// Without a lease, who lets go last waits for all removals, at most this long.
const LIMIT: Duration = Duration::from_secs(10);

/// What is held.
#[derive(Debug, Clone)]
pub(super) enum Thing {
    /// By its id, and its name for people.
    Container(ContainerId, String),
    Network(Network),
    Volume(Volume),
    Image(Image),
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
        session.going.hold();
        Guard { session, docker, thing, item, armed: true, hold: None }
    }

    /// Hold what others remove.
    pub(super) fn idle(session: Arc<Session>, docker: Docker, thing: Thing) -> Guard {
        let mut guard = Guard::new(session, docker, thing, String::new());
        guard.armed = false;
        guard
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
        if self.session.keep == Keep::Always {
            words::say(&keep::hint(&self.thing));
            return Ok(());
        }
        self.begin_removal().map_err(no_thread)?.await?
    }

    /// It could not be used: remove it and wait for it, or leave it where that is asked for, and
    /// say how to look at it.
    pub(super) async fn fail(mut self) -> Option<String> {
        if self.session.keep != Keep::Never && self.session.tell(Line::Keep(&self.item)).is_ok() {
            self.armed = false;
            return Some(keep::hint(&self.thing));
        }
        // Should it fail, the lease tries again.
        let _ = self.remove().await;
        None
    }

    fn begin_removal(&self) -> io::Result<Task<Result<(), Error>>> {
        if self.session.keep == Keep::Failed {
            self.session.tell(Line::LetGo(&self.item)).map_err(io::Error::other)?;
        }
        let leaving = Leaving::new(&self.session);
        let (docker, thing) = (self.docker.clone(), self.thing.clone());
        keeper::spawn(async move { companion::discard(&leaving.0.going, docker, thing).await })
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
        let panics = thread::panicking();
        if let (true, true, Thing::Container(_, name)) = (self.armed, panics, &self.thing) {
            words::last(&self.docker, name);
        }
        let keeps = match self.session.keep {
            Keep::Never => false,
            Keep::Failed => panics,
            Keep::Always => true,
        };
        if self.armed && keeps && self.session.tell(Line::Keep(&self.item)).is_ok() {
            words::say(&keep::hint(&self.thing));
        } else if self.armed {
            // Nobody is left to be told of a failure: `close` tells it. Where no thread can be had,
            // the lease or the next sweep removes it.
            drop(self.begin_removal());
        }
        if self.session.going.let_go() && !self.session.outlives() && !keeper::is_here() {
            self.session.going.wait(LIMIT);
        }
    }
}

/// A removal under way, which somebody may have to wait for.
struct Leaving(Arc<Session>);

impl Leaving {
    fn new(session: &Arc<Session>) -> Leaving {
        session.going.begun();
        Leaving(session.clone())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.going.ended();
    }
}
