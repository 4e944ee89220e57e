//! What `docker build` sends, and what we send: the same files of the same folder.
//!
//! The real client builds against a daemon that only keeps what it gets; no engine is asked. One
//! test at the end has a real engine build from our archive.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bowline::BuildContext;

/// A daemon that answers every call with "fine", and keeps what it is asked to build from.
struct Recorder {
    dir: tempfile::TempDir,
    archives: Receiver<Vec<u8>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    fn start() -> Recorder {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("sock")).unwrap();
        let (keep, archives) = channel();
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        let thread = std::thread::spawn(move || {
            for conn in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let keep = keep.clone();
                std::thread::spawn(move || serve(&conn.unwrap(), &keep));
            }
        });
        Recorder { dir, archives, over, thread: Some(thread) }
    }

    fn host(&self) -> String {
        format!("unix://{}", self.dir.path().join("sock").display())
    }

    /// Have the client build; return what it sent, or what it said instead.
    fn docker_build(&self, args: &[&str], stdin: &str) -> Result<Vec<u8>, String> {
        let mut docker = docker_cli();
        docker.args(["--host", &self.host(), "build"]).args(args);
        docker.env("DOCKER_CONFIG", self.dir.path()).stdin(Stdio::piped());
        let mut child = docker.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let sent = self.archives.try_iter().last();
        match (out.status.success(), sent) {
            (true, Some(sent)) => Ok(sent),
            (true, None) => panic!("`docker build` sent nothing"),
            (false, _) => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = UnixStream::connect(self.dir.path().join("sock"));
        let _ = self.thread.take().unwrap().join();
    }
}

/// The client, made to send its context as one archive.
fn docker_cli() -> Command {
    let mut docker = Command::new("docker");
    docker.env("DOCKER_BUILDKIT", "0").env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    docker
}

fn serve(conn: &UnixStream, keep: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(conn);
    let line = |reader: &mut BufReader<&UnixStream>| {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    loop {
        let request = line(&mut reader);
        if request.is_empty() {
            return;
        }
        let headers: Vec<String> = std::iter::from_fn(|| Some(line(&mut reader)))
            .take_while(|l| !l.is_empty())
            .map(|l| l.to_ascii_lowercase())
            .collect();
        let mut body = Vec::new();
        if headers.iter().any(|h| h == "transfer-encoding: chunked") {
            loop {
                let size = u64::from_str_radix(&line(&mut reader), 16).unwrap();
                reader.by_ref().take(size).read_to_end(&mut body).unwrap();
                line(&mut reader);
                if size == 0 {
                    break;
                }
            }
        }
        if request.contains("/build?") {
            keep.send(body).unwrap();
        }
        let text = if request.starts_with("HEAD") { "" } else { "{\"stream\":\"fine\"}\n" };
        let mut conn = conn;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        conn.write_all(answer.as_bytes()).unwrap();
    }
}

async fn our_archive(context: BuildContext) -> Result<Vec<u8>, String> {
    let mut tar = context.pack().await.map_err(|e| e.to_string())?;
    let mut whole = Vec::new();
    while let Some(piece) = tar.next().await {
        whole.extend_from_slice(&piece.map_err(|e| e.to_string())?);
    }
    Ok(whole)
}

/// All that an archive says, a line for each entry, in its order.
fn listing(archive: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        let head = entry.header();
        lines.push(format!(
            "{} {:?} {:o} {}:{} {} -> {:?} {}",
            entry.path_bytes().escape_ascii(),
            head.entry_type(),
            head.mode().unwrap(),
            head.uid().unwrap(),
            head.gid().unwrap(),
            head.mtime().unwrap(),
            entry.link_name_bytes().map(|l| l.escape_ascii().to_string()),
            data.escape_ascii(),
        ));
    }
    lines
}

fn names(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let name = |e: std::io::Result<tar::Entry<'_, &[u8]>>| {
        e.unwrap().path_bytes().escape_ascii().to_string()
    };
    archive.entries().unwrap().map(name).collect()
}

