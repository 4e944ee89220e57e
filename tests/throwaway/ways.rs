//! Cleaning up by every way to an engine: the lease comes by the way that its process came.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::helper::{Helper, KEYS, Volumes, clean, kill_leases, leases, settled};
use crate::support::engine::docker;
use crate::support::sshd::Sshd;
use crate::support::tls::{Authority, Front};

const LIMIT: Duration = Duration::from_secs(30);

async fn engine() -> PathBuf {
    let docker = docker().await;
    docker.host().socket_path().expect("an engine on a Unix socket").to_owned()
}

/// Start a helper that goes there with keys in its memory and nowhere else.
async fn with_keys(
    deed: &str,
    count: usize,
    state: &TempDir,
    front: &Front,
    ca: &Authority,
) -> Helper {
    let (mut command, own) = Helper::prepare(deed, count, state.path()).await;
    let keys = TempDir::new().unwrap().keep();
    ca.client().write(&keys, ca);
    command.env("DOCKER_HOST", front.url()).env(KEYS, &keys);
    let mut helper = Helper::run(command, own);
    helper.hear("ready");
    assert_eq!(helper.own.left().await, count);
    assert!(!keys.exists(), "the keys are a file");
    helper
}

#[tokio::test]
async fn nothing_is_left_after_a_kill_where_keys_were_given_in_code() {
    let (engine, ca, state) = (engine().await, Authority::new("ours"), TempDir::new().unwrap());
    let front = Front::new(engine, &ca.server(), Some(&ca)).await;
    let mut helper = with_keys("another", 1, &state, &front, &ca).await;
    let [first] = leases(state.path())[..] else { panic!("one lease for one process") };
    seen_nowhere(first.as_raw_pid(), &state);
    // The lease that follows is told as well.
    kill_leases(state.path());
    helper.go();
    helper.hear("more");
    let volumes = Volumes::of(&helper.own).await;
    let before = front.accepted();
    let since = Instant::now();
    helper.signal_group(Signal::KILL);
    let time = clean(&helper.own, since, LIMIT).await;
    println!("2 containers over TLS, after SIGKILL: {} ms", time.as_millis());
    helper.end();
    volumes.gone(LIMIT).await;
    settled(&state, LIMIT).await;
    assert!(front.accepted() > before, "somebody else has removed them");
}

/// The keys are in no argument and no variable of the lease, nor in the record.
fn seen_nowhere(lease: i32, state: &TempDir) {
    let mut all = Vec::new();
    for name in ["cmdline", "environ"] {
        all.extend(std::fs::read(format!("/proc/{lease}/{name}")).unwrap());
    }
    for record in std::fs::read_dir(state.path().join("bowline")).unwrap() {
        all.extend(std::fs::read(record.unwrap().path()).unwrap());
    }
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains("engine https://127.0.0.1") && !all.contains("-----BEGIN"), "{all}");
}

/// The process and its lease were killed together: the next on the same engine has keys of its own.
#[tokio::test]
async fn the_next_process_with_keys_sweeps() {
    let (engine, ca, state) = (engine().await, Authority::new("ours"), TempDir::new().unwrap());
    let front = Front::new(engine, &ca.server(), Some(&ca)).await;
    let mut dead = with_keys("pass", 1, &state, &front, &ca).await;
    kill_leases(state.path());
    dead.signal(Signal::KILL);
    dead.end();
    assert_eq!(dead.own.left().await, 1);
    let mut next = with_keys("pass", 1, &state, &front, &ca).await;
    clean(&dead.own, Instant::now(), LIMIT).await;
    next.go();
    assert!(next.end().success());
    settled(&state, LIMIT).await;
}

#[tokio::test]
async fn nothing_is_left_after_a_kill_by_ssh() {
    let (engine, state) = (engine().await, TempDir::new().unwrap());
    let sshd = Sshd::new(&format!("unix://{}", engine.display()));
    let (mut command, own) = Helper::prepare("pass", 2, state.path()).await;
    command.env("DOCKER_HOST", sshd.url()).env("PATH", sshd.path());
    command.env("XDG_RUNTIME_DIR", sshd.folder()).env_remove("SSH_AUTH_SOCK");
    let mut helper = Helper::run(command, own);
    helper.hear("ready");
    assert_eq!(helper.own.left().await, 2);
    let volumes = Volumes::of(&helper.own).await;
    let before = sshd.accepted();
    let since = Instant::now();
    helper.signal_group(Signal::KILL);
    let time = clean(&helper.own, since, LIMIT).await;
    println!("2 containers by ssh, after SIGKILL: {} ms", time.as_millis());
    helper.end();
    volumes.gone(LIMIT).await;
    settled(&state, LIMIT).await;
    assert!(sshd.accepted() > before, "somebody else has removed them");
}
