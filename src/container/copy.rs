//! Files into a container and out of it: `docker cp`.

#[cfg(unix)]
mod copied;
#[cfg(unix)]
mod files;
mod into;
mod out;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod unpack;

use base64::Engine as _;
use serde::Deserialize;

#[cfg(unix)]
pub use copied::{Copied, LeftOut, LeftOutReason};
#[cfg(unix)]
pub use files::CopyOut;
pub use into::{CopiedIn, CopyIn, PutArchive, WriteFile};
pub use out::{Archive, Export, ReadFile};

use super::{Container, State, Unknown};
use crate::error::{DecodeError, Error};
use crate::time::{self, Timestamp};
use crate::verb::verb;
use crate::wire::{Call, HeaderMap, null_default};

/// Files in and out, in any state.
impl<S: State> Container<S> {
    /// Ask what is at a path in the container.
    ///
    /// A symbolic link is not followed unless the path ends in a slash. A path begins at the
    /// container's root, with or without a slash.
    ///
    /// # Errors
    /// There is nothing ([`is_not_found`](Error::is_not_found)), or the path is empty.
    pub fn stat(&self, path: impl Into<String>) -> Stat {
        Stat::new(self.share(), path.into())
    }

    /// Read a file or folder as a tar archive.
    ///
    /// Names in it begin with the last part of the path, and with "." where the path ends in
    /// "/.". The archive is as the container made it: unpack it with a tool that trusts nobody,
    /// such as [`copy_out`](Container::copy_out).
    ///
    /// Until the archive is read to its end or dropped, the engine holds the container's lock:
    /// other verbs on it wait, `inspect` and `stop` among them. Dropped, it is closed at once.
    ///
    /// # Errors
    /// There is nothing at the path ([`is_not_found`](Error::is_not_found)).
    pub fn archive(&self, path: impl Into<String>) -> Archive {
        Archive::new(self.share(), path.into())
    }

    /// Read a file's content: `docker exec web cat`, and in any state. Symbolic links are
    /// followed.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
    /// let hosts = web.read_file("/etc/hosts").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// There is nothing at the path ([`is_not_found`](Error::is_not_found)); it is no file
    /// ([`Error::Path`]); it is larger than 64 MiB or what [`ReadFile::limit`] says
    /// ([`StreamFault::TooLarge`](crate::error::StreamFault::TooLarge)).
    pub fn read_file(&self, path: impl Into<String>) -> ReadFile {
        ReadFile::new(self.share(), path.into())
    }

    /// Copy a file or folder to the local disk: `docker cp web:/path dest`.
    ///
    /// Where `dest` is a folder that is there, the copy goes into it; otherwise it is called
    /// `dest`. A path that ends in "/." stands for what is in the folder. A `dest` that is a link
    /// is where it leads, also when nothing is there yet. Files in the way are replaced, folders are merged; a folder never takes the place of a file, nor a file that of
    /// a folder.
    ///
    /// What is in the container is not trusted. Nothing is made outside of the destination, no
    /// link in it is followed, all belongs to the caller, and setuid bits are dropped. Devices, pipes
    /// and links that lead out of what is copied are left out, and named in [`Copied`]. Modes and
    /// times are kept. It takes memory for a few pieces, however large the files are.
    ///
    /// Until it is done, the engine holds the container's lock, as for
    /// [`archive`](Container::archive).
    ///
    /// Not on Windows, whose files cannot be made without following links on the way.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container) -> Result<(), bowline::Error> {
    /// let copied = web.copy_out("/var/log/.", "logs").await?;
    /// println!("{} files, {} bytes", copied.files, copied.bytes);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// There is nothing at the path ([`is_not_found`](Error::is_not_found)); something cannot be
    /// written ([`Error::Output`]); the archive breaks off, or is made to do harm
    /// ([`Error::Stream`]). What was made before is there still.
    #[cfg(unix)]
    pub fn copy_out(
        &self,
        path: impl Into<String>,
        dest: impl Into<std::path::PathBuf>,
    ) -> CopyOut {
        CopyOut::new(self.share(), path.into(), dest.into())
    }

