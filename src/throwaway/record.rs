//! What a session has on which engine, written down where a crash does not reach.
//!
//! A record is a file of lines that are only ever added to. Who holds the session open holds a
//! shared lock on it, which the kernel takes away at any death. So whoever can lock a record for
//! himself alone knows that its session is over, and may clean up by what it says.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fmt};

use rustix::fs::{FlockOperation, flock};

/// One line of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Things of the session are, or may be, on the engine at this address.
    Engine(&'a str),
    /// A creation is asked for. What comes of it bears this label.
    Making(&'a str),
    /// The engine has answered that.
    Made(&'a str),
    /// This one is to stay.
    Keep(&'a str),
    /// The process is in this session too, beside others.
    Share(&'a str),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Engine(url) => write!(f, "engine {url}"),
            Line::Making(item) => write!(f, "making {item}"),
            Line::Made(item) => write!(f, "made {item}"),
            Line::Keep(item) => write!(f, "keep {item}"),
            Line::Share(session) => write!(f, "share {session}"),
        }
    }
}

/// What a record says, all in all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) engines: BTreeSet<String>,
    /// Asked for and not answered: they may yet appear.
    pub(super) pending: BTreeSet<String>,
    pub(super) kept: BTreeSet<String>,
    /// Sessions that the process is in beside its own.
    pub(super) shared: BTreeSet<String>,
}

impl Told {
    /// Read the lines. One that is cut off, or is not understood, says nothing.
    fn parse(text: &str) -> Told {
        let mut told = Told::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split_once(' ') {
                Some(("engine", url)) => drop(told.engines.insert(url.to_owned())),
                Some(("making", item)) => drop(told.pending.insert(item.to_owned())),
                Some(("made", item)) => drop(told.pending.remove(item)),
                Some(("keep", item)) => drop(told.kept.insert(item.to_owned())),
                Some(("share", session)) => drop(told.shared.insert(session.to_owned())),
                _ => {}
            }
        }
        told
    }
}

/// A record that is open, and locked.
#[derive(Debug)]
pub(super) struct Record {
    file: File,
    path: PathBuf,
}

