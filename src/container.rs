//! Containers: a handle whose type says where in its life the container is.
//!
//! # What each verb comes to in each state
//!
//! A handle claims the state that it saw last. Where the container has moved on meanwhile, its
//! verbs come to this (Docker; the tests hold every cell against a real engine):
//!
//! | handle | verb | created | running | paused | restarting | exited | gone |
//! |---|---|---|---|---|---|---|---|
//! | Created, Exited | `start` | Running | Running | conflict | Running | Running | not found |
//! | Exited, Running, Paused | `restart` | | Running | Running | Running | Running | not found |
//! | Created, Exited | `attach` | attached | attached | conflict | conflict | attached | not found |
//! | Running | `attach` | | attached | conflict | conflict | by state | not found |
//! | Running | `exec` | | its output | conflict | conflict | conflict | not found |
//! | Running | `pause` | | Paused | Paused | conflict | conflict | not found |
//! | Paused | `unpause` | | Running | Running | by state | by state | not found |
//! | Running, Paused | `stop`, `kill` | | Exited | Exited | Exited | Exited | not found |
//! | Running, Paused | `kill().signal(..)` | | as found | Running | Exited | conflict | not found |
//! | Running, Paused | `wait` | | waits | waits | waits | Exited | not found |
//! | any | `remove` | done | conflict | conflict | conflict | done | done |
//! | any | `remove().force()` | done | done | done | done | done | done |
//! | any | `rename` | done | done | done | by state | done | not found |
//! | any | `update`, `commit`, `logs`, `inspect` | done | done | done | done | done | not found |
//! | any | `wait_for(NotRunning)` | code 0 | waits | waits | waits | last code | not found |
//! | any | `stat`, `read_file`, `copy_out`, `copy_in`, `write_file`, `export` | done | done | done | done | done | not found |
//! | any | `lookup` | Created | Running | Paused | Other | Exited | Gone |
//!
//! "conflict" is status 409 ([`Error::is_conflict`]), "not found" 404 ([`Error::is_not_found`]), "by
//! state" [`Error::State`], which counts as a conflict too. Any signal thaws a paused container and
//! ends the restarts of a restarting one.
//!
//! While a container is being removed, `stop` and `wait` find it ended and `remove` waits for the
//! removal under way. When a removal failed half-way ("dead"), `stop` finds it ended, `wait` and
//! `remove` report why it fails. In both, `restart` and `update` are refused with status 500,
//! `unpause` by state, and the other transitions are conflicts. Whenever a transition fails, it
//! gives the handle back ([`TransitionError`]).

mod attach;
mod changes;
mod checkpoint;
mod commit;
mod copy;
mod create;
mod details;
mod doors;
mod exec;
mod find;
mod id;
mod kill;
mod list;
mod logs;
mod name;
mod pause;
mod prune;
mod remove;
mod rename;
mod resize;
mod restart;
mod run;
mod scrap;
pub mod spec;
mod start;
pub mod stats;
mod status;
mod stop;
#[cfg(feature = "terminal")]
pub mod terminal;
mod top;
mod update;
mod wait;

use std::fmt;

pub use attach::{Attach, AttachOutput, Attachable, Attached};
pub use changes::{Change, ChangeKind, Changes};
pub use checkpoint::{
    Checkpoint, CheckpointRunning, CheckpointSummary, ListCheckpoints, RemoveCheckpoint,
};
pub use commit::{Commit, CommitOptions};
pub use copy::{
    Archive, CopiedIn, CopyIn, Export, PathKind, PathStat, PutArchive, ReadFile, Stat, WriteFile,
};
#[cfg(unix)]
pub use copy::{Copied, CopyOut, LeftOut, LeftOutReason};
pub use create::Create;
pub(crate) use details::address;
pub use details::{
    ConfigDetails, ContainerDetails, EndpointDetails, EnvVars, Health, HealthCheckResult,
    HostConfigDetails, Inspect, MountPoint, NetworkSettings, PortBinding, RestartPolicyDetails,
    StateDetails,
};
pub use exec::{
    Exec, ExecDetach, ExecDetails, ExecHandle, ExecInspect, ExecSession, ExecStatus, OpenExec,
    Output,
};
pub use find::{Find, Lookup, LookupVerb};
pub use id::ContainerId;
pub use kill::{Kill, Signal};
pub use list::{
    ContainerSummary, List, NetworkAttachment, PortProtocol, PortSummary, RemoveAll, Removed,
};
pub use logs::{CollectLogs, CollectedLogs, LogLineStream, LogLines, LogReader, LogStream, Logs};
pub use name::{ContainerName, ContainerRef};
pub use pause::{Pause, Unpause};
pub use prune::{Prune, Pruned};
pub use remove::Remove;
pub use rename::Rename;
pub use resize::Resize;
pub use restart::Restart;
pub use run::{Run, RunOutput, RunStatus, Spawn};
pub use spec::ContainerSpec;
pub use start::{RunToExit, Start};
pub use status::{ExitStatus, Status};
pub use stop::Stop;
pub use top::{Processes, Top};
pub use update::{Update, Updated};
pub use wait::{Condition, Wait, WaitFor};

