//! Cleaning up after sessions whose process and lease are both dead: after a power cut, or when all
//! was killed at once.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use super::clean;
use super::record::Record;
use super::slot;
use super::ways::Ways;

/// What cannot be cleaned up within this is left to the next sweep.
const LIMIT: Duration = Duration::from_secs(30);

/// By a record that is so old, an engine cannot be reached that is gone for good.
const OLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Clean up by every record in the folder that nobody holds, and by no other.
pub(super) async fn sweep(folder: &Path, ways: Ways) {
    let mut sessions = JoinSet::new();
    for record in dead(folder) {
        let ways = ways.clone();
        sessions.spawn(async move {
            // Locked until it is done: another sweep passes by.
            let Ok(told) = record.read() else { return };
            if clean::settle(record.session(), &told, &ways, LIMIT).await || record.age() > OLD {
                record.close();
            }
        });
    }
    sessions.join_all().await;
    slot::tidy(folder);
}

/// Take the records that nobody holds. One that is not finished yet has no engine in it, and is
/// just taken away.
fn dead(folder: &Path) -> Vec<Record> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let records = entries.flatten().map(|entry| entry.path()).filter(|path| is_record(path));
    records.filter_map(|path| Record::take(path).ok().flatten()).collect()
}

/// Whatever else somebody has put there is not ours to take away.
fn is_record(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let session = name.strip_suffix(".new").unwrap_or(name);
    session.len() == 12 && session.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_records_of_the_dead_are_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let held = Record::create(dir.path(), "0123456789ab").unwrap();
        drop(Record::create(dir.path(), "ab0123456789").unwrap());
        for name in ["cd0123456789.new", "notes.txt", "0123456789abc"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        sweep(dir.path(), Ways::default()).await;
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["0123456789ab", "0123456789abc", "notes.txt"]);
        drop(held);
    }
}
