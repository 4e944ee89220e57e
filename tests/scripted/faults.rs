//! Faults on the wire, one test each, by their numbers in our catalogue of faults. Those of
//! connecting and of versions are in the modules of these names.

use std::time::Duration;

use bowline::error::{Phase, StreamFault};
use bowline::{Container, Docker, Error, Running, Status, Timeouts};
use serde_json::json;

use crate::support::fake::{Fake, Reply, frame};
use crate::support::proxy::{Direction, Proxy, Toxic};

/// A container by the name of "web", and `reply` to all that is asked of it.
fn web_and(reply: Reply) -> Fake {
    Fake::new(move |seen| match seen.route().as_str() {
        "GET /containers/web/json" => web_json(),
        _ => reply.clone(),
    })
}

fn web_json() -> Reply {
    Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}, "Config": {"Tty": false}}))
}

async fn web(docker: &Docker) -> Container<Running> {
    docker.container("web").await.unwrap().running().unwrap()
}

fn is_cut(error: &Error) -> bool {
    matches!(error, Error::Stream(e) if e.fault == StreamFault::Cut)
}

/// What `version` says where the engine's answer is these bytes, and how many connections were
/// used by it and by a second call.
async fn version_of(answer: impl Into<Vec<u8>>) -> (Result<String, Error>, usize) {
    let answer = answer.into();
    let fake = Fake::new(move |seen| match seen.connection {
        0 => Reply::raw(answer.clone()).stall(),
        _ => Reply::json(200, json!({"Version": "second"})),
    });
    let limits = Timeouts::default().head(Duration::from_secs(1)).idle(Duration::from_secs(1));
    let docker = fake.docker().await.with_timeouts(limits);
    let first = docker.version().await.map(|v| v.version);
    assert_eq!(docker.version().await.unwrap().version, "second");
    assert_eq!(fake.routes().len(), 2, "nothing is sent twice");
    (first, fake.connections())
}

#[tokio::test(start_paused = true)]
async fn fault_09_a_byte_a_second() {
    let fake = Fake::new(|_| Reply::json(200, json!({"Version": "drip"})));
    let proxy = Proxy::new(fake.path());
    let second = Duration::from_secs(1);
    let docker = proxy.docker().await;
    proxy.poison(Direction::Down, [Toxic::Drip(second)]).await;
    // The head is some 80 bytes, the body 18.
    let hasty = docker.with_timeouts(Timeouts::default().head(20 * second));
    let error = hasty.version().await.unwrap_err();
    assert!(matches!(&error, Error::Timeout(e) if e.phase == Phase::Head), "{error}");
    let patient = Timeouts::default().head(90 * second).idle(2 * second).overall(None);
    let whole = docker.with_timeouts(patient).version().await.unwrap();
    assert_eq!(whole.version, "drip");
}

#[tokio::test(start_paused = true)]
async fn fault_10_a_full_backlog_that_empties() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.sock");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let connecting =
        tokio::spawn(Docker::connect().host(crate::support::fake::url(&path)).into_future());
    // It waits; then there is room.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!connecting.is_finished());
    drop(waiting);
    socket.set_nonblocking(true).unwrap();
    let listener = std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(socket));
    let listener = tokio::net::UnixListener::from_std(listener).unwrap();
    drop(listener.accept().await.unwrap());
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 1024];
    assert!(tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.unwrap() > 0);
    let pong = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, pong).await.unwrap();
    connecting.await.unwrap().unwrap();
}

#[tokio::test]
async fn fault_17_a_kept_connection_dies_with_its_engine() {
    let fake = Fake::idle();
    let proxy = Proxy::new(fake.path());
    let docker = proxy.docker().await;
    for _ in 0..5 {
        // All connections are closed, as by an engine that starts anew.
        proxy.heal().await;
        docker.ping().await.unwrap();
    }
    assert_eq!(fake.connections(), 6);
}

#[tokio::test]
async fn fault_18_a_reused_connection_fails_after_the_request() {
    let fake = Fake::new(|_| Reply::raw("").close());
    let docker = fake.docker().await;
    assert!(docker.version().await.unwrap_err().maybe_applied());
    docker.ping().await.unwrap();
    assert!(docker.prune_containers().await.unwrap_err().maybe_applied());
    assert_eq!(fake.routes(), ["GET /version", "POST /containers/prune"]);
}

