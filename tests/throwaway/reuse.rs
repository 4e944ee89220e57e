//! Containers that stay for the next run of the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use bowline::Docker;
use bowline::throwaway::{Ready, StartCause, StartPhase};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::helper::{Helper, kill_leases, pause, settled, spec};
use crate::support::engine::{Own, unique};

const LIMIT: Duration = Duration::from_secs(30);
const NAME: &str = "BOWLINE_TEST_NAME";
const SECRET: &str = "BOWLINE_TEST_SECRET";

/// What the helper does.
pub(crate) fn deed(deed: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = async || {
        let docker = Docker::connect().await.unwrap();
        let spec = spec().env("SECRET", std::env::var(SECRET).unwrap());
        let start = docker.throwaway(spec).reuse(std::env::var(NAME).unwrap());
        match deed {
            "it" => start.await,
            "never ready" => {
                let ready = Ready::log("never said").within(Duration::from_millis(100));
                start.ready(ready).await
            }
            other => panic!("{other}?"),
        }
    };
    let held = runtime.block_on(start());
    match &held {
        Ok(held) => println!("<<ready>>{}", held.id()),
        Err(error) if matches!(error.cause, StartCause::NotReady(_)) => {
            assert_eq!(error.story.phase, StartPhase::Ready);
            println!("<<ready>>{}", error.story.name);
        }
        // No container is called so: the test shows it.
        Err(error) => println!("<<ready>>{}", error.to_string().replace('\n', "; ")),
    }
    pause();
    if let Ok(held) = held {
        runtime.block_on(held.close()).unwrap();
    }
}

struct Test {
    own: Own,
    state: TempDir,
    name: String,
}

impl Test {
    async fn new() -> Test {
        Test { own: Own::new().await, state: TempDir::new().unwrap(), name: unique("reused") }
    }

    async fn start_in(&self, state: &Path, deed: &str, secret: &str) -> Helper {
        let (mut command, none) =
            Helper::prepare_of(&self.own, &format!("reuse {deed}"), state).await;
        command.env(NAME, &self.name).env(SECRET, secret);
        Helper::run(command, none)
    }

    async fn start(&self, deed: &str, secret: &str) -> Helper {
        self.start_in(self.state.path(), deed, secret).await
    }

    /// Start a process, let it come to its end, and return what it used.
    async fn once(&self, secret: &str) -> String {
        let mut helper = self.start("it", secret).await;
        let id = helper.hear("ready");
        helper.go();
        assert!(helper.end().success());
        id
    }

    async fn there(&self) -> BTreeSet<String> {
        let rows = self.own.docker.containers().all().label(self.own.label()).await.unwrap();
        rows.iter().map(|row| row.id.to_string()).collect()
    }
}

#[tokio::test]
async fn the_next_run_of_the_same_uses_it() {
    let test = Test::new().await;
    let first = test.once("a secret").await;
    let mut helper = test.start("it", "a secret").await;
    assert_eq!(helper.hear("ready"), first);
    // However that ends; and no sweep takes it for a dead session's.
    kill_leases(test.state.path());
    helper.signal(Signal::KILL);
    helper.end();
    let mut next = Helper::start("pass", 1, test.state.path()).await;
    next.go();
    assert!(next.end().success());
    settled_but_for_locks(&test.state).await;
    assert_eq!(test.once("a secret").await, first);
    assert_eq!(test.there().await, [first.clone()].into());

    // What it is labelled with says nothing.
    let details = test.own.docker.container(&first).await.unwrap().running().unwrap();
    let labels = details.inspect().await.unwrap().config.labels;
    let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let named = format!("bowline.reuse={}", test.name);
    assert!(labels.contains(&named), "{labels:?}");
    let telling = |label: &String| label.contains("secret") || label.starts_with("bowline.session");
    assert!(!labels.iter().any(telling), "{labels:?}");

    // As the documentation says it is removed.
    let all = test.own.docker.containers().all().label(named);
    assert!(all.remove().force().volumes().await.unwrap().failed.is_empty());
    assert!(test.there().await.is_empty());
}

#[tokio::test]
async fn another_configuration_has_another() {
    let test = Test::new().await;
    let mut first = test.start("it", "one").await;
    let used = first.hear("ready");
    // In use: it stays.
    let second = test.once("two").await;
    assert_ne!(used, second);
    assert_eq!(test.there().await, [used.clone(), second.clone()].into());
    first.go();
    assert!(first.end().success());
    // Nobody uses either of them.
    let third = test.once("three").await;
    assert!(third != used && third != second);
    assert_eq!(test.there().await, [third.clone()].into());
    // Another user's is not this one's to remove.
    let elsewhere = TempDir::new().unwrap();
    let mut helper = test.start_in(elsewhere.path(), "it", "four").await;
    let fourth = helper.hear("ready");
    assert_ne!(fourth, third);
    assert_eq!(test.there().await, [third, fourth].into());
}

#[tokio::test]
async fn many_who_ask_at_once_have_one() {
    let test = Test::new().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(test.start("it", "").await);
    }
    let ids: BTreeSet<_> = all.iter_mut().map(|helper| helper.hear("ready")).collect();
    assert_eq!(ids, test.there().await);
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn one_that_is_of_no_use_is_replaced() {
    let test = Test::new().await;
    let first = test.once("").await;
    let found = test.own.docker.container(&first).await.unwrap().running().unwrap();
    let _ = found.kill().await.unwrap();
    let second = test.once("").await;
    assert_ne!(second, first);
    assert_eq!(test.there().await, [second.clone()].into());

    // Not ready again, while another uses it, and then while none does.
    let mut user = test.start("it", "").await;
    assert_eq!(user.hear("ready"), second);
    let mut never = test.start("never ready", "").await;
    never.hear("ready");
    assert_eq!(test.there().await, [second.clone()].into());
    user.go();
    user.end();
    never.go();
    never.end();
    let mut never = test.start("never ready", "").await;
    never.hear("ready");
    assert!(test.there().await.is_empty());
    // One that never was ready does not stay either.
    let mut never = test.start("never ready", "").await;
    never.hear("ready");
    assert!(test.there().await.is_empty());
}

/// Killed while it starts one: what it began is made use of, or replaced.
#[tokio::test]
async fn who_starts_it_and_is_killed_is_followed() {
    for delay in [0, 40, 80, 150, 250] {
        let test = Test::new().await;
        let helper = test.start("it", "").await;
        let begun = Instant::now();
        // Its record says that it has begun; from there on, at different moments.
        while std::fs::read_dir(test.state.path().join("bowline")).is_err() {
            assert!(begun.elapsed() < LIMIT);
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(delay)).await;
        helper.signal_group(Signal::KILL);
        drop(helper);
        let id = test.once("").await;
        assert_eq!(test.there().await, [id].into(), "after {delay} ms");
    }
}

/// The files by which processes agree stay with what they are about.
async fn settled_but_for_locks(state: &TempDir) {
    let folder = state.path().join("bowline");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "reuse" || end == "held") {
            std::fs::rename(&path, state.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    settled(state, LIMIT).await;
    for entry in std::fs::read_dir(state.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::rename(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
}
