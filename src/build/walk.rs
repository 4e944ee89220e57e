//! The files of a folder, one after the other.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec;

use super::ignore::{Ignore, Verdict};
use super::secret;
use crate::local::{self, Special};
use crate::tar::{Content, Entry, Kind, unreadable};

/// Something in a folder that an archive cannot hold, and so was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Where it is, relative to the folder.
    pub path: PathBuf,
    /// Why it was left out.
    pub why: SkipReason,
}

/// Why something was left out of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is a socket.
    Socket,
    /// It is a named pipe. Opening one waits for somebody to write.
    Pipe,
    /// It is a device.
    Device,
    /// It was removed between being listed and being opened.
    Vanished,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            SkipReason::Socket => "is a socket",
            SkipReason::Pipe => "is a named pipe",
            SkipReason::Device => "is a device",
            SkipReason::Vanished => "was removed meanwhile",
        };
        write!(f, "{} {why}", self.path.display())
    }
}

/// What there is to say of a walk besides what it found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    pub(crate) skipped: Vec<Skipped>,
    /// What was found and looks like a secret: a file, or a folder that is one as a whole.
    pub(crate) secrets: Vec<PathBuf>,
}

impl Notes {
    pub(super) fn extend(&mut self, more: Notes) {
        self.skipped.extend(more.skipped);
        for path in more.secrets {
            // Each handful of files of a folder tells of it again, and so may added ones.
            if !secret::is_folder(&path) || !self.secrets.contains(&path) {
                self.secrets.push(path);
            }
        }
    }

    /// Note a file if it looks like a secret.
    pub(super) fn secret(&mut self, path: &[u8]) {
        let Some(part) = secret::part(path) else { return };
        let part = PathBuf::from(local::of_bytes(part));
        if self.secrets.last() != Some(&part) {
            self.secrets.push(part);
        }
    }
}

/// A walk through a folder: sorted, a folder before what is in it, links as links.
///
/// Of each folder that it is in, it holds the names that are still to come, and nothing of the
/// others. What is ignored is not opened, and not even looked at if
/// nothing in it can be wanted. An error names its file; the walk may go on after it, its archive
/// may not. Hard links are files like any other, and capabilities of files are not sent.
#[derive(Debug)]
pub(crate) struct Walk {
    root: PathBuf,
    ignore: Ignore,
    /// Paths that are sent although they are ignored.
    keep: Vec<Vec<u8>>,
    /// Paths that are not sent, because something else takes their place.
    replaced: Vec<Vec<u8>>,
    /// Goes before every path in the archive; empty, or with a slash at its end.
    prefix: Vec<u8>,
    owner: (u64, u64),
    inside: Vec<Folder>,
    notes: Notes,
    stop: Arc<AtomicBool>,
}

/// A folder that the walk is in.
#[derive(Debug)]
struct Folder {
    /// Relative to the root, which is "".
    path: Vec<u8>,
    names: vec::IntoIter<OsString>,
    verdict: Verdict,
}

impl Walk {
    /// Begin a walk through the folder `root`, which is not among what it finds.
    ///
    /// # Errors
    ///
    /// If the folder cannot be listed.
    pub(crate) fn new(root: PathBuf, ignore: Ignore) -> io::Result<Walk> {
        let names = names(&root).map_err(|e| unreadable(&root, e))?;
        let inside = vec![Folder { path: Vec::new(), names, verdict: Verdict::default() }];
        let (keep, replaced, prefix, owner, notes, stop) = Default::default();
        Ok(Walk { root, ignore, keep, replaced, prefix, owner, inside, notes, stop })
    }

    /// Put everything into the folder `name` of the archive.
    pub(crate) fn below(mut self, name: &[u8]) -> Walk {
        self.prefix = [name, b"/"].concat();
        self
    }

    /// Say to whom everything belongs: root otherwise, whoever owns it here.
    pub(crate) fn owned_by(mut self, owner: (u64, u64)) -> Walk {
        self.owner = owner;
        self
    }

    /// Take `path` along even if it is ignored.
    pub(crate) fn keep(mut self, path: impl Into<Vec<u8>>) -> Walk {
        self.keep.push(path.into());
        self
    }

    /// Leave `path` out.
    pub(crate) fn replace(mut self, path: impl Into<Vec<u8>>) -> Walk {
        self.replaced.push(path.into());
        self
    }

    /// End the walk at the next name once `stop` is true.
    pub(crate) fn stop_at(mut self, stop: Arc<AtomicBool>) -> Walk {
        self.stop = stop;
        self
    }

