//! Which connections are kept, for whom and how long, and when a request is sent again.

use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc;
use std::time::Duration;

use bowline::{Container, Docker, Error};
use serde_json::json;

use crate::support::fake::{Fake, Reply, url};

#[tokio::test]
async fn a_hundred_pings_use_one_connection() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    for _ in 0..100 {
        docker.ping().await.unwrap();
    }
    assert_eq!((fake.connections(), fake.requests().len()), (1, 101));
}

#[tokio::test]
async fn a_call_takes_two_turns_of_its_task() {
    let body = r#"{"Version":"1"}"#;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let fake = Fake::new(move |_| Reply::raw(answer.clone()));
    let docker = fake.docker().await;
    docker.version().await.unwrap();
    let mut turns = 0;
    for _ in 0..10 {
        let mut call = docker.version().into_future();
        let version = std::future::poll_fn(|cx| {
            turns += 1;
            std::pin::Pin::new(&mut call).poll(cx)
        });
        assert_eq!(version.await.unwrap().version, "1");
    }
    // One to send and one to read; more is being woken for nothing.
    assert_eq!((turns, fake.connections()), (20, 1));
}

#[tokio::test]
async fn calls_at_once_have_connections_of_their_own_and_64_are_kept() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    let calls: Vec<_> = (0..80).map(|_| tokio::spawn(docker.ping().into_future())).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert!(fake.connections() > 1);
    fake.until("only 64 are left", |f| f.open() <= 64).await;
    let before = fake.connections();
    docker.ping().await.unwrap();
    assert_eq!(fake.connections(), before);
}

#[tokio::test(start_paused = true)]
async fn a_connection_idle_for_8_s_is_closed() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    let begun = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    docker.ping().await.unwrap();
    assert_eq!((fake.connections(), fake.open()), (1, 1));
    fake.until("the connection is closed", |f| f.open() == 0).await;
    let idle = begun.elapsed() - Duration::from_secs(5);
    assert!((Duration::from_secs(8)..Duration::from_millis(8_100)).contains(&idle), "{idle:?}");
    docker.ping().await.unwrap();
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn a_client_that_is_gone_keeps_no_connection() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    let other = docker.clone();
    drop(docker);
    other.ping().await.unwrap();
    assert_eq!(fake.connections(), 1);
    drop(other);
    fake.until("the connection is closed", |f| f.open() == 0).await;
}

/// An engine on a thread of its own, told what to do while the test's runtime stands still: the
/// runtime cannot have heard of what happened on its sockets.
struct Puppet {
    dir: tempfile::TempDir,
    orders: mpsc::Sender<&'static [u8]>,
    done: mpsc::Receiver<usize>,
}

impl Puppet {
    /// On each connection answer a ping, then carry out an order: write these bytes, or hang up
    /// where there are none. What follows on the connection is answered as a ping again.
    fn new() -> Puppet {
        let dir = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(dir.path().join("d.sock")).unwrap();
        let (orders, given) = mpsc::channel::<&'static [u8]>();
        let (tell, done) = mpsc::channel();
        std::thread::spawn(move || {
            for nth in 0.. {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                loop {
                    let mut request = lines.by_ref().map_while(Result::ok);
                    if !request.any(|line| line.is_empty()) {
                        break;
                    }
                    stream.write_all(PONG).unwrap();
                    let Ok(order) = given.recv() else { return };
                    if order.is_empty() {
                        drop((lines, stream));
                        tell.send(nth).unwrap();
                        break;
                    }
                    stream.write_all(order).unwrap();
                    tell.send(nth).unwrap();
                }
            }
        });
        Puppet { dir, orders, done }
    }

    fn order(&self, order: &'static [u8]) -> usize {
        self.orders.send(order).unwrap();
        self.done.recv().unwrap()
    }

    async fn docker(&self) -> Docker {
        Docker::connect().host(url(&self.dir.path().join("d.sock"))).await.unwrap()
    }
}

const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_kept_connection_that_was_closed_unheard_is_replaced() {
    let puppet = Puppet::new();
    let docker = puppet.docker().await;
    assert_eq!(puppet.order(b""), 0);
    docker.ping().await.unwrap();
    assert_eq!(puppet.order(b""), 1);
    docker.ping().await.unwrap();
}