impl Record {
    /// Begin the record of a new session, and hold it.
    pub(super) fn create(folder: &Path, session: &str) -> io::Result<Record> {
        let (path, new) = (folder.join(session), folder.join(format!("{session}.new")));
        for _ in 0..8 {
            let mut options = OpenOptions::new();
            let file = options.read(true).append(true).create_new(true).mode(0o600).open(&new)?;
            // Unlocked for a moment, it may be swept away; then it is not there to rename.
            flock(&file, FlockOperation::LockShared)?;
            match fs::rename(&new, &path) {
                Ok(()) => return Ok(Record { file, path }),
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Err(ErrorKind::NotFound.into())
    }

    /// Hold a record beside who began it.
    pub(super) fn join(path: PathBuf) -> io::Result<Record> {
        let file = File::open(&path)?;
        flock(&file, FlockOperation::NonBlockingLockShared)?;
        // Whoever had it alone may have taken it away before that.
        match file.metadata()?.nlink() {
            0 => Err(ErrorKind::NotFound.into()),
            _ => Ok(Record { file, path }),
        }
    }

    /// Take a record that nobody holds any more; `None` where somebody does.
    pub(super) fn take(path: PathBuf) -> io::Result<Option<Record>> {
        let file = OpenOptions::new().read(true).append(true).open(&path)?;
        Record { file, path }.alone()
    }

    /// Hold it alone, if nobody else holds it; `None`, and no hold on it, where somebody does. Of
    /// several who leave at once, the last is alone.
    pub(super) fn alone(self) -> io::Result<Option<Record>> {
        match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(self)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Return the folder that it is in.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Return the session: the file bears its name.
    pub(super) fn session(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Add a line. Once written it outlives this process; see [`sync`](Record::sync) for more.
    pub(super) fn tell(&self, line: Line<'_>) -> io::Result<()> {
        (&self.file).write_all(format!("{line}\n").as_bytes())
    }

    /// Return what brings the lines so far onto the disk, for which it takes its time.
    pub(super) fn sync(&self) -> io::Result<impl FnOnce() + Send + 'static> {
        let (file, folder) = (self.file.try_clone()?, File::open(self.folder())?);
        Ok(move || {
            let _ = file.sync_all();
            let _ = folder.sync_all();
        })
    }

    pub(super) fn read(&self) -> io::Result<Told> {
        let (mut file, mut text) = (&self.file, Vec::new());
        file.rewind()?;
        file.read_to_end(&mut text)?;
        Ok(Told::parse(&String::from_utf8_lossy(&text)))
    }

    /// Return for how long nothing has been written.
    pub(super) fn age(&self) -> Duration {
        let written = self.file.metadata().and_then(|metadata| metadata.modified()).ok();
        written.and_then(|written| written.elapsed().ok()).unwrap_or_default()
    }

    /// Nothing of the session is left: take the record away.
    pub(super) fn close(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Find the folder of this user's records, or make one.
///
/// It is to outlive a boot, so that a power cut can be cleaned up after.
pub(super) fn folder() -> io::Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let own = format!("bowline-{}", rustix::process::geteuid().as_raw());
    let places = [
        absolute("XDG_STATE_HOME").map(|state| state.join("bowline")),
        absolute("HOME").map(|home| home.join(".local/state/bowline")),
        Some(Path::new("/var/tmp").join(&own)),
        Some(env::temp_dir().join(&own)),
    ];
    let mut failure = io::Error::from(ErrorKind::NotFound);
    for place in places.into_iter().flatten() {
        match usable(&place) {
            Ok(()) => return Ok(place),
            Err(e) => failure = io::Error::new(e.kind(), format!("{}: {e}", place.display())),
        }
    }
    Err(failure)
}

/// Make the folder if need be; refuse one that others can write to, for what is in it is believed.
fn usable(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = fs::symlink_metadata(folder)?;
    let own = found.uid() == rustix::process::geteuid().as_raw();
    if !found.is_dir() || !own || found.mode() & 0o022 != 0 {
        let reason = "is not a folder that this user alone can write to";
        return Err(io::Error::new(ErrorKind::PermissionDenied, reason));
    }
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn told(record: &Record) -> (Vec<String>, Vec<String>, Vec<String>) {
        let Told { engines, pending, kept, .. } = record.read().unwrap();
        let all = |set: BTreeSet<String>| set.into_iter().collect();
        (all(engines), all(pending), all(kept))
    }

    #[test]
    fn what_is_told_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::create(dir.path(), "0123").unwrap();
        assert_eq!(record.session(), "0123");
        for line in [
            Line::Engine("unix:///a b"),
            Line::Making("0123-1"),
            Line::Making("0123-2"),
            Line::Made("0123-1"),
            Line::Keep("0123-1"),
            Line::Engine("tcp://h:1"),
            Line::Share("4567"),
        ] {
            record.tell(line).unwrap();
        }
        let all = told(&record);
        assert_eq!(all.0, ["tcp://h:1", "unix:///a b"]);
        assert_eq!((all.1, all.2), (vec!["0123-2".into()], vec!["0123-1".into()]));
        assert_eq!(record.read().unwrap().shared.into_iter().collect::<Vec<_>>(), ["4567"]);
        // Again, and from elsewhere.
        let other = Record::join(record.path().to_owned()).unwrap();
        assert_eq!(other.read().unwrap(), record.read().unwrap());
        record.close();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_line_cut_off_says_nothing() {
        let read = Told::parse("engine unix:///a\nwhat\n\nmaking \u{fffd}x\nengine unix:///b");
        assert_eq!(read.engines.into_iter().collect::<Vec<_>>(), ["unix:///a"]);
        assert_eq!(read.pending.len(), 1);
    }

    #[test]
    fn only_the_dead_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::create(dir.path(), "0123").unwrap();
        let (path, lease) = (record.path().to_owned(), Record::join(record.path().to_owned()));
        assert!(Record::take(path.clone()).unwrap().is_none());
        drop(record);
        assert!(Record::take(path.clone()).unwrap().is_none(), "the lease lives");
        drop(lease.unwrap());
        let taken = Record::take(path.clone()).unwrap().unwrap();
        assert!(Record::take(path.clone()).unwrap().is_none(), "another sweeps already");
        taken.close();
        assert!(Record::take(path).is_err());
    }

    #[test]
    fn the_last_of_several_is_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Record::create(dir.path(), "0123").unwrap();
        let second = Record::join(first.path().to_owned()).unwrap();
        let third = Record::join(first.path().to_owned()).unwrap();
        assert!(first.alone().unwrap().is_none());
        assert!(second.alone().unwrap().is_none());
        let third = third.alone().unwrap().unwrap();
        assert!(Record::join(third.path().to_owned()).is_err(), "it is being cleaned up");
    }

    #[test]
    fn a_folder_that_others_write_to_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("deep/bowline");
        usable(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(usable(&folder).unwrap_err().kind(), ErrorKind::PermissionDenied);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("deep"), &link).unwrap();
        assert_eq!(usable(&link).unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
