//! One container for all tests of a program, and for all processes of a run.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bowline::events::{Action, EventKind, Events};
use bowline::throwaway::{Ready, Shared, SharedError, StartPhase};
use bowline::{Docker, Status, Throwaway};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::helper::{Helper, clean, kill_leases, leases, pause, say, settled, spec};
use crate::support::engine::{Own, unique};

const LIMIT: Duration = Duration::from_secs(30);
/// So long a container is kept for the next process.
const LINGER: Duration = Duration::from_secs(2);

static ONE: Shared = Shared::new("one", |docker| docker.throwaway(spec()));
/// For others the same, but never ready.
static NEVER: Shared =
    Shared::new("one", |docker| docker.throwaway(spec()).ready(Ready::log("never said")));
static BAD: Shared = Shared::new("bad", |docker| docker.throwaway(spec().cmd(["/no/such"])));

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// As a test does it: in a runtime of its own, that ends with it.
fn as_a_test<T>(test: impl AsyncFnOnce(&'static Throwaway) -> T) -> T {
    let runtime = runtime();
    runtime.block_on(async { test(ask().await.unwrap()).await })
}

/// The asking can be spawned.
fn ask() -> impl Future<Output = Result<&'static Throwaway, SharedError>> + Send {
    ONE.get()
}

fn tell() {
    as_a_test(async |one| println!("<<ready>>{}", one.id()));
}

/// What the helper does.
pub(crate) fn deed(deed: &str) {
    match deed {
        "by a process" => tell(),
        "when told to" => {
            say("here");
            pause();
            tell();
        }
        "never ready" => {
            say("here");
            let error = runtime().block_on(NEVER.get()).unwrap_err();
            panic!("{error}");
        }
        "and one of its own" => {
            tell();
            pause();
            let runtime = runtime();
            let own = async { Docker::connect().await.unwrap().throwaway(spec()).await.unwrap() };
            let _own = runtime.block_on(own);
            say("more");
            pause();
            return;
        }
        "by tests" => by_tests(),
        "that fails" => that_fails(),
        other => panic!("{other}?"),
    }
    pause();
}

/// Eight tests at once, each in a runtime of its own; and one that went away before.
fn by_tests() {
    let first = runtime();
    first.block_on(async {
        let asked = tokio::time::timeout(Duration::from_millis(1), ONE.get()).await;
        assert!(asked.is_err(), "too fast to go away meanwhile");
    });
    drop(first);
    let tests: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(|| {
                as_a_test(async |one| {
                    assert!(one.exec(["true"]).await.unwrap().status.success());
                    one.id().clone()
                })
            })
        })
        .collect();
    let ids: BTreeSet<_> = tests.into_iter().map(|test| test.join().unwrap().to_string()).collect();
    assert_eq!(ids.len(), 1);
    // All of those runtimes have ended.
    as_a_test(async |one| {
        assert!(one.exec(["true"]).await.unwrap().status.success());
        assert_eq!(one.inspect().await.unwrap().state.status, Status::Running);
    });
    println!("<<ready>>{}", ids.first().unwrap());
}

fn that_fails() {
    let ask = || runtime().block_on(BAD.get()).unwrap_err();
    let tests: Vec<_> = (0..4).map(|_| std::thread::spawn(ask)).collect();
    let told: BTreeSet<_> =
        tests.into_iter().map(|test| test.join().unwrap().to_string()).collect();
    // Elapsed times and all.
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(ask().story.phase, StartPhase::Start);
    say("ready");
}

/// What was made for a test, and what has gone of it.
struct Seen {
    own: Own,
    events: Events,
    created: BTreeSet<String>,
    gone: BTreeSet<String>,
}

impl Seen {
    async fn new() -> Seen {
        let own = Own::new().await;
        let events = own.docker.events().kind(EventKind::Container).label(own.label());
        let events = events.action(Action::Create).action(Action::Destroy).await.unwrap();
        Seen { own, events, created: BTreeSet::new(), gone: BTreeSet::new() }
    }

    async fn next(&mut self) -> String {
        let event = self.events.next().await.unwrap().unwrap();
        let id = event.actor.id.to_string();
        match event.action {
            Action::Create => self.created.insert(id.clone()),
            _ => self.gone.insert(id.clone()),
        };
        id
    }

