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
//! ends the restarts of a restarting one. While a container is being removed, and when a removal
//! failed half-way ("dead"), `stop` and `wait` find it ended, `remove` waits for the removal under
//! way or reports why it fails, and all other transitions are conflicts. In any case of failure a
//! transition gives the handle back ([`TransitionError`]).

mod changes;
mod commit;
mod copy;
mod create;
mod details;
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
mod restart;
mod run;
mod scrap;
pub mod spec;
mod start;
mod status;
mod stop;
mod update;
mod wait;

use std::fmt;

pub use changes::{Change, ChangeKind, Changes};
pub use commit::{Commit, CommitOptions};
pub use copy::{
    Archive, Copied, CopiedIn, CopyIn, CopyOut, Export, LeftOut, LeftOutReason, PathKind, PathStat,
    PutArchive, ReadFile, Stat, WriteFile,
};
pub use create::Create;
pub use details::{
    ConfigDetails, ContainerDetails, EndpointDetails, EnvVars, Health, HealthCheckResult,
    HostConfigDetails, Inspect, MountPoint, NetworkSettings, PortBinding, RestartPolicyDetails,
    StateDetails,
};
pub use exec::{Exec, ExecDetach, ExecDetails, ExecInspect, ExecSession, ExecStatus, Output};
pub use find::{Find, Lookup, LookupVerb};
pub use id::ContainerId;
pub use kill::{Kill, Signal};
pub use list::{
    ContainerSummary, List, NetworkAttachment, PortProtocol, PortSummary, RemoveAll, Removed,
};
pub use logs::{CollectLogs, CollectedLogs, LogStream, Logs};
pub use name::ContainerName;
pub use pause::{Pause, Unpause};
pub use prune::{Prune, Pruned};
pub use remove::Remove;
pub use rename::Rename;
pub use restart::Restart;
pub use run::{Run, RunOutput, RunStatus, Spawn};
pub use spec::ContainerSpec;
pub use start::{RunToExit, Start};
pub use status::{ExitStatus, Status};
pub use stop::Stop;
pub use update::{Update, Updated};
pub use wait::{Condition, Wait, WaitFor};

use crate::error::{Error, StateError};
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

impl Container<Created> {
    /// Return what the engine had to remark when it made the container.
    pub fn warnings(&self) -> &[String] {
        &self.state.warnings
    }

    /// Start the process and wait for its end.
    ///
    /// The wait is armed before the start, so that no exit is missed, however short the process
    /// and even if the container removes itself.
    ///
    /// # Errors
    /// As [`start`](Container::start) and [`wait`](Container::wait).
    pub fn run(self) -> RunToExit {
        RunToExit::new(self.forget())
    }
}

impl Container<Running> {
    /// Run a second process in the container: `docker exec`.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
    /// let listing = web.exec(["ls", "-la", "/"]).env("LANG", "C").output().await?;
    /// assert!(listing.status.success());
    /// print!("{}", listing.stdout_lossy());
    /// # Ok(()) }
    /// ```
    pub fn exec<A: Into<String>>(&self, command: impl IntoIterator<Item = A>) -> Exec {
        Exec::new(self.share(), command.into_iter().map(Into::into).collect())
    }

    /// Freeze all processes of the container: `docker pause`.
    ///
    /// # Errors
    /// It no longer runs ([`is_conflict`](Error::is_conflict)). Frozen already is no error.
    pub fn pause(self) -> Pause {
        Pause::new(self.forget())
    }

    /// Ask the process to end, and kill it if it does not: `docker stop`.
    ///
    /// # Errors
    /// As every call. A container that has ended already is no error.
    pub fn stop(self) -> Stop {
        Stop::new(self.forget())
    }

    /// Kill the process, or send it another signal: `docker kill`.
    ///
    /// # Errors
    /// As every call. A container that has ended already is no error.
    pub fn kill(self) -> Kill {
        Kill::new(self.forget())
    }

    /// Stop the process and start it again: `docker restart`.
    ///
    /// # Errors
    /// As every call; a container that removes itself may be gone.
    pub fn restart(self) -> Restart {
        Restart::new(self.forget())
    }

    /// Wait for the process to end: `docker wait`.
    ///
    /// There is no time limit unless [`Wait::timeout`] sets one. With a restart policy the
    /// container may be running again by the time this returns.
    ///
    /// # Errors
    /// The container is removed meanwhile, or the engine goes away for good.
    pub fn wait(self) -> Wait {
        Wait::new(self.forget())
    }
}

