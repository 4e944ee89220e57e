//! Attaching: output and input of a container's process, as they come.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use bowline::container::AttachOutput;
use bowline::{Condition, Error, Status};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::support::engine::Own;

/// Longer than anything here takes, and no test waits for it to pass.
const LATE: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LATE, work).await.unwrap_or_else(|_| panic!("{what}: never came"))
}

/// Read until `end` has come.
async fn until(output: &mut AttachOutput, end: &str) -> String {
    let mut said = String::new();
    while !said.contains(end) {
        let chunk = soon(end, output.next()).await.expect("more output").unwrap();
        said.push_str(std::str::from_utf8(&chunk.data).unwrap());
    }
    said
}

/// Write for ever; what ends that.
async fn write_on(mut input: impl AsyncWrite + Unpin) -> std::io::Error {
    let piece = [b'x'; 16 << 10];
    loop {
        if let Err(error) = input.write_all(&piece).await {
            return error;
        }
    }
}

#[tokio::test]
async fn a_megabyte_goes_through_and_back() {
    let own = Own::new().await;
    let data: Vec<u8> = (0..1_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    for cmd in ["cat", "wc -c"] {
        let spec = own.spec(cmd.split(' ')).interactive().rm();
        let c = own.docker.create(spec).await.unwrap();
        let (mut input, output) = c.attach().stdin().await.unwrap().split();
        let id = c.id().clone();
        let _c = c.start().await.unwrap();
        let sent = data.clone();
        let writing = tokio::spawn(async move {
            input.write_all(&sent).await.unwrap();
            input.shutdown().await.unwrap();
            assert_eq!(input.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        });
        let out = soon(cmd, output.wait_with_output()).await.unwrap();
        writing.await.unwrap();
        assert!(out.status.success() && out.stderr.is_empty() && out.container == id);
        match cmd {
            "cat" => assert!(out.stdout == data, "{} bytes came back", out.stdout.len()),
            _ => assert_eq!(out.stdout_lossy().trim(), "1000000"),
        }
    }
}

#[tokio::test]
async fn before_the_start_nothing_is_missed() {
    let own = Own::new().await;
    for n in 0..50 {
        let script = format!("echo out {n}; echo err {n} >&2; exit {n}");
        let c = own.docker.create(own.spec(["sh", "-c", &script]).rm()).await.unwrap();
        let attached = c.attach().await.unwrap();
        let _c = c.start().await.unwrap();
        let out = soon("the end", attached.wait_with_output()).await.unwrap();
        assert_eq!(out.status.code(), n);
        assert_eq!(out.stdout_lossy(), format!("out {n}\n"));
        assert_eq!(out.stderr_lossy(), format!("err {n}\n"));
    }
}

#[tokio::test]
async fn one_of_the_outputs_and_one_run_after_another() {
    let own = Own::new().await;
    let spec = own.spec(["sh", "-c", "echo out; echo err >&2; exit 4"]);
    let mut c = own.docker.create(spec).await.unwrap().run().await.unwrap();
    // `docker start --attach`: what the first run printed is not part of it.
    for (n, stdout, stderr) in [(0, "out\n", "err\n"), (1, "out\n", ""), (2, "", "err\n")] {
        let attach = match n {
            0 => c.attach(),
            1 => c.attach().stdout(),
            _ => c.attach().stderr(),
        };
        let attached = attach.await.unwrap();
        let started = c.start().await.unwrap();
        let out = soon("the end", attached.wait_with_output()).await.unwrap();
        assert_eq!(out.status.code(), 4);
        assert_eq!((&*out.stdout_lossy(), &*out.stderr_lossy()), (stdout, stderr));
        c = started.wait().await.unwrap();
    }
    // All runs are there when the past is asked for.
    let attached = c.attach().logs().await.unwrap();
    let started = c.start().await.unwrap();
    let out = soon("the end", attached.wait_with_output()).await.unwrap();
    assert_eq!((out.stdout.len(), out.stderr.len()), (5 * 4, 5 * 4));
    drop(started);
}

#[tokio::test]
async fn the_past_comes_first() {
    let own = Own::new().await;
    let script = "echo before; read x; echo got $x; exit 6";
    let c = own.docker.create(own.spec(["sh", "-c", script]).interactive()).await.unwrap();
    let c = c.start().await.unwrap();
    let mut logs = c.logs().follow().await.unwrap();
    assert_eq!(&*logs.next().await.unwrap().unwrap().data, b"before\n");
    let mut attached = c.attach().stdin().logs().await.unwrap();
    let first = soon("the past", attached.next()).await.unwrap().unwrap();
    assert_eq!(&*first.data, b"before\n");
    attached.stdin().write_all(b"it\n").await.unwrap();
    let out = soon("the end", attached.wait_with_output()).await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout_lossy()), (6, "got it\n"));
}

