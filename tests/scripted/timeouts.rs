//! Limits: one for each part of a call, and their errors. The clock is paused: no test waits.

use std::time::Duration;

use bowline::error::{ConnectFailure, Phase};
use bowline::{Container, Docker, Error, Running, Timeouts};
use serde_json::json;
use tokio::time::Instant;

use crate::support::fake::{Fake, Reply};

const MS: Duration = Duration::from_millis(1);

/// Limits out of the way but for the one under test.
fn none() -> Timeouts {
    Timeouts::default().connect(None).head(None).idle(None).overall(None)
}

fn phase(error: &Error) -> (Phase, Duration) {
    match error {
        Error::Timeout(e) => (e.phase, e.after),
        other => panic!("no time-out: {other}"),
    }
}

async fn web(docker: &Docker) -> Container<Running> {
    docker.container("web").await.unwrap().running().unwrap()
}

fn running() -> Reply {
    Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}, "Config": {"Tty": true}}))
}

/// Within 15 ms: that is the granularity of a paused clock's timers, and more.
fn took(begun: Instant, due: Duration) {
    let took = begun.elapsed();
    assert!(took >= due && took < due + 15 * MS, "{took:?} where {due:?} was due");
}

#[tokio::test(start_paused = true)]
async fn an_answer_must_begin_in_time() {
    for stalled in ["", "HTTP/1.1 200 OK\r\nApi-Ver", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let fake = Fake::new(move |_| Reply::raw(stalled).stall());
        let docker = fake.docker().await.with_timeouts(none().head(900 * MS));
        let begun = Instant::now();
        let error = docker.version().await.unwrap_err();
        took(begun, 900 * MS);
        assert_eq!(phase(&error), (Phase::Head, 900 * MS));
        assert!(error.maybe_applied() && error.is_timeout());
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"GET /version: timed out after 900ms (waiting for the answer to begin)");
        }
        // The connection is gone; the client is not.
        fake.until("closed", |f| f.open() == 0).await;
        docker.ping().await.unwrap();
    }
}

/// Ten pieces, 400 ms apart: 4 s in all, and no gap of half a second.
fn slow() -> Fake {
    Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            if seen.is_ping() {
                peer.pong("1.41").await;
                continue;
            }
            peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for piece in ["{", "\"Ve", "rsi", "on\"", ":", " ", "\"s", "lo", "w\"", "}"] {
                tokio::time::sleep(400 * MS).await;
                if !peer.write(format!("{:x}\r\n{piece}\r\n", piece.len())).await {
                    return;
                }
            }
            peer.write("0\r\n\r\n").await;
        }
    })
}

#[tokio::test(start_paused = true)]
async fn the_idle_limit_counts_gaps_and_not_the_whole() {
    let fake = slow();
    let docker = fake.docker().await;
    let patient = docker.with_timeouts(none().idle(500 * MS));
    let begun = Instant::now();
    assert_eq!(patient.version().await.unwrap().version, "slow");
    took(begun, 4_000 * MS);
    let hasty = docker.with_timeouts(none().idle(300 * MS));
    let error = hasty.version().await.unwrap_err();
    assert_eq!(phase(&error), (Phase::Idle, 300 * MS));
    insta::assert_snapshot!(error, @"GET /version: timed out after 300ms (waiting for more of the answer)");
}

#[tokio::test(start_paused = true)]
async fn the_overall_limit_counts_the_whole() {
    let fake = slow();
    let docker = fake.docker().await;
    let begun = Instant::now();
    let error = docker.with_timeouts(none().overall(1_500 * MS)).version().await.unwrap_err();
    took(begun, 1_500 * MS);
    assert_eq!(phase(&error), (Phase::Overall, 1_500 * MS));
    insta::assert_snapshot!(error, @"GET /version: timed out after 1.5s (the whole call)");
    // On the verb itself, over the client's.
    let begun = Instant::now();
    let error = docker.version().timeout(900 * MS).await.unwrap_err();
    took(begun, 900 * MS);
    assert_eq!(phase(&error), (Phase::Overall, 900 * MS));
    let hasty = docker.with_timeouts(none().overall(MS));
    assert_eq!(hasty.version().timeout(Duration::from_secs(9)).await.unwrap().version, "slow");
}

