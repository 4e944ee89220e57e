//! The sessions that a process is in beside others, as its lease holds them.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::CLEAN;
use crate::throwaway::clean;
use crate::throwaway::record::Record;
use crate::throwaway::slot;
use crate::throwaway::ways::Ways;

/// What is shared is kept so long for the next process. The tests of a run are started one after
/// another, and there are moments in which none runs.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Shares {
    held: BTreeMap<String, Record>,
}

impl Shares {
    /// Hold all that the process's record names, but for those that are over.
    pub(super) fn join(&mut self, own: &Record) -> io::Result<()> {
        let mut all = Ok(());
        for session in own.read()?.shared {
            if self.held.contains_key(&session) {
                continue;
            }
            match Record::join(own.folder().join(&session)) {
                Ok(record) => drop(self.held.insert(session, record)),
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => all = all.and(Err(e)),
            }
        }
        all
    }

    /// The process has ended: clean up by those that nobody else is in, in a while. Returns whether
    /// all was done.
    pub(super) async fn leave(self, ended: Instant, ways: Ways) -> bool {
        if self.held.is_empty() {
            return true;
        }
        tokio::time::sleep_until((ended + LINGER).into()).await;
        let mut sessions = JoinSet::new();
        for record in self.held.into_values() {
            // Whoever else is in it stays in it.
            let Ok(Some(record)) = record.alone() else { continue };
            sessions.spawn(end(record, ways.clone()));
        }
        sessions.join_all().await.into_iter().all(|clean| clean)
    }
}

async fn end(record: Record, ways: Ways) -> bool {
    let Ok(told) = record.read() else { return false };
    let clean = clean::settle(record.session(), &told, &ways, CLEAN).await;
    if clean {
        let folder = record.folder().to_owned();
        record.close();
        slot::tidy(&folder);
    }
    clean
}
