//! A consumer that does not read makes the engine wait: next to nothing is read ahead for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bowline::{Chunk, Error};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::fake::{Fake, Peer, frame};

const MIB: u64 = 1 << 20;
/// What the container prints in all, and how much of it makes a frame.
const ALL: u64 = 256 * MIB;
const FRAME: u64 = 16 << 10;
/// What may be under way: a socket's two buffers, which are of the kernel's choosing, and ours.
const AHEAD: u64 = 2 * MIB;

#[derive(Default)]
struct Printed {
    /// So much of the output has been taken by the socket.
    bytes: AtomicU64,
    /// It takes no more, or all has gone.
    waits: AtomicBool,
    news: Notify,
}

impl Printed {
    fn wait(&self, waits: bool) {
        self.waits.store(waits, Ordering::SeqCst);
        self.news.notify_one();
    }
}

/// Print all of it, as fast as it is taken.
async fn print(peer: &Peer, wire: Vec<u8>, printed: &Printed) {
    let block = wire.repeat(16);
    let all = ALL / FRAME * wire.len() as u64;
    let mut written = 0;
    while written < all {
        let from = (written % block.len() as u64) as usize;
        let to = block.len().min(from + (all - written) as usize);
        match peer.stream.try_write(&block[from..to]) {
            Ok(n) => {
                written += n as u64;
                printed.bytes.store(written / wire.len() as u64 * FRAME, Ordering::SeqCst);
            }
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                printed.wait(true);
                peer.stream.writable().await.unwrap();
                printed.wait(false);
            }
            Err(_) => return,
        }
    }
    printed.wait(true);
}

/// Answers all that leads to a stream, and then prints.
fn engine(printed: Arc<Printed>) -> Fake {
    Fake::raw_apart(move |mut peer| {
        let printed = printed.clone();
        async move {
            let data = vec![b'x'; FRAME as usize];
            while let Some(seen) = peer.request().await {
                let (status, body) = match seen.route().as_str() {
                    "HEAD /_ping" => {
                        peer.pong("1.41").await;
                        continue;
                    }
                    "GET /containers/web/json" | "GET /containers/f00/json" => {
                        (200, json!({"Id": "f00", "State": {"Status": "running"}}))
                    }
                    "POST /containers/f00/exec" => (201, json!({"Id": "e1"})),
                    "GET /containers/f00/logs" => {
                        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                        let mut wire = format!("{:x}\r\n", data.len() + 8).into_bytes();
                        wire.extend(frame(1, &data));
                        wire.extend(b"\r\n");
                        print(&peer, wire, &printed).await;
                        peer.write("0\r\n\r\n").await;
                        return;
                    }
                    "POST /exec/e1/start" => {
                        peer.write("HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n").await;
                        print(&peer, frame(1, &data), &printed).await;
                        return;
                    }
                    other => panic!("{other}"),
                };
                let body = body.to_string();
                let head =
                    format!("HTTP/1.1 {status} OK\r\nContent-Length: {}\r\n\r\n", body.len());
                peer.write(head + &body).await;
            }
        }
    })
}

/// Read all of it, and stop now and then until the engine waits.
async fn consume(printed: &Printed, mut next: impl AsyncFnMut() -> Option<Result<Chunk, Error>>) {
    let mut came = 0;
    let mut stop = 0;
    while let Some(chunk) = next().await {
        came += chunk.unwrap().data.len() as u64;
        if came >= stop {
            // Who reads ahead in the consumer's name has its turns meanwhile.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            while !printed.waits.load(Ordering::SeqCst) {
                printed.news.notified().await;
            }
            stop = came + 16 * MIB;
        }
        let ahead = printed.bytes.load(Ordering::SeqCst).saturating_sub(came);
        assert!(ahead < AHEAD, "{ahead} bytes are under way after {came}");
    }
    assert_eq!(came, ALL);
}

#[tokio::test]
async fn a_log_nobody_reads_makes_the_engine_wait() {
    let printed = Arc::new(Printed::default());
    let fake = engine(printed.clone());
    let docker = fake.docker().await;
    let web = docker.container("web").await.unwrap().running().unwrap();
    let mut logs = web.logs().follow().await.unwrap();
    consume(&printed, async || logs.next().await).await;
}

#[tokio::test]
async fn an_exec_nobody_reads_makes_the_engine_wait() {
    let printed = Arc::new(Printed::default());
    let fake = engine(printed.clone());
    let docker = fake.docker().await;
    let web = docker.container("web").await.unwrap().running().unwrap();
    let mut exec = web.exec(["yes"]).session().await.unwrap();
    consume(&printed, async || exec.next().await).await;
}