#[test]
fn fault_19_a_runtime_that_has_ended() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fake = Fake::apart(|_| Reply::json(200, json!({"Version": "x"})));
    let docker = runtime().block_on(fake.docker());
    let other = runtime();
    other.block_on(async { docker.version().await.unwrap() });
    runtime().block_on(async { docker.version().await.unwrap() });
    other.block_on(async { docker.version().await.unwrap() });
    assert_eq!(fake.connections(), 3);
}

#[tokio::test]
async fn fault_21_a_chunk_cut_in_its_middle() {
    let frames = [frame(1, "first"), frame(2, "and then some more")].concat();
    let whole = [format!("{:x}\r\n", frames.len()).as_bytes(), &frames, b"\r\n"].concat();
    // The first frame is there; each cut after it is one.
    for at in 4 + 13..whole.len() - 1 {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let bytes = [&head[..], &whole[..at]].concat();
        let fake = web_and(Reply::raw(bytes).close());
        let docker = fake.docker().await;
        let mut logs = web(&docker).await.logs().await.unwrap();
        let first = logs.next().await.unwrap().unwrap();
        assert_eq!(&*first.data, b"first");
        let error = loop {
            match logs.next().await.expect("a cut is no end") {
                Ok(piece) => assert!(b"and then some more".starts_with(&piece.data)),
                Err(error) => break error,
            }
        };
        assert!(is_cut(&error), "at {at}: {error:?}");
        assert!(logs.next().await.is_none());
        docker.ping().await.unwrap();
    }
}

