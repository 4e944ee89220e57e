//! A thread beside the program's own, with a runtime on it, for what must not depend on theirs.
//!
//! It is started by the first who needs it and never joined: it ends with the process.

use std::cell::Cell;
use std::future::pending;
use std::sync::{Mutex, PoisonError, mpsc};
use std::{io, process, thread};

use tokio::runtime::{Builder, Handle};

pub(crate) struct Aside {
    name: &'static str,
    running: Mutex<Option<Running>>,
}

struct Running {
    /// A child that was forked off has a copy of this, and no such thread.
    process: u32,
    runtime: Handle,
}

thread_local! {
    /// It has no destructor, and so it can be read while a thread is being taken down.
    static HERE: Cell<&'static str> = const { Cell::new("") };
}

impl Aside {
    /// Describe one. Its name is that of no other.
    pub(crate) const fn new(name: &'static str) -> Aside {
        Aside { name, running: Mutex::new(None) }
    }

    /// Return its runtime, which is driven by its thread; both are started if need be.
    pub(crate) fn runtime(&self) -> io::Result<Handle> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let process = process::id();
        if let Some(running) = running.as_ref().filter(|running| running.process == process) {
            return Ok(running.runtime.clone());
        }
        let (name, (say, hear)) = (self.name, mpsc::channel());
        // The runtime is made over there, because one that is of no use must not be dropped in here:
        // this may be a thread of another runtime.
        let keep = move || {
            HERE.set(name);
            match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    let _ = say.send(Ok(runtime.handle().clone()));
                    runtime.block_on(pending::<()>());
                }
                Err(error) => drop(say.send(Err(error))),
            }
        };
        thread::Builder::new().name(name.into()).spawn(keep)?;
        let runtime = hear.recv().map_err(io::Error::other)??;
        *running = Some(Running { process, runtime: runtime.clone() });
        Ok(runtime)
    }

    /// Say whether this is its own thread, which must not wait for itself.
    pub(crate) fn is_here(&self) -> bool {
        HERE.get() == self.name
    }
}
