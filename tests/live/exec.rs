//! A second process in a running container.

use std::time::{Duration, Instant};

use crate::support::engine::Own;

#[tokio::test]
async fn output_and_exit_code() {
    let own = Own::new().await;
    let c = own.running().await;
    let out = c.exec(["sh", "-c", "echo out; echo err >&2; exit 5"]).await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout, &*out.stderr), (5, &b"out\n"[..], &b"err\n"[..]));
    assert_eq!(&out.container, c.id());
    assert!(c.exec(["true"]).status().await.unwrap().success());
}

#[tokio::test]
async fn what_it_is_given() {
    let own = Own::new().await;
    let c = own.running().await;
    let out = c
        .exec(["sh", "-c", "echo $A-$B-$(id -u):$(id -g)-$(pwd)"])
        .env("A", "x=y z")
        .env("B", "")
        .user("7:8")
        .workdir("/tmp")
        .await
        .unwrap();
    assert_eq!(out.stdout_lossy(), "x=y z--7:8-/tmp\n");
    let out = c.exec(["sh", "-c", "test -t 1 && echo terminal; echo err >&2"]).tty().await.unwrap();
    assert_eq!((out.stdout_lossy().as_ref(), &*out.stderr), ("terminal\r\nerr\r\n", &b""[..]));
}

/// 126 or 127 with the runtime's words: engines answer as if it had run.
#[tokio::test]
async fn a_program_that_is_not_there() {
    let own = Own::new().await;
    let c = own.running().await;
    let out = c.exec(["no-such-program"]).await.unwrap();
    assert!(matches!(out.status.code(), 126 | 127), "{out:?}");
    let said = [out.stdout_lossy(), out.stderr_lossy()].concat();
    assert!(said.contains("no-such-program"), "{said}");
    let error = c.exec(["no-such-program"]).detach().await.unwrap_err();
    assert!(error.to_string().contains("no-such-program"), "{error}");
}

#[tokio::test]
async fn a_process_that_closes_its_output_first() {
    let own = Own::new().await;
    let c = own.running().await;
    let out = c.exec(["sh", "-c", "exec >/dev/null 2>&1; sleep 0.3; exit 4"]).await.unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (4, 0));
}

#[tokio::test]
async fn much_output_of_both_kinds() {
    let own = Own::new().await;
    let c = own.running().await;
    let script = "head -c 5000000 /dev/zero; head -c 2000000 /dev/zero >&2";
    let out = c.exec(["sh", "-c", script]).await.unwrap();
    assert_eq!((out.stdout.len(), out.stderr.len()), (5_000_000, 2_000_000));
}

#[tokio::test]
async fn detached_it_goes_on() {
    let own = Own::new().await;
    let c = own.running().await;
    let session =
        c.exec(["sh", "-c", "until [ -e /go ]; do sleep 0.02; done"]).detach().await.unwrap();
    let seen = session.inspect().await.unwrap();
    assert!(seen.running && seen.exit_code.is_none() && seen.pid > 0, "{seen:?}");
    assert_eq!(&seen.container, c.id());
    c.exec(["touch", "/go"]).await.unwrap();
    let late = Instant::now() + Duration::from_secs(10);
    while session.inspect().await.unwrap().running {
        assert!(Instant::now() < late);
        tokio::task::yield_now().await;
    }
    assert_eq!(session.inspect().await.unwrap().exit_code, Some(0));
}

#[tokio::test]
async fn a_limit_leaves_the_process_and_the_client_whole() {
    let own = Own::new().await;
    let c = own.running().await;
    let error = c.exec(["sleep", "77"]).timeout(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.to_string(), "exec: timed out after 300ms (the whole call)");
    let ps = c.exec(["ps"]).await.unwrap();
    assert!(ps.stdout_lossy().contains("sleep 77"), "{}", ps.stdout_lossy());
}

#[tokio::test]
async fn many_at_once() {
    let own = Own::new().await;
    let c = own.running().await;
    let mut all = tokio::task::JoinSet::new();
    for n in 0..12 {
        let exec = c.exec(["echo".to_owned(), n.to_string()]);
        all.spawn(async move { (n, exec.await.unwrap()) });
    }
    for (n, out) in all.join_all().await {
        assert_eq!(out.stdout_lossy(), format!("{n}\n"));
    }
}

#[tokio::test]
async fn the_container_dies_under_it() {
    let own = Own::new().await;
    let c = own.running().await;
    let exec = tokio::spawn(c.exec(["sh", "-c", "touch /begun; sleep 1000"]).into_future());
    while !c.exec(["test", "-e", "/begun"]).status().await.unwrap().success() {}
    let _killed = c.kill().await.unwrap();
    // Killed with its container, or lost to the engine: never a success, never a hang.
    match exec.await.unwrap() {
        Ok(out) => assert_eq!(out.status.code(), 137),
        Err(e) => assert!(matches!(e, bowline::Error::Stream(_)), "{e}"),
    }
}