    /// Copy a local file or folder into the container: `docker cp path web:/dest`.
    ///
    /// Where `dest` is a folder that is there, the copy goes into it; otherwise it is called
    /// `dest`, and the folder around it must be there. A path that ends in "/." stands for what is
    /// in the folder. Links go as links, modes and times are kept, and all belongs to root unless
    /// [`owner`](CopyIn::owner) or [`copy_uid_gid`](CopyIn::copy_uid_gid) says otherwise.
    ///
    /// Files on a tmpfs of a running container are not what it sees: the engine puts them beneath.
    ///
    /// # Errors
    /// The local path cannot be read ([`Error::InvalidInput`]), or does not go with what is at
    /// `dest` ([`Error::Path`]); the folder around `dest` is missing
    /// ([`is_not_found`](Error::is_not_found)); the file system is read-only; a file would take
    /// the place of a directory, or inversely.
    pub fn copy_in(&self, path: impl Into<std::path::PathBuf>, dest: impl Into<String>) -> CopyIn {
        CopyIn::new(self.share(), path.into(), dest.into())
    }

    /// Write a file in the container. A file or link at the path is replaced.
    ///
    /// ```no_run
    /// # async fn f(web: bowline::Container<bowline::Created>) -> Result<(), bowline::Error> {
    /// web.write_file("/etc/app.toml", "port = 80\n").mode(0o600).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The path names no file ([`Error::InvalidInput`]); the folder around it is missing
    /// ([`is_not_found`](Error::is_not_found)); the file system is read-only; there is a directory
    /// at the path.
    pub fn write_file(&self, path: impl Into<String>, data: impl Into<bytes::Bytes>) -> WriteFile {
        WriteFile::new(self.share(), path.into(), data.into())
    }

    /// Unpack a tar archive in a folder of the container.
    ///
    /// It must be a plain one: an engine would unpack a compressed one too, and some engines do so
    /// with programs from the container. Owners and modes are the archive's.
    ///
    /// # Errors
    /// The archive is none, or is compressed ([`Error::InvalidInput`]); it cannot be read
    /// ([`Error::Input`]); the folder is missing ([`is_not_found`](Error::is_not_found)) or none.
    pub fn put_archive(
        &self,
        folder: impl Into<String>,
        archive: impl tokio::io::AsyncRead + Send + 'static,
    ) -> PutArchive {
        PutArchive::new(self.share(), folder.into(), archive)
    }

    /// Read the container's whole file system as a tar archive: `docker export`.
    ///
    /// What is mounted into it is not in it. As with [`archive`](Container::archive), dropping it
    /// closes it at once.
    ///
    /// # Errors
    /// It is gone ([`is_not_found`](Error::is_not_found)).
    pub fn export(&self) -> Export {
        Export::new(self.share())
    }
}

/// The verb behind [`Container::stat`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Stat {
    on: Container<Unknown>,
    path: String,
}

/// What the engine says of one path in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathStat {
    /// The last part of the path; "." where the path ends so.
    pub name: String,
    /// In bytes; of a folder or link, what its file system says.
    pub size: u64,
    /// Unix permission bits, with setuid, setgid and sticky: `0o4755`.
    pub mode: u32,
    /// What is there.
    pub kind: PathKind,
    /// When it was changed last.
    pub mtime: Option<Timestamp>,
    /// Where a symbolic link comes to: an absolute path in the container, all links on the way
    /// resolved.
    pub link_target: Option<String>,
}

/// What a path in a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a named pipe, a socket.
    Other,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    name: String,
    #[serde(deserialize_with = "null_default")]
    size: i64,
    #[serde(deserialize_with = "null_default")]
    mode: u32,
    #[serde(deserialize_with = "time::lenient")]
    mtime: Option<Timestamp>,
    #[serde(deserialize_with = "null_default")]
    link_target: String,
}