pub use crate::stream::AttachInput;

use crate::error::{Error, StateError};
use crate::stream::Stdin;
use crate::transport::Transport;
use crate::wire::Call;

mod sealed {
    pub trait State {}
}

/// A state in a container's life: [`Created`], [`Running`], [`Paused`], [`Exited`], or
/// [`Unknown`]. No others can be made.
pub trait State: sealed::State + fmt::Debug + Send + Sync + Unpin + 'static {}

macro_rules! states {
    ($($state:ident),*) => {$(
        impl sealed::State for $state {}
        impl State for $state {}
    )*};
}

states!(Created, Running, Paused, Exited, Unknown);

/// A state in which there is a process to start: [`Created`] and [`Exited`].
///
/// A bound instead of two methods, because rustc answers a missing `start` with a hint at
/// `restart`, and not with the states that have it.
#[diagnostic::on_unimplemented(
    message = "no method `start` on `Container<{Self}>`",
    label = "a container in this state cannot be started",
    note = "`start` is there on `Container<Created>` and `Container<Exited>`"
)]
pub trait Startable: State {}

impl Startable for Created {}
impl Startable for Exited {}

/// A state in which there are processes, frozen or not: [`Running`] and [`Paused`].
#[diagnostic::on_unimplemented(
    message = "this verb needs processes, and `Container<{Self}>` has none that are known of",
    label = "no such method on a container in this state",
    note = "`top`, `stop`, `kill` and `wait` are there on `Container<Running>` and `Container<Paused>`"
)]
pub trait Alive: State {}

impl Alive for Running {}
impl Alive for Paused {}

/// A state in which there is, or was, a process: [`Running`], [`Paused`] and [`Exited`].
#[diagnostic::on_unimplemented(
    message = "no method `restart` on `Container<{Self}>`",
    label = "a container in this state cannot be restarted",
    note = "`restart` is there on `Container<Running>`, `Container<Paused>` and `Container<Exited>`"
)]
pub trait Restartable: State {}

impl Restartable for Running {}
impl Restartable for Paused {}
impl Restartable for Exited {}

/// A state in which there are frozen processes: [`Paused`].
///
/// A bound, because rustc answers a missing `unpause` with a hint at `pause`.
#[diagnostic::on_unimplemented(
    message = "no method `unpause` on `Container<{Self}>`",
    label = "a container in this state is not frozen",
    note = "`unpause` is there on `Container<Paused>`"
)]
pub trait Frozen: State {}

impl Frozen for Paused {}

/// Made, and not yet started.
#[derive(Debug)]
pub struct Created {
    pub(crate) warnings: Vec<String>,
}

/// Its process runs.
#[derive(Debug)]
pub struct Running(pub(crate) ());

/// Its processes are frozen.
#[derive(Debug)]
pub struct Paused(pub(crate) ());

/// Its process has ended.
#[derive(Debug)]
pub struct Exited {
    pub(crate) status: ExitStatus,
}

/// Nobody knows: the handle's last verb failed, or it was let go of with
/// [`forget`](Container::forget).
#[derive(Debug, Clone)]
pub struct Unknown(pub(crate) ());

/// A container on an engine, in state `S`.
///
/// ```text
///  create ──▶ Created ──start──▶ Running ──pause──▶ Paused
///                │                │ ▲ │ ◀─unpause──   │
///                │         restart└─┘ │               │
///               run                   │ stop, kill,   │
///                │                    ▼ wait          │
///                └────────────────▶ Exited ◀──────────┘
///                                     │  start ──▶ Running
///            remove (from any state)  ▼
///                                   gone: there is no handle
/// ```
///
/// A verb exists only on the handle that can perform it, and a transition takes the handle and
/// gives back one in the new state. The type records what this handle saw last; the engine is
/// the truth, and a process may end at any time. A transition that fails returns the handle as
/// `Container<Unknown>` inside [`TransitionError`]; [`lookup`](Container::lookup) finds out where
/// the container really is.
///
/// Dropping a handle changes nothing on the engine.
#[must_use = "dropping a handle changes nothing on the engine; say `forget` or `remove`"]
pub struct Container<S: State = Unknown> {
    pub(crate) transport: Transport,
    pub(crate) id: ContainerId,
    pub(crate) traits: Traits,
    pub(crate) state: S,
}

