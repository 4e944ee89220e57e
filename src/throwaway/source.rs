//! What is copied into a container before it starts.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::StartThrowaway;
use crate::container::{Container, Created};
use crate::error::Error;

/// What [`StartThrowaway::copy_in`] copies: a file or folder of the local disk, or bytes.
///
/// Text is a path: `"tests/fixtures"`. Bytes are what a file is to hold: `b"port = 80\n"`, a
/// `Vec<u8>`, `include_bytes!(..)`.
///
/// ```
/// use bowline::throwaway::Source;
///
/// let certificates = Source::path("tests/certificates").owner(999, 999);
/// let key = Source::bytes("secret").mode(0o600).owner(999, 999);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Source {
    what: What,
    mode: Option<u32>,
    owner: (u32, u32),
}

#[derive(Clone, PartialEq, Eq)]
enum What {
    Path(PathBuf),
    Bytes(Bytes),
}

/// Bytes are not shown: they may be a secret.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Source");
        match &self.what {
            What::Path(path) => f.field("path", path),
            What::Bytes(bytes) => f.field("bytes", &bytes.len()),
        };
        f.field("mode", &self.mode).field("owner", &self.owner).finish()
    }
}

impl Source {
    fn new(what: What) -> Source {
        Source { what, mode: None, owner: (0, 0) }
    }

    /// Copy a file or folder of the local disk, as [`Container::copy_in`] does.
    pub fn path(path: impl Into<PathBuf>) -> Source {
        Source::new(What::Path(path.into()))
    }

    /// Write these bytes to a file, as [`Container::write_file`] does.
    pub fn bytes(data: impl Into<Bytes>) -> Source {
        Source::new(What::Bytes(data.into()))
    }

    /// Set the file's mode, of bytes; `0o644` otherwise. What is on the local disk has a mode.
    pub fn mode(mut self, mode: u32) -> Source {
        self.mode = Some(mode);
        self
    }

    /// Set whose it is in the container, by number; root's otherwise.
    pub fn owner(mut self, uid: u32, gid: u32) -> Source {
        self.owner = (uid, gid);
        self
    }

    /// Find what can be seen to be wrong without the engine.
    fn check(&self, dest: &str) -> Result<(), Error> {
        let wrong = |rule| Err(Error::invalid("container path", dest, rule));
        if dest.is_empty() {
            return wrong("must not be empty");
        }
        if dest.contains('\0') {
            return wrong("must not have a NUL in it");
        }
        match &self.what {
            What::Bytes(_) if dest.ends_with('/') || dest.ends_with("/.") => {
                wrong("must name a file")
            }
            What::Bytes(_) => Ok(()),
            What::Path(path) => {
                if let Some(mode) = self.mode {
                    let rule = "is for bytes: what is on the local disk has a mode";
                    return Err(Error::invalid("mode", format!("{mode:#o}"), rule));
                }
                readable(path).map_err(|e| {
                    let rule = format!("cannot be read: {e}");
                    Error::invalid("local path", path.to_string_lossy(), rule)
                })
            }
        }
    }

    async fn copy(self, container: &Container<Created>, dest: String) -> Result<(), Error> {
        let (uid, gid) = self.owner;
        match self.what {
            What::Path(path) => drop(container.copy_in(path, dest).owner(uid, gid).await?),
            What::Bytes(data) => {
                let write = container.write_file(dest, data).owner(uid, gid);
                write.mode(self.mode.unwrap_or(0o644)).await?;
            }
        }
        Ok(())
    }
}

/// Look whether it is there, and can be opened where it is of a kind that is.
fn readable(path: &Path) -> std::io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_file() {
        fs::File::open(path)?;
    } else if kind.is_dir() {
        fs::read_dir(path)?;
    }
    Ok(())
}

/// Tell a file or folder from what it was before: by names, sizes and times.
fn describe(path: &Path, text: &mut String) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::symlink_metadata(path)?;
    let times = (found.mtime(), found.mtime_nsec(), found.mode());
    *text += &format!("{path:?} {times:?} ");
    if !found.is_dir() {
        *text += &format!("{} ", found.len());
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in fs::read_dir(path)? {
        inside.push(entry?.path());
    }
    inside.sort();
    inside.iter().try_for_each(|path| describe(path, text))
}

