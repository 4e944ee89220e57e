//! The process that cleans up, and what can befall it.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use bowline::Docker;
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::helper::{Helper, clean, kill_leases, leases, pause, say, settled, spec};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn one_that_was_killed_is_replaced() {
    let state = TempDir::new().unwrap();
    let mut helper = Helper::start("another", 1, state.path()).await;
    let [first] = kill_leases(state.path())[..] else { panic!("one lease for one process") };
    helper.go();
    helper.hear("more");
    let [second] = leases(state.path())[..] else { panic!("one lease for one process") };
    assert_ne!(first, second);
    let since = Instant::now();
    helper.signal(Signal::KILL);
    clean(&helper.own, since, LIMIT).await;
    helper.end();
    settled(&state, LIMIT).await;
}

#[tokio::test]
async fn signals_that_end_a_session_do_not_end_it() {
    let state = TempDir::new().unwrap();
    let helper = Helper::start("pass", 1, state.path()).await;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        for lease in leases(state.path()) {
            kill_process(lease, signal).unwrap();
        }
    }
    let since = Instant::now();
    helper.signal(Signal::KILL);
    clean(&helper.own, since, LIMIT).await;
    settled(&state, LIMIT).await;
}

#[tokio::test]
async fn switched_off_there_is_none_and_the_next_process_sweeps() {
    let state = TempDir::new().unwrap();
    let (mut command, own) = Helper::prepare("pass", 1, state.path()).await;
    command.env("BOWLINE_LEASE", "off");
    let mut helper = Helper::run(command, own);
    helper.hear("ready");
    assert_eq!(leases(state.path()), []);
    helper.signal(Signal::KILL);
    helper.end();
    assert_eq!(helper.own.left().await, 1);
    let mut next = Helper::start("pass", 1, state.path()).await;
    clean(&helper.own, Instant::now(), LIMIT).await;
    next.go();
    assert!(next.end().success());
    clean(&next.own, Instant::now(), LIMIT).await;
}

/// A child has a copy of the handle; what it means is the parent's. Without a lease a drop that
/// removes waits for it, and so would the child.
#[tokio::test]
async fn a_forked_child_removes_nothing() {
    let state = TempDir::new().unwrap();
    let (mut command, own) = Helper::prepare("fork", 1, state.path()).await;
    command.env("BOWLINE_LEASE", "off");
    let mut helper = Helper::run(command, own);
    helper.hear("ready");
    helper.go();
    helper.hear("forked");
    assert_eq!(helper.own.left().await, 1);
    helper.go();
    assert!(helper.end().success());
    assert_eq!(helper.own.left().await, 0);
}

/// Told to hold what cannot be held, it ends; and it never becomes the program that it was made of.
#[test]
fn it_is_never_the_users_program() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let out = command.arg("--list").env("BOWLINE_LEASE_HOLDS", "/nonexistent").output().unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0), "{out:?}");
}

/// What the helper does: leave a file open to its children, as many a C library does, and wait for
/// the end that comes when nobody holds it any more.
pub(crate) fn with_an_open_file(runtime: &Runtime) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
    let start = async || Docker::connect().await.unwrap().throwaway(spec()).await.unwrap();
    let held = runtime.block_on(start());
    drop(theirs);
    ours.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(ours.read(&mut [0]).unwrap(), 0, "the lease holds it open");
    say("closed");
    pause();
    drop(held);
}

#[tokio::test]
async fn it_holds_nothing_else_open() {
    let state = TempDir::new().unwrap();
    let (command, own) = Helper::prepare("open file", 1, state.path()).await;
    let mut helper = Helper::run(command, own);
    helper.hear("closed");
    let [lease] = leases(state.path())[..] else { panic!("one lease for one process") };
    let open = std::fs::read_dir(format!("/proc/{}/fd", lease.as_raw_pid())).unwrap();
    for file in open.map(|entry| entry.unwrap()) {
        let leads = std::fs::read_link(file.path()).unwrap();
        let (nth, to) = (file.file_name().into_string().unwrap(), leads.to_string_lossy());
        // Output above all: who runs tests waits until nobody holds it.
        let right = match nth.as_str() {
            "1" | "2" => to == "/dev/null",
            _ => to.starts_with("socket:") || leads.starts_with(state.path()),
        };
        assert!(right, "{nth} is {to}");
    }
    helper.go();
    assert!(helper.end().success());
    settled(&state, LIMIT).await;
}
