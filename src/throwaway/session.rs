//! What the throwaway things of one process have in common: a label, a record, a lease.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, io, process};

use super::going::Going;
use super::keep::Keep;
use super::lease::Lease;
use super::record::{self, Line, Record};
use super::sweep;
use super::ways::Ways;
use crate::docker::Docker;
use crate::error::{Error, LeaseError};

/// The label that all things of a session bear.
pub(super) const SESSION: &str = "bowline.session";
/// The label that tells them apart.
pub(super) const ITEM: &str = "bowline.item";
/// The label that tells people where they came from.
pub(super) const OWNER: &str = "bowline.owner";

/// "off" does without the process that outlives this one.
const SWITCH: &str = "BOWLINE_LEASE";

/// A session that has lasted so long has its record brought onto the disk, for the case of a power
/// cut. A short one is not to wait for a disk at its end.
const SYNC: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Session {
    record: Record,
    /// `None` where it is switched off.
    lease: Mutex<Option<Lease>>,
    /// Those that the record names.
    engines: Mutex<BTreeSet<String>>,
    /// Those that the lease has been told of.
    ways: Mutex<Ways>,
    process: u32,
    count: AtomicU32,
    /// What of it is held, and what is being removed.
    pub(super) going: Going,
    pub(super) keep: Keep,
}

