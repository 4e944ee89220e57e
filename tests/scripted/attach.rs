//! Connections that are taken over: what a scripted daemon can do to both their directions.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bowline::container::Attached;
use bowline::error::{StreamError, StreamFault};
use bowline::{Container, Docker, Error, Exited, Running};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::fake::{Fake, Peer, frame};

pub(crate) const UPGRADED: &str =
    "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const WAITS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// An engine with one container, "web" in this state, whose input is open; its wait is answered by
/// these bytes, and what is attached is left to `serve`.
pub(crate) fn engine<F>(
    state: &'static str,
    wait: impl Into<Vec<u8>>,
    serve: impl Fn(Peer) -> F + Clone + Send + Sync + 'static,
) -> Fake
where
    F: Future<Output = ()> + Send + 'static,
{
    let wait = wait.into();
    Fake::raw(move |mut peer| {
        let (serve, wait) = (serve.clone(), wait.clone());
        async move {
            while let Some(seen) = peer.request().await {
                match seen.route().as_str() {
                    "HEAD /_ping" => {
                        peer.pong("1.41").await;
                    }
                    "POST /containers/f00/wait" => {
                        peer.write(WAITS).await;
                        peer.write(&wait).await;
                        return;
                    }
                    "POST /containers/f00/attach" => return serve(peer).await,
                    route => {
                        let body = match route {
                            "POST /containers/f00/exec" => json!({"Id": "e1"}),
                            _ => json!({
                                "Id": "f00", "State": {"Status": state},
                                "Config": {"OpenStdin": true, "StdinOnce": true},
                            }),
                        };
                        let body = body.to_string();
                        let length = body.len();
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                        peer.write(head + &body).await;
                    }
                }
            }
        }
    })
}

/// The answer to a wait, in one chunk and whole.
pub(crate) fn ended(code: i64) -> String {
    let answer = json!({"StatusCode": code}).to_string();
    format!("{:x}\r\n{answer}\r\n0\r\n\r\n", answer.len())
}

async fn exited(docker: &Docker) -> Container<Exited> {
    docker.container("web").await.unwrap().exited().unwrap()
}

async fn running(docker: &Docker) -> Container<Running> {
    docker.container("web").await.unwrap().running().unwrap()
}

async fn attach(fake: &Fake) -> Result<Attached, Error> {
    exited(&fake.docker().await).await.attach().stdin().await
}

fn is_cut(error: &Error) -> bool {
    matches!(error, Error::Stream(StreamError { fault: StreamFault::Cut, .. }))
}

/// Also: no byte of input comes before the answer's head has gone out, and none is lost.
#[tokio::test]
async fn a_stream_that_begins_with_its_head() {
    let output = [frame(1, "out"), frame(2, "err"), frame(1, "put")].concat();
    let all = Arc::new([UPGRADED.as_bytes(), &output].concat());
    for split in 1..all.len() {
        let all = all.clone();
        let fake = engine("exited", ended(3), move |mut peer| {
            let all = all.clone();
            async move {
                peer.write(&all[..split]).await;
                if split < UPGRADED.len() {
                    let mut early = [0; 1];
                    let early = peer.stream.try_read(&mut early);
                    assert_eq!(early.unwrap_err().kind(), ErrorKind::WouldBlock, "at {split}");
                }
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                peer.write(&all[split..]).await;
                let mut input = Vec::new();
                peer.stream.read_to_end(&mut input).await.unwrap();
                peer.write(frame(2, input)).await;
            }
        });
        let mut attached = attach(&fake).await.unwrap();
        attached.stdin().write_all(b"in").await.unwrap();
        let out = attached.wait_with_output().await.unwrap();
        let got = (out.status.code(), &*out.stdout, &*out.stderr);
        assert_eq!(got, (3, &b"output"[..], &b"errin"[..]), "at {split}");
    }
}

#[tokio::test]
async fn what_is_asked_for() {
    let fake = engine("exited", ended(0), |mut peer| async move {
        peer.write(UPGRADED).await;
    });
    let docker = fake.docker().await;
    let c = exited(&docker).await;
    drop(c.attach().await.unwrap());
    drop(c.attach().stdin().stdout().logs().detach_keys("ctrl-x,y").await.unwrap());
    drop(c.attach().stderr().await.unwrap());
    let requests = fake.requests();
    let targets: Vec<_> =
        requests.iter().filter(|r| r.route().ends_with("attach")).map(|r| &*r.target).collect();
    assert_eq!(
        targets,
        [
            "/v1.41/containers/f00/attach?stream=1&stdout=1&stderr=1",
            "/v1.41/containers/f00/attach?stream=1&stdin=1&stdout=1&logs=1&detachKeys=ctrl-x%2Cy",
            "/v1.41/containers/f00/attach?stream=1&stderr=1",
        ]
    );
    fake.until("nothing is left open of what was dropped", |f| f.open() <= 1).await;
}

#[tokio::test]
async fn no_upgrade() {
    let fake = engine("exited", ended(6), |mut peer| async move {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
        peer.write(head).await;
        peer.write([frame(1, "out"), frame(2, "err")].concat()).await;
    });
    insta::assert_snapshot!(
        attach(&fake).await.unwrap_err(),
        @"POST /containers/f00/attach: the stream broke its framing: status 200 where 101 was due: nothing can be sent on this connection"
    );
    let attached = exited(&fake.docker().await).await.attach().await.unwrap();
    let out = attached.wait_with_output().await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout, &*out.stderr), (6, &b"out"[..], &b"err"[..]));
}