/// What was settled when the container was created.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// Its output is a terminal's: no frames. `None` where nobody has looked yet.
    pub(crate) tty: Option<bool>,
    /// What its input is to who attaches. `None` as for `tty`.
    pub(crate) stdin: Option<Stdin>,
    /// The engine removes it once it exits.
    pub(crate) auto_remove: bool,
}

impl<S: State> fmt::Debug for Container<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Container").field(&self.id.short()).field(&self.state).finish()
    }
}

/// Only a handle that claims nothing can be copied.
impl Clone for Container<Unknown> {
    fn clone(&self) -> Self {
        Container {
            transport: self.transport.clone(),
            id: self.id.clone(),
            traits: self.traits,
            state: Unknown(()),
        }
    }
}

impl<S: State> From<&Container<S>> for ContainerRef {
    fn from(container: &Container<S>) -> ContainerRef {
        (&container.id).into()
    }
}

/// A transition that failed, and the handle it took.
///
/// What became of the container is not known: after a time-out nobody can say whether a start
/// happened. [`Container::lookup`] finds out.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct TransitionError {
    /// Why.
    #[source]
    pub error: Error,
    /// The container.
    pub container: Container<Unknown>,
}

impl From<TransitionError> for Error {
    fn from(e: TransitionError) -> Error {
        e.error
    }
}

impl<S: State> Container<S> {
    /// Return the container's full id.
    pub fn id(&self) -> &ContainerId {
        &self.id
    }

    /// Let go of what is known of the container's state.
    pub fn forget(self) -> Container<Unknown> {
        self.with(Unknown(()))
    }

    /// The same container in another state, as a verb gives it back.
    pub(crate) fn with<T: State>(self, state: T) -> Container<T> {
        Container { transport: self.transport.unlimited(), id: self.id, traits: self.traits, state }
    }

    /// The same container, for a verb that borrows its handle.
    pub(crate) fn share(&self) -> Container<Unknown> {
        Container {
            transport: self.transport.clone(),
            id: self.id.clone(),
            traits: self.traits,
            state: Unknown(()),
        }
    }

    fn resize_to(&self, rows: u16, cols: u16) -> Resize {
        Resize::new(self.transport.clone(), self.post("resize"), self.traits.tty, (rows, cols))
    }

    pub(crate) fn get(&self, noun: &str) -> Call {
        Call::get(&["containers", self.id.as_str(), noun])
    }

    pub(crate) fn post(&self, verb: &str) -> Call {
        Call::post(&["containers", self.id.as_str(), verb])
    }
}

impl Container<Unknown> {
    pub(crate) fn limit(&mut self, limit: std::time::Duration) {
        self.transport.limit(limit);
    }

    pub(crate) fn begin(&mut self) {
        self.transport.begin();
    }

    pub(crate) fn failed(self, error: Error) -> TransitionError {
        TransitionError { error, container: self.with(Unknown(())) }
    }

    /// Decide a transition that the engine refused: what counts is where the container is now.
    ///
    /// Engines differ in how they say "it is so already" and "not from this state" (304, 409,
    /// 500); the state is the same on all. `from` are the states the transition can set out from.
    pub(crate) async fn settle(
        self,
        error: Error,
        wanted: Status,
        from: &[&'static str],
    ) -> Result<(Container<Unknown>, details::Seen), TransitionError> {
        if !matches!(error.status(), Some(304 | 409 | 500)) {
            return Err(self.failed(error));
        }
        let Ok(seen) = details::see(&self).await else { return Err(self.failed(error)) };
        if *seen.status() == wanted {
            return Ok((self, seen));
        }
        let found = seen.status().as_str();
        match from.first() {
            // A 409 has words for it already; a 500 looks like the engine's own trouble.
            Some(wanted) if error.status() == Some(500) && !from.contains(&found) => {
                let error = Error::State(StateError {
                    container: self.id.as_str().to_owned(),
                    wanted,
                    found: found.to_owned(),
                });
                Err(self.failed(error))
            }
            _ => Err(self.failed(error)),
        }
    }
}

/// A container that is nowhere, for tests that look at calls.
#[cfg(test)]
pub(crate) fn example() -> Container<Unknown> {
    let host = crate::Host::parse("engine", "tcp://engine:1").unwrap();
    let limits = crate::Timeouts::default();
    Container {
        transport: Transport::new(host, "a test".into(), limits, None).unwrap(),
        id: serde_json::from_value("f00f00f00f00".into()).unwrap(),
        traits: Traits::default(),
        state: Unknown(()),
    }
}