impl PathStat {
    /// Read it from an answer's header, where it is JSON in base64.
    fn read(call: &Call, headers: &HeaderMap) -> Result<PathStat, Error> {
        let fail = |reason: String| Error::Decode(DecodeError { call: call.label(), reason });
        let header = headers.get("x-docker-container-path-stat");
        let header =
            header.ok_or_else(|| fail("the header with the path's state is missing".into()))?;
        let json = base64::engine::general_purpose::STANDARD.decode(header.as_bytes());
        let json = json.map_err(|e| fail(format!("the path's state is no base64: {e}")))?;
        let answer: Answer = crate::wire::from_slice(&json).map_err(fail)?;
        Ok(PathStat {
            name: answer.name,
            size: answer.size.try_into().unwrap_or_default(),
            mode: permissions(answer.mode),
            kind: kind(answer.mode),
            mtime: answer.mtime,
            link_target: Some(answer.link_target).filter(|to| !to.is_empty()),
        })
    }
}

/// Go's bits for what Unix has others for: the special three.
const GO_SPECIAL: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;
/// Pipe, socket, device, and "irregular".
const GO_OTHER: u32 = 1 << 25 | 1 << 24 | 1 << 26 | 1 << 19;

fn permissions(mode: u32) -> u32 {
    let special = GO_SPECIAL.into_iter().filter(|(go, _)| mode & go != 0);
    mode & 0o777 | special.map(|(_, unix)| unix).sum::<u32>()
}

fn kind(mode: u32) -> PathKind {
    if mode & GO_DIRECTORY != 0 {
        PathKind::Directory
    } else if mode & GO_SYMLINK != 0 {
        PathKind::Symlink
    } else if mode & GO_OTHER != 0 {
        PathKind::Other
    } else {
        PathKind::File
    }
}

impl Stat {
    fn new(on: Container<Unknown>, path: String) -> Stat {
        Stat { on, path }
    }

    fn call(&self) -> Result<Call, Error> {
        head(&self.on, &self.path)
    }

    async fn run(self) -> Result<PathStat, Error> {
        ask(&self.on, &self.call()?).await
    }
}

verb!(Stat, on => Result<PathStat, Error>);

fn head(on: &Container<Unknown>, path: &str) -> Result<Call, Error> {
    Path::parse(path)?;
    Ok(Call::head(&["containers", on.id.as_str(), "archive"]).arg("path", path))
}

async fn ask(on: &Container<Unknown>, call: &Call) -> Result<PathStat, Error> {
    let mut reply = on.transport.send(call).await?;
    let stat = PathStat::read(call, &reply.headers);
    reply.body.skip().await;
    stat
}

/// A path in a container, as the engine will understand it: from the root, ".." resolved by name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path {
    /// Without a slash at its end; empty for the root.
    clean: String,
    /// It ended in "/" or "/.": a folder is meant.
    folder: bool,
    /// It ended in ".", or is the root: what is in the folder is meant, and not the folder.
    contents: bool,
}