#[tokio::test]
async fn fault_22_chunks_without_a_last_one() {
    let fake = web_and(Reply::chunks(200, [frame(1, "all of it")]).close());
    let docker = fake.docker().await;
    let mut logs = web(&docker).await.logs().follow().await.unwrap();
    assert_eq!(&*logs.next().await.unwrap().unwrap().data, b"all of it");
    assert!(is_cut(&logs.next().await.unwrap().unwrap_err()));
    assert!(logs.next().await.is_none());
    let error = web(&docker).await.logs().collect().await.unwrap_err();
    assert!(is_cut(&error));
    // A wait is asked again once, and the engine says the same again.
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "GET /containers/web/json" => web_json(),
        "POST /containers/f00/wait" => Reply::chunks(200, ["{\"Status"]).close(),
        _ => Reply::json(200, json!({"Id": "f00", "State": {"Status": "dead"}})),
    });
    let failed = web(&fake.docker().await).await.wait().await.unwrap_err();
    assert!(is_cut(&failed.error), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn fault_23_a_length_that_is_not_the_bodys() {
    let body = r#"{"Version":"first"}"#;
    // Longer than the body, and closed.
    let fake = Fake::new(move |_| {
        Reply::raw(format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{body}")).close()
    });
    let docker = fake.docker().await;
    assert!(is_cut(&docker.version().await.unwrap_err()));
    // Shorter: what is left over is no answer to anything.
    let extra = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"Version\":\"bogus\"}";
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}{extra}", body.len());
    let (first, connections) = version_of(answer).await;
    assert_eq!((first.unwrap().as_str(), connections), ("first", 2));
}

#[tokio::test(start_paused = true)]
async fn fault_24_two_lengths_or_none() {
    let body = "13\r\n{\"Version\":\"first\"}\r\n0\r\n\r\n";
    for head in [
        "Content-Length: 19\r\nContent-Length: 20\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +19\r\n",
        "Content-Length: 0x13\r\n",
    ] {
        let (first, _) = version_of(format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}")).await;
        assert!(matches!(first, Err(Error::Transport(_))), "{head}: {first:?}");
    }
    for chunk in ["fffffffffffffffff\r\n", "-1\r\n", "x\r\n", "13;\0\r\n", "\r\n"] {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (first, connections) = version_of(format!("{head}{chunk}")).await;
        assert!(first.is_err(), "{chunk}: {first:?}");
        assert_eq!(connections, 2);
    }
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (first, connections) = version_of(format!("{both}{body}")).await;
    assert!(matches!(first, Err(Error::Stream(_))), "{first:?}");
    assert_eq!(connections, 2);
}

#[tokio::test]
async fn fault_25_a_body_where_there_is_none() {
    for status in ["204 No Content", "304 Not Modified"] {
        let answer = format!("HTTP/1.1 {status}\r\n\r\n{{\"message\":\"a body\"}}");
        let fake = Fake::new(move |seen| match seen.route().as_str() {
            "GET /containers/web/json" => {
                Reply::json(200, json!({"Id": "f00", "State": {"Status": "exited"}}))
            }
            _ => Reply::raw(answer.clone()),
        });
        let docker = fake.docker().await;
        let web = docker.container("web").await.unwrap().exited().unwrap();
        // 304: it runs already.
        let _ = web.start().await.unwrap();
        docker.ping().await.unwrap();
        assert_eq!(fake.connections(), 2, "{status}");
    }
}

#[tokio::test]
async fn fault_26_no_body_where_there_must_be_one() {
    let fake = web_and(Reply::text(200, ""));
    let docker = fake.docker().await;
    let error = docker.version().await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /version: the reply could not be understood: the body is empty");
    assert!(matches!(docker.containers().await.unwrap_err(), Error::Decode(_)));
    let running = web(&docker).await;
    assert!(matches!(running.inspect().await.unwrap_err(), Error::Decode(_)));
    let made = docker.create(bowline::ContainerSpec::new("busybox")).await.unwrap_err();
    assert!(matches!(&made, Error::Decode(_)) && made.maybe_applied());
    // Something else in its place is no answer either.
    for body in ["null", "7", "[]", "\"\"", "<html>", "{\"Id\":"] {
        let fake = web_and(Reply::text(200, body));
        let docker = fake.docker().await;
        let error = web(&docker).await.inspect().await.unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{body}: {error}");
    }
    // A container without an id would stand for all of them.
    for body in ["{}", "[]", "{\"Id\":null}", "{\"Id\":\"\",\"State\":{\"Status\":\"running\"}}"] {
        let fake = Fake::new(move |_| Reply::text(200, body));
        let docker = fake.docker().await;
        let error = docker.container("web").await.unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{body}: {error}");
    }
    let fake = Fake::new(|_| Reply::text(200, "[{\"Id\":\"\"},{\"Id\":\"a1\"}]"));
    let gone = fake.docker().await.containers().all().remove().await.unwrap();
    assert_eq!((gone.removed.len(), gone.failed.len()), (1, 0));
    assert_eq!(fake.routes(), ["GET /containers/json", "DELETE /containers/a1"]);
}

#[tokio::test]
async fn fault_29_other_statuses_of_success() {
    let id = "a".repeat(64);
    for status in [200, 201, 202, 250, 299] {
        let reply = Reply::json(status, json!({"Id": id}));
        let fake = Fake::new(move |_| reply.clone());
        let docker = fake.docker().await;
        let made = docker.create(bowline::ContainerSpec::new("busybox")).await.unwrap();
        assert_eq!(made.id().as_str(), id);
    }
    let fake = Fake::new(|_| {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n";
        let last = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"Version\":\"x\"}";
        Reply::raw(format!("HTTP/1.1 100 Continue\r\n\r\n{early}{last}"))
    });
    let docker = fake.docker().await;
    for _ in 0..3 {
        assert_eq!(docker.version().await.unwrap().version, "x");
    }
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn fault_30_a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let fake = Fake::new(move |seen| match seen.route().as_str() {
            "GET /elsewhere" => panic!("followed"),
            _ => Reply::empty(status).header("Location", "/elsewhere"),
        });
        let docker = fake.docker().await;
        let error = docker.version().await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(
            error.to_string(),
            format!("GET /version: the engine redirects to /elsewhere; not followed ({status})")
        );
        assert_eq!(fake.routes(), ["GET /version"]);
    }
}

#[tokio::test]
async fn fault_31_a_wrong_content_type() {
    for kind in ["text/html", "application/x-tar", "", "application/json; charset=latin1", "é"] {
        let body = json!({"Version": "x"}).to_string();
        let reply = Reply::of_type(200, kind, body);
        let fake = Fake::new(move |_| reply.clone());
        assert_eq!(fake.docker().await.version().await.unwrap().version, "x", "{kind}");
    }
}

