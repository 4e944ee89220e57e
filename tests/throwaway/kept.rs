//! What a test that fails shows of its containers, and what is left for a look at it.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use bowline::Docker;
use bowline::throwaway::Ready;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::helper::{Helper, ending, pause, say, settled, spec};
use crate::support::engine::Own;

const LIMIT: Duration = Duration::from_secs(30);

/// What the helper does.
pub(crate) fn deed(runtime: &Runtime, what: &str) {
    let docker = runtime.block_on(Docker::connect().into_future()).unwrap();
    let printing = spec().cmd(["sh", "-c", "seq 1 60; echo knots >&2; exec sleep 1000"]);
    let printing = docker.throwaway(printing).ready(Ready::log("knots"));
    match what {
        "panics" => {
            let _held = runtime.block_on(printing.into_future()).unwrap();
            panic!("as was asked for");
        }
        "passes" => drop(runtime.block_on(printing.into_future()).unwrap()),
        "closes" => {
            let held = runtime.block_on(printing.into_future()).unwrap();
            runtime.block_on(held.close()).unwrap();
        }
        "fails to start" => {
            let failing = docker.throwaway(spec().cmd(["sh", "-c", "echo no luck; exit 3"]));
            let _held = runtime.block_on(failing.ready(Ready::log("luck!")).into_future()).unwrap();
        }
        "forwards" => {
            let printing = printing.forward_logs();
            let _held = runtime.block_on(printing.into_future()).unwrap();
            say("ready");
            pause();
        }
        other => panic!("{other}?"),
    }
}

/// Run a helper to its end, and return how it ended and what it printed: what libtest caught and
/// shows of a test that fails, and what it did not catch.
async fn printed(deed: &str, keep: Option<&str>, state: &TempDir) -> (Own, String, [String; 2]) {
    let (mut command, own) = Helper::prepare(deed, 1, state.path()).await;
    command.env_remove("RUST_TEST_NOCAPTURE").stdin(Stdio::null()).stderr(Stdio::piped());
    if let Some(keep) = keep {
        command.env("BOWLINE_KEEP", keep);
    }
    let out = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    settled(state, LIMIT).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (own, ending(out.status), [text(&out.stdout), text(&out.stderr)])
}

/// The one container that is left of a test: its name.
async fn left(own: &Own) -> String {
    let rows = own.docker.containers().all().label(own.label()).await.unwrap();
    let [row] = &rows[..] else { panic!("{} are left", rows.len()) };
    row.name.to_string()
}

#[tokio::test]
async fn a_test_that_fails_shows_what_its_containers_printed() {
    let state = TempDir::new().unwrap();
    let (own, end, [caught, _]) = printed("kept panics", None, &state).await;
    assert_eq!((&*end, own.left().await), ("exit 101", 0));
    for part in [
        "container bowline-",
        "held by what panics\n  state: running\n",
        "last of stdout:\n    11\n",
        "\n    60\n  last of stderr:\n    knots\n",
    ] {
        assert!(caught.contains(part), "{part:?} is not in\n{caught}");
    }
    assert!(!caught.contains("docker logs"), "{caught}");
    let (own, end, [caught, other]) = printed("kept passes", None, &state).await;
    assert_eq!((&*end, own.left().await), ("exit 0", 0));
    assert!(!caught.contains("knots") && !other.contains("bowline"), "{caught}{other}");
}

