//! This program once more, as a user's test that holds throwaway containers and comes to an end.
#![allow(unsafe_code, reason = "a segmentation fault, and a fork, cannot be had otherwise")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bowline::container::spec::Mount;
use bowline::events::{Action, EventKind, Events};
use bowline::{CommitOptions, ContainerSpec, Docker, Throwaway, Tls};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::support::engine::{IMAGE, Own};

const DEED: &str = "BOWLINE_TEST_DEED";
const LABEL: &str = "BOWLINE_TEST_LABEL";
const COUNT: &str = "BOWLINE_TEST_COUNT";
/// A folder with what TLS needs, which the helper reads and takes away.
pub(crate) const KEYS: &str = "BOWLINE_TEST_KEYS";

/// A program that uses throwaway containers, seen from outside.
pub(crate) struct Helper {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Of what it makes.
    pub(crate) own: Own,
}

impl Helper {
    /// Prepare one that does `deed`, with its records in `state`.
    pub(crate) async fn prepare(deed: &str, count: usize, state: &Path) -> (Command, Own) {
        let own = Own::new().await;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["helper::here", "--exact", "--test-threads=1"]);
        command.env("RUST_TEST_NOCAPTURE", "1");
        command.env(DEED, deed).env(COUNT, count.to_string()).env("XDG_STATE_HOME", state);
        command.env(LABEL, own.label()).env_remove("BOWLINE_LEASE").env("RUST_BACKTRACE", "0");
        command.env_remove("BOWLINE_KEEP");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.process_group(0);
        (command, own)
    }

    /// Prepare one whose containers belong to `own`.
    pub(crate) async fn prepare_of(own: &Own, deed: &str, state: &Path) -> (Command, Own) {
        let (mut command, none) = Helper::prepare(deed, 1, state).await;
        command.env(LABEL, own.label()).env_remove("NEXTEST_RUN_ID").env_remove("BOWLINE_RUN");
        (command, none)
    }

    /// Start it, and wait until its containers run.
    pub(crate) async fn start(deed: &str, count: usize, state: &Path) -> Helper {
        let (command, own) = Helper::prepare(deed, count, state).await;
        let mut helper = Helper::run(command, own);
        helper.hear("ready");
        assert_eq!(helper.own.left().await, count, "{deed}");
        helper
    }

    pub(crate) fn run(mut command: Command, own: Own) -> Helper {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Helper { child, out, own }
    }

    /// Read until it says this word, and return what it says with it.
    pub(crate) fn hear(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.out.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it said {word}: {:?}", self.child.wait());
            if let Some((_, said)) = line.trim_end().split_once(&format!("<<{word}>>")) {
                return said.to_owned();
            }
        }
    }

    /// Let it go on.
    pub(crate) fn go(&mut self) {
        self.child.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn signal_group(&self, signal: Signal) {
        rustix::process::kill_process_group(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Wait for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.stdin.take();
        self.child.wait().unwrap()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Wait until nothing of this test is left, and return how long that took.
pub(crate) async fn clean(own: &Own, since: Instant, limit: Duration) -> Duration {
    loop {
        if own.left().await == 0 {
            return since.elapsed();
        }
        assert!(since.elapsed() < limit, "{} left after {:?}", own.left().await, since.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The volumes without names of what a test has made, and what tells of their removal.
pub(crate) struct Volumes {
    names: BTreeSet<String>,
    removed: Events,
}

impl Volumes {
    pub(crate) async fn of(own: &Own) -> Volumes {
        let watch = own.docker.events().kind(EventKind::Volume).action(Action::Destroy);
        let removed = watch.await.unwrap();
        let rows = own.docker.containers().all().label(own.label()).await.unwrap();
        let mounts = rows.iter().flat_map(|row| &row.mounts);
        let names: BTreeSet<_> = mounts.map(|mount| mount.name.to_string()).collect();
        assert_eq!(names.len(), rows.len(), "each has one");
        Volumes { names, removed }
    }

    /// Wait until all of them are gone.
    pub(crate) async fn gone(mut self, limit: Duration) {
        let gone = tokio::time::timeout(limit, async {
            while !self.names.is_empty() {
                let event = self.removed.next().await.unwrap().unwrap();
                self.names.remove(&*event.actor.id);
            }
        });
        assert!(gone.await.is_ok(), "volumes are left: {:?}", self.names);
    }
}

/// Wait until no record is left: then the lease has done all it does.
pub(crate) async fn settled(state: &TempDir, limit: Duration) {
    let begun = Instant::now();
    let folder = state.path().join("bowline");
    while std::fs::read_dir(&folder).unwrap().next().is_some() {
        assert!(begun.elapsed() < limit, "a record is left");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The processes that hold leases on records in this folder.
pub(crate) fn leases(state: &Path) -> Vec<Pid> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let mut words = line.split(|b| *b == 0).map(String::from_utf8_lossy);
        let lease = words.next().is_some_and(|name| name == "bowline-lease");
        if lease && words.next().is_some_and(|path| Path::new(&*path).starts_with(state)) {
            out.extend(Pid::from_raw(pid));
        }
    }
    out
}

/// Kill the leases on records in this folder, and wait until the kernel has taken all they held.
pub(crate) fn kill_leases(state: &Path) -> Vec<Pid> {
    let leases = leases(state);
    for lease in &leases {
        rustix::process::kill_process(*lease, Signal::KILL).unwrap();
        // What is dead and not yet buried holds nothing.
        let stat = format!("/proc/{}/stat", lease.as_raw_pid());
        let lives = |stat: String| !stat.rsplit(") ").next().unwrap().starts_with('Z');
        while std::fs::read_to_string(&stat).is_ok_and(lives) {
            std::thread::yield_now();
        }
    }
    leases
}

/// The label of the test that this is a helper of.
pub(crate) fn label() -> (String, String) {
    let label = std::env::var(LABEL).unwrap();
    let (key, value) = label.split_once('=').unwrap();
    (key.to_owned(), value.to_owned())
}

/// How a process ended, in a word.
pub(crate) fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "?".to_owned(),
    }
}

// Here begins what the helper does.

pub(crate) fn say(word: &str) {
    println!("<<{word}>>");
    std::io::stdout().flush().unwrap();
}

pub(crate) fn pause() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

pub(crate) fn spec() -> ContainerSpec {
    let (key, value) = label();
    ContainerSpec::new(IMAGE).cmd(["sleep", "1000"]).volume("/data").label(key, value)
}

/// Connect by the surroundings, or with keys that are in this process's memory alone.
pub(crate) async fn connect() -> Docker {
    let connect = Docker::connect();
    let Some(folder) = std::env::var_os(KEYS) else { return connect.await.unwrap() };
    static TLS: std::sync::OnceLock<Tls> = std::sync::OnceLock::new();
    let tls = TLS.get_or_init(|| {
        let read = |name: &str| std::fs::read(Path::new(&folder).join(name)).unwrap();
        let tls = Tls::new().ca_pem(read("ca.pem"));
        let tls = tls.identity_pem(read("cert.pem"), read("key.pem")).server_name("localhost");
        std::fs::remove_dir_all(&folder).unwrap();
        tls
    });
    connect.tls(tls.clone()).await.unwrap()
}

pub(crate) async fn hold() -> Vec<Throwaway> {
    let docker = connect().await;
    let count: usize = std::env::var(COUNT).unwrap().parse().unwrap();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..count {
        starts.spawn(docker.throwaway(spec()).into_future());
    }
    starts.join_all().await.into_iter().map(Result::unwrap).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

static HELD: std::sync::OnceLock<Vec<Throwaway>> = std::sync::OnceLock::new();

/// What the helper does; nothing in the test program itself.
#[test]
fn here() {
    let Ok(deed) = std::env::var(DEED) else { return };
    if let Some(place) = deed.strip_prefix("drop ") {
        return crate::drops::deed(place);
    }
    if deed == "prefix" {
        return crate::prefix::deed();
    }
    if let Some(deed) = deed.strip_prefix("shared ") {
        return crate::shared::deed(deed);
    }
    if let Some(deed) = deed.strip_prefix("reuse ") {
        return crate::reuse::deed(deed);
    }
    if deed == "blocking static" {
        return crate::blocking::deed();
    }
    let runtime = runtime();
    if let Some(how) = deed.strip_prefix("image ") {
        return crate::images::deed(&runtime, how);
    }
    if let Some(what) = deed.strip_prefix("kept ") {
        return crate::kept::deed(&runtime, what);
    }
    if deed == "start" {
        // Killed while it starts them.
        say("begin");
        let _held = runtime.block_on(hold());
        return pause();
    }
    if deed == "cancel" {
        runtime.block_on(crate::starts::cancelled(Docker::connect()));
        say("cancelled");
        return pause();
    }
    if deed == "lost" {
        return runtime.block_on(crate::starts::unanswered());
    }
    if deed == "open file" {
        return crate::leases::with_an_open_file(&runtime);
    }
    let mut held = runtime.block_on(hold());
    say("ready");
    pause();
    match deed.as_str() {
        "pass" => {}
        "panic" => panic!("as was asked for"),
        "failed assertion" => assert_eq!(1, 2),
        "static, and pass" => drop(HELD.set(held)),
        "static, and panic" => {
            HELD.set(held).unwrap();
            panic!("as was asked for");
        }
        "mem::forget" => std::mem::forget(held),
        "process::exit" => std::process::exit(7),
        "abort" => std::process::abort(),
        "segfault" => unsafe {
            // SAFETY: none. The kernel ends the process here.
            std::ptr::without_provenance_mut::<u8>(16).write_volatile(1);
        },
        "exec" => drop(Command::new("sleep").arg("1000").exec()),
        "keep" => drop(held.pop().unwrap().keep().unwrap()),
        "commit" => {
            let image = runtime.block_on(held[0].commit(CommitOptions::new()).into_future());
            println!("<<image>>{}", image.unwrap().name());
            pause();
        }
        "companions" => {
            let docker = runtime.block_on(Docker::connect().into_future()).unwrap();
            let net = runtime.block_on(docker.throwaway_network().into_future()).unwrap();
            let data = runtime.block_on(docker.throwaway_volume().into_future()).unwrap();
            let mount = Mount::volume(data.name(), "/shared");
            let both = docker.throwaway(spec()).network(&*net).mount(mount).into_future();
            let _both = runtime.block_on(both).unwrap();
            println!("<<made>>{} {}", net.name(), data.name());
            pause();
        }
        "another" => {
            held.extend(runtime.block_on(hold()));
            say("more");
            pause();
        }
        "fork" => {
            // SAFETY: the child drops what it has and leaves, as a fork between threads may.
            match unsafe { libc::fork() } {
                0 => {
                    drop(held);
                    unsafe { libc::_exit(0) }
                }
                child => {
                    let mut status = 0;
                    unsafe { libc::waitpid(child, &mut status, 0) };
                    assert_eq!(status, 0);
                    say("forked");
                    pause();
                }
            }
        }
        other => panic!("{other}?"),
    }
}