/// A folder with something for every rule to bite on.
fn sample() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in [
        "Dockerfile",
        "README.md",
        "README-secret.md",
        ".env",
        ".git/HEAD",
        "a",
        "ab",
        "axb",
        "a^b",
        "a.b",
        "a+b",
        "a b",
        "b/a",
        "b/ab",
        "b/b/a",
        "b/b/b/a",
        "b/b/b/x.md",
        "b/c/a",
        "docs/a.md",
        "docs/deep/b.md",
        "docs/deep/c.txt",
        "docs/deep/deeper/d.md",
        "src/main.rs",
        "src/lib/mod.rs",
        "src/lib/mod.o",
        "target/debug/x",
        "x.o",
        "!a",
        "#a",
        "*",
        "[a]",
        "]",
        "^a",
        "{a}",
        "(a)",
        "\u{e9}",
        "\u{e9}\u{3bb}",
        "1",
        "c/c",
        "c/a/c",
        "d/Dockerfile",
        "d/.env",
    ] {
        let full = dir.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, path).unwrap();
    }
    fs::create_dir(dir.path().join("empty")).unwrap();
    symlink("src", dir.path().join("link")).unwrap();
    dir
}

/// Compare for one ignore file. `ours_too` is what only we send: things taken back in a folder that
/// the old client does not look into.
async fn compare(recorder: &Recorder, dir: &Path, ignore: &[u8], ours_too: &[&str]) {
    let shown = ignore.escape_ascii().to_string();
    fs::write(dir.join(".dockerignore"), ignore).unwrap();
    let theirs = recorder.docker_build(&[dir.to_str().unwrap()], "");
    let ours = our_archive(BuildContext::directory(dir)).await;
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let (ours, theirs) = (listing(&ours), listing(&theirs));
            let first = |line: &String| line.split(' ').next().unwrap().to_owned();
            let (extra, same): (Vec<_>, Vec<_>) =
                ours.into_iter().partition(|l| ours_too.contains(&&*first(l)));
            assert_eq!(extra.len(), ours_too.len(), "{shown:?} sends {extra:?}");
            assert_eq!(same, theirs, "{shown:?}");
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{shown:?}: we {:?}, they {:?}", ours.err(), theirs.err()),
    }
}

