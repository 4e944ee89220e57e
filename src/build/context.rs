//! The context of a build: the files it may use, as one tar archive.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;
use tokio::io::AsyncRead;

use super::packed::{ContextTar, Reader, blocking};
use super::plan::{Added, Dockerfile, Ground, Plan};
use crate::error::Error;

/// What is used to build an image: a folder, files made up in memory, or a ready tar archive.
///
/// ```
/// use bowline::BuildContext;
///
/// let folder = BuildContext::directory(".").dockerfile("docker/release.Dockerfile");
/// let memory = BuildContext::new()
///     .file("Dockerfile", "FROM busybox\nCOPY greeting /\n")
///     .file("greeting", "hello\n");
/// # let _ = (folder, memory);
/// ```
///
/// It is read as it is sent, a piece at a time; a folder of any size takes half a megabyte of
/// memory. A mistake in it is told when it is first used.
///
/// # Folders
///
/// What `docker build` sends is sent, in the same order: files and folders with their modes and
/// times, owned by root; links as links, never followed. Hard links become files of their own.
/// Names are bytes, and need not be UTF-8. Sockets, pipes and devices are left out, and so is what
/// was removed between being listed and being opened: [`skipped`](ContextTar::skipped) tells.
///
/// A file that cannot be read is an error, unless it is ignored. One that grows meanwhile is sent
/// as long as it was when it was opened. One that shrinks ends the stream with an error that names
/// it, and the engine, whose request breaks off, builds nothing.
///
/// # What is ignored
///
/// A `.dockerignore` in the folder's root says what is not sent, by Docker's rules. One next to
/// the Dockerfile that bears its name, such as `release.Dockerfile.dockerignore`, is used instead.
/// Files added with [`file`](BuildContext::file) are never ignored.
///
/// The Dockerfile and `.dockerignore` are sent even if they are ignored, because the engine reads
/// them. The older builder then hides them from `COPY`; BuildKit does not, with a context that is
/// sent as an archive.
///
/// Where the two builders' clients differ, this follows the newer: what a line with `!` takes back
/// is sent, although a pattern ignores a folder above it, as in `*` and `!**/*.md`.
#[must_use = "a context does nothing until it is built from"]
pub struct BuildContext {
    source: Source,
    files: Vec<(String, Added)>,
    dockerfile: Dockerfile,
}

enum Source {
    Memory,
    Folder(PathBuf),
    Tar(Reader),
}

impl BuildContext {
    /// Begin a context without any file.
    #[allow(clippy::new_without_default, reason = "an empty context builds nothing")]
    pub fn new() -> BuildContext {
        BuildContext::from(Source::Memory)
    }

    /// Take a folder, but for what its `.dockerignore` leaves out.
    ///
    /// If the path is a link, the folder is where it leads.
    pub fn directory(path: impl Into<PathBuf>) -> BuildContext {
        BuildContext::from(Source::Folder(path.into()))
    }

    /// Take a ready tar archive, plain or compressed, as it is.
    ///
    /// It is read as it is sent. Nothing is left out: a `.dockerignore` in it is the engine's to
    /// read, and the engine uses it only to hide that file and the Dockerfile.
    pub fn tar(archive: impl AsyncRead + Send + 'static) -> BuildContext {
        BuildContext::from(Source::Tar(Box::pin(archive)))
    }

    fn from(source: Source) -> BuildContext {
        BuildContext { source, files: Vec::new(), dockerfile: Dockerfile::Usual }
    }

    /// Add a file, with mode 0644 and the present time.
    ///
    /// The path is relative to the context's root. A file of a folder that has the same path is
    /// not sent; one in a tar archive is sent later, and wins.
    pub fn file(self, path: impl Into<String>, data: impl Into<Bytes>) -> BuildContext {
        self.file_mode(path, data, 0o644)
    }