    /// Hand over what there is to say since this was last asked.
    pub(crate) fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes)
    }

    /// Look at one path. `None` if it is not to be sent.
    fn visit(&mut self, path: Vec<u8>, verdict: Verdict) -> io::Result<Option<Entry>> {
        let wanted = !verdict.ignored || self.keep.contains(&path);
        if !wanted && !self.is_kept_below(&path) && !self.ignore.may_keep_below(&path) {
            return Ok(None);
        }
        let full = self.root.join(local::of_bytes(&path));
        match self.open(&path, &full, wanted, verdict) {
            Ok(entry) => Ok(entry),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if wanted {
                    self.skip(path, SkipReason::Vanished);
                }
                Ok(None)
            }
            // What is ignored may be closed to us.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied && !wanted => Ok(None),
            Err(e) => Err(unreadable(&full, e)),
        }
    }

    fn open(
        &mut self,
        path: &[u8],
        full: &Path,
        wanted: bool,
        verdict: Verdict,
    ) -> io::Result<Option<Entry>> {
        let mut meta = fs::symlink_metadata(full)?;
        let kind = meta.file_type();
        let kind = if kind.is_dir() {
            let names = names(full)?;
            self.inside.push(Folder { path: path.to_vec(), names, verdict });
            Kind::Folder
        } else if !wanted {
            return Ok(None);
        } else if kind.is_symlink() {
            Kind::Link(local::target(fs::read_link(full)?.into_os_string()))
        } else if kind.is_file() {
            let (file, opened) = open_file(full)?;
            meta = opened;
            self.notes.secret(path);
            Kind::File(Content::Disk(file, meta.len(), full.to_owned()))
        } else {
            let why = match local::special(kind) {
                Special::Socket => SkipReason::Socket,
                Special::Pipe => SkipReason::Pipe,
                Special::Device => SkipReason::Device,
            };
            self.skip(path.to_vec(), why);
            return Ok(None);
        };
        let path = [&*self.prefix, path].concat();
        Ok(wanted.then(|| entry(path, kind, &meta, self.owner)))
    }

    fn is_kept_below(&self, path: &[u8]) -> bool {
        self.keep.iter().any(|k| k.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/")))
    }

    fn skip(&mut self, path: Vec<u8>, why: SkipReason) {
        self.notes.skipped.push(Skipped { path: local::of_bytes(&path).into(), why });
    }
}

impl Iterator for Walk {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        while !self.stop.load(Ordering::Relaxed) {
            let folder = self.inside.last_mut()?;
            let Some(name) = folder.names.next() else {
                self.inside.pop();
                continue;
            };
            let path = match &*folder.path {
                b"" => local::bytes(&name).to_vec(),
                above => [above, b"/", local::bytes(&name)].concat(),
            };
            let verdict = self.ignore.judge(&path, &folder.verdict);
            if self.replaced.contains(&path) {
                continue;
            }
            if let Some(found) = self.visit(path, verdict).transpose() {
                return Some(found);
            }
        }
        None
    }
}

/// Open a file, and no link that was put in its place.
///
/// Opening follows links; so what was opened must be what stands there. A file that is saved anew
/// at this very moment is opened again.
pub(crate) fn open_file(path: &Path) -> io::Result<(File, Metadata)> {
    for _ in 0..10 {
        let file = File::open(path)?;
        let (opened, there) = (file.metadata()?, fs::symlink_metadata(path)?);
        if opened.is_file() && local::is_same(&opened, &there) {
            return Ok((file, opened));
        }
    }
    Err(io::Error::other("something else takes its place as it is opened"))
}

/// The names in a folder, sorted by their bytes.
fn names(folder: &Path) -> io::Result<vec::IntoIter<OsString>> {
    let names = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.file_name()));
    let mut names = names.collect::<io::Result<Vec<OsString>>>()?;
    names.sort_unstable();
    Ok(names.into_iter())
}