#[tokio::test]
async fn the_same_is_ignored() {
    let (recorder, dir) = (Recorder::start(), sample());
    let cases: &[(&str, &[&str])] = &[
        // Plain names, and how a line is cleaned.
        ("", &[]),
        ("a", &[]),
        ("b", &[]),
        ("/a", &[]),
        ("//b/", &[]),
        ("./b/../c/./c", &[]),
        ("b/..", &[]),
        ("../a", &[]),
        ("/../a", &[]),
        (".", &[]),
        ("/", &[]),
        ("..", &[]),
        (".env", &[]),
        ("  a \t\r\nb\r\n", &[]),
        ("\u{feff}a\n\u{feff}b", &[]),
        ("\u{feff}#a\nab", &[]),
        ("#a", &[]),
        (" #a", &[]),
        ("a b", &[]),
        ("\u{a0}a\u{2003}", &[]),
        ("/ a", &[]),
        ("Dockerfile\n.dockerignore", &[]),
        ("*", &[]),
        ("**", &[]),
        ("link\nempty", &[]),
        ("link/*", &[]),
        // Wildcards.
        ("*.md", &[]),
        ("*/*", &[]),
        ("*/*.md", &[]),
        ("?", &[]),
        ("a?b", &[]),
        ("?[b]", &[]),
        ("**/a", &[]),
        ("**a", &[]),
        ("**.md", &[]),
        ("b/**", &[]),
        ("b**", &[]),
        ("b/**/a", &[]),
        ("b/**a", &[]),
        ("b/b/**/*.md", &[]),
        ("**/*.md", &[]),
        ("**/b/**", &[]),
        ("**/b/*/a", &[]),
        ("***", &[]),
        ("b/***", &[]),
        ("*/**", &[]),
        ("**/**", &[]),
        ("a**b", &[]),
        ("**/", &[]),
        // Brackets, escapes, and characters that mean something elsewhere.
        ("[a-c]", &[]),
        ("[^a-c]", &[]),
        ("[!a]a", &[]),
        ("[a^]*", &[]),
        ("b[^x]a", &[]),
        ("b[/]a", &[]),
        (r"[\]]", &[]),
        (r"[\[]a]", &[]),
        (r"\*", &[]),
        (r"\!a", &[]),
        (r"\#a", &[]),
        (r"b\/a", &[]),
        ("a.b\na+b\n{a}\n(a)", &[]),
        ("a.?\na+?\n{a}*\n(a)*", &[]),
        ("]", &[]),
        ("]*", &[]),
        ("^a", &[]),
        ("^a*", &[]),
        ("a^*", &[]),
        ("a^b", &[]),
        ("\u{e9}?", &[]),
        ("[\u{e0}-\u{ff}]", &[]),
        // Lines that take back, and their order.
        ("*\n!a", &[]),
        ("!a\n*", &[]),
        ("*.md\n!README*.md\nREADME-secret.md", &[]),
        ("*.md\nREADME-secret.md\n!README*.md", &[]),
        ("b\n!b/b\nb/b/b", &[]),
        ("*\n!src\nsrc/lib/*.o", &[]),
        ("*\n!src/lib", &[]),
        ("src\n!src/lib/mod.rs", &[]),
        ("*\n!b/**", &[]),
        ("b/*\n!b/b/b", &[]),
        (" ! a \n! /b\n*\n! /ab", &[]),
        ("!!a", &[]),
        ("*\n!!a", &[]),
        ("*\n/!a", &[]),
        ("*/c\n!c", &[]),
        ("*/a\n!b\n!c", &[]),
        ("*\n!link", &[]),
        ("*\n!.", &[]),
        ("docs\n!docs/deep/*.md", &[]),
        ("*\n!**/*.rs", &["src/lib/mod.rs", "src/main.rs"]),
        ("*\n!*/main.rs", &["src/main.rs"]),
        ("docs\n!docs/**/d.md", &["docs/deep/deeper/d.md"]),
        ("docs/**\n!**.txt", &["docs/deep/c.txt"]),
        // Mistakes.
        ("!", &[]),
        ("a\n! \n", &[]),
        ("!/", &[]),
        ("[a", &[]),
        ("a[", &[]),
        (r"[a\", &[]),
        ("[]a]", &[]),
        ("[^]", &[]),
        ("[-a]", &[]),
        ("[a-]", &[]),
        ("[z-a]", &[]),
        (r"a\", &[]),
        ("!a[", &[]),
    ];
    for (ignore, ours_too) in cases {
        compare(&recorder, dir.path(), ignore.as_bytes(), ours_too).await;
    }
    compare(&recorder, dir.path(), b"\xff\na\xfe*\n\xc3", &[]).await;
    let long = [&vec![b'a'; 70_000][..], b"\nb"].concat();
    compare(&recorder, dir.path(), &long, &[]).await;
}

/// Made up by chance, the same each time.
#[tokio::test]
async fn the_same_is_ignored_by_rules_that_nobody_would_write() {
    let (recorder, dir) = (Recorder::start(), sample());
    let mut seed = 20_u64;
    let mut roll = move |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides
    };
    let pieces =
        ["a", "b", "c", "docs", "src", "deep", "*", "**", "?", "*.md", "b*", "/", "/", "/"];
    let mut taken_back = 0;
    for _ in 0..120 {
        let mut ignore = String::from(if roll(2) == 0 { "*\n" } else { "" });
        for _ in 0..1 + roll(5) {
            if roll(2) == 0 {
                ignore.push('!');
            }
            for _ in 0..1 + roll(5) {
                ignore.push_str(pieces[roll(pieces.len())]);
            }
            ignore.push('\n');
        }
        fs::write(dir.path().join(".dockerignore"), &ignore).unwrap();
        let theirs = recorder.docker_build(&[dir.path().to_str().unwrap()], "");
        let ours = our_archive(BuildContext::directory(dir.path())).await;
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (listing(&ours), listing(&theirs)),
            (Err(_), Err(_)) => continue,
            (ours, theirs) => panic!("{ignore:?}: we {:?}, they {:?}", ours.err(), theirs.err()),
        };
        // Only a pattern that is no plain name takes back what they do not look at.
        let plain =
            ignore.lines().filter_map(|l| l.strip_prefix('!')).all(|l| !l.contains(['*', '?']));
        if plain {
            assert_eq!(ours, theirs, "{ignore:?}");
        } else {
            let lost: Vec<_> = theirs.iter().filter(|t| !ours.contains(t)).collect();
            assert!(lost.is_empty(), "{ignore:?} loses {lost:?}");
            taken_back += usize::from(ours != theirs);
        }
    }
    assert!((1..30).contains(&taken_back), "{taken_back} differ: too few, or too many to be that");
}

