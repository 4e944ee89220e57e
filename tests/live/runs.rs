//! Running to the end: not an exit status and not a byte is lost, however short the process.

use std::sync::Arc;
use std::time::Duration;

use bowline::container::spec::PullPolicy;
use bowline::{ContainerSpec, Error};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::engine::{IMAGE, Own, docker};

/// The shortest of processes, half of them in containers that remove themselves.
#[tokio::test]
async fn five_hundred_short_runs_lose_nothing() {
    const RUNS: usize = 500;
    let own = Arc::new(Own::new().await);
    let room = Arc::new(Semaphore::new(4));
    let mut runs = JoinSet::new();
    for n in 0..RUNS {
        let (own, room) = (own.clone(), room.clone());
        runs.spawn(async move {
            let _room = room.acquire().await.unwrap();
            let script = format!("echo out {n}; echo err {n} >&2; exit {}", n % 256);
            let mut spec = own.spec(["sh", "-c", &script]);
            if n % 2 == 0 {
                spec = spec.rm();
            }
            let out = own.docker.run(spec).output().await.unwrap();
            assert_eq!(out.status.code(), n as i64 % 256);
            assert_eq!(out.stdout_lossy(), format!("out {n}\n"));
            assert_eq!(out.stderr_lossy(), format!("err {n}\n"));
            // One that removes itself is gone when its run is.
            let found = own.docker.container(&out.container).await;
            if n % 2 == 0 {
                assert!(found.unwrap_err().is_not_found(), "run {n} is still there");
            } else {
                found.unwrap().exited().unwrap().remove().await.unwrap();
            }
        });
    }
    let mut done = 0;
    while let Some(run) = runs.join_next().await {
        run.unwrap();
        done += 1;
    }
    assert_eq!((done, own.left().await), (RUNS, 0));
}

#[tokio::test]
async fn an_image_alone_is_enough() {
    let docker = docker().await;
    let out = docker.run(ContainerSpec::new(IMAGE).rm()).output().await.unwrap();
    // The shell that the image runs by itself finds no input.
    assert!(out.status.success() && out.stdout.is_empty());
}

#[tokio::test]
async fn output_of_any_size_and_any_bytes() {
    let own = Own::new().await;
    let script = "yes 0123456789abcde | head -c 8000000; head -c 3000000 /dev/zero >&2";
    let out = own.docker.run(own.spec(["sh", "-c", script]).rm()).output().await.unwrap();
    assert_eq!((out.stdout.len(), out.stderr.len()), (8_000_000, 3_000_000));
    assert!(out.stdout.chunks(16).all(|line| line == b"0123456789abcde\n"));
    assert!(out.stderr.iter().all(|b| *b == 0));

    // A terminal's output has no frames, and may begin with what looks like one.
    let script = r"printf '\001\002\000\000\000\000\000\005$ '";
    let out = own.docker.run(own.spec(["sh", "-c", script]).tty().rm()).output().await.unwrap();
    assert_eq!(out.stdout, b"\x01\x02\0\0\0\0\0\x05$ ");
}

#[tokio::test]
async fn status_and_spawn() {
    let own = Own::new().await;
    let status = own.docker.run(own.spec(["sh", "-c", "exit 7"])).status().await.unwrap();
    assert_eq!(status.code(), 7);
    let running = own.docker.run(own.idle()).spawn().await.unwrap();
    assert_eq!(
        running
            .wait_for(bowline::Condition::NextExit)
            .timeout(Duration::from_millis(50))
            .await
            .unwrap_err()
            .to_string(),
        format!("POST /containers/{}/wait: timed out after 50ms (the whole call)", running.id())
    );
    let exited = running.stop().await.unwrap();
    assert_eq!(exited.status().code(), 3);
}

#[tokio::test]
async fn an_interactive_one_sees_the_end_of_its_input() {
    let own = Own::new().await;
    let out = own.docker.run(own.spec(["wc", "-c"]).interactive().rm()).output().await.unwrap();
    assert_eq!(out.stdout_lossy().trim(), "0");
}

#[tokio::test]
async fn a_run_to_the_end_by_hand() {
    let own = Own::new().await;
    for rm in [false, true] {
        let mut spec = own.spec(["sh", "-c", "exit 9"]);
        if rm {
            spec = spec.rm();
        }
        let exited = own.docker.create(spec).await.unwrap().run().await.unwrap();
        assert_eq!(exited.status().code(), 9);
    }
}

#[tokio::test]
async fn what_cannot_start_leaves_nothing() {
    let own = Own::new().await;
    let error = own.docker.run(own.spec(["no-such-program"])).output().await.unwrap_err();
    assert!(error.to_string().contains("no-such-program"), "{error}");
    assert_eq!(own.left().await, 0);

    let error = own.docker.run(own.spec(["no-such-program"]).rm()).spawn().await.unwrap_err();
    assert!(matches!(error, Error::Api(_)), "{error}");
    assert_eq!(own.left().await, 0);

    let spec = ContainerSpec::new("no-such-image:ever").pull(PullPolicy::Never);
    let error = own.docker.run(spec).status().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_removed() {
    let own = Own::new().await;
    let limit = Duration::from_millis(1500);
    let error = own.docker.run(own.idle()).output().timeout(limit).await.unwrap_err();
    assert_eq!(error.to_string(), "run a container: timed out after 1.5s (the whole call)");
    assert_eq!(own.left().await, 0);
}