#[tokio::test]
async fn a_refusal_in_plain_text() {
    let fake = engine("running", ended(0), |mut peer| async move {
        let text = "container f00 is paused, unpause the container before attach\r\n";
        peer.write(
            "HTTP/1.1 409 Conflict\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
        )
        .await;
        peer.write(text).await;
    });
    let error = running(&fake.docker().await).await.attach().await.unwrap_err();
    assert!(error.is_conflict());
    insta::assert_snapshot!(error, @"POST /containers/f00/attach: container f00 is paused, unpause the container before attach (409)");
}

#[tokio::test]
async fn a_cut_inside_a_frame() {
    let whole = [frame(1, "out"), frame(1, "lost")].concat();
    for cut in 12..whole.len() {
        let part = whole[..cut].to_vec();
        let fake = engine("exited", ended(0), move |mut peer| {
            let part = part.clone();
            async move {
                peer.write(UPGRADED).await;
                peer.write(part).await;
            }
        });
        let mut attached = attach(&fake).await.unwrap();
        assert_eq!(&*attached.next().await.unwrap().unwrap().data, b"out");
        let error = attached.wait().await.unwrap_err();
        assert!(is_cut(&error), "at {cut}: {error}");
    }
}

/// As when the engine is killed: the stream ends as it does with the process.
#[tokio::test]
async fn an_end_that_is_none() {
    let fake = engine("exited", "", |mut peer| async move {
        peer.write(UPGRADED).await;
        peer.write(frame(1, "out")).await;
    });
    let mut attached = attach(&fake).await.unwrap();
    assert_eq!(&*attached.next().await.unwrap().unwrap().data, b"out");
    assert!(attached.next().await.is_none());
    let error = attached.wait_with_output().await.unwrap_err();
    assert!(is_cut(&error), "{error}");
}

/// An engine whose process is dead closes its side, and reads no more.
#[tokio::test]
async fn a_writer_learns_of_the_end_by_itself() {
    for printed in [0, 1_000, 40_000] {
        let fake = engine("exited", ended(0), move |mut peer| async move {
            peer.write(UPGRADED).await;
            // The input is full by now, and is never read.
            peer.stream.readable().await.unwrap();
            peer.write(frame(1, vec![b'o'; printed])).await;
            peer.stream.shutdown().await.unwrap();
            std::future::pending().await
        });
        let (mut input, mut output) = attach(&fake).await.unwrap().split();
        let data = vec![0; 4 << 20];
        let write = tokio::time::timeout(Duration::from_secs(20), input.write_all(&data));
        let error = write.await.expect("no hang").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        // What was printed is there all the same.
        let mut left = 0;
        while let Some(chunk) = output.next().await {
            left += chunk.unwrap().data.len();
        }
        assert_eq!(left, printed);
    }
}

/// And whose reader is slower: it is the reader that finds the end.
#[tokio::test]
async fn a_reader_wakes_the_writer() {
    const MUCH: usize = 3_000_000;
    let fake = engine("exited", ended(0), |mut peer| async move {
        peer.write(UPGRADED).await;
        for _ in 0..MUCH / 1_000 {
            peer.write(frame(1, [b'o'; 1_000])).await;
        }
        peer.stream.shutdown().await.unwrap();
        std::future::pending().await
    });
    let (mut input, mut output) = attach(&fake).await.unwrap().split();
    let writing = tokio::spawn(async move { input.write_all(&vec![0; 4 << 20]).await });
    // Until the writer has read ahead as much as it does, and waits.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!writing.is_finished());
    let mut left = 0;
    while let Some(chunk) = output.next().await {
        left += chunk.unwrap().data.len();
    }
    assert_eq!(left, MUCH);
    let wrote = tokio::time::timeout(Duration::from_secs(20), writing).await;
    assert_eq!(wrote.expect("no hang").unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
}

/// Two tasks read the same socket, each for its own reasons: neither takes the other's wake-up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_at_once() {
    const SIZE: usize = 2_000_000;
    let fake = engine("exited", ended(0), |mut peer| async move {
        peer.write(UPGRADED).await;
        let mut piece = vec![0; 8_192];
        loop {
            let n = peer.stream.read(&mut piece).await.unwrap();
            if n == 0 {
                return;
            }
            peer.write(frame(1, &piece[..n])).await;
        }
    });
    for size in [1, 10_000, SIZE] {
        let (mut input, output) = attach(&fake).await.unwrap().split();
        let writing = tokio::spawn(async move {
            input.write_all(&vec![b'x'; size]).await.unwrap();
            input.shutdown().await.unwrap();
            input
        });
        let reading = output.wait_with_output();
        let out = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("no hang");
        assert_eq!(out.unwrap().stdout.len(), size);
        drop(writing.await.unwrap());
    }
    fake.until("no connection is left", |f| f.open() == 0).await;
}

#[tokio::test]
async fn a_connection_goes_with_its_last_half() {
    let gone = Arc::new(AtomicUsize::new(0));
    let counter = gone.clone();
    let fake = engine("exited", ended(0), move |mut peer| {
        let gone = counter.clone();
        async move {
            peer.write(UPGRADED).await;
            let mut input = Vec::new();
            peer.stream.read_to_end(&mut input).await.unwrap();
            // Our side stays open until the client's reader has gone too.
            while peer.write(frame(1, [0; 1_000])).await {}
            gone.fetch_add(1, Ordering::SeqCst);
        }
    });
    for input_first in [true, false] {
        let (input, mut output) = attach(&fake).await.unwrap().split();
        match input_first {
            true => {
                drop(input);
                assert_eq!(output.next().await.unwrap().unwrap().data.len(), 1_000);
                drop(output);
            }
            false => {
                drop(output);
                drop(input);
            }
        }
    }
    fake.until("both are gone", |f| f.open() == 0).await;
    assert_eq!(gone.load(Ordering::SeqCst), 2);
}
