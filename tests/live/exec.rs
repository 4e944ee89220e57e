//! A second process in a running container.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

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
    assert!(out.status.cannot_run() || out.status.not_found(), "{out:?}");
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

#[tokio::test]
async fn a_session_is_written_to_and_read() {
    let own = Own::new().await;
    let c = own.running().await;
    let data: Vec<u8> = (0..1_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let session = c.exec(["sh", "-c", "cat; exit 9"]).session().interactive().await.unwrap();
    let (mut input, output) = session.split();
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        input.write_all(&sent).await.unwrap();
        input.shutdown().await.unwrap();
    });
    let out = output.wait_with_output().await.unwrap();
    writing.await.unwrap();
    assert!(out.status.code() == 9 && out.stdout == data, "{} bytes", out.stdout.len());

    // Question and answer, and what is left is thrown away.
    let script = "while read x; do echo got $x; done; echo end; exit 3";
    let mut session = c.exec(["sh", "-c", script]).session().interactive().await.unwrap();
    for n in 0..3 {
        session.stdin().write_all(format!("{n}\n").as_bytes()).await.unwrap();
        let chunk = session.next().await.unwrap().unwrap();
        assert_eq!(&*chunk.data, format!("got {n}\n").as_bytes());
    }
    assert!(session.handle().inspect().await.unwrap().running);
    assert_eq!(session.wait().await.unwrap().code(), 3);

    // Without an input there is the end of one.
    let session = c.exec(["wc", "-c"]).session().await.unwrap();
    assert_eq!(session.wait_with_output().await.unwrap().stdout_lossy().trim(), "0");
}

#[tokio::test]
async fn a_session_whose_input_is_closed_goes_on_printing() {
    let own = Own::new().await;
    let c = own.running().await;
    let script = "cat >/dev/null; sleep 0.3; echo after; exec >&- 2>&-; sleep 0.3; exit 5";
    let mut session = c.exec(["sh", "-c", script]).session().interactive().await.unwrap();
    session.close_stdin().await.unwrap();
    session.close_stdin().await.unwrap();
    let out = session.wait_with_output().await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout_lossy()), (5, "after\n"));
}

#[tokio::test]
async fn a_session_on_a_terminal() {
    let own = Own::new().await;
    let c = own.running().await;
    let exec = c.exec(["sh", "-c", "read x; stty size; exit 7"]).tty();
    let mut session = exec.session().interactive().console_size(31, 41).await.unwrap();
    assert!(matches!(session.close_stdin().await, Err(bowline::Error::InvalidInput(_))));
    session.stdin().write_all(b"\n").await.unwrap();
    let out = session.wait_with_output().await.unwrap();
    assert!(out.stdout_lossy().ends_with("31 41\r\n"), "{}", out.stdout_lossy());
    assert_eq!(out.status.code(), 7);

    let exec = c.exec(["sh", "-c", "read x; stty size"]).tty();
    let mut session = exec.session().interactive().await.unwrap();
    session.resize(32, 42).await.unwrap();
    session.stdin().write_all(b"\n").await.unwrap();
    let handle = session.handle().clone();
    let out = session.wait_with_output().await.unwrap();
    assert!(out.stdout_lossy().ends_with("32 42\r\n"), "{}", out.stdout_lossy());
    handle.resize(1, 1).timeout(Duration::from_secs(5)).await.unwrap_err();

    // Dropped, it is left running.
    let exec = c.exec(["sh", "-c", "echo up; sleep 1000"]).tty();
    let mut session = exec.session().interactive().await.unwrap();
    assert_eq!(&*session.next().await.unwrap().unwrap().data, b"up\r\n");
    let handle = session.handle().clone();
    drop(session);
    let ps = c.exec(["ps"]).await.unwrap();
    assert!(ps.stdout_lossy().contains("sleep 1000"), "{}", ps.stdout_lossy());
    assert!(handle.inspect().await.unwrap().running);

    let error = c.exec(["true"]).session().console_size(1, 1).await.unwrap_err();
    assert!(matches!(error, bowline::Error::InvalidInput(_)), "{error}");
}

#[tokio::test]
async fn who_writes_to_an_ended_session_is_told() {
    let own = Own::new().await;
    let c = own.running().await;
    let mut session = c.exec(["true"]).session().interactive().await.unwrap();
    let piece = [0; 16 << 10];
    let writing = async {
        loop {
            if let Err(error) = session.stdin().write_all(&piece).await {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(20), writing).await.expect("no hang");
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{error}");
    assert!(session.wait().await.unwrap().success());
}

/// It looks like the beginning of a frame, and is what a terminal shows.
#[tokio::test]
async fn a_terminals_output_begins_with_any_byte() {
    let own = Own::new().await;
    let c = own.running().await;
    let out = c.exec(["printf", r"\001\002\000$ "]).tty().await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout), (0, &b"\x01\x02\0$ "[..]));
    let spec = own.spec(["printf", r"\002\000\000\000$ "]).tty();
    let c = own.docker.create(spec).await.unwrap();
    let attached = c.attach().await.unwrap();
    let _c = c.start().await.unwrap();
    let out = attached.wait_with_output().await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout), (0, &b"\x02\0\0\0$ "[..]));
}
