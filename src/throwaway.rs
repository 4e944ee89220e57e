//! Containers for tests: gone when you are, however you go.
//!
//! ```no_run
//! use bowline::Docker;
//! use bowline::throwaway::Ready;
//!
//! #[tokio::test]
//! async fn the_cache_is_filled() -> Result<(), Box<dyn std::error::Error>> {
//!     let docker = Docker::connect().await?;
//!     let ready = Ready::log("Ready to accept connections");
//!     let redis = docker.throwaway("redis:7").publish(6379).ready(ready).await?;
//!     let client = std::net::TcpStream::connect(redis.addr(6379)?)?;
//!     Ok(())
//! }
//! ```
//!
//! Nothing more is needed: no image is pulled for it, no port is opened, no socket is mounted, and
//! `main` may be libtest's.
//!
//! # What is promised
//!
//! | the handle, or the process | what removes the container |
//! |---|---|
//! | [`close`](Throwaway::close) | it does, and says so, or says why not |
//! | is dropped: by a test that passes, panics or fails an assertion; in any runtime or none, in a `LocalSet`, in a task at the shutdown of its runtime, on a plain thread, while unwinding | a thread of this crate; the drop does not wait for it |
//! | lies in a `static`; was forgotten (`mem::forget`) | the lease, when the process ends |
//! | a start fails | the start, before its error is seen |
//! | a start is dropped half-way, or its answer from the engine is lost | a thread of this crate, once the engine has made what it was asked for |
//! | `process::exit`, `abort`, a segmentation fault, `exec` of another program | the lease |
//! | SIGINT, SIGTERM, SIGHUP, SIGQUIT or SIGKILL, to the process or to its group; also while containers are being made | the lease |
//! | the process and its lease are killed together; the machine loses power | the next process of this user that starts a throwaway container |
//! | [`keep`](Throwaway::keep) | nobody |
//!
//! The same holds for [networks](Docker::throwaway_network), [volumes](Docker::throwaway_volume) and
//! [images](Docker::throwaway_image) that were made to be thrown away. Volumes without names go with
//! their container, and images that bear the session's label, such as
//! one made of the container by [`commit`](Container::commit).
//!
//! All of this was done on Docker 20.10 on Linux, and is done by `tests/throwaway` each time it runs;
//! for a loss of power, both processes are killed at once.
//! From the end of the process until nothing was left took a tenth of a second for one container and
//! half a second for eight, on a machine with little else to do; that is the time that the engine itself
//! takes.
//!
//! # The lease
//!
//! The first throwaway container of a process starts a second process, the *lease*: the same program
//! once more, which a hook turns into one that waits before its `main` begins. It holds one end of a
//! pair of sockets. When this process ends, be it by SIGKILL, the kernel closes the other end, and the
//! lease removes what bears the session's label, waits for what was being created, and ends. It is in
//! a session of its own, holds no file of this process open, least of all its output, and takes about
//! 5 ms to start. One that was killed is replaced by the next start.
//!
//! Where it cannot be started, nothing is: [`Error::Lease`] says why. `BOWLINE_LEASE=off` does without
//! it. Then who lets go of the last handle waits until all are gone that are going, for 10 s at most;
//! and what a process leaves behind that ends in another way is for the next.
//!
//! Programs that use this crate and no throwaway container pay for the hook with one look at an
//! environment variable. The feature `throwaway` can be switched off.
//!
//! # Sharing
//!
//! A [`Shared`] in a `static` is one container for all who ask for it: started once, by the first,
//! also where many ask at once, each in a runtime of its own; the runtime that began it may end.
//! If it does not start, all who ask in this process are told the same, and it is not tried again.
//!
//! Without more, "all" are the tests of one program, and the container goes as any other of the
//! process does. In a run of several processes, it is all of them: the first that asks starts it, the
//! others wait until it is ready, and use it. A run is named by `BOWLINE_RUN`, else by
//! `NEXTEST_RUN_ID`, which `cargo nextest` sets; `BOWLINE_RUN` is for programs that `cargo test` starts
//! one after another. Processes share a container if they are of one user and one run, on one engine,
//! and if the name and the whole configuration are the same: a recipe that makes up a password makes
//! up a container.
//!
//! | of the processes that use it | the container |
//! |---|---|
//! | the first dies while it starts it, by SIGKILL too | the next starts another; what is there of the first is gone 2 s after its end |
//! | one ends, in any way, and others live | stays |
//! | the last one ends, in any way, SIGKILL too | is gone 2 s later, unless another has come to use it |
//! | one finds that it has ended | is followed by another |
//! | it does not start | the process that tried tells why; the next that asks tries again |
//! | all are killed together with their leases; the machine loses power | is removed by the next process of this user that starts a throwaway container |
//!
//! A process uses it from when it asked until its own end, whatever it drops. With
//! `BOWLINE_LEASE=off` nobody is there to clean up after the last: the next process does, and that may
//! be the next of the run.
//!
//! # Reuse
//!
//! [`reuse`](StartThrowaway::reuse) leaves the container to the next run, which saves the time of its
//! start: *nobody removes it*, whatever becomes of this process. It is found again by the name that
//! is given here and by its whole configuration: all that is sent to create it, the image's id, and
//! what is copied into it, of the local disk by the files' names, sizes and times.
//! When it is found it is waited for until it is [`ready`](StartThrowaway::ready), and where it is
//! not, it is removed unless somebody uses it; one that does not run any more is replaced.
//! [`close`](Throwaway::close) and dropping let go of it, and no more.
//!
//! A start with the same name and another configuration makes another container, and removes the
//! one before if it was made by this user on this machine and no process holds a handle of it.
//! The last of each name is yours to remove:
//!
//! ```sh
//! docker rm --force --volumes $(docker ps --all --quiet --filter label=bowline.reuse=NAME)
//! ```
//!
//! or here, without `=NAME` for all of them:
//!
//! ```no_run
//! # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
//! let reused = docker.containers().all().label("bowline.reuse=NAME");
//! let removed = reused.remove().force().volumes().await?;
//! # Ok(()) }
//! ```
//!
//! # The record, and the sweep
//!
//! What a process has on which engine stands in a file, in `$XDG_STATE_HOME/bowline`, else
//! `~/.local/state/bowline`, else `/var/tmp/bowline-<uid>`. The process and its lease hold a lock on it,
//! which the kernel frees when both are dead. The first throwaway container of a process looks for
//! records that nobody holds, beside its own start, and removes what they name. What no such record
//! names is never touched: not a living neighbour's things, not another user's or another machine's.
//! An engine that cannot be reached then is tried again by the next, for a week.
//!
//! # A test that fails
//!
//! A handle that is dropped while its thread panics prints, on that thread, where libtest catches it,
//! what state the container is in and its last lines: 50 of each stream, and 16 KiB. It takes no
//! longer than 5 s, also with an engine that does not answer. To see all lines as they come there is
//! [`forward_logs`](StartThrowaway::forward_logs).
//!
//! `BOWLINE_KEEP` leaves containers for a look at them, with their networks, volumes and images, and
//! prints the commands to look at each and to remove it:
//!
//! | value | what is left |
//! |---|---|
//! | `never`, empty, or not set | nothing |
//! | `failed` | what is dropped while its thread panics; what does not start; and, where the process is ended by a signal or `abort`, or anything in it has panicked, what it holds then, such as in a `static` |
//! | `always` | everything, [`close`](Throwaway::close) or not |
//!
//! Any other value is an error of the first start. What is left is nobody's any more: no lease, no
//! sweep and no other process removes it, so do it when you have seen enough. When the first one is
//! started the process prints on its standard error by which label it is all listed.
//!
//! A test that fails by returning an error drops its handles as one that passes does, and an exit code
//! is told to nobody but the parent: there `always` helps, or an `unwrap`. A panic that was expected
//! counts as one that was not. Of what several processes share nobody can tell which of them failed:
//! it is left by `always` alone.
//!
//! # Labels
//!
//! | label | value |
//! |---|---|
//! | `bowline.session` | the session, which is this process's, or that of a container which is shared; what is reused has none |
//! | `bowline.item` | the session and a number |
//! | `bowline.owner` | the program and its process id |
//! | `bowline.reuse` | the name by which it is reused |
//! | `bowline.config` | the first half of a SHA-256 of what it is reused by; no secret can be read from it, but one that can be guessed can be confirmed |
//!
//! # Limits
//!
//! - The lease lives where the process does. A machine that is switched off takes it along, and so does
//!   a container whose first process ends, be it in peace: in `docker run … cargo test` what lies in a
//!   `static` has only until cargo ends. Then the sweep is what is left, and it needs the folder of the
//!   records to be there: mount one, or close what was started.
//! - Records are told from those of the living by locks. A folder of records that several machines
//!   share must be on a file system that shares locks too.
//! - A volume that a container's spec names and that was not there is made by the engine, without a
//!   label, and stays: name one made by [`throwaway_volume`](Docker::throwaway_volume).
//! - The lease reaches an engine by its address, the environment that it was started in, and what this
//!   process has of TLS for it, keys included: that goes over the socket and stays in memory. The next
//!   process, which sweeps, has its own environment, and of keys those for the engine that it starts
//!   things on first.
//! - An engine by `ssh` is cleaned by `ssh`, which has nobody to ask: where the agent ends together
//!   with the process, so do its keys.
//! - A child that was forked off without `exec` keeps the lease waiting until it ends too, and what is
//!   shared in use. The handles it has inherited remove nothing.
//! - A program that closes files which it has not opened closes the lease's socket, and that is taken
//!   for its end.
//! - A pull of which nobody waits for the end any more may go on for 10 s.
//! - Of a build, the stages before the last, and the steps of one that failed or was broken off, stay
//!   in the engine's build cache, as with `docker build`: they bear no label.
//! - Where the kernel does not say which program a process is (`/proc` is not mounted), there is no
//!   lease.