#[tokio::test]
async fn a_terminal_is_resized_and_left_by_its_keys() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["sh"]).interactive().tty()).await.unwrap();
    let attached = c.attach().stdin().detach_keys("ctrl-x").await.unwrap();
    let c = c.start().await.unwrap();
    attached.resize(33, 44).await.unwrap();
    let (mut input, mut output) = attached.split();
    input.write_all(b"stty size; echo e''nd\n").await.unwrap();
    assert!(until(&mut output, "end\r\n").await.contains("\n33 44\r\n"));
    c.resize(25, 81).await.unwrap();
    input.write_all(b"stty size; echo E''ND\n").await.unwrap();
    assert!(until(&mut output, "END\r\n").await.contains("\n25 81\r\n"));

    // A terminal's input cannot be closed, and nothing happens to the output.
    assert_eq!(input.shutdown().await.unwrap_err().kind(), ErrorKind::Unsupported);
    input.write_all(b"echo still h''ere\n").await.unwrap();
    until(&mut output, "still here\r\n").await;

    input.write_all(b"\x18").await.unwrap();
    while soon("the end", output.next()).await.is_some_and(|chunk| chunk.is_ok()) {}
    // The stream has ended and the process has not.
    assert_eq!(c.inspect().await.unwrap().state.status, Status::Running);
    let error = input.write_all(b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    drop((input, output));

    // The end of a terminal's input is a byte of its own.
    let mut again = c.attach().stdin().await.unwrap();
    assert!(matches!(again.close_stdin().await, Err(Error::InvalidInput(_))));
    again.stdin().write_all(b"exit 8\n\x04").await.unwrap();
    assert_eq!(soon("the end", again.wait()).await.unwrap().code(), 8);
    let error = c.resize(1, 1).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[tokio::test]
async fn odd_sizes_and_keys_are_harmless() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["sh"]).interactive().tty()).await.unwrap();
    let c = c.start().await.unwrap();
    for (rows, cols) in [(0, 0), (u16::MAX, u16::MAX)] {
        c.resize(rows, cols).await.unwrap();
    }
    let error = c.attach().detach_keys("zzz").await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
    assert!(error.to_string().contains("zzz"), "{error}");
    let plain = own.running().await;
    assert!(matches!(plain.resize(1, 1).await, Err(Error::InvalidInput(_))));
}

#[tokio::test]
async fn an_input_that_is_kept_outlives_who_attaches() {
    let own = Own::new().await;
    let script = "while read x; do echo got $x; done; echo end";
    let c = own.docker.create(own.spec(["sh", "-c", script]).keep_stdin()).await.unwrap();
    let c = c.start().await.unwrap();
    for n in 0..3 {
        let mut attached = c.attach().stdin().await.unwrap();
        let error = attached.close_stdin().await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
        attached.stdin().write_all(format!("{n}\n").as_bytes()).await.unwrap();
        let (input, mut output) = attached.split();
        // Nor does dropping this half end anything.
        drop(input);
        assert_eq!(until(&mut output, "\n").await, format!("got {n}\n"));
    }
    assert_eq!(c.inspect().await.unwrap().state.status, Status::Running);
    // The same of a handle that was not made here.
    let c = own.docker.container(c.id()).await.unwrap().running().unwrap();
    let mut attached = c.attach().stdin().await.unwrap();
    assert!(matches!(attached.close_stdin().await, Err(Error::InvalidInput(_))));
}

