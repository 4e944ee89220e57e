//! Files in and out of containers, held against `docker cp`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use bowline::container::{LeftOutReason, PathKind};
use bowline::error::{StreamError, StreamFault};
use bowline::{Container, Error};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::support::engine::Own;

/// What is in a folder: for each path its kind, mode, time and content.
fn tree(root: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, at: &Path, out: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let what = if meta.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else {
                let content =
                    if meta.is_dir() { String::new() } else { fs::read_to_string(&path).unwrap() };
                let kind = if meta.is_dir() { "folder" } else { "file" };
                format!("{kind} {:o} {} {content:?}", meta.mode() & 0o7777, meta.mtime())
            };
            out.insert(name, what);
            if meta.is_dir() {
                walk(root, &path, out);
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(root, root, &mut out);
    out
}

/// Give a tree times that a copy in the same second would not have.
fn age(root: &Path) {
    let script = "find . -depth -exec touch -h -d '2001-02-03 04:05:06' {} +";
    let done = Command::new("sh").args(["-c", script]).current_dir(root).status().unwrap();
    assert!(done.success());
}

fn sample() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("top");
    let long = "l".repeat(200);
    for folder in ["", "empty", "closed", "sub/deep", &long] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (name, mode) in [
        ("plain", 0o644),
        ("tool", 0o755),
        ("closed/secret", 0o400),
        ("sub/deep/é ü 漢字", 0o640),
        ("sub/ a\nb\\", 0o600),
        (&format!("{long}/{long}"), 0o444),
    ] {
        fs::write(root.join(name), name).unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
    symlink("plain", root.join("link")).unwrap();
    symlink("../plain", root.join("sub/up")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink(&long, root.join("far")).unwrap();
    age(dir.path());
    dir
}

#[tokio::test]
async fn a_tree_goes_in_and_comes_out_the_same() {
    let own = Own::new().await;
    let c = own.created().await;
    let dir = sample();
    let sent = c.copy_in(dir.path().join("top"), "/tree").await.unwrap();
    assert_eq!(sent.skipped, []);
    let back = tempfile::tempdir().unwrap();
    let copied = c.copy_out("/tree", back.path().join("top")).await.unwrap();
    assert_eq!(copied.left_out, []);
    assert_eq!(tree(back.path()), tree(dir.path()));
    assert_eq!((copied.files, copied.folders, copied.links), (6, 6, 4));
    // Once more, over what is there.
    c.copy_out("/tree/.", back.path().join("top")).await.unwrap();
    assert_eq!(tree(&back.path().join("top")), tree(&dir.path().join("top")));
}

#[tokio::test]
async fn in_every_state() {
    async fn both<S: bowline::container::State>(c: &Container<S>, state: &str) {
        c.write_file("/f", state.to_owned()).await.unwrap();
        assert_eq!(c.read_file("f").await.unwrap(), state);
        let dir = tempfile::tempdir().unwrap();
        c.copy_in(sample().path().join("top/plain"), "/etc/").await.unwrap();
        c.copy_out("/etc/plain", dir.path()).await.unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("plain")).unwrap(), "plain");
    }
    let own = Own::new().await;
    let c = own.created().await;
    both(&c, "created").await;
    let c = c.start().await.unwrap();
    both(&c, "running").await;
    let seen = c.exec(["cat", "/f", "/etc/plain"]).await.unwrap();
    assert_eq!(seen.stdout_lossy(), "runningplain");
    let c = c.pause().await.unwrap();
    both(&c, "paused").await;
    let c = c.kill().await.unwrap();
    both(&c, "exited").await;
}

