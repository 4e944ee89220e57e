//! A start that failed tells why.

use std::time::{Duration, Instant};

use bowline::throwaway::{Attempt, Ready, StartCause, StartError, StartPhase, Subject};
use bowline::{ContainerSpec, Status};

use crate::support::engine::{Own, unique};
use crate::support::proxy::{Direction, Proxy, Toxic};

fn attempt(name: &str, phase: StartPhase) -> Attempt {
    Attempt { image: "busybox".into(), name: name.into(), phase, begun: Instant::now() }
}

#[tokio::test]
async fn one_that_ended_before_it_was_ready() {
    let own = Own::new().await;
    let name = unique("story");
    let script = "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); done; \
                  printf 'no \\033[31mdisk' >&2; exit 3";
    let spec = own.spec(["sh", "-c", script]).name(&name);
    let c = own.docker.run(spec).spawn().await.unwrap();
    let subject = Subject::new(&own.docker, &c, &name);
    let error = Ready::log("never").until(&subject).await.unwrap_err();
    let attempt = attempt(&name, StartPhase::Ready);
    let error = StartError::gather(&own.docker, attempt, error).await;
    let story = &error.story;
    assert_eq!((&story.state, story.exit_code), (&Some(Status::Exited), Some(3)));
    assert_eq!(story.stderr, "no \u{1b}[31mdisk");
    let lines: Vec<_> = story.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[49]), (50, "line 10", "line 59"));
    assert!(matches!(error.cause, StartCause::NotReady(_)));
    let text = error.to_string();
    for part in [
        &format!("container {name} of image busybox did not start\n"),
        "  failed to wait until it is ready, after ",
        "it has ended: exit status 3\n",
        "log \"never\"\n",
        "  state: exited, exit code 3\n",
        "  last of stdout:\n    line 10\n",
        "  last of stderr:\n    no \\u{1b}[31mdisk",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn one_that_could_not_be_started() {
    let own = Own::new().await;
    let name = unique("story");
    let c = own.docker.create(own.spec(["/no/such/program"]).name(&name)).await.unwrap();
    let error = c.start().await.unwrap_err();
    let error = StartError::gather(&own.docker, attempt(&name, StartPhase::Start), error).await;
    assert_eq!(error.story.state, Some(Status::Created));
    assert_eq!(error.story.exit_code, None);
    let text = error.to_string();
    assert!(text.contains("/no/such/program") && text.contains("state: created"), "{text}");
}

#[tokio::test]
async fn one_that_was_never_made() {
    let own = Own::new().await;
    let name = unique("story");
    let spec = ContainerSpec::new("bowline.invalid/no/such:image");
    let error = own.docker.create(spec).await.unwrap_err();
    let error = StartError::gather(&own.docker, attempt(&name, StartPhase::Pull), error).await;
    assert_eq!((&error.story.state, error.story.gaps.len()), (&None, 0));
    assert!(error.to_string().contains("bowline.invalid"), "{error}");
}

#[tokio::test]
async fn one_that_was_sick_and_one_that_wanted_too_much() {
    let own = Own::new().await;
    let name = unique("story");
    let check = bowline::container::spec::Healthcheck::shell("echo no luck; exit 5");
    let check = check.interval(Duration::from_millis(50)).retries(2);
    let spec = own.spec(["sleep", "1000"]).name(&name).healthcheck(check);
    let c = own.docker.run(spec).spawn().await.unwrap();
    let sick = Ready::healthy().until(&Subject::new(&own.docker, &c, &name)).await.unwrap_err();
    let error = StartError::gather(&own.docker, attempt(&name, StartPhase::Ready), sick).await;
    let health = error.story.health.as_ref().unwrap();
    assert_eq!(health.status, "unhealthy");
    assert!(error.to_string().contains("  check, exit code 5: no luck"), "{error}");
    assert_eq!((error.story.exit_code, &error.story.state), (None, &Some(Status::Running)));

    // Docker 20.10 misses the kernel's word at times, and then says for ever that memory was no
    // reason (2 of 24 by the docker command alone).
    for _ in 0..20 {
        let name = unique("story");
        let greedy = ["sh", "-c", "exec head -c 300000000 /dev/zero | tail -c 200000000"];
        let spec = own.spec(greedy).name(&name).memory("8m").memory_swap("8m");
        let c = own.docker.run(spec).spawn().await.unwrap();
        let subject = Subject::new(&own.docker, &c, &name);
        let dead = Ready::log("never").until(&subject).await.unwrap_err();
        let said = c.inspect().await.unwrap().state.oom_killed;
        let error = StartError::gather(&own.docker, attempt(&name, StartPhase::Ready), dead).await;
        if said {
            assert!(error.story.oom_killed, "{error}");
            assert!(error.to_string().contains(", killed for want of memory"), "{error}");
            return;
        }
    }
    panic!("the engine never says that it killed for want of memory");
}

/// An engine that does not answer makes a gap, and never takes the first error's place.
#[tokio::test]
async fn an_engine_that_is_silent_costs_a_gap() {
    let own = Own::new().await;
    let engine = own.docker.host().socket_path().expect("an engine on a socket").to_owned();
    let proxy = Proxy::new(engine);
    let docker = proxy.docker().await;
    proxy.poison(Direction::Down, [Toxic::Stall(0)]).await;
    let begun = Instant::now();
    let first = std::io::Error::other("the first error");
    let error = StartError::gather(&docker, attempt("x", StartPhase::CopyIn), first).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(error.story.gaps.len(), 1, "{error}");
    let text = error.to_string();
    assert!(text.contains("because: the first error"), "{text}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the first error");
}