/// An engine that never pauses leaves no gap in which a timer would be looked at.
///
/// Over TCP: a Unix socket lets its writer in again only when it is nearly empty, and that is a
/// gap. What comes is more work to read than to write, so that the reader never catches up.
#[tokio::test]
async fn a_flood_does_not_drown_the_overall_limit() {
    use std::io::{BufRead, BufReader, Write};
    for (head, flood) in [
        ("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n".repeat(50_000)),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut request = || lines.by_ref().map_while(Result::ok).any(|line| line.is_empty());
            assert!(request());
            let pong = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(pong).unwrap();
            assert!(request());
            stream.write_all(head.as_bytes()).unwrap();
            while stream.write_all(flood.as_bytes()).is_ok() {}
        });
        let docker = Docker::connect().host(format!("tcp://{address}")).await.unwrap();
        let docker = docker.with_timeouts(none().overall(200 * MS));
        let begun = Instant::now();
        let call = docker.version().into_future();
        let error = tokio::time::timeout(Duration::from_secs(20), call);
        let error = error.await.expect("the limit never came").unwrap_err();
        assert_eq!(phase(&error), (Phase::Overall, 200 * MS), "{error}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "the limit came after {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_ends_at_the_connect_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.sock");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let address = socket2::SockAddr::unix(&path).unwrap();
    socket.bind(&address).unwrap();
    socket.listen(0).unwrap();
    let mut waiting = Vec::new();
    loop {
        let one = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        one.set_nonblocking(true).unwrap();
        if one.connect(&address).is_err() {
            break;
        }
        waiting.push(one);
    }
    let begun = Instant::now();
    let connect = Docker::connect().host(crate::support::fake::url(&path));
    let error = connect.timeouts(none().connect(900 * MS)).await.unwrap_err();
    took(begun, 900 * MS);
    let Error::Connect(e) = &error else { panic!("{error}") };
    assert!(matches!(e.tried[0].failure, ConnectFailure::NoAnswer(t) if t == 900 * MS), "{error}");
    assert!(!error.maybe_applied());
    // There is room again: the next attempt needs no new client.
    drop(socket);
}

/// The same on a client that had connected before its engine's backlog filled up.
#[tokio::test(start_paused = true)]
async fn nothing_is_applied_where_no_connection_was_opened() {
    let fake = Fake::raw(|mut peer| async move {
        peer.request().await;
        peer.pong("1.41").await;
    });
    let docker = fake.docker().await.with_timeouts(none().connect(700 * MS));
    fake.until("closed", |f| f.open() == 0).await;
    // A listener with a full backlog in the place of the engine.
    std::fs::remove_file(fake.path()).unwrap();
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let address = socket2::SockAddr::unix(fake.path()).unwrap();
    socket.bind(&address).unwrap();
    socket.listen(0).unwrap();
    let one = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    one.connect(&address).unwrap();
    let error = docker.prune_containers().await.unwrap_err();
    assert_eq!(phase(&error), (Phase::Connect, 700 * MS));
    assert!(!error.maybe_applied());
    insta::assert_snapshot!(error, @"POST /containers/prune: timed out after 700ms (connecting)");
    let error = docker.prune_containers().timeout(300 * MS).await.unwrap_err();
    assert_eq!(phase(&error), (Phase::Overall, 300 * MS));
    assert!(!error.maybe_applied(), "not a byte had left");
}

#[tokio::test(start_paused = true)]
async fn waits_and_streams_take_their_time() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            match seen.route().as_str() {
                "HEAD /_ping" => {
                    peer.pong("1.41").await;
                    continue;
                }
                "GET /containers/web/json" => {
                    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 74\r\n\r\n").await;
                    let body = r#"{"Id":"f00","State":{"Status":"running"},"Config":{"Tty":true}}"#;
                    peer.write(format!("{body:<74}")).await;
                    continue;
                }
                _ => {}
            }
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            let body = r#"{"StatusCode":3}"#;
            peer.write(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())).await;
        }
    });
    let docker = fake.docker().await;
    assert_eq!(web(&docker).await.wait().await.unwrap().status().code(), 3);
    let mut logs = web(&docker).await.logs().follow().await.unwrap();
    assert!(logs.next().await.unwrap().is_ok());
    assert!(logs.next().await.is_none());
    // Unless the verb itself says how long.
    let begun = Instant::now();
    let failed = web(&docker).await.wait().timeout(900 * MS).await.unwrap_err();
    took(begun, 900 * MS);
    assert_eq!(phase(&failed.error), (Phase::Overall, 900 * MS));
    let begun = Instant::now();
    let mut logs = web(&docker).await.logs().follow().timeout(5_400_000 * MS).await.unwrap();
    let error = logs.next().await.unwrap().unwrap_err();
    took(begun, 5_400_000 * MS);
    assert_eq!(phase(&error), (Phase::Overall, 5_400_000 * MS));
}