/// What Docker takes for something that nobody meant, and we refuse.
#[tokio::test]
async fn oddities_are_refused() {
    let (recorder, dir) = (Recorder::start(), sample());
    for ignore in ["[*]", "[?]", "[[:alpha:]]"] {
        fs::write(dir.path().join(".dockerignore"), ignore).unwrap();
        assert!(recorder.docker_build(&[dir.path().to_str().unwrap()], "").is_ok());
        let refusal = our_archive(BuildContext::directory(dir.path())).await.unwrap_err();
        assert!(refusal.contains("line 1"), "{refusal}");
    }
}

#[tokio::test]
async fn files_are_sent_as_they_are() {
    let (recorder, dir) = (Recorder::start(), tempfile::tempdir().unwrap());
    let root = dir.path();
    let long = "n".repeat(150);
    for path in ["Dockerfile", "tool", "old", &long, "two\nlines"] {
        fs::write(root.join(path), path).unwrap();
    }
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "bytes").unwrap();
    fs::create_dir_all(root.join(&long[1..]).join(&long)).unwrap();
    fs::set_permissions(root.join("tool"), fs::Permissions::from_mode(0o6755)).unwrap();
    fs::set_permissions(root.join(&long[1..]), fs::Permissions::from_mode(0o1777)).unwrap();
    let old = fs::File::options().write(true).open(root.join("old")).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_234_567_890_999);
    old.set_modified(time).unwrap();
    symlink("/etc/passwd", root.join("out")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    symlink("t".repeat(200), root.join("far")).unwrap();

    let theirs = recorder.docker_build(&[root.to_str().unwrap()], "").unwrap();
    let ours = our_archive(BuildContext::directory(root)).await.unwrap();
    assert_eq!(listing(&ours), listing(&theirs));
    assert_eq!(names(&ours).len(), 11);
}

