//! What has to work by every way to an engine: calls, streams, uploads, and both directions of a
//! connection that was taken over, one of which ends before the other.

use std::time::Duration;

use bowline::Docker;
use tokio::io::AsyncWriteExt;

use crate::support::engine::Own;

async fn soon<T>(what: &str, work: impl IntoFuture<Output = T>) -> T {
    let late = Duration::from_secs(60);
    tokio::time::timeout(late, work.into_future())
        .await
        .unwrap_or_else(|_| panic!("{what}: never came"))
}

pub(crate) async fn all_that_matters(docker: Docker) {
    let own = Own::on(docker);
    let spec = own.spec(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    let out = soon("run", own.docker.run(spec).output()).await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout, &*out.stderr), (3, &b"out\n"[..], &b"err\n"[..]));

    let c = own.running().await;
    let data: Vec<u8> = (0..3_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    soon("upload", c.write_file("/tmp/data", data.clone())).await.unwrap();
    let back = soon("download", c.read_file("/tmp/data")).await.unwrap();
    assert!(back == data, "{} bytes came back", back.len());

    // There and back at once; then all of it there before anything is read.
    for cmd in ["cat", "wc -c"] {
        let spec = own.spec(cmd.split(' ')).interactive();
        let c = own.docker.create(spec).await.unwrap();
        let (mut input, output) = c.attach().stdin().await.unwrap().split();
        let _c = c.start().await.unwrap();
        let sent = data.clone();
        let writing = async move {
            input.write_all(&sent).await.unwrap();
            input.shutdown().await.unwrap();
        };
        let out = match cmd {
            "cat" => soon(cmd, async { tokio::join!(writing, output.wait_with_output()).1 }).await,
            _ => {
                soon("all of the input", writing).await;
                soon(cmd, output.wait_with_output()).await
            }
        };
        let out = out.unwrap();
        match cmd {
            "cat" => assert!(out.stdout == data, "{} bytes came back", out.stdout.len()),
            _ => assert_eq!(out.stdout_lossy().trim(), "3000000"),
        }
    }

    // The last that was written goes out, though nobody reads and no end is said.
    let spec = own.spec(["sh", "-c", "head -c 3000000 | wc -c >/tmp/n; sleep 100"]).interactive();
    let c2 = own.docker.create(spec).await.unwrap();
    let (mut input, output) = c2.attach().stdin().await.unwrap().split();
    let c2 = c2.start().await.unwrap();
    soon("input", async { input.write_all(&data).await.unwrap() }).await;
    soon("flush", async { input.flush().await.unwrap() }).await;
    let script = "until grep -q . /tmp/n; do sleep 0.05; done; cat /tmp/n";
    let n = soon("the last of the input", c2.exec(["sh", "-c", script])).await.unwrap();
    assert_eq!(n.stdout_lossy().trim(), "3000000");
    drop((input, output));

    // A stream that is let go, and calls after it.
    let mut logs = c.logs().follow().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(50), logs.next()).await.is_err());
    drop(logs);
    assert_eq!(soon("stop", c.stop()).await.unwrap().status().code(), 3);
}
