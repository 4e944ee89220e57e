//! Files by which the processes of a user agree on who starts a container, and which one it is.
//!
//! Who has one locked for himself alone looks for the container, or starts it; the others wait. Dies
//! he half-way, the kernel frees the lock, and the next finds what there is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// What the name of a file ends with that says which container a run shares.
pub(super) const SHARED: &str = "shared";

/// A file that is locked: for who drops it no longer.
#[derive(Debug)]
pub(super) struct Slot {
    file: File,
    path: PathBuf,
}

impl Slot {
    /// Lock it for oneself alone, as soon as nobody else has.
    pub(super) async fn wait(path: PathBuf) -> io::Result<Slot> {
        let locked = move || loop {
            if let Some(slot) = Slot::lock(&path, FlockOperation::LockExclusive)? {
                return Ok(slot);
            }
        };
        tokio::task::spawn_blocking(locked).await?
    }

    /// Lock it for oneself alone; `None` where somebody has it, or it has just been taken away.
    pub(super) fn alone(path: &Path) -> io::Result<Option<Slot>> {
        Slot::lock(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Lock it beside others; `None` where somebody has it alone, or it has just been taken away.
    pub(super) fn beside_others(path: &Path) -> io::Result<Option<Slot>> {
        Slot::lock(path, FlockOperation::NonBlockingLockShared)
    }

    fn lock(path: &Path, how: FlockOperation) -> io::Result<Option<Slot>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        Slot::locked(options.open(path)?, path, how)
    }

    fn locked(file: File, path: &Path, how: FlockOperation) -> io::Result<Option<Slot>> {
        loop {
            match flock(&file, how) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
        // It may have been taken away while it was waited for; another may be in its place.
        let there = file.metadata()?.nlink() > 0;
        Ok(there.then(|| Slot { file, path: path.to_owned() }))
    }

    pub(super) fn read(&self) -> io::Result<String> {
        let (mut file, mut text) = (&self.file, Vec::new());
        file.rewind()?;
        file.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }

    /// Say whether nobody else has it any more. It may be lost by this: for who leaves.
    pub(super) fn is_alone(&self) -> bool {
        flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Take the file away. For who has it alone.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What the file of a shared container says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) session: String,
    /// The container; `None` while it is being started.
    pub(super) container: Option<String>,
}

impl Entry {
    /// A line that is cut off says nothing.
    pub(super) fn parse(text: &str) -> Option<Entry> {
        let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
        let session = lines.next()?.to_owned();
        Some(Entry { session, container: lines.next().map(ToOwned::to_owned) })
    }

    pub(super) fn text(&self) -> String {
        let lines = [Some(&self.session), self.container.as_ref()];
        lines.into_iter().flatten().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// Take away the files of containers whose sessions are over.
pub(super) fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|end| end != SHARED) {
            continue;
        }
        // Who has it looks after it.
        let Ok(Some(slot)) = Slot::alone(&path) else { continue };
        let entry = slot.read().ok().and_then(|text| Entry::parse(&text));
        if entry.is_none_or(|entry| !folder.join(entry.session).exists()) {
            slot.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_half_of_one_is_less() {
        let entry = Entry { session: "0123".into(), container: Some("abc".into()) };
        assert_eq!(Entry::parse(&entry.text()), Some(entry.clone()));
        let begun = Entry { container: None, ..entry.clone() };
        assert_eq!(Entry::parse(&begun.text()), Some(begun.clone()));
        assert_eq!(Entry::parse("0123\nab"), Some(begun));
        assert_eq!(Entry::parse("012"), None);
        assert_eq!(Entry::parse(""), None);
    }

    #[tokio::test]
    async fn one_has_it_and_the_next_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.shared");
        let first = Slot::wait(path.clone()).await.unwrap();
        first.write("longer than the next\n").unwrap();
        assert!(Slot::alone(&path).unwrap().is_none());
        assert!(Slot::beside_others(&path).unwrap().is_none());
        let next = tokio::spawn(Slot::wait(path.clone()));
        first.write("said\n").unwrap();
        drop(first);
        assert_eq!(next.await.unwrap().unwrap().read().unwrap(), "said\n");
    }

    /// What was waited for is another file by then.
    #[tokio::test]
    async fn one_that_is_taken_away_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.shared");
        let first = Slot::wait(path.clone()).await.unwrap();
        first.write("old\n").unwrap();
        let waits = File::open(&path).unwrap();
        first.remove();
        let locked = Slot::locked(waits, &path, FlockOperation::LockExclusive).unwrap();
        assert!(locked.is_none(), "nobody else would see this lock");
        let next = Slot::wait(path.clone()).await.unwrap();
        assert_eq!(next.read().unwrap(), "");
        assert!(path.exists());
    }

    #[test]
    fn only_what_is_over_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let make = |name: &str, session: &str| {
            let slot = Slot::alone(&at(name)).unwrap().unwrap();
            slot.write(&Entry { session: session.into(), container: None }.text()).unwrap();
            slot
        };
        fs::write(at("lives"), "").unwrap();
        drop(make("of-the-living.shared", "lives"));
        drop(make("of-the-dead.shared", "dead"));
        drop(make("another.kind", "dead"));
        let held = make("held.shared", "dead");
        tidy(dir.path());
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["another.kind", "held.shared", "lives", "of-the-living.shared"]);
        drop(held);
    }
}