/// This process's session.
static HERE: Mutex<Option<Arc<Session>>> = Mutex::new(None);

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in there can be left half-done by a panic.
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Return this process's session, which begins with its first use, and make sure that somebody
    /// will clean up on this engine. It blocks for a few milliseconds the first time: on the keeper
    /// only.
    pub(super) fn of(docker: &Docker) -> Result<Arc<Session>, Error> {
        let session = Session::here(docker)?;
        session.lease(docker)?;
        session.tell_engine(docker)?;
        Ok(session)
    }

    /// Begin a session that other processes can join. It is over when none is in it any more.
    pub(super) fn begin_shared(docker: &Docker) -> Result<Arc<Session>, Error> {
        let own = Session::of(docker)?;
        let folder = own.folder();
        let record = Record::create(folder, &random())
            .map_err(|e| LeaseError::new(format!("write a record in {}", folder.display()), e))?;
        let session = own.share(docker, record)?;
        session.tell_engine(docker)?;
        Ok(session)
    }

    /// Join a session that another process has begun; `None` where it is over.
    pub(super) fn join(docker: &Docker, session: &str) -> Result<Option<Arc<Session>>, Error> {
        let own = Session::of(docker)?;
        match Record::join(own.folder().join(session)) {
            Ok(record) => own.share(docker, record).map(Some),
            // Gone, or being cleaned up by who has it alone.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::WouldBlock) => Ok(None),
            Err(e) => Err(LeaseError::new("join a shared session", e).into()),
        }
    }

    /// Be in another session too, and the lease with this process: for as long as that lives.
    fn share(&self, docker: &Docker, record: Record) -> Result<Arc<Session>, Error> {
        self.tell(Line::Share(record.session()))?;
        self.lease(docker)?;
        if let Some(lease) = &*lock(&self.lease) {
            let told = lease.read_again();
            told.map_err(|e| LeaseError::new("tell the process that cleans up", e))?;
        }
        Ok(Arc::new(Session {
            record,
            lease: Mutex::new(None),
            engines: Mutex::default(),
            ways: Mutex::default(),
            process: self.process,
            count: AtomicU32::new(0),
            going: Going::new(),
            keep: self.keep,
        }))
    }

    /// Return the folder of records.
    pub(super) fn folder(&self) -> &Path {
        self.record.folder()
    }

    fn here(docker: &Docker) -> Result<Arc<Session>, Error> {
        let mut here = lock(&HERE);
        // A child that was forked off has sessions of its own.
        if let Some(session) = here.as_ref().filter(|session| session.is_of_this_process()) {
            return Ok(session.clone());
        }
        let keep = Keep::asked()?;
        let folder =
            record::folder().map_err(|e| LeaseError::new("find a folder for records", e))?;
        let record = Record::create(&folder, &random())
            .map_err(|e| LeaseError::new(format!("write a record in {}", folder.display()), e))?;
        let session = Arc::new(Session {
            record,
            lease: Mutex::new(None),
            engines: Mutex::default(),
            ways: Mutex::default(),
            process: process::id(),
            count: AtomicU32::new(0),
            going: Going::new(),
            keep,
        });
        keep.begin(&session)?;
        *here = Some(session.clone());
        // Beside what was asked for, which does not wait for it. Who died on the same engine went
        // there as we do.
        let mut ways = Ways::default();
        ways.add(docker);
        tokio::spawn(async move { sweep::sweep(&folder, ways).await });
        Ok(session)
    }

    /// This process ends by itself.
    pub(super) fn ends() {
        // Who holds it is no longer served. There may be other threads still.
        let Ok(here) = HERE.try_lock() else { return };
        if let Some(session) = here.as_ref().filter(|session| session.is_of_this_process()) {
            let _ = session.tell(Line::Ended);
        }
    }

    /// See to it that the lease runs, and knows the way to this engine. It may have been killed.
    fn lease(&self, docker: &Docker) -> Result<(), Error> {
        let on = match env::var_os(SWITCH) {
            None => true,
            Some(value) if value == "on" || value.is_empty() => true,
            Some(value) if value == "off" => false,
            Some(value) => {
                let value = value.to_string_lossy();
                return Err(Error::invalid(SWITCH, value, "must be \"on\" or \"off\""));
            }
        };
        let mut lease = lock(&self.lease);
        let mut ways = lock(&self.ways);
        let mut news = ways.add(docker);
        if !on {
            *lease = None;
        } else if !lease.as_ref().is_some_and(Lease::is_alive) {
            let started = Lease::start(self.record.path());
            let what = "start the process that cleans up (BOWLINE_LEASE=off does without)";
            *lease = Some(started.map_err(|e| LeaseError::new(what, e))?);
            news = true;
        }
        let told = match &*lease {
            Some(lease) if news && !ways.is_empty() => lease.tell(&ways),
            _ => Ok(()),
        };
        if let Err(e) = told {
            // Who has heard half of it hears no more. To close its socket would tell it that this
            // process has ended, so it stays open until then.
            std::mem::forget(lease.take());
            return Err(LeaseError::new("tell the way to the process that cleans up", e).into());
        }
        Ok(())
    }

    fn tell_engine(&self, docker: &Docker) -> Result<(), Error> {
        let host = docker.host();
        let url = Ways::url(docker);
        if host.socket_path().is_some_and(|path| path.to_str().is_none()) {
            let rule = "must be UTF-8 for throwaway containers: their record is";
            return Err(Error::invalid("socket path", url, rule));
        }
        if !lock(&self.engines).insert(url.clone()) {
            return Ok(());
        }
        self.tell(Line::Engine(&url))?;
        if let Ok(sync) = self.record.sync() {
            tokio::spawn(async move {
                tokio::time::sleep(SYNC).await;
                tokio::task::spawn_blocking(sync);
            });
        }
        Ok(())
    }

    pub(super) fn tell(&self, line: Line<'_>) -> Result<(), Error> {
        let told = self.record.tell(line);
        Ok(told.map_err(|e| LeaseError::new("write to its record", e))?)
    }

    /// Return the session's name.
    pub(super) fn id(&self) -> &str {
        self.record.session()
    }

    /// Return a label for one thing more.
    pub(super) fn item(&self) -> String {
        format!("{}-{}", self.id(), self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Return who made the things: the program and its process id.
    pub(super) fn owner(&self) -> String {
        let program = env::current_exe().ok();
        let name = program.as_ref().and_then(|program| program.file_name()?.to_str());
        format!("{}:{}", name.unwrap_or("?"), self.process)
    }

    /// Say whether things are removed even if this process ends now.
    pub(super) fn outlives(&self) -> bool {
        lock(&self.lease).as_ref().is_some_and(Lease::is_alive)
    }

    pub(super) fn is_of_this_process(&self) -> bool {
        self.process == process::id()
    }
}

/// A name that no other session has: 12 hexadecimal digits.
fn random() -> String {
    // The hasher's keys are the system's random numbers.
    let random = RandomState::new().hash_one((process::id(), std::time::SystemTime::now()));
    format!("{:012x}", random >> 16)
}

impl From<LeaseError> for Error {
    fn from(e: LeaseError) -> Error {
        Error::Lease(e)
    }
}

/// The keeper's thread could not be started.
pub(super) fn no_thread(e: io::Error) -> Error {
    LeaseError::new("start a thread", e).into()
}