/// Bytes nobody asked for may be the end of the last answer, or a 408: taken for the next answer
/// they would shift all answers by one.
#[tokio::test]
async fn a_kept_connection_with_stray_bytes_is_never_used_again() {
    let puppet = Puppet::new();
    let docker = puppet.docker().await;
    puppet.order(b"HTTP/1.1 200 OK\r\nApi-Version: 9.9\r\nContent-Length: 0\r\n\r\n");
    let waiting = tokio::spawn(docker.ping().into_future());
    let pong = waiting.await.unwrap().unwrap();
    assert_eq!(pong.api_version.unwrap().to_string(), "1.41");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let fake = Fake::raw(|mut peer| async move {
        peer.request().await;
        peer.pong("1.41").await;
    });
    let docker = fake.docker().await;
    for n in 1..10 {
        fake.until("the engine has hung up", |f| f.open() == 0).await;
        docker.ping().await.unwrap();
        assert_eq!((fake.connections(), fake.requests().len()), (n + 1, n + 1));
    }
}

/// Reads a request and hangs up, on a kept connection or a new one.
async fn hung_up_on(kept: bool, method: &str) -> (Error, usize) {
    let fake = Fake::raw(move |mut peer| async move {
        while let Some(seen) = peer.request().await {
            if !seen.is_ping() {
                return;
            }
            peer.pong("1.41").await;
            if !kept {
                return;
            }
        }
    });
    let docker = fake.docker().await;
    if !kept {
        fake.until("the engine has hung up", |f| f.open() == 0).await;
    }
    let error = match method {
        "GET" => docker.version().await.unwrap_err(),
        _ => docker.prune_containers().await.unwrap_err(),
    };
    assert_eq!(fake.connections(), if kept { 1 } else { 2 });
    (error, fake.routes().len())
}

#[tokio::test]
async fn what_was_written_is_never_sent_again() {
    for kept in [true, false] {
        for method in ["GET", "POST"] {
            let (error, seen) = hung_up_on(kept, method).await;
            assert!(error.maybe_applied() && matches!(error, Error::Transport(_)), "{error:?}");
            assert_eq!(seen, 1, "{method}, kept: {kept}");
        }
    }
}

/// Half an answer, and then silence.
#[tokio::test(start_paused = true)]
async fn a_half_read_answer_takes_its_connection_with_it() {
    for half in [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Version\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Ver\r\n",
    ] {
        let fake = Fake::new(move |seen| match seen.connection {
            0 => Reply::raw(half).stall(),
            _ => Reply::json(200, json!({"Version": "whole"})),
        });
        let docker = fake.docker().await;
        let call = docker.version().into_future();
        tokio::time::timeout(Duration::from_secs(1), call).await.unwrap_err();
        fake.until("the connection is closed", |f| f.open() == 0).await;
        assert_eq!(docker.version().await.unwrap().version, "whole");
        assert_eq!(fake.connections(), 2);
    }
}

/// A stream that was not read to its end holds its connection no longer than it lives.
#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "GET /containers/web/json" => Reply::json(
            200,
            json!({"Id": "f00", "State": {"Status": "running"}, "Config": {"Tty": true}}),
        ),
        _ => Reply::chunks(200, ["one"]).stall(),
    });
    let docker = fake.docker().await;
    let web: Container = docker.container("web").await.unwrap().any().unwrap();
    let mut logs = web.logs().follow().await.unwrap();
    assert_eq!(&*logs.next().await.unwrap().unwrap().data, b"one");
    // The stream has one of its own, beside the one that is kept.
    assert_eq!(fake.open(), 2);
    drop(logs);
    fake.until("the connection is closed", |f| f.open() == 1).await;
}

/// Well-formed HTTP by hyper's own server, which takes one connection at a time and closes it
/// after each answer.
#[tokio::test]
async fn a_server_that_keeps_nothing_is_fine() {
    use hyperlocal::UnixListenerExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let served = listener.serve(|| {
            |request: hyper::Request<hyper::body::Incoming>| async move {
                let body = match request.uri().path() {
                    "/_ping" => String::new(),
                    _ => json!({"Version": "behind hyper"}).to_string(),
                };
                let reply = hyper::Response::builder().header("Api-Version", "1.43").body(body);
                Ok::<_, hyper::Error>(reply.unwrap())
            }
        });
        served.await.map_err(|e| e.to_string())
    });
    let docker = Docker::connect().host(url(&path)).await.unwrap();
    for _ in 0..5 {
        assert_eq!(docker.version().await.unwrap().version, "behind hyper");
    }
    assert!(!serving.is_finished());
    serving.abort();
}