impl Container<Paused> {
    /// Ask the process to end, and kill it if it does not: `docker stop`. The engine thaws it
    /// for that.
    ///
    /// # Errors
    /// As every call. Podman refuses: unpause first.
    pub fn stop(self) -> Stop {
        Stop::new(self.forget())
    }

    /// Kill the process, or send it another signal: `docker kill`. Docker thaws the container
    /// for any signal.
    ///
    /// # Errors
    /// As every call.
    pub fn kill(self) -> Kill {
        Kill::new(self.forget())
    }

    /// Stop the process and start it again: `docker restart`.
    ///
    /// # Errors
    /// As every call.
    pub fn restart(self) -> Restart {
        Restart::new(self.forget())
    }

    /// Wait for the process to end: `docker wait`. Somebody else must thaw or kill it.
    ///
    /// # Errors
    /// As for a running container.
    pub fn wait(self) -> Wait {
        Wait::new(self.forget())
    }
}

impl Container<Exited> {
    /// Return how the process ended.
    pub fn status(&self) -> ExitStatus {
        self.state.status
    }

    /// Start the process again: `docker restart`, which for an exited container is a start.
    ///
    /// # Errors
    /// As [`start`](Container::start).
    pub fn restart(self) -> Restart {
        Restart::new(self.forget())
    }
}

impl<S: State> Container<S> {
    /// Start the process, for the first time or again: `docker start`. From [`Created`] and
    /// [`Exited`] only.
    ///
    /// # Errors
    /// The command is not found or cannot be run (status 400), a port is taken, the image's
    /// layers are gone. The container stays as it is; the handle is in the error.
    pub fn start(self) -> Start
    where
        S: Startable,
    {
        Start::new(self.forget())
    }

    /// Let the processes go on: `docker unpause`. From [`Paused`] only.
    ///
    /// # Errors
    /// As every call. Running already is no error.
    pub fn unpause(self) -> Unpause
    where
        S: Frozen,
    {
        Unpause::new(self.forget())
    }

    /// Ask for everything the engine knows of the container: `docker inspect`.
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](Error::is_not_found)).
    pub fn inspect(&self) -> Inspect {
        Inspect::new(self.share())
    }

    /// Find out in which state the container really is.
    ///
    /// # Errors
    /// The engine could not be asked; the handle is in the error. A container that is gone is no
    /// error but [`Lookup::Gone`].
    pub fn lookup(self) -> LookupVerb {
        LookupVerb::new(self.forget())
    }

    /// Read what the container has printed: `docker logs`.
    ///
    /// # Errors
    /// Its logging driver cannot be read (status 501); it is gone.
    pub fn logs(&self) -> Logs {
        Logs::new(self.share())
    }

    /// Wait for something to happen to the container, whatever state it is in.
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](Error::is_not_found)).
    pub fn wait_for(&self, condition: Condition) -> WaitFor {
        WaitFor::new(self.share(), condition)
    }

    /// Ask what the container has changed of its image's files: `docker diff`.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
    /// for change in web.changes().await? {
    ///     println!("{} {}", change.kind.letter(), change.path);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](Error::is_not_found)).
    pub fn changes(&self) -> Changes {
        Changes::new(self.share())
    }

    /// Make an image of the container's files: `docker commit`.
    ///
    /// # Errors
    /// The container is being removed ([`is_conflict`](Error::is_conflict)).
    pub fn commit(&self, options: impl Into<CommitOptions>) -> Commit {
        Commit::new(self.share(), options.into())
    }

    /// Give the container another name: `docker rename`.
    ///
    /// # Errors
    /// The name breaks the rule (before anything is sent), or is taken
    /// ([`is_conflict`](Error::is_conflict)); the container is between two runs of its restart
    /// policy ([`Error::State`]).
    pub fn rename(&self, name: impl Into<String>) -> Rename {
        Rename::new(self.share(), name.into())
    }

    /// Change what the container may use, and its restart policy: `docker update`.
    ///
    /// # Errors
    /// The engine cannot apply a value; the container is being removed.
    pub fn update(&self) -> Update {
        Update::new(self.share())
    }

    /// Remove the container: `docker rm`.
    ///
    /// # Errors
    /// It runs, and [`force`](Remove::force) was not said ([`is_conflict`](Error::is_conflict));
    /// the handle is in the error. A container that is gone already is no error.
    pub fn remove(self) -> Remove {
        Remove::new(self.forget())
    }
}