/// What is to be copied, in the order it was asked for, and where to.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(Vec<(Source, String)>);

impl Sources {
    /// Find what can be seen to be wrong before anything is asked of the engine.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.0.iter().try_for_each(|(source, dest)| source.check(dest))
    }

    /// Add what tells them from others.
    fn describe(&self, text: &mut String) {
        for (source, dest) in &self.0 {
            *text += &format!("\n{dest:?} {:?} {:?} ", source.mode, source.owner);
            match &source.what {
                What::Bytes(data) => *text += &format!("{data:?}"),
                // What goes away meanwhile fails to be copied.
                What::Path(path) => drop(describe(path, text)),
            }
        }
    }

    pub(super) async fn copy(self, container: &Container<Created>) -> Result<(), Error> {
        for (source, dest) in self.0 {
            source.copy(container, dest).await?;
        }
        Ok(())
    }
}

impl StartThrowaway {
    /// Return all by which one that is shared or reused is told from others.
    pub(super) fn config(&self) -> Result<String, Error> {
        let mut text = self.spec.to_json()?;
        self.sources.check()?;
        self.sources.describe(&mut text);
        Ok(text)
    }

    /// Copy a file, a folder or bytes into the container before it starts.
    ///
    /// Text is a path on the local disk, and `dest` is meant as `docker cp` means it
    /// ([`Container::copy_in`]). Bytes go to a file of that name, which is replaced. The folder
    /// around it must be there. May be called any number of times; one copy comes after the other.
    /// To get files out again there are [`copy_out`](Container::copy_out) and
    /// [`read_file`](Container::read_file) on the handle.
    ///
    /// A local path that cannot be read is found before the engine is asked for anything.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// let web = docker
    ///     .throwaway("nginx")
    ///     .copy_in("tests/site/.", "/usr/share/nginx/html")
    ///     .copy_in(b"server_tokens off;", "/etc/nginx/conf.d/tokens.conf")
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn copy_in(mut self, source: impl Into<Source>, dest: impl Into<String>) -> StartThrowaway {
        self.sources.0.push((source.into(), dest.into()));
        self
    }
}

/// Text is a path on the local disk.
impl From<&str> for Source {
    fn from(path: &str) -> Source {
        Source::path(path)
    }
}

/// Text is a path on the local disk.
impl From<String> for Source {
    fn from(path: String) -> Source {
        Source::path(path)
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Source {
        Source::path(path)
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Source {
        Source::path(path)
    }
}

impl From<Bytes> for Source {
    fn from(data: Bytes) -> Source {
        Source::bytes(data)
    }
}

impl From<Vec<u8>> for Source {
    fn from(data: Vec<u8>) -> Source {
        Source::bytes(data)
    }
}

impl From<&[u8]> for Source {
    fn from(data: &[u8]) -> Source {
        Source::bytes(data.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Source {
    fn from(data: &[u8; N]) -> Source {
        Source::bytes(data.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_tells_configurations_apart() {
        let dir = tempfile::tempdir().unwrap();
        let described = |source: Source, dest: &str| {
            let mut text = String::new();
            Sources(vec![(source, dest.into())]).describe(&mut text);
            text
        };
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("in/file"), "one").unwrap();
        let of_disk = || described(dir.path().into(), "/x");
        let before = of_disk();
        assert_eq!(of_disk(), before);
        fs::write(dir.path().join("in/file"), "other").unwrap();
        let mut all = vec![before, of_disk(), described(dir.path().into(), "/y")];
        let bytes = || Source::bytes("a");
        assert_eq!(described(bytes(), "/x"), described(b"a".into(), "/x"));
        all.push(described(bytes(), "/x"));
        all.push(described(Source::bytes("b"), "/x"));
        all.push(described(bytes().mode(0o600), "/x"));
        all.push(described(bytes().owner(1, 2), "/x"));
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:#?}");
    }
}
