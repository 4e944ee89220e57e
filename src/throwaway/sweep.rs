//! Cleaning up after sessions whose process and lease are both dead: after a power cut, or when all
//! was killed at once.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use super::clean;
use super::record::Record;

/// What cannot be cleaned up within this is left to the next sweep.
const LIMIT: Duration = Duration::from_secs(30);

/// By a record that is so old, an engine cannot be reached that is gone for good.
const OLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Clean up by every record in the folder that nobody holds, and by no other.
pub(super) async fn sweep(folder: &Path) {
    let mut sessions = JoinSet::new();
    for record in dead(folder) {
        sessions.spawn(async move {
            // Locked until it is done: another sweep passes by.
            let Ok(told) = record.read() else { return };
            if clean::settle(record.session(), &told, LIMIT).await || record.age() > OLD {
                record.close();
            }
        });
    }
    sessions.join_all().await;
}

/// Take the records that nobody holds. One that is not finished yet has no engine in it, and is
/// just taken away.
fn dead(folder: &Path) -> Vec<Record> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter_map(|path| Record::take(path).ok().flatten()).collect()
}