#[tokio::test]
async fn a_path_of_each_kind() {
    let own = Own::new().await;
    let script = "mkdir -p /d/e; chmod 1777 /d; echo hello > /d/f; chmod 4751 /d/f
        touch -d @86400 /d/f; ln -s f /d/lf; ln -s /d /ld; mkfifo /d/p; ln -s nowhere /d/no";
    let c = own.docker.create(own.spec(["sh", "-c", script])).await.unwrap().run().await.unwrap();
    let brief = async |path: &str| {
        let s = c.stat(path).await.unwrap();
        format!("{} {:?} {:o} {:?}", s.name, s.kind, s.mode, s.link_target)
    };
    assert_eq!(brief("/d").await, "d Directory 1777 None");
    assert_eq!(brief("d/f").await, "f File 4751 None");
    assert_eq!(brief("/d/lf").await, "lf Symlink 777 Some(\"/d/f\")");
    assert_eq!(brief("/ld").await, "ld Symlink 777 Some(\"/d\")");
    assert_eq!(brief("/ld/").await, "ld Directory 1777 None");
    assert_eq!(brief("/d/p").await, "p Other 644 None");
    let file = c.stat("/d/f").await.unwrap();
    assert_eq!((file.size, file.mtime.map(|t| t.secs())), (6, Some(86_400)));
    assert!(c.stat("/d/none").await.unwrap_err().is_not_found());

    assert_eq!(c.read_file("/ld/lf").await.unwrap(), "hello\n");
    assert!(c.read_file("/d/no").await.unwrap_err().is_not_found());
    for (bad, what) in [
        ("/d", "\"/d\" in the container is a directory, and no file"),
        ("/ld", "\"/ld\" in the container is a directory, and no file"),
        ("/d/p", "\"/d/p\" in the container is no file"),
    ] {
        let error = c.read_file(bad).await.unwrap_err();
        assert!(matches!(error, Error::Path(_)), "{bad}: {error}");
        assert_eq!(error.to_string(), what);
    }
    assert!(matches!(c.read_file("").await.unwrap_err(), Error::InvalidInput(_)));
    let error = c.read_file("/d/f").limit(5).await.unwrap_err();
    let Error::Stream(StreamError { fault: StreamFault::TooLarge(5), .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(c.read_file("/d/f").limit(6).await.unwrap().len(), 6);

    let dir = tempfile::tempdir().unwrap();
    let copied = c.copy_out("/d", dir.path()).await.unwrap();
    let left: Vec<_> =
        copied.left_out.iter().map(|l| (l.path.file_name().unwrap(), l.why)).collect();
    assert_eq!(left, [("p".as_ref(), LeftOutReason::Pipe)]);
    let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("d"), mode("d/f")), (0o777, 0o751));
    c.copy_out("/d", dir.path()).special_bits().await.unwrap();
    assert_eq!((mode("d"), mode("d/f")), (0o1777, 0o4751));
    c.copy_out("/ld", dir.path().join("followed")).follow_link().await.unwrap();
    assert!(dir.path().join("followed/f").is_file());
    let link = dir.path().join("link");
    let copied = c.copy_out("/ld", &link).await.unwrap();
    assert_eq!(copied.left_out[0].why, LeftOutReason::LinkLeadsOut);
    assert!(fs::symlink_metadata(&link).is_err());
    c.copy_out("/ld", &link).all_links().await.unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("/d"));
}

#[tokio::test]
async fn archives_raw_and_whole() {
    let own = Own::new().await;
    let c = own.created().await;
    c.write_file("/root/mark", "x").mode(0o4711).owner(12, 34).await.unwrap();
    let mut bytes = Vec::new();
    c.archive("/root/mark").await.unwrap().read_to_end(&mut bytes).await.unwrap();
    let mut archive = tar::Archive::new(&*bytes);
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    let header = entry.header();
    let owner = (header.uid().unwrap(), header.gid().unwrap());
    assert_eq!((header.mode().unwrap() & 0o7777, owner), (0o4711, (12, 34)));

    let d = own.created().await;
    d.put_archive("/tmp", std::io::Cursor::new(bytes)).await.unwrap();
    assert_eq!(d.read_file("/tmp/mark").await.unwrap(), "x");
    for bad in [&b"\x1f\x8b\x08\0\0\0\0\0"[..], &[b'x'; 600]] {
        let error = d.put_archive("/tmp", bad).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    }
    assert!(d.put_archive("/none", &[0; 1024][..]).await.unwrap_err().is_not_found());
    assert!(d.write_file("/none/f", "").await.unwrap_err().is_not_found());
    // A directory stays one, unless told otherwise.
    assert!(d.write_file("/root", "").await.is_err());
    assert_eq!(d.stat("/root").await.unwrap().kind, PathKind::Directory);
    d.write_file("/root", "now a file").allow_overwrite_dir_with_file().await.unwrap();
    assert_eq!(d.read_file("/root").await.unwrap(), "now a file");

    let mut names = Vec::new();
    let mut whole = Vec::new();
    c.export().await.unwrap().read_to_end(&mut whole).await.unwrap();
    for entry in tar::Archive::new(&*whole).entries().unwrap() {
        names.push(entry.unwrap().path().unwrap().display().to_string());
    }
    assert!(names.iter().any(|name| name == "root/mark"), "{} names", names.len());
}