    /// Count what was created until now: up to a last one, of its own.
    async fn created(&mut self) -> usize {
        let mark = self.own.created().await;
        let id = mark.id().to_string();
        mark.remove().await.unwrap();
        let seen = async { while self.next().await != id || !self.gone.contains(&id) {} };
        tokio::time::timeout(LIMIT, seen).await.unwrap();
        self.created.remove(&id);
        self.gone.remove(&id);
        self.created.len()
    }
}

/// A process of a run, as nextest starts it.
async fn process(own: &Own, run: &str, deed: &str, state: &Path) -> (Command, Own) {
    let (mut command, none) = Helper::prepare_of(own, &format!("shared {deed}"), state).await;
    command.env("NEXTEST_RUN_ID", run);
    (command, none)
}

async fn start(own: &Own, run: &str, deed: &str, state: &Path) -> Helper {
    let (command, none) = process(own, run, deed, state).await;
    Helper::run(command, none)
}

#[tokio::test]
async fn all_tests_of_a_program_have_one() {
    for run in [None, Some("a run of nextest's")] {
        let (mut seen, state) = (Seen::new().await, TempDir::new().unwrap());
        let (mut command, none) =
            Helper::prepare_of(&seen.own, "shared by tests", state.path()).await;
        command.envs(run.map(|run| ("NEXTEST_RUN_ID", run)));
        let mut helper = Helper::run(command, none);
        let id = helper.hear("ready");
        let rows = seen.own.docker.containers().all().label(seen.own.label()).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id.to_string()).collect::<Vec<_>>(), [id]);
        assert_eq!(seen.created().await, 1);
        let ended = Instant::now();
        helper.go();
        assert!(helper.end().success());
        println!("{run:?}: gone {:?} after the end", clean(&seen.own, ended, LIMIT).await);
        settled(&state, LIMIT).await;
    }
}

#[tokio::test]
async fn one_that_fails_fails_for_all_and_leaves_nothing() {
    for run in [None, Some("a run of nextest's")] {
        let (mut seen, state) = (Seen::new().await, TempDir::new().unwrap());
        let (mut command, none) =
            Helper::prepare_of(&seen.own, "shared that fails", state.path()).await;
        command.envs(run.map(|run| ("NEXTEST_RUN_ID", run)));
        let mut helper = Helper::run(command, none);
        helper.hear("ready");
        assert_eq!((seen.created().await, seen.own.left().await), (1, 0));
        helper.go();
        assert!(helper.end().success());
        settled(&state, LIMIT).await;
    }
}