/// A Dockerfile from elsewhere is sent under a name that is made up, and hidden by the ignore file.
#[tokio::test]
async fn dockerfiles_from_elsewhere() {
    let (recorder, dir) = (Recorder::start(), sample());
    let outside = recorder.dir.path().join("outside");
    fs::write(&outside, "FROM outside").unwrap();
    let root = dir.path().to_str().unwrap();
    let contents = |archive: &[u8]| {
        // The client leaves out what closes its archive, where it adds a file.
        let archive = &*[archive, &[0; 1024]].concat();
        let mut files = BTreeMap::new();
        let name = names(archive).into_iter().find(|n| n.starts_with(".dockerfile.")).unwrap();
        assert_eq!(name.len(), ".dockerfile.".len() + 20);
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let path = entry.path_bytes().escape_ascii().to_string();
            files.insert(path.replace(&name, "NAME"), text.replace(&name, "NAME"));
        }
        files
    };
    for ignore in [None, Some("b\n.dockerignore"), Some("*\n!a\n")] {
        let file = dir.path().join(".dockerignore");
        match ignore {
            Some(text) => fs::write(file, text).unwrap(),
            None => assert!(!file.exists()),
        }
        let theirs = recorder.docker_build(&["-f", outside.to_str().unwrap(), root], "").unwrap();
        let ours = BuildContext::directory(root).dockerfile(&outside);
        assert_eq!(contents(&our_archive(ours).await.unwrap()), contents(&theirs));

        let theirs = recorder.docker_build(&["-f", "-", root], "FROM stdin").unwrap();
        let ours = BuildContext::directory(root).dockerfile_inline("FROM stdin");
        assert_eq!(contents(&our_archive(ours).await.unwrap()), contents(&theirs));
    }
    fs::write(dir.path().join(".dockerignore"), "d").unwrap();
    let inside: PathBuf = dir.path().join("d/Dockerfile");
    let theirs = recorder.docker_build(&["-f", inside.to_str().unwrap(), root], "").unwrap();
    let ours = BuildContext::directory(root).dockerfile("d/Dockerfile");
    assert_eq!(listing(&our_archive(ours).await.unwrap()), listing(&theirs));
}

/// The engine unpacks what we send: names of all kinds, links, and no made-up file in the image.
#[tokio::test]
async fn an_engine_builds_from_it() {
    let dir = sample();
    let root = dir.path();
    let long = "n".repeat(150);
    fs::write(root.join(&long), "long").unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "bytes").unwrap();
    symlink("t".repeat(200), root.join("far")).unwrap();
    fs::write(root.join(".dockerignore"), "*\n!n*\n!far\n![^a-z]\u{fe}\n!docs/deep\n!tool\n!\\*")
        .unwrap();
    fs::write(root.join("big"), vec![7; 300_000]).unwrap();
    let dockerfile = "FROM busybox\nCOPY . /ctx\n\
        RUN cd /ctx && find . | sort && cat n* && readlink far && ls -l tool && echo checked\n";
    let context = BuildContext::directory(root).dockerfile_inline(dockerfile).file_mode(
        "tool",
        "#!/bin/sh\n",
        0o751,
    );
    let mut tar = context.pack().await.unwrap();
    let name = tar.dockerfile().unwrap().to_owned();
    let mut whole = Vec::new();
    while let Some(piece) = tar.next().await {
        whole.extend_from_slice(&piece.unwrap());
    }

    let image = crate::support::engine::unique("context");
    let build = ["build", "--no-cache", "--tag", &image, "--file", &name, "-"];
    let engine = crate::support::engine::docker().await.host().to_string();
    let mut child = docker_cli()
        .args(["--host", &engine])
        .args(build)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&whole).unwrap();
    let out = child.wait_with_output().unwrap();
    let _ = docker_cli().args(["--host", &engine, "image", "rm", &image]).output();
    let text = out.stdout.escape_ascii().to_string().replace(r"\n", "\n");
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    let seen: Vec<&str> =
        text.lines().skip_while(|l| *l != ".").take_while(|l| *l != "checked").collect();
    let wanted = [
        ".",
        "./*",
        "./docs",
        "./docs/deep",
        "./docs/deep/b.md",
        "./docs/deep/c.txt",
        "./docs/deep/deeper",
        "./docs/deep/deeper/d.md",
        "./far",
    ];
    assert_eq!(seen[..wanted.len()], wanted, "{text}");
    assert!(text.contains(&format!("./{long}\n./tool\nlong")), "{text}");
    assert!(text.contains(&"t".repeat(200)) && text.contains("-rwxr-x--x    1 root     root"));
}