#[tokio::test]
async fn an_archive_that_is_dropped_lets_go_of_the_container() {
    let own = Own::new().await;
    let c = own.running().await;
    let mut tar = c.archive("/").await.unwrap();
    tar.next().await.unwrap().unwrap();
    drop(tar);
    // It waits for the container's lock.
    c.inspect().timeout(std::time::Duration::from_secs(20)).await.unwrap();
}

/// Run `docker cp`, and say whether it did.
async fn docker_cp(folder: &Path, from: &str, to: &str) -> bool {
    let mut cp = tokio::process::Command::new("docker");
    let done = cp.args(["cp", "--quiet", from, to]).current_dir(folder).output().await;
    done.expect("this test needs the docker command").status.success()
}

/// A ground to copy onto, with a thing of each kind.
fn ground() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("there/d")).unwrap();
    fs::write(root.join("there/d/kept"), "kept").unwrap();
    fs::write(root.join("file"), "old").unwrap();
    symlink("there", root.join("to-folder")).unwrap();
    symlink("file", root.join("to-file")).unwrap();
    symlink("to-new2", root.join("to-new")).unwrap();
    symlink("made", root.join("to-new2")).unwrap();
    symlink("no/made", root.join("to-no")).unwrap();
    fs::create_dir_all(root.join("clash/d/f")).unwrap();
    fs::write(root.join("clash/f"), "old").unwrap();
    fs::create_dir_all(root.join("clash2")).unwrap();
    fs::write(root.join("clash2/d"), "old").unwrap();
    age(root);
    dir
}

/// Destinations that a copy can be given, on the ground.
const DESTS: &[&str] = &[
    "there",
    "there/",
    "there/.",
    "file",
    "file/",
    "new",
    "new/",
    "new/.",
    "to-folder",
    "to-folder/",
    "to-file",
    "to-new",
    "to-no",
    "no/new",
    "file/new",
    "clash",
    "clash2",
    "there/../new",
    ".",
];

/// Say whether a pair is worth its time: everything is tried with the usual of the other side.
fn pairs(from: &str, dest: &str) -> bool {
    let usual = ["/d", "/d/.", "d/f", "d", "d/."].contains(&from);
    usual || ["there", "new", "file"].contains(&dest)
}

/// The times of folders that were merged into hold the second of the copy.
fn timeless(
    mut tree: BTreeMap<String, String>,
    merged: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    for (path, what) in &mut tree {
        if merged.contains_key(path) && what.starts_with("folder") {
            *what = "folder".into();
        }
    }
    tree
}