impl Path {
    fn parse(path: &str) -> Result<Path, Error> {
        if path.is_empty() {
            return Err(Error::invalid("container path", path, "must not be empty"));
        }
        if path.contains('\0') {
            return Err(Error::invalid("container path", path, "must not have a NUL in it"));
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        let clean = parts.iter().flat_map(|part| ["/", part]).collect::<String>();
        let contents = clean.is_empty() || path == "." || path.ends_with("/.");
        Ok(Path { folder: contents || path.ends_with('/'), clean, contents })
    }

    /// The folder it is in, and its name there. `None` for the root.
    fn split(&self) -> Option<(&str, &str)> {
        let (folder, name) = self.clean.rsplit_once('/')?;
        Some((if folder.is_empty() { "/" } else { folder }, name))
    }

    /// As it is asked for.
    #[cfg(unix)]
    fn query(&self) -> String {
        let end = match (self.contents, self.folder) {
            (true, _) => "/.",
            (false, true) => "/",
            (false, false) => "",
        };
        format!("{}{end}", self.clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let web = crate::container::example();
        let calls = [
            web.stat("/a b&c").call(),
            web.archive("/a/.").call(),
            web.read_file("/a").call(),
            web.copy_out("a/../b/", "here").call(),
            web.copy_out("/", "here").call(),
            Ok(web.export().call()),
            web.write_file("f", "x").copy_uid_gid().call().map(|(call, _)| call),
            web.write_file("/a/f", "x")
                .allow_overwrite_dir_with_file()
                .call()
                .map(|(call, _)| call),
            web.put_archive("/a", &b""[..]).call(),
        ];
        let calls: Vec<_> = calls.into_iter().map(|call| call.unwrap().to_string()).collect();
        insta::assert_snapshot!(calls.join("\n"), @r"
        HEAD /containers/f00f00f00f00/archive?path=%2Fa%20b%26c
        GET /containers/f00f00f00f00/archive?path=%2Fa%2F.
        GET /containers/f00f00f00f00/archive?path=%2Fa
        GET /containers/f00f00f00f00/archive?path=%2Fb%2F
        GET /containers/f00f00f00f00/archive?path=%2F.
        GET /containers/f00f00f00f00/export
        PUT /containers/f00f00f00f00/archive?path=%2F&noOverwriteDirNonDir=1&copyUIDGID=1
        PUT /containers/f00f00f00f00/archive?path=%2Fa
        PUT /containers/f00f00f00f00/archive?path=%2Fa&noOverwriteDirNonDir=1
        ");
        for bad in ["/", "/a/", "/a/.", "..", ""] {
            assert!(web.write_file(bad, "x").call().is_err(), "{bad}");
        }
        assert!(web.copy_out("/a", "").call().is_err());
        assert!(!format!("{:?}", web.write_file("/a", "canary")).contains("canary"));
    }

    #[test]
    fn gos_modes_are_unixs() {
        let both = |mode| (format!("{:o}", permissions(mode)), kind(mode));
        assert_eq!(both(2_147_484_141), ("755".into(), PathKind::Directory));
        assert_eq!(both(134_218_239), ("777".into(), PathKind::Symlink));
        assert_eq!(both(0o644), ("644".into(), PathKind::File));
        assert_eq!(both(1 << 23 | 0o755), ("4755".into(), PathKind::File));
        assert_eq!(both(1 << 22 | 0o755), ("2755".into(), PathKind::File));
        assert_eq!(both(1 << 31 | 1 << 20 | 0o777), ("1777".into(), PathKind::Directory));
        assert_eq!(both(1 << 26 | 1 << 21 | 0o666), ("666".into(), PathKind::Other));
        assert_eq!(both(1 << 25 | 0o600), ("600".into(), PathKind::Other));
        assert_eq!(both(1 << 24 | 0o600), ("600".into(), PathKind::Other));
    }

    #[test]
    fn paths_are_understood_as_the_engine_does() {
        let query = |path: &str| Path::parse(path).unwrap().query();
        assert_eq!(query("etc/passwd"), "/etc/passwd");
        assert_eq!(query("/a//b/./c/../d/"), "/a/b/d/");
        assert_eq!(query("/a/."), "/a/.");
        for root in ["/", ".", "/.", "..", "/../..", "a/.."] {
            assert_eq!(query(root), "/.", "{root}");
        }
        let split = |path: &str| {
            let path = Path::parse(path).unwrap();
            path.split().map(|(folder, name)| format!("{folder} {name}"))
        };
        assert_eq!(split("/a/b/").as_deref(), Some("/a b"));
        assert_eq!(split("f").as_deref(), Some("/ f"));
        assert_eq!(split("/"), None);
        assert!(Path::parse("").is_err() && Path::parse("a\0b").is_err());
    }

    #[test]
    fn a_state_is_read_and_a_broken_one_is_an_error() {
        let call = Call::head(&["x"]);
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-docker-container-path-stat", text.parse().unwrap());
            PathStat::read(&call, &headers)
        };
        let encode = |json: &str| base64::engine::general_purpose::STANDARD.encode(json);
        let json = r#"{"name":"l","size":1,"mode":134218239,"mtime":"2026-11-25T00:30:45Z",
            "linkTarget":"/d/f","new":1}"#;
        let stat = read(&encode(json)).unwrap();
        assert_eq!((stat.name.as_str(), stat.kind), ("l", PathKind::Symlink));
        assert_eq!(stat.link_target.as_deref(), Some("/d/f"));
        assert_eq!(stat.mtime.map(Timestamp::secs), Some(1_795_566_645));
        assert_eq!(read(&encode("{}")).unwrap().link_target, None);
        for bad in ["***", &encode("no json")] {
            assert!(matches!(read(bad), Err(Error::Decode(_))), "{bad}");
        }
        assert!(PathStat::read(&call, &HeaderMap::new()).is_err());
    }
}