#[tokio::test]
async fn what_a_failing_test_holds_is_left_and_said() {
    let state = TempDir::new().unwrap();
    for (keep, deed) in [
        ("failed", "kept panics"),
        ("failed", "kept fails to start"),
        ("always", "kept passes"),
        ("always", "kept closes"),
    ] {
        let (own, end, [caught, other]) = printed(deed, Some(keep), &state).await;
        let name = left(&own).await;
        if keep == "failed" {
            assert_eq!(end, "exit 101", "{deed}");
            for line in ["docker logs", "docker exec -it", "docker rm --force --volumes"] {
                assert!(
                    caught.contains(&format!("  {line} {name}")),
                    "{line} {name} is not in\n{caught}"
                );
            }
        } else {
            assert_eq!(end, "exit 0", "{deed}: {caught}");
        }
        let lists = format!(
            "bowline: BOWLINE_KEEP={keep}: docker ps --all --filter label=bowline.session="
        );
        assert!(other.contains(&lists), "{lists} is not in\n{other}");
        // Nobody else removes it: neither was it the lease, nor is it the next process.
        let (next, end, _) = printed("kept passes", None, &state).await;
        assert_eq!((&*end, next.left().await), ("exit 0", 0));
        assert_eq!(left(&own).await, name, "{deed}");
    }
    let (own, end, _) = printed("kept passes", Some("failed"), &state).await;
    assert_eq!((&*end, own.left().await), ("exit 0", 0));
    let (own, end, _) = printed("kept panics", Some("never"), &state).await;
    assert_eq!((&*end, own.left().await), ("exit 101", 0));
}

#[tokio::test]
async fn what_it_is_asked_for_must_be_known() {
    let state = TempDir::new().unwrap();
    std::fs::create_dir(state.path().join("bowline")).unwrap();
    let (_own, end, [caught, _]) = printed("kept passes", Some("yes"), &state).await;
    assert_eq!(end, "exit 101");
    let rule = "must be \"failed\", \"always\" or \"never\"";
    assert!(caught.contains("BOWLINE_KEEP \"yes\"") && caught.contains(rule), "{caught}");
}

/// Where no drop says how it went, it is the end of the process that does.
#[tokio::test]
async fn an_end_that_is_bad_leaves_what_was_held() {
    for (deed, signal, left) in [
        ("pass", None, 0),
        ("process::exit", None, 0),
        ("static, and pass", None, 0),
        ("static, and panic", None, 1),
        ("abort", None, 1),
        ("pass", Some(Signal::INT), 1),
        ("pass", Some(Signal::KILL), 1),
    ] {
        let state = TempDir::new().unwrap();
        let (mut command, own) = Helper::prepare(deed, 1, state.path()).await;
        command.env("BOWLINE_KEEP", "failed");
        let mut helper = Helper::run(command, own);
        helper.hear("ready");
        match signal {
            Some(signal) => helper.signal_group(signal),
            None => helper.go(),
        }
        let end = ending(helper.end());
        settled(&state, LIMIT).await;
        assert_eq!(helper.own.left().await, left, "{deed}, {end}");
    }
}

/// A drop that cannot print is none that ends the process.
#[tokio::test]
async fn a_drop_while_unwinding_does_not_need_anybody_to_read() {
    let state = TempDir::new().unwrap();
    let (mut command, own) = Helper::prepare("panic", 1, state.path()).await;
    let (read, write) = std::io::pipe().unwrap();
    command.env("BOWLINE_KEEP", "failed").stderr(write);
    let mut helper = Helper::run(command, own);
    helper.hear("ready");
    drop(read);
    helper.go();
    assert_eq!(ending(helper.end()), "exit 101");
    settled(&state, LIMIT).await;
    left(&helper.own).await;
}

#[tokio::test]
async fn what_a_container_prints_is_forwarded() {
    let state = TempDir::new().unwrap();
    let (mut command, own) = Helper::prepare("kept forwards", 1, state.path()).await;
    let (mut read, write) = std::io::pipe().unwrap();
    command.stderr(write);
    let mut helper = Helper::run(command, own);
    helper.hear("ready");
    let name = left(&helper.own).await;
    let reading = tokio::task::spawn_blocking(move || {
        let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
        let due = [format!("{name}: 1\n"), format!("{name}: 60\n"), format!("{name}: knots\n")];
        while !due.iter().all(|line| String::from_utf8_lossy(&seen).contains(line)) {
            let read = read.read(&mut piece).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..read]);
        }
    });
    tokio::time::timeout(LIMIT, reading).await.expect("they do not come").unwrap();
    helper.go();
    assert_eq!(ending(helper.end()), "exit 0");
    settled(&state, LIMIT).await;
    assert_eq!(helper.own.left().await, 0);
}