#[tokio::test]
async fn out_to_where_docker_cp_puts_it() {
    let own = Own::new().await;
    let script = "mkdir -p /d/e; echo f > /d/f; ln -s f /d/l; ln -s e /d/le; chmod 700 /d/e; ln /d/f /d/hard; ln -s d/f /rl
        find /d -exec touch -h -d @86400 {} +";
    let c = own.docker.create(own.spec(["sh", "-c", script])).await.unwrap().run().await.unwrap();
    let (mut same, mut odd) = (0, Vec::new());
    for from in [
        "/d",
        "/d/",
        "/d/.",
        "d/f",
        "/d/l",
        "/d/le",
        "/d/le/",
        "/d/le/.",
        "/d/f/",
        "/none",
        "/d/../d/f",
        "/rl",
    ] {
        for dest in DESTS.iter().filter(|dest| pairs(from, dest)) {
            // There docker takes the link for no folder, but only then.
            if (from, *dest) == ("/d/.", "to-folder/") {
                continue;
            }
            let (ours, theirs) = (ground(), ground());
            let before = tree(theirs.path());
            let they = docker_cp(theirs.path(), &format!("{}:{from}", c.id()), dest).await;
            let mut to = ours.path().as_os_str().to_owned();
            to.push("/");
            to.push(dest);
            let we = c.copy_out(from, to).await;
            if we.is_ok() != they {
                odd.push(format!("{from} to {dest}: they {they}, we {we:?}"));
            } else if they {
                let now = |dir: &TempDir| timeless(tree(dir.path()), &before);
                if now(&ours) != now(&theirs) {
                    odd.push(format!("{from} to {dest}: {:?} {:?}", now(&ours), now(&theirs)));
                }
                same += 1;
            }
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    assert!(same > 30, "only {same} of them could be done");
}

#[tokio::test]
async fn in_to_where_docker_cp_puts_it() {
    let own = Own::new().await;
    let local = tempfile::tempdir().unwrap();
    fs::create_dir_all(local.path().join("d/e")).unwrap();
    fs::write(local.path().join("d/f"), "f").unwrap();
    symlink("f", local.path().join("d/l")).unwrap();
    symlink("e", local.path().join("d/le")).unwrap();
    age(local.path());
    let both = tempfile::tempdir().unwrap();
    for who in ["ours", "theirs"] {
        fs::rename(ground().keep(), both.path().join(who)).unwrap();
    }
    let before = tree(&both.path().join("ours"));
    let (mut same, mut odd) = (0, Vec::new());
    // The same ground for both, side by side in one container.
    let c = own.created().await;
    for from in
        ["d", "d/", "d/.", "d/f", "d/l", "d/le", "d/le/", "d/le/.", "d/f/", "none", "d/../d/f"]
    {
        for (at, dest) in DESTS.iter().enumerate().filter(|(_, dest)| pairs(from, dest)) {
            let place = format!("/{at}{}", from.replace('/', "_"));
            let (ours, theirs) = (format!("{place}/ours"), format!("{place}/theirs"));
            c.copy_in(both.path(), &place).await.unwrap();
            let they = docker_cp(local.path(), from, &format!("{}:{theirs}/{dest}", c.id())).await;
            let mut path = local.path().as_os_str().to_owned();
            path.push("/");
            path.push(from);
            let we = c.copy_in(path, format!("{ours}/{dest}")).await;
            if we.is_ok() != they {
                odd.push(format!("{from} to {dest}: they {they}, we {we:?}"));
            } else if they {
                let dir = tempfile::tempdir().unwrap();
                c.copy_out(format!("{place}/."), dir.path()).all_links().await.unwrap();
                let now = |who: &str| timeless(tree(&dir.path().join(who)), &before);
                let (ours, theirs) = (now("ours"), now("theirs"));
                if ours != theirs {
                    odd.push(format!("{from} to {dest}: {ours:?} {theirs:?}"));
                }
                same += 1;
            }
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    assert!(same > 30, "only {same} of them could be done");
}

/// The most memory this process has had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// In a process of its own, for the peak counts all that ever was.
#[test]
fn a_large_file_takes_little_memory_both_ways() {
    if std::env::var_os("BOWLINE_LARGE").is_none() {
        let this = std::env::current_exe().unwrap();
        let name = "copy::a_large_file_takes_little_memory_both_ways";
        let done = Command::new(this).args(["--exact", name]).env("BOWLINE_LARGE", "1").output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        const SIZE: u64 = 100 << 20;
        let own = Own::new().await;
        let c = own.created().await;
        let dir = tempfile::tempdir().unwrap();
        let large = dir.path().join("large");
        fs::File::create(&large).unwrap().set_len(SIZE).unwrap();
        c.write_file("/small", "x").await.unwrap();
        c.copy_out("/small", dir.path()).await.unwrap();
        let before = peak();
        c.copy_in(&large, "/large").await.unwrap();
        let copied = c.copy_out("/large", dir.path().join("back")).await.unwrap();
        assert_eq!(copied.bytes, SIZE);
        assert_eq!(fs::metadata(dir.path().join("back")).unwrap().len(), SIZE);
        let more = peak() - before;
        assert!(more < 16 << 20, "it took {more} bytes");
        // The limit is held before anything is written.
        let error = c.copy_out("/large", dir.path().join("less")).limit(1 << 20).await.unwrap_err();
        assert!(matches!(
            error,
            Error::Stream(StreamError { fault: StreamFault::TooLarge(_), .. })
        ));
        assert!(!dir.path().join("less").exists());
    });
}