#[tokio::test]
async fn all_processes_of_a_run_have_one() {
    let (mut seen, state) = (Seen::new().await, TempDir::new().unwrap());
    let run = unique("run");
    let mut processes = Vec::new();
    for _ in 0..6 {
        processes.push(start(&seen.own, &run, "by a process", state.path()).await);
    }
    // Another run has another, and so has a program that is in none.
    let mut other = start(&seen.own, &unique("run"), "by a process", state.path()).await;
    let (alone, none) = Helper::prepare_of(&seen.own, "shared by a process", state.path()).await;
    let mut alone = Helper::run(alone, none);
    let ids: BTreeSet<_> = processes.iter_mut().map(|process| process.hear("ready")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let others: BTreeSet<_> = [other.hear("ready"), alone.hear("ready")].into();
    assert_eq!(&ids | &others, {
        let rows = seen.own.docker.containers().all().label(seen.own.label()).await.unwrap();
        rows.iter().map(|row| row.id.to_string()).collect()
    });
    assert_eq!(seen.created().await, 3);
    for mut process in [other, alone] {
        process.go();
        assert!(process.end().success());
        let id = tokio::time::timeout(LIMIT, seen.next()).await.unwrap();
        assert!(others.contains(&id));
    }
    assert_eq!(seen.gone, others);

    let mut last = processes.pop().unwrap();
    for (n, process) in processes.iter_mut().enumerate() {
        match n {
            0 | 1 => process.signal(Signal::KILL),
            2 => process.signal_group(Signal::KILL),
            3 => process.signal(Signal::TERM),
            _ => process.go(),
        }
        process.end();
    }
    // Longer than it is kept for others.
    let early = tokio::time::timeout(LINGER * 2, seen.next()).await;
    assert!(early.is_err(), "one process is left, and the container is gone: {early:?}");

    let ended = Instant::now();
    last.signal(Signal::KILL);
    last.end();
    let after = clean(&seen.own, ended, LIMIT).await;
    println!("gone {after:?} after the last of 6 processes");
    assert!(after >= LINGER && after < LINGER * 4, "{after:?}");
    settled(&state, LIMIT).await;
    assert_eq!(seen.created().await, 3);
}

/// As with one test after another: between two of them there is a moment without any.
#[tokio::test]
async fn the_next_process_finds_it() {
    let (mut seen, state) = (Seen::new().await, TempDir::new().unwrap());
    let run = unique("run");
    let mut ids = BTreeSet::new();
    let mut next = start(&seen.own, &run, "when told to", state.path()).await;
    next.hear("here");
    for n in 0..4 {
        let mut now = next;
        next = start(&seen.own, &run, "when told to", state.path()).await;
        next.hear("here");
        now.go();
        ids.insert(now.hear("ready"));
        if n % 2 == 0 {
            now.signal(Signal::KILL);
        }
        now.end();
    }
    assert_eq!((ids.len(), seen.created().await), (1, 1));
    next.go();
    let id = next.hear("ready");
    // Whoever comes after it was killed starts another.
    let found = seen.own.docker.container(&id).await.unwrap().running().unwrap();
    let _ = found.kill().await.unwrap();
    let mut after = start(&seen.own, &run, "by a process", state.path()).await;
    assert_ne!(after.hear("ready"), id);
    drop((next, after));
    clean(&seen.own, Instant::now(), LIMIT).await;
    settled(&state, LIMIT).await;
}

#[tokio::test]
async fn who_starts_it_and_dies_half_way_is_followed() {
    let (mut seen, state) = (Seen::new().await, TempDir::new().unwrap());
    let run = unique("run");
    let mut first = start(&seen.own, &run, "never ready", state.path()).await;
    first.hear("here");
    let begun = Instant::now();
    while seen.own.left().await == 0 {
        assert!(begun.elapsed() < LIMIT, "it starts nothing");
    }
    let mut waits = start(&seen.own, &run, "when told to", state.path()).await;
    waits.hear("here");
    waits.go();
    first.signal(Signal::KILL);
    let ended = Instant::now();
    first.end();
    let id = waits.hear("ready");
    assert_eq!(seen.created().await, 2);
    while seen.own.left().await > 1 {
        assert!(ended.elapsed() < LIMIT, "what it began is left");
    }
    assert!(seen.own.docker.container(&id).await.unwrap().running().is_ok());
    let ended = Instant::now();
    waits.signal(Signal::KILL);
    waits.end();
    clean(&seen.own, ended, LIMIT).await;
    settled(&state, LIMIT).await;
}

/// The process that cleans up is killed. The one in its place holds what that held.
#[tokio::test]
async fn a_new_lease_holds_what_is_shared() {
    let (own, state) = (Own::new().await, TempDir::new().unwrap());
    let mut helper = start(&own, &unique("run"), "and one of its own", state.path()).await;
    let id = helper.hear("ready");
    assert_eq!(kill_leases(state.path()).len(), 1);
    helper.go();
    helper.hear("more");
    assert_eq!((leases(state.path()).len(), own.left().await), (1, 2));
    let ended = Instant::now();
    helper.signal(Signal::KILL);
    helper.end();
    while own.left().await > 1 {
        assert!(ended.elapsed() < LIMIT, "its own is left");
    }
    // Its own goes at once; what is shared, if this was fast enough to see it, later.
    if ended.elapsed() < LINGER {
        assert!(own.docker.container(&id).await.unwrap().running().is_ok());
    }
    let after = clean(&own, ended, LIMIT).await;
    assert!(after >= LINGER, "{after:?}");
    settled(&state, LIMIT).await;
}

/// All were killed, and all that was to clean up: the next process of any run does it.
#[tokio::test]
async fn what_a_power_cut_leaves_of_a_run_is_swept() {
    let (own, state) = (Own::new().await, TempDir::new().unwrap());
    let run = unique("run");
    let mut helper = start(&own, &run, "by a process", state.path()).await;
    let id = helper.hear("ready");
    kill_leases(state.path());
    helper.signal(Signal::KILL);
    helper.end();
    assert_eq!(own.left().await, 1);
    let mut next = Helper::start("pass", 1, state.path()).await;
    clean(&own, Instant::now(), LIMIT).await;
    // The same run goes on, and has another.
    let mut after = start(&own, &run, "by a process", state.path()).await;
    assert_ne!(after.hear("ready"), id);
    for helper in [&mut next, &mut after] {
        helper.go();
        assert!(helper.end().success());
    }
    settled(&state, LIMIT).await;
    assert_eq!((own.left().await, next.own.left().await), (0, 0));
}