    /// Add a file with a mode of its own, such as 0755 for a script.
    pub fn file_mode(
        mut self,
        path: impl Into<String>,
        data: impl Into<Bytes>,
        mode: u32,
    ) -> BuildContext {
        self.files.push((path.into(), Added { mode, data: data.into() }));
        self
    }

    /// Name the Dockerfile; without this it is the one called `Dockerfile` in the root.
    ///
    /// A relative path begins at the context's root, not at this process' working folder. The file
    /// may be outside of the context (`../Dockerfile`, or an absolute path): it is then sent with
    /// it, under a name that is made up, as a [text](BuildContext::dockerfile_inline) is.
    pub fn dockerfile(mut self, path: impl Into<PathBuf>) -> BuildContext {
        self.dockerfile = Dockerfile::At(path.into());
        self
    }

    /// Build by this text. It is sent with the context, under a name that is made up.
    ///
    /// That name is added to the `.dockerignore` that is sent, so that the older builder hides the
    /// file from `COPY`. BuildKit shows it there.
    pub fn dockerfile_inline(mut self, text: impl Into<Bytes>) -> BuildContext {
        self.dockerfile = Dockerfile::Text(text.into());
        self
    }

    /// Begin the archive that is sent to the engine.
    ///
    /// This reads the ignore file and looks for the Dockerfile; all else is read as the archive
    /// is.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the folder, the Dockerfile or the ignore file cannot be read, if
    /// an ignore pattern breaks a rule (the file, the line and the rule are named), if a file was
    /// added under a path that is absolute or leads out, and if one was added to a compressed
    /// archive.
    pub async fn pack(self) -> Result<ContextTar, Error> {
        let (ground, tail) = match self.source {
            Source::Memory => (Ground::Memory, None),
            Source::Folder(path) => (Ground::Folder(path), None),
            Source::Tar(archive) => (Ground::Tar, Some(archive)),
        };
        let plan = blocking(move || Plan::make(ground, self.files, self.dockerfile));
        let failed = |e: String| Error::invalid("build context", "", e);
        let plan = plan.map_err(|e| failed(e.to_string()))?.await;
        let plan = plan.map_err(|e| failed(format!("could not be looked at: {e}")))??;
        ContextTar::new(plan, tail).await
    }
}

/// A path is a folder.
impl From<&str> for BuildContext {
    fn from(path: &str) -> BuildContext {
        BuildContext::directory(path)
    }
}

/// A path is a folder.
impl From<&std::path::Path> for BuildContext {
    fn from(path: &std::path::Path) -> BuildContext {
        BuildContext::directory(path)
    }
}

/// A path is a folder.
impl From<PathBuf> for BuildContext {
    fn from(path: PathBuf) -> BuildContext {
        BuildContext::directory(path)
    }
}