mod addr;
mod built;
mod clean;
mod companion;
mod digest;
mod going;
mod guard;
mod keep;
mod keeper;
mod lease;
mod making;
mod need;
mod prefix;
mod ready;
mod record;
mod reuse;
mod run;
mod session;
mod shared;
mod slot;
mod source;
mod start;
mod story;
mod sweep;
mod together;
mod ways;
mod words;

use std::ops::Deref;
use std::sync::Arc;

pub use addr::{Addresses, ContainerPort, Family, HostPort, NoAddress, NoAddressReason};
pub use built::BuildThrowawayImage;
pub use companion::{
    CreateThrowawayNetwork, CreateThrowawayVolume, ThrowawayImage, ThrowawayNetwork,
    ThrowawayVolume,
};
pub use ready::{NotReady, NotReadyCause, NotYet, Readiness, Ready, Subject, Waited};
pub use shared::{Shared, SharedError};
pub use source::Source;
pub use start::StartThrowaway;
pub use story::{Attempt, StartCause, StartError, StartPhase, Story};
pub use together::{all, close};

use crate::container::{Container, ContainerSpec, Running};
use crate::docker::Docker;
use crate::error::Error;
use guard::{Guard, Thing};
use need::Place;
use session::Session;

impl Docker {
    /// Start a container that is gone when its handle is, or this process.
    ///
    /// Takes an image's name, or a whole [`ContainerSpec`]. The image is pulled where it is not
    /// there. What is promised is in [`throwaway`](crate::throwaway).
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// use bowline::throwaway::Ready;
    ///
    /// let ready = Ready::log("Ready to accept connections");
    /// let redis = docker.throwaway("redis:7").publish(6379).ready(ready).await?;
    /// let client = std::net::TcpStream::connect(redis.addr(6379)?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StartError`] tells what failed and what the container looked like then; it is removed
    /// before the error is seen. As [`create`](Docker::create) and [`Container::start`] fail; it
    /// does not become ready; or nobody would clean up after this process ([`Error::Lease`]).
    pub fn throwaway(&self, spec: impl Into<ContainerSpec>) -> StartThrowaway {
        StartThrowaway::new(self.clone(), spec.into())
    }
}