/// What is sent of a file: its mode and its time, in whole seconds.
pub(crate) fn entry(path: Vec<u8>, kind: Kind, meta: &Metadata, owner: (u64, u64)) -> Entry {
    Entry { path, mode: local::mode(meta), modified: local::modified(meta), owner, kind }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    /// A folder with these files; a path with a slash at its end is an empty folder.
    fn folder(paths: &[&str]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let full = dir.path().join(path);
            if path.ends_with('/') {
                fs::create_dir_all(full).unwrap();
            } else {
                fs::create_dir_all(full.parent().unwrap()).unwrap();
                fs::write(full, path).unwrap();
            }
        }
        dir
    }

    fn walk(dir: &TempDir, ignore: &str) -> Walk {
        Walk::new(dir.path().into(), Ignore::parse("f", ignore.as_bytes()).unwrap()).unwrap()
    }

    fn paths(walk: &mut Walk) -> Vec<String> {
        walk.map(|e| String::from_utf8(e.unwrap().path).unwrap()).collect()
    }

    #[test]
    fn a_folder_comes_before_what_is_in_it_and_names_are_sorted() {
        let dir = folder(&["b/z", "b/a/c", "a.x", "B", "a/1", "a-", "é", "empty/"]);
        let found = paths(&mut walk(&dir, ""));
        let wanted = ["B", "a", "a/1", "a-", "a.x", "b", "b/a", "b/a/c", "b/z", "empty", "\u{e9}"];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_ignored_is_left_out_and_what_is_kept_is_not() {
        let dir = folder(&["Dockerfile", "a/b/c", "a/b/d", "a/x", "e/f/Dockerfile", "e/g", "h"]);
        assert_eq!(paths(&mut walk(&dir, "a\ne\n")), ["Dockerfile", "h"]);
        assert_eq!(paths(&mut walk(&dir, "*\n!a/b/c\n")), ["a/b/c"]);
        assert_eq!(paths(&mut walk(&dir, "*\n!**/c\n")), ["a/b/c"]);
        let mut kept = walk(&dir, "*").keep("Dockerfile").keep("e/f/Dockerfile").keep("gone/x");
        assert_eq!(paths(&mut kept), ["Dockerfile", "e/f/Dockerfile"]);
        assert_eq!(paths(&mut walk(&dir, "[ae]").replace("h")), ["Dockerfile"]);
        assert_eq!(paths(&mut walk(&dir, "e\nh").replace("a").keep("a")), ["Dockerfile"]);
    }

    #[test]
    fn modes_times_and_owners() {
        let dir = folder(&["tool", "d/"]);
        let file = File::options().write(true).open(dir.path().join("tool")).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o4751)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_234_567_890, 987_654_321);
        file.set_modified(time).unwrap();
        fs::set_permissions(dir.path().join("d"), fs::Permissions::from_mode(0o1700)).unwrap();
        let entries: Vec<Entry> = walk(&dir, "").map(Result::unwrap).collect();
        let seen: Vec<_> = entries.iter().map(|e| (e.mode & 0o7777, e.owner)).collect();
        assert_eq!(seen, [(0o1700, (0, 0)), (0o4751, (0, 0))]);
        assert_eq!(entries[1].modified, 1_234_567_890);
        assert!(matches!(&entries[1].kind, Kind::File(Content::Disk(_, 4, _))));
    }

    #[test]
    fn links_are_links_and_loops_are_harmless() {
        let dir = folder(&["d/f"]);
        let root = dir.path();
        symlink("..", root.join("d/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("/etc", root.join("out")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink(OsStr::from_bytes(b"\xff"), root.join("bytes")).unwrap();
        let links: Vec<_> = walk(&dir, "")
            .map(Result::unwrap)
            .filter_map(|e| match e.kind {
                Kind::Link(to) => Some((String::from_utf8(e.path).unwrap(), to)),
                _ => None,
            })
            .collect();
        let link = |path: &str, to: &[u8]| (path.to_owned(), to.to_vec());
        let wanted = [
            link("bytes", b"\xff"),
            link("d/up", b".."),
            link("dangling", b"nowhere"),
            link("loop", b"loop"),
            link("out", b"/etc"),
        ];
        assert_eq!(links, wanted);
    }

    #[test]
    fn a_link_in_place_of_a_file_is_not_opened() {
        let dir = folder(&["a"]);
        symlink("a", dir.path().join("b")).unwrap();
        assert!(open_file(&dir.path().join("a")).is_ok());
        assert!(open_file(&dir.path().join("b")).is_err());
        assert!(open_file(dir.path()).is_err());
    }

    #[test]
    fn sockets_and_pipes_are_left_out_and_said() {
        let dir = folder(&["a", "ignored/"]);
        let _socket = UnixListener::bind(dir.path().join("b.sock")).unwrap();
        let _other = UnixListener::bind(dir.path().join("ignored/c.sock")).unwrap();
        let made = Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
        assert!(made.success());
        let mut walk = walk(&dir, "ignored");
        assert_eq!(paths(&mut walk), ["a"]);
        let said: Vec<_> = walk.take_notes().skipped.iter().map(Skipped::to_string).collect();
        assert_eq!(said, ["b.sock is a socket", "pipe is a named pipe"]);
        assert_eq!(walk.take_notes().skipped, []);
    }

    #[test]
    fn names_that_are_no_text_are_kept_in_bytes() {
        let dir = folder(&[]);
        fs::create_dir(dir.path().join(OsStr::from_bytes(b"\xff"))).unwrap();
        fs::write(dir.path().join(OsStr::from_bytes(b"\xff/\xfe")), "x").unwrap();
        let found: Vec<_> = walk(&dir, "").map(|e| e.unwrap().path).collect();
        assert_eq!(found, [b"\xff".to_vec(), b"\xff/\xfe".to_vec()]);
    }

    #[test]
    fn only_the_folders_it_is_in_are_listed() {
        let dir = folder(&["a/1", "b/1", "c/1"]);
        let mut walk = walk(&dir, "");
        assert_eq!(walk.next().unwrap().unwrap().path, b"a");
        assert_eq!(walk.inside.len(), 2);
        // What changes in a folder that was not reached yet is seen.
        fs::write(dir.path().join("c/2"), "x").unwrap();
        assert_eq!(paths(&mut walk), ["a/1", "b", "b/1", "c", "c/1", "c/2"]);
        assert_eq!(walk.inside.len(), 0);
    }

    #[test]
    fn what_vanishes_under_the_walk_is_left_out_and_said() {
        let dir = folder(&["a", "b", "c/x", "d", "e"]);
        let mut walk = walk(&dir, "e");
        assert_eq!(walk.next().unwrap().unwrap().path, b"a");
        for gone in ["b", "e"] {
            fs::remove_file(dir.path().join(gone)).unwrap();
        }
        fs::remove_dir_all(dir.path().join("c")).unwrap();
        assert_eq!(paths(&mut walk), ["d"]);
        let said: Vec<_> = walk.take_notes().skipped.iter().map(Skipped::to_string).collect();
        assert_eq!(said, ["b was removed meanwhile", "c was removed meanwhile"]);
    }

    #[test]
    fn a_walk_ends_when_it_is_told() {
        let dir = folder(&["a", "b"]);
        let stop = Arc::new(AtomicBool::new(false));
        let mut walk = walk(&dir, "").stop_at(stop.clone());
        assert!(walk.next().is_some());
        stop.store(true, Ordering::Relaxed);
        assert!(walk.next().is_none());
    }

    #[test]
    fn a_root_that_cannot_be_listed_is_an_error_that_names_it() {
        let error = Walk::new("/no/such/folder".into(), Ignore::default()).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /no/such/folder");
        assert!(error.get_ref().unwrap().source().is_some());
    }

    /// Root may read everything: the test runs itself again as somebody else.
    #[test]
    fn what_may_not_be_read_is_an_error_unless_it_is_ignored() {
        const DIR: &str = "BOWLINE_TEST_CLOSED_FOLDER";
        if let Some(dir) = std::env::var_os(DIR) {
            return closed_folder(Path::new(&dir));
        }
        let dir = folder(&["closed", "folder/x", "open"]);
        let close = |path: &str| {
            fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(0o000)).unwrap();
        };
        close("closed");
        close("folder");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if fs::metadata(dir.path()).unwrap().uid() != 0 {
            return closed_folder(dir.path());
        }
        // Somewhere everybody may look, unlike the folder that tests are built in.
        let copy = dir.path().with_extension("exe");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let name = "what_may_not_be_read_is_an_error_unless_it_is_ignored";
        let mut again = Command::new(&copy);
        again.arg(format!("build::walk::tests::{name}")).arg("--exact").env(DIR, dir.path());
        let out = again.current_dir("/").uid(65534).gid(65534).output();
        fs::remove_file(&copy).unwrap();
        let out = out.unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() && text.contains("1 passed"), "{text}");
    }

    fn closed_folder(dir: &Path) {
        let walk = |ignore: &str| {
            let ignore = Ignore::parse("f", ignore.as_bytes()).unwrap();
            Walk::new(dir.into(), ignore).unwrap().collect::<io::Result<Vec<Entry>>>()
        };
        for (ignore, named) in [("", "closed"), ("closed", "folder")] {
            let error = walk(ignore).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(error.to_string(), format!("cannot read {}", dir.join(named).display()));
        }
        for ignore in ["closed\nfolder", "*\n!open", "*\n!open\n!folder/y"] {
            let found = walk(ignore).unwrap();
            assert_eq!(found.len(), 1, "{ignore:?}: {found:?}");
        }
    }
}