#[tokio::test]
async fn fault_32_http_1_0_and_connection_close() {
    for answer in [
        "HTTP/1.0 200 OK\r\n\r\n{\"Version\":\"x\"}",
        "HTTP/1.0 200 OK\r\nContent-Length: 15\r\n\r\n{\"Version\":\"x\"}",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"Version\":\"x\"}",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{\"Version\":\"x\"}",
    ] {
        let fake = Fake::new(move |_| Reply::raw(answer).close());
        let docker = fake.docker().await;
        for _ in 0..3 {
            assert_eq!(docker.version().await.unwrap().version, "x", "{answer}");
        }
        assert_eq!((fake.connections(), fake.routes().len()), (3, 3));
        // A server that says so and does not close is not used again either.
        if answer.contains("Content-Length") {
            let fake = Fake::new(move |_| Reply::raw(answer).stall());
            let docker = fake.docker().await;
            assert_eq!(docker.version().await.unwrap().version, "x");
            docker.ping().await.unwrap();
            assert_eq!(fake.connections(), 2, "{answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fault_33_heads_beyond_measure() {
    let body = "Content-Length: 15\r\n\r\n{\"Version\":\"x\"}";
    let many = "X-A: b\r\n".repeat(200);
    let long = format!("X-Long: {}\r\n", "a".repeat(1 << 20));
    for headers in
        [&*many, &long, "X-Nul: a\0b\r\n", "X\0: a\r\n", "X-Folded: a\r\n b\r\n", ": a\r\n"]
    {
        let (first, connections) = version_of(format!("HTTP/1.1 200 OK\r\n{headers}{body}")).await;
        let shown = &headers[..headers.len().min(20)];
        assert!(matches!(first, Err(Error::Transport(_))), "{shown:?}: {first:?}");
        assert_eq!(connections, 2);
    }
    // A head without an end is read no further than some 400 KiB.
    let fake = Fake::raw(|mut peer| async move {
        peer.request().await;
        peer.pong("1.41").await;
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nX-Long: ").await;
        let mut written = 0;
        while peer.write([b'a'; 1 << 16]).await {
            written += 1 << 16;
            assert!(written < 4 << 20, "it reads without end");
        }
    });
    let docker = fake.docker().await;
    let error = docker.version().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn fault_34_no_http() {
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    for answer in [
        "garbage\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "\x15\x03\x01\x00\x02\x02\x46",
        &endless,
    ] {
        let (first, connections) = version_of(answer).await;
        assert!(
            matches!(first, Err(Error::Transport(_) | Error::Timeout(_))),
            "{answer}: {first:?}"
        );
        assert_eq!(connections, 2);
    }
}

#[tokio::test]
async fn fault_35_a_packed_body() {
    let gzip: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01\x00\x00";
    let packed =
        move |status| Reply::of_type(status, "text/plain", gzip).header("Content-Encoding", "gzip");
    let fake = web_and(packed(200));
    let docker = fake.docker().await;
    let error = docker.version().await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /version: the stream broke its framing: the answer is packed (gzip) without being asked");
    let error = web(&docker).await.logs().collect().await.unwrap_err();
    assert!(matches!(&error, Error::Stream(e) if matches!(e.fault, StreamFault::Protocol(_))));
    // An error is still that error, without the mojibake.
    let fake = Fake::new(move |_| packed(502));
    let error = fake.docker().await.version().await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /version: Bad Gateway (502)");
    // "identity" says that nothing was packed.
    let fake = Fake::new(|_| {
        Reply::json(200, json!({"Version": "x"})).header("Content-Encoding", "identity")
    });
    fake.docker().await.version().await.unwrap();
}

/// An exec whose start is answered so.
fn exec_and(start: Reply) -> Fake {
    Fake::new(move |seen| match seen.route().as_str() {
        "GET /containers/web/json" => web_json(),
        "POST /containers/f00/exec" => Reply::json(201, json!({"Id": "e1"})),
        "POST /exec/e1/start" => start.clone(),
        "GET /exec/e1/json" => {
            Reply::json(200, json!({"Running": false, "ExitCode": 4, "ContainerID": "f00"}))
        }
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn fault_36_upgrades_in_every_form() {
    let output = [frame(1, "out"), frame(2, "err")].concat();
    let head = |head: &str| [head.as_bytes(), b"\r\n", &output].concat();
    let raw = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n";
    for start in [
        head("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"),
        head("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
        head("HTTP/1.1 101 Switching Protocols\r\n"),
        head(raw),
        head(&format!("{raw}Content-Length: {}\r\n", output.len())),
    ] {
        let shown = String::from_utf8_lossy(&start).into_owned();
        let fake = exec_and(Reply::raw(start).close());
        let done = web(&fake.docker().await).await.exec(["x"]).await.unwrap();
        let all = (done.status.code(), &*done.stdout, &*done.stderr);
        assert_eq!(all, (4, &b"out"[..], &b"err"[..]), "{shown}");
    }
    for status in ["201 Created", "204 No Content"] {
        let start = format!("HTTP/1.1 {status}\r\n\r\n");
        let fake = exec_and(Reply::raw(start).close());
        let error = web(&fake.docker().await).await.exec(["x"]).await.unwrap_err();
        assert!(error.to_string().contains("where 101 was due"), "{error}");
    }
    // An upgrade nobody asked for.
    let fake = Fake::new(|_| Reply::upgrade("x"));
    let error = fake.docker().await.version().await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /version: the stream broke its framing: 101 without being asked");
}

#[tokio::test]
async fn fault_37_a_stream_that_begins_with_its_head() {
    let output = [frame(1, "out"), frame(2, "err"), frame(1, "put")].concat();
    let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let all = [head.as_bytes(), &output].concat();
    for split in 1..all.len() {
        let all = all.clone();
        let fake = Fake::raw(move |mut peer| {
            let all = all.clone();
            async move {
                while let Some(seen) = peer.request().await {
                    let body = match seen.route().as_str() {
                        "HEAD /_ping" => {
                            peer.pong("1.41").await;
                            continue;
                        }
                        "GET /containers/web/json" => {
                            json!({"Id": "f00", "State": {"Status": "running"}})
                        }
                        "POST /containers/f00/exec" => json!({"Id": "e1"}),
                        "GET /exec/e1/json" => json!({"Running": false, "ExitCode": 0}),
                        _ => {
                            peer.write(&all[..split]).await;
                            // Until the client has read that: then comes the rest.
                            tokio::task::yield_now().await;
                            tokio::task::yield_now().await;
                            peer.write(&all[split..]).await;
                            return;
                        }
                    };
                    let body = body.to_string();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    peer.write(head + &body).await;
                }
            }
        });
        let done = web(&fake.docker().await).await.exec(["x"]).await.unwrap();
        assert_eq!((&*done.stdout, &*done.stderr), (&b"output"[..], &b"err"[..]), "at {split}");
    }
}

#[tokio::test]
async fn fault_41_values_of_another_kind() {
    let odd = json!([
        {"Id": "a1", "Names": null, "Labels": null, "Ports": null, "Mounts": null, "Created": "now",
         "State": "hovering", "Status": 7, "SizeRw": 9223372036854775808u64, "SizeRootFs": -1,
         "NetworkSettings": {"Networks": []}, "Unheard": {"of": [1]}},
        {"Id": "b2", "Names": ["/web"], "State": 3, "Labels": {"a": "b", "n": 7},
         "Ports": [{"PrivatePort": "80"}, {"PrivatePort": 81, "Type": "quic"}], "Created": 1e3},
        {"Id": "c3", "State": "running", "ImageID": false},
        {"NoId": true},
        7,
        null,
    ]);
    let details = json!({
        "Id": "a1", "Name": null, "Created": "Tue Sep 15 11:02:57 2026", "RestartCount": "3",
        "State": {"Status": "hovering", "Running": "yes", "ExitCode": "137", "StartedAt": "0001-01-01T00:00:00Z",
                  "FinishedAt": null, "Health": null},
        "Config": {"Env": null, "Labels": null, "Cmd": "sh", "Tty": null, "ExposedPorts": []},
        "HostConfig": {"Memory": -1, "RestartPolicy": null, "PortBindings": null, "Binds": 7},
        "NetworkSettings": {"Ports": {"80/tcp": null, "81/quic": [{"HostIp": "", "HostPort": "x"}]}, "Networks": null},
        "Mounts": null
    });
    let fake = Fake::new(move |seen| match seen.route().as_str() {
        "GET /containers/json" => Reply::json(200, odd.clone()),
        _ => Reply::json(200, details.clone()),
    });
    let docker = fake.docker().await;
    let rows = docker.containers().all().await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(&ids[..3], ["a1", "b2", "c3"]);
    assert_eq!(rows[0].state, Status::Other("hovering".into()));
    assert_eq!((rows[1].name.as_str(), rows[1].labels.get("a").unwrap()), ("web", "b"));
    assert_eq!(rows[2].state, Status::Running);
    let found = docker.container("a1").await.unwrap();
    assert_eq!(found.state(), Status::Other("hovering".into()));
    let details = found.any().unwrap().inspect().await.unwrap();
    assert_eq!(details.id.as_str(), "a1");
}