/// A log that is not followed may be long: it has to keep coming, and no more.
#[tokio::test(start_paused = true)]
async fn a_long_log_is_read_to_its_end() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            if seen.is_ping() {
                peer.pong("1.41").await;
                continue;
            }
            if seen.route() == "GET /containers/web/json" {
                peer.write("HTTP/1.1 200 OK\r\nContent-Length: 74\r\n\r\n").await;
                let body = r#"{"Id":"f00","State":{"Status":"running"},"Config":{"Tty":true}}"#;
                peer.write(format!("{body:<74}")).await;
                continue;
            }
            peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(30)).await;
                peer.write("5\r\nline\n\r\n").await;
            }
            peer.write("0\r\n\r\n").await;
        }
    });
    let docker = fake.docker().await;
    assert_eq!(web(&docker).await.logs().collect().await.unwrap().stdout.len(), 50);
}

/// What a verb makes or gives back is not bound by the limit of that verb.
#[tokio::test(start_paused = true)]
async fn a_limit_ends_with_its_verb() {
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "GET /containers/web/json" | "GET /containers/f00/json" => running(),
        "POST /containers/create" => Reply::json(201, json!({"Id": "f00"})),
        "POST /containers/f00/wait" => Reply::silence(),
        "POST /commit" => Reply::json(201, json!({"Id": format!("sha256:{}", "a".repeat(64))})),
        _ => Reply::empty(204),
    });
    let docker = fake.docker().await;
    let second = Duration::from_secs(1);
    let made = docker.create(bowline::ContainerSpec::new("busybox")).timeout(second).await;
    let still = |c: &Container<Running>| {
        tokio::time::timeout(60 * second, c.wait_for(Default::default()).into_future())
    };
    // Each handle has been given a limit of a second by a verb before.
    let made = made.unwrap().start().timeout(second).await.unwrap();
    assert!(still(&made).await.is_err(), "the wait ended");
    let found = docker.container("web").timeout(second).await.unwrap().running().unwrap();
    assert!(still(&found).await.is_err(), "the wait ended");
    let failed = found.wait().timeout(second).await.unwrap_err();
    assert!(failed.error.is_timeout());
    let wait = failed.container.wait_for(Default::default()).into_future();
    assert!(tokio::time::timeout(60 * second, wait).await.is_err(), "the wait ended");
}

/// `stop` is three calls here, and each would be in time by itself.
#[tokio::test(start_paused = true)]
async fn a_verbs_limit_holds_for_all_its_calls_together() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            if seen.is_ping() {
                peer.pong("1.41").await;
                continue;
            }
            if seen.route() != "GET /containers/web/json" {
                tokio::time::sleep(700 * MS).await;
            }
            match seen.method.as_str() {
                "POST" => peer.write("HTTP/1.1 204 No Content\r\n\r\n").await,
                _ => {
                    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 74\r\n\r\n").await;
                    let body = r#"{"Id":"f00","State":{"Status":"running"},"Config":{"Tty":true}}"#;
                    peer.write(format!("{body:<74}")).await
                }
            };
        }
    });
    let docker = fake.docker().await;
    let web = web(&docker).await;
    let begun = Instant::now();
    let failed = web.stop().timeout(1_000 * MS).await.unwrap_err();
    took(begun, 1_000 * MS);
    assert_eq!(phase(&failed.error), (Phase::Overall, 1_000 * MS));
}

/// The grace the engine was told to give is added to the limits.
#[tokio::test(start_paused = true)]
async fn a_grace_is_added_to_the_limits() {
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "GET /containers/web/json" => running(),
        _ => Reply::silence(),
    });
    let docker = fake.docker().await.with_timeouts(none().head(900 * MS));
    let begun = Instant::now();
    let failed = web(&docker).await.stop().time(Duration::from_secs(3)).await.unwrap_err();
    took(begun, 3_900 * MS);
    assert_eq!(phase(&failed.error), (Phase::Head, 3_900 * MS));
}