#[tokio::test]
async fn dropping_the_input_half_ends_the_input() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["sh", "-c", "cat; echo end"]).interactive()).await.unwrap();
    let (mut input, output) = c.attach().stdin().await.unwrap().split();
    let _c = c.start().await.unwrap();
    input.write_all(b"a line\n").await.unwrap();
    drop(input);
    let out = soon("the end", output.wait_with_output()).await.unwrap();
    assert_eq!(out.stdout_lossy(), "a line\nend\n");
}

#[tokio::test]
async fn an_input_that_is_not_open_is_refused_before_anything_is_sent() {
    let own = Own::new().await;
    let c = own.created().await;
    let error = c.attach().stdin().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "input of container \"{}\" is closed: create the container with `interactive`",
            c.id().short()
        )
    );
    let mut attached = c.attach().await.unwrap();
    let error = attached.stdin().write_all(b"x").await.unwrap_err();
    assert_eq!(error.to_string(), "the process's input is not attached");
    attached.close_stdin().await.unwrap();
}

#[tokio::test]
async fn a_container_that_has_moved_on() {
    let own = Own::new().await;
    let c = own.running().await;
    let id = c.id().clone();
    let find = async || own.docker.container(&id).await.unwrap();
    let _ = find().await.running().unwrap().pause().await.unwrap();
    let stale = c;
    let error = soon("a refusal", stale.attach().into_future()).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("paused"), "{error}");
    let _ = find().await.paused().unwrap().kill().await.unwrap();
    let error = soon("a refusal", stale.attach().into_future()).await.unwrap_err();
    assert!(matches!(&error, Error::State(e) if e.found == "exited"), "{error}");
    find().await.exited().unwrap().remove().await.unwrap();
    let error = soon("a refusal", stale.attach().into_future()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn who_writes_to_the_dead_is_told() {
    let own = Own::new().await;
    // Read or not, and whoever notices first.
    for reads in [true, false] {
        let c = own.docker.create(own.spec(["sleep", "1000"]).interactive()).await.unwrap();
        let (input, mut output) = c.attach().stdin().await.unwrap().split();
        let c = c.start().await.unwrap();
        let writing = tokio::spawn(write_on(input));
        let reading = tokio::spawn(async move {
            match reads {
                true => drop(output.next().await),
                false => std::future::pending().await,
            }
        });
        let _c = c.kill().await.unwrap();
        let error = soon("the writer", writing).await.unwrap();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
        reading.abort();
    }
    // Neither half's owner sees more than its own: the reader is gone, and the process prints.
    let c = own.docker.create(own.spec(["head", "-c", "3000000"]).interactive()).await.unwrap();
    let (input, output) = c.attach().stdin().await.unwrap().split();
    drop(output);
    let c = c.start().await.unwrap();
    assert_eq!(soon("the writer", write_on(input)).await.kind(), ErrorKind::BrokenPipe);
    assert!(soon("the end", c.wait().into_future()).await.unwrap().status().success());
}

/// An engine holds up a process whose output is not taken; closing the connection lets it go on.
#[tokio::test]
async fn a_drop_frees_a_container_that_nobody_reads() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["head", "-c", "20000000", "/dev/zero"])).await.unwrap();
    let attached = c.attach().await.unwrap();
    let c = c.start().await.unwrap();
    let limit = Duration::from_secs(1);
    let held = c.wait_for(Condition::NotRunning).timeout(limit).await;
    assert!(held.unwrap_err().is_timeout(), "it was not held up: this proves nothing");
    let from = Instant::now();
    drop(attached);
    assert!(soon("the end", c.wait().into_future()).await.unwrap().status().success());
    assert!(from.elapsed() < Duration::from_secs(5), "{:?}", from.elapsed());
}

#[tokio::test]
async fn a_limit_is_on_the_attaching_alone() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["sh", "-c", "sleep 1; echo late"])).await.unwrap();
    let attached = c.attach().timeout(Duration::from_millis(500)).await.unwrap();
    let _c = c.start().await.unwrap();
    let out = soon("the end", attached.wait_with_output()).await.unwrap();
    assert_eq!(out.stdout_lossy(), "late\n");
}