/// A container that is gone when this is dropped.
///
/// It derefs to the [`Container<Running>`] that it is. Dropping it never panics, in any runtime or
/// none: the removal is done on a thread of this crate's own, and the drop does not wait for it
/// unless nobody else would finish it (see [`throwaway`](crate::throwaway)).
#[derive(Debug)]
#[must_use = "the container is removed when this is dropped"]
pub struct Throwaway {
    name: String,
    container: Container<Running>,
    addresses: Addresses,
    /// Where others find it.
    place: Place,
    guard: Guard,
}

impl Throwaway {
    /// Hold one that runs and that others remove.
    async fn found(
        docker: &Docker,
        session: Arc<Session>,
        container: Container<Running>,
    ) -> Result<Throwaway, Error> {
        let details = container.inspect().await?;
        let (addresses, place) = (Addresses::of(docker, &details).await, Place::of(&details));
        let thing = Thing::Container(container.id().clone(), details.name.clone());
        let guard = Guard::idle(session, docker.clone(), thing);
        Ok(Throwaway { name: details.name, container, addresses, place, guard })
    }

    /// Return the container's name, which is that of no other.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Return where a client on this machine reaches a port, by IPv4 if it can be.
    ///
    /// As of the start: a restart may move it.
    ///
    /// # Errors
    /// The port is not published, or not to be reached from here.
    pub fn addr(&self, port: impl Into<ContainerPort>) -> Result<HostPort, NoAddress> {
        self.addresses.get(port)
    }

    /// Return where all its ports are reached, as of the start.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Remove the container, and wait until it is gone. Of one that is
    /// [reused](StartThrowaway::reuse), let go.
    ///
    /// Dropped half-way, the removal goes on.
    ///
    /// # Errors
    /// The engine does not remove it, or cannot be reached. It is tried again when this process
    /// ends.
    pub async fn close(self) -> Result<(), Error> {
        self.guard.remove().await
    }

    /// Let the container live on: nobody removes it then, whatever becomes of this process.
    ///
    /// # Errors
    /// That it is to stay could not be written down; it is removed.
    pub fn keep(self) -> Result<Container<Running>, Error> {
        self.guard.keep()?;
        Ok(self.container)
    }
}

impl Deref for Throwaway {
    type Target = Container<Running>;

    fn deref(&self) -> &Container<Running> {
        &self.container
    }
}