impl fmt::Debug for BuildContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("BuildContext");
        match &self.source {
            Source::Memory => {}
            Source::Folder(path) => _ = out.field("directory", path),
            Source::Tar(_) => _ = out.field("tar", &format_args!("..")),
        }
        // Contents are left out: they are long, and may be secret.
        out.field("files", &self.files.iter().map(|(path, _)| path).collect::<Vec<_>>());
        match &self.dockerfile {
            Dockerfile::Usual => {}
            Dockerfile::At(path) => _ = out.field("dockerfile", path),
            Dockerfile::Text(_) => _ = out.field("dockerfile_inline", &format_args!("..")),
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::io::{self, Read};
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use tempfile::TempDir;
    use tokio::io::ReadBuf;

    use super::super::ContextTar;
    use super::*;

    /// A folder `context` with these files, in a folder of its own.
    fn folder(files: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("context")).unwrap();
        for (path, text) in files {
            let full = dir.path().join("context").join(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(full, text).unwrap();
        }
        dir
    }

    fn directory(dir: &TempDir) -> BuildContext {
        BuildContext::directory(dir.path().join("context"))
    }

    async fn collect(tar: &mut ContextTar) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(piece) = tar.next().await {
            whole.extend_from_slice(&piece?);
        }
        assert!(tar.next().await.is_none(), "the end stays the end");
        Ok(whole)
    }

    /// Files and their texts, folders with their slash, of a plain archive.
    fn unpack(archive: &[u8]) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(String::from_utf8_lossy(&entry.path_bytes()).into_owned(), text);
        }
        files
    }

    /// The Dockerfile's name, and what is sent.
    async fn sent(context: BuildContext) -> (Option<String>, BTreeMap<String, String>) {
        let mut tar = context.pack().await.unwrap();
        let dockerfile = tar.dockerfile().map(str::to_owned);
        (dockerfile, unpack(&collect(&mut tar).await.unwrap()))
    }

    fn names(files: &BTreeMap<String, String>) -> Vec<&str> {
        files.keys().map(String::as_str).collect()
    }

    async fn refusal(context: BuildContext) -> String {
        match context.pack().await {
            Ok(tar) => panic!("{tar:?}"),
            Err(e @ Error::InvalidInput(_)) => e.to_string(),
            Err(e) => panic!("{e:?}"),
        }
    }

    #[tokio::test]
    async fn a_folder_but_for_what_is_ignored() {
        let dir = folder(&[
            ("Dockerfile", "FROM busybox"),
            (".dockerignore", "*\n!src\nsrc/*.o\n"),
            ("src/main.c", "int"),
            ("src/main.o", "obj"),
            (".env", "secret"),
        ]);
        let (dockerfile, files) = sent(directory(&dir)).await;
        assert_eq!(dockerfile.as_deref(), Some("Dockerfile"));
        assert_eq!(names(&files), [".dockerignore", "Dockerfile", "src/", "src/main.c"]);
        assert_eq!(files["src/main.c"], "int");
        // A link to the folder is the folder.
        symlink("context", dir.path().join("link")).unwrap();
        let (_, same) = sent(BuildContext::directory(dir.path().join("link"))).await;
        assert_eq!(same, files);
    }

    #[tokio::test]
    async fn a_small_dockerfile_is_found_where_there_is_no_other() {
        let dir = folder(&[("dockerfile", "FROM busybox")]);
        assert_eq!(sent(directory(&dir)).await.0.as_deref(), Some("dockerfile"));
        let dir = folder(&[("dockerfile", "a"), ("Dockerfile", "b")]);
        assert_eq!(sent(directory(&dir)).await.0.as_deref(), Some("Dockerfile"));
    }

    #[tokio::test]
    async fn the_dockerfiles_own_ignore_file_wins() {
        let dir = folder(&[
            ("d/rel.Dockerfile", "FROM busybox"),
            ("d/rel.Dockerfile.dockerignore", "b\nd"),
            (".dockerignore", "a"),
            ("a", ""),
            ("b", ""),
            ("Dockerfile", ""),
        ]);
        let (dockerfile, files) = sent(directory(&dir).dockerfile("./d/rel.Dockerfile")).await;
        assert_eq!(dockerfile.as_deref(), Some("d/rel.Dockerfile"));
        assert_eq!(names(&files), [".dockerignore", "Dockerfile", "a", "d/rel.Dockerfile"]);
        let (_, files) = sent(directory(&dir)).await;
        assert!(!files.contains_key("a") && files.contains_key("b"));
    }

    #[tokio::test]
    async fn a_dockerfile_may_be_a_path_a_link_or_elsewhere() {
        let dir = folder(&[("docker/file", "inside"), (".dockerignore", "docker\nb"), ("b", "")]);
        let root = dir.path().join("context").canonicalize().unwrap();
        fs::write(dir.path().join("outside"), "outside").unwrap();
        symlink("docker/file", root.join("in")).unwrap();
        symlink("../outside", root.join("out")).unwrap();

        for inside in [Path::new("docker/file"), Path::new("in"), &root.join("docker/file")] {
            let (dockerfile, files) = sent(directory(&dir).dockerfile(inside)).await;
            assert_eq!(dockerfile.as_deref(), Some("docker/file"), "{inside:?}");
            assert_eq!(names(&files), [".dockerignore", "docker/file", "in", "out"]);
        }
        let absolute = dir.path().join("outside");
        for outside in [Path::new("../outside"), Path::new("out"), &absolute] {
            let (dockerfile, files) = sent(directory(&dir).dockerfile(outside)).await;
            let name = dockerfile.unwrap();
            assert_eq!(name.strip_prefix(".dockerfile.").map(str::len), Some(20), "{name}");
            assert_eq!(names(&files), [&name, ".dockerignore", "in", "out"]);
            assert_eq!(files[&name], "outside");
            assert_eq!(files[".dockerignore"], format!("docker\nb\n{name}\n"));
        }
        // Its own ignore file lies next to it.
        fs::write(dir.path().join("outside.dockerignore"), "in\nout").unwrap();
        let (_, files) = sent(directory(&dir).dockerfile("../outside")).await;
        assert!(files.contains_key("b") && !files.contains_key("in"), "{files:?}");
    }

    #[tokio::test]
    async fn a_dockerfile_from_a_text_hides_itself() {
        let dir = folder(&[("a", "")]);
        let (dockerfile, files) = sent(directory(&dir).dockerfile_inline("FROM busybox")).await;
        let name = dockerfile.unwrap();
        assert_eq!(names(&files), [&name, ".dockerignore", "a"]);
        assert_eq!(files[&name], "FROM busybox");
        assert_eq!(files[".dockerignore"], format!(".dockerignore\n{name}\n"));
        let (other, _) = sent(directory(&dir).dockerfile_inline("FROM busybox")).await;
        assert_ne!(other.unwrap(), name);
    }

    #[tokio::test]
    async fn files_from_memory() {
        let context = BuildContext::new()
            .file("Dockerfile", "old")
            .file("./bin//../bin/run", "#!/bin/sh")
            .file_mode("tool", vec![1, 2], 0o755)
            .file("Dockerfile", "FROM busybox");
        let mut tar = context.pack().await.unwrap();
        assert_eq!(tar.dockerfile(), Some("Dockerfile"));
        let whole = collect(&mut tar).await.unwrap();
        let mut archive = tar::Archive::new(&*whole);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap(), entry.header().mtime().unwrap())
        });
        let entries: Vec<_> = entries.collect();
        assert!(entries.iter().all(|e| e.2 > 1_600_000_000));
        let modes: Vec<_> = entries.iter().map(|e| (&*e.0, e.1)).collect();
        assert_eq!(modes, [("Dockerfile", 0o644), ("bin/run", 0o644), ("tool", 0o755)]);

        let (dockerfile, files) = sent(BuildContext::new().dockerfile_inline("FROM x")).await;
        assert_eq!(files[&dockerfile.unwrap()], "FROM x");
        let named = BuildContext::new().file("a/b", "FROM y").dockerfile("./a/b");
        assert_eq!(sent(named).await.0.as_deref(), Some("a/b"));
    }

    #[tokio::test]
    async fn files_from_memory_take_the_place_of_a_folders() {
        let dir = folder(&[("Dockerfile", "disk"), ("a", "disk"), ("b", "disk")]);
        let (_, files) = sent(
            directory(&dir)
                .file("Dockerfile", "memory")
                .file(".dockerignore", "*\n")
                .file("a", "m"),
        )
        .await;
        assert_eq!(names(&files), [".dockerignore", "Dockerfile", "a"]);
        assert_eq!((&*files["Dockerfile"], &*files["a"]), ("memory", "m"));
    }

    async fn packed(context: BuildContext) -> Vec<u8> {
        collect(&mut context.pack().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_ready_archive_is_sent_as_it_is() {
        let whole = packed(BuildContext::new().file("Dockerfile", "x".repeat(300_000))).await;
        let mut tar = BuildContext::tar(io::Cursor::new(whole.clone())).pack().await.unwrap();
        assert_eq!(tar.dockerfile(), None);
        assert!(collect(&mut tar).await.unwrap() == whole);
        let named = BuildContext::tar(&b"\x1f\x8bgz"[..]).dockerfile("a/../b");
        let mut tar = named.pack().await.unwrap();
        assert_eq!(tar.dockerfile(), Some("b"));
        assert_eq!(collect(&mut tar).await.unwrap(), b"\x1f\x8bgz");
    }

    #[tokio::test]
    async fn what_is_added_to_a_ready_archive_goes_before_it() {
        let whole = packed(BuildContext::new().file("Dockerfile", "FROM x").file("a", "b")).await;
        let tar = || BuildContext::tar(io::Cursor::new(whole.clone()));
        let (dockerfile, files) = sent(tar().dockerfile_inline("FROM y")).await;
        let name = dockerfile.unwrap();
        assert_eq!(names(&files), [&name, ".dockerignore", "Dockerfile", "a"]);
        let (dockerfile, files) = sent(tar().file("c", "d")).await;
        assert_eq!((dockerfile, names(&files)), (None, vec!["Dockerfile", "a", "c"]));

        for magic in [&b"\x1f\x8b\x08\0\0\0\0"[..], b"BZh91AY", b"\xfd7zXZ\0", b"(\xb5/\xfd1234"] {
            // However little of it comes at once.
            let slow = torn(magic);
            let error = refusal(BuildContext::tar(slow).file("c", "d")).await;
            assert!(error.contains("compressed"), "{error}");
        }
    }

    /// A reader that gives one byte at a time, and then fails.
    fn torn(bytes: &'static [u8]) -> impl AsyncRead + Send + 'static {
        struct Slow(&'static [u8]);
        impl AsyncRead for Slow {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let Some((first, rest)) = self.0.split_first() else {
                    return Poll::Ready(Err(io::Error::other("torn")));
                };
                buf.put_slice(&[*first]);
                self.0 = rest;
                Poll::Ready(Ok(()))
            }
        }
        Slow(bytes)
    }

    #[tokio::test]
    async fn an_archive_that_cannot_be_read_ends_in_an_error() {
        for bytes in [&b""[..], b"abc", b"abcdefghijkl"] {
            for added in [false, true] {
                let context = BuildContext::tar(torn(bytes));
                let context = if added { context.file("a", "b") } else { context };
                let mut tar = context.pack().await.unwrap();
                let error = collect(&mut tar).await.unwrap_err();
                assert_eq!(error.to_string(), "torn");
                assert!(tar.next().await.is_none());
            }
        }
    }

    #[tokio::test]
    async fn mistakes_are_told_before_anything_is_sent() {
        for (path, rule) in [
            ("/a", "relative"),
            ("", "name a file"),
            (".", "name a file"),
            ("a/", "name a file"),
            ("a\0b", "name a file"),
            ("..", "lead out"),
            ("a/../../b", "lead out"),
        ] {
            let error = refusal(BuildContext::new().file(path, "")).await;
            assert!(error.contains(rule), "{path:?}: {error}");
        }
        let error = refusal(BuildContext::new().file("a", "")).await;
        assert_eq!(error, r#"Dockerfile "Dockerfile" is not among the context's files"#);
        let error = refusal(BuildContext::new().dockerfile("a")).await;
        assert_eq!(error, r#"Dockerfile "a" is not among the context's files"#);
        let error = refusal(BuildContext::directory("/no/such/folder")).await;
        assert!(error.starts_with(r#"build context "/no/such/folder" cannot be read: No"#));

        let dir = folder(&[("Dockerfile", ""), (".dockerignore", "a\n[b\n")]);
        let root = dir.path().join("context").canonicalize().unwrap();
        let error = refusal(BuildContext::directory(root.join("Dockerfile"))).await;
        assert!(error.contains("cannot be read: Not a directory"), "{error}");
        let error = refusal(directory(&dir).dockerfile("none")).await;
        assert!(error.contains("none\" cannot be read: No such file"), "{error}");
        let ignore = root.join(".dockerignore");
        let error = refusal(directory(&dir)).await;
        let wanted = format!(
            "ignore pattern \"[b\" must close its bracket (line 2 of {})",
            ignore.display()
        );
        assert_eq!(error, wanted);
        fs::remove_file(&ignore).unwrap();
        fs::create_dir(&ignore).unwrap();
        let error = refusal(directory(&dir)).await;
        assert!(error.contains("ignore file") && error.contains("directory"), "{error}");
    }

    #[test]
    fn without_a_runtime_it_is_an_error() {
        let mut pack = pin!(BuildContext::new().file("Dockerfile", "").pack());
        let cx = &mut Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = pack.as_mut().poll(cx) else { panic!() };
        assert!(error.to_string().contains("Tokio runtime"), "{error}");
    }

    #[test]
    fn contents_are_not_shown() {
        let context = BuildContext::directory("/d")
            .file("token", "secret")
            .dockerfile_inline("ENV TOKEN=secret");
        let shown = format!("{context:?}");
        let wanted = r#"BuildContext { directory: "/d", files: ["token"], dockerfile_inline: .. }"#;
        assert_eq!(shown, wanted);
    }

    #[tokio::test]
    async fn what_was_left_out_is_told() {
        let dir = folder(&[("Dockerfile", "")]);
        let socket = dir.path().join("context/z.sock");
        let _socket = std::os::unix::net::UnixListener::bind(socket).unwrap();
        let mut tar = directory(&dir).pack().await.unwrap();
        assert_eq!(tar.skipped(), []);
        collect(&mut tar).await.unwrap();
        let told: Vec<String> = tar.skipped().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["z.sock is a socket"]);
    }

    #[tokio::test]
    async fn what_looks_like_a_secret_is_told_if_it_is_sent() {
        let dir = folder(&[
            ("Dockerfile", ""),
            (".dockerignore", "*.pem\n!a.pem\n.aws"),
            (".env", ""),
            ("a.pem", ""),
            ("b.pem", ""),
        ]);
        let context = dir.path().join("context");
        std::os::unix::fs::symlink("/etc/ssl/key.pem", context.join("link.key")).unwrap();
        for (folder, files) in [(".aws", 1), (".git/objects", 300), (".ssh", 0), ("x/.git", 1)] {
            fs::create_dir_all(context.join(folder)).unwrap();
            for n in 0..files {
                // More than a batch of pieces.
                let name = if folder == ".aws" { "credentials".into() } else { n.to_string() };
                fs::write(context.join(folder).join(name), vec![b'x'; 2000]).unwrap();
            }
        }
        let mut tar = directory(&dir).pack().await.unwrap();
        assert!(tar.secrets().is_empty());
        collect(&mut tar).await.unwrap();
        assert_eq!(tar.secrets(), [".env", ".git", "a.pem", "x/.git"].map(Path::new));
    }

    #[tokio::test]
    async fn what_is_added_and_looks_like_a_secret_is_told_as_well() {
        let added = |context: BuildContext| {
            context
                .file("Dockerfile", "FROM busybox")
                .file(".env", "TOKEN=x")
                .file(".git/config", "")
                .file("z/id_rsa", "")
                .file("z/id_rsa.pub", "")
        };
        let mut tar = added(BuildContext::new()).pack().await.unwrap();
        assert!(tar.secrets().is_empty(), "nothing is sent yet");
        collect(&mut tar).await.unwrap();
        assert_eq!(tar.secrets(), [".env", ".git", "z/id_rsa"].map(Path::new));

        // Beside a folder nothing is told twice.
        let dir = folder(&[(".env", ""), (".git/HEAD", ""), ("b.pem", ""), ("c", "")]);
        let mut tar = added(directory(&dir)).pack().await.unwrap();
        collect(&mut tar).await.unwrap();
        assert_eq!(tar.secrets(), [".env", ".git", "z/id_rsa", "b.pem"].map(Path::new));

        // And before an archive that comes ready, in which nothing is looked at.
        let ready = packed(BuildContext::new().file("Dockerfile", "").file("a.pem", "")).await;
        let ready = BuildContext::tar(io::Cursor::new(ready));
        let mut tar = ready.file(".npmrc", "").pack().await.unwrap();
        collect(&mut tar).await.unwrap();
        assert_eq!(tar.secrets(), [".npmrc"].map(Path::new));
    }

    /// A context with one large file, which takes no room on the disk.
    fn large(size: u64) -> TempDir {
        let dir = folder(&[("Dockerfile", "FROM busybox"), ("z", "after")]);
        let file = fs::File::create(dir.path().join("context/large")).unwrap();
        file.set_len(size).unwrap();
        dir
    }

    #[tokio::test]
    async fn a_file_that_shrinks_ends_the_stream_with_an_error() {
        let dir = large(8 << 20);
        let mut tar = directory(&dir).pack().await.unwrap();
        tar.next().await.unwrap().unwrap();
        // No more than half a megabyte was read of it by now.
        let path = dir.path().join("context/large");
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
        let error = collect(&mut tar).await.unwrap_err();
        let path = path.canonicalize().unwrap();
        assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
        assert!(error.get_ref().unwrap().source().unwrap().to_string().contains("7340032 bytes"));
        assert!(tar.next().await.is_none());
    }

    /// A runtime waits for its blocking work as it ends: nothing may be left that does not end.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_stream_that_is_dropped_stops_reading() {
        let dir = large(8 << 30);
        let path = dir.path().join("context/large").canonicalize().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let open = || {
            let files = fs::read_dir("/proc/self/fd").unwrap();
            files
                .filter(|f| fs::read_link(f.as_ref().unwrap().path()).ok().as_ref() == Some(&path))
                .count()
        };
        runtime.block_on(async {
            let mut tar = directory(&dir).pack().await.unwrap();
            tar.next().await.unwrap().unwrap();
            assert_eq!(open(), 1, "the test sees no open file");
        });
        drop(runtime);
        assert_eq!(open(), 0);
    }

    /// In a process of its own, whose memory is nobody else's.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_large_file_takes_little_memory() {
        const SIZE: &str = "BOWLINE_TEST_LARGE_FILE";
        if let Ok(size) = std::env::var(SIZE) {
            return stream_large(size.parse().unwrap());
        }
        let name = "build::context::tests::a_large_file_takes_little_memory";
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args([name, "--exact", "--nocapture"]).env(SIZE, (256_u64 << 20).to_string());
        let out = again.output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() && text.contains("grew by"), "{text}");
    }

    #[cfg(target_os = "linux")]
    fn stream_large(size: u64) {
        let memory = |field: &str| {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|l| l.strip_prefix(field)).unwrap().to_owned();
            line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap()
        };
        let dir = large(size);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let before = memory("VmRSS:");
        let sent = runtime.block_on(async {
            let mut tar = directory(&dir).pack().await.unwrap();
            let mut sent = 0;
            while let Some(piece) = tar.next().await {
                sent += piece.unwrap().len() as u64;
            }
            sent
        });
        assert_eq!(sent, size + 512 * (2 + 1 + 2 + 2));
        let grew = memory("VmHWM:").saturating_sub(before);
        println!("{sent} bytes: grew by {grew} KiB");
        assert!(grew < 16 << 10, "grew by {grew} KiB");
    }
}
