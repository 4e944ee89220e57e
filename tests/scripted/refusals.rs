//! What the engine says when it says no, and how each error reads.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use bowline::{Docker, Error, Timeouts};
use serde_json::json;
use tokio::time::Instant;

use crate::support::fake::{Fake, Reply, frame};

async fn refusal(reply: Reply) -> Error {
    let fake = Fake::new(move |_| reply.clone());
    let error = fake.docker().await.version().await.unwrap_err();
    assert!(!error.maybe_applied(), "{error}");
    error
}

/// The engine's own words.
fn message(error: &Error) -> (u16, &str) {
    match error {
        Error::Api(e) => (e.status, &e.message),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn fault_28_an_error_in_every_dialect() {
    for (status, body, said) in [
        (404, r#"{"message":"No such container: x"}"#, "No such container: x"),
        (
            500,
            r#"{"cause":"that name is in use","message":"creating: that name is in use","response":500}"#,
            "creating: that name is in use",
        ),
        (500, r#"{"error":"plain"}"#, "plain"),
        (500, r#"{"message":null,"error":"other"}"#, "other"),
        (400, r#"{"message":7}"#, r#"{"message":7}"#),
        (400, r#"{"errors":[{"code":"DENIED"}]}"#, r#"{"errors":[{"code":"DENIED"}]}"#),
        (500, r#"{"message":"cut o"#, r#"{"message":"cut o"#),
        (400, "client version 1.55 is too new\n", "client version 1.55 is too new"),
        (502, "<html><h1>502 Bad Gateway</h1></html>", "<html><h1>502 Bad Gateway</h1></html>"),
        (409, "", "Conflict"),
        (503, " \r\n", "Service Unavailable"),
        (599, "", "refused without a word"),
        (418, "\"text\"", "\"text\""),
        (500, "[]", "[]"),
    ] {
        let error = refusal(Reply::text(status, body)).await;
        assert_eq!(message(&error), (status, said), "{body}");
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.is_conflict(), status == 409);
        assert_eq!(error.status(), Some(status));
    }
}

#[tokio::test]
async fn fault_27_errors_without_measure() {
    // 10 MB with a length, in chunks, and up to the end of the connection.
    let long = vec![b'x'; 10 << 20];
    let closing = [b"HTTP/1.1 500 No\r\n\r\n", &long[..]].concat();
    for reply in
        [Reply::text(500, &long[..]), Reply::chunks(500, [&long[..]]), Reply::raw(closing).close()]
    {
        let error = refusal(reply).await;
        let (status, said) = message(&error);
        assert_eq!((status, said.len()), (500, 4 << 10));
        assert!(error.to_string().len() < 5 << 10);
    }
    // Not UTF-8, and cut within a character.
    let error = refusal(Reply::text(500, b"caf\xe9 \xff\xfe".to_vec())).await;
    assert_eq!(message(&error), (500, "caf\u{fffd} \u{fffd}\u{fffd}"));
    let error = refusal(Reply::text(500, "é".repeat(9_999))).await;
    assert!(message(&error).1.len() <= 4 << 10);
    // A broken body costs the words it lacks, not the status.
    let cut = "HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\nNo such";
    assert_eq!(message(&refusal(Reply::raw(cut).close()).await), (404, "No such"));
    let chunk = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nNo such\r\nx\r\n";
    assert_eq!(message(&refusal(Reply::raw(chunk).close()).await), (404, "No such"));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_end_is_read_for_5_s() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            if seen.is_ping() {
                peer.pong("1.41").await;
                continue;
            }
            peer.write("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            while peer.write("1\r\n.\r\n").await {
                tokio::time::sleep(Duration::from_millis(600)).await;
            }
        }
    });
    let docker = fake.docker().await;
    let begun = Instant::now();
    let error = docker.version().await.unwrap_err();
    assert_eq!(message(&error), (500, "........."));
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(5) && took < Duration::from_millis(5_100), "{took:?}");
    // The call's own limit is the nearer one here, and the status is known all the same.
    let begun = Instant::now();
    let error = docker.version().timeout(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(message(&error), (500, ".."));
    assert!(begun.elapsed() < Duration::from_millis(1_100));
}

/// A refused call gives its connection back, where its words were few.
#[tokio::test]
async fn a_refusal_does_not_cost_a_connection() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    for _ in 0..20 {
        assert!(docker.version().await.unwrap_err().is_not_found());
    }
    assert_eq!(fake.connections(), 1);
}

/// The texts of all errors, and what `source` says beneath them.
#[tokio::test(start_paused = true)]
async fn how_errors_read() {
    let mut texts = String::new();
    let mut note = |what: &str, error: &Error| {
        write!(texts, "{what}\n    {}\n", error.to_string().replace('\n', "\n    ")).unwrap();
        let mut source = error.source();
        while let Some(cause) = source {
            writeln!(texts, "    because: {cause}").unwrap();
            source = cause.source();
        }
    };
    // Refusals.
    for (what, reply) in [
        ("not found", Reply::json(404, json!({"message": "No such container: web"}))),
        (
            "conflict",
            Reply::json(409, json!({"message": "Conflict. The container name \"/web\" is taken"})),
        ),
        (
            "podman",
            Reply::json(
                500,
                json!({"cause": "c", "message": "internal libpod error", "response": 500}),
            ),
        ),
        ("html", Reply::text(502, "<html>\n<h1>Bad Gateway</h1>\n</html>\n")),
        ("empty", Reply::empty(500)),
        ("no reason", Reply::empty(599)),
        ("truncated json", Reply::text(500, "{\"message\":\"no sp")),
        ("terminal escapes", Reply::text(400, "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[31mred\tand\nblue")),
        ("redirect", Reply::empty(301).header("Location", "/images/x\u{e9}")),
        ("redirect nowhere", Reply::empty(307)),
        // Answers that are none.
        ("html where json is due", Reply::text(200, "<html>")),
        ("nothing where json is due", Reply::empty(200)),
        ("truncated answer", Reply::text(200, "{\"Version\":")),
        ("another kind of json", Reply::json(200, json!("text"))),
        ("no http", Reply::raw("SSH-2.0-OpenSSH\r\n").close()),
        ("an odd status", Reply::raw("HTTP/1.1 abc\r\n\r\n").close()),
        ("closed without an answer", Reply::raw("").close()),
        ("closed in the head", Reply::raw("HTTP/1.1 200 O").close()),
        ("closed in the body", Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").close()),
        (
            "bad chunk",
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").close(),
        ),
        ("packed", Reply::text(200, "x").header("Content-Encoding", "br")),
        ("two lengths", Reply::chunks(200, ["{}"]).header("Content-Length", "2")),
        ("upgraded unasked", Reply::upgrade("")),
        ("silent", Reply::silence()),
        ("half silent", Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").stall()),
    ] {
        let fake = Fake::new(move |_| reply.clone());
        note(what, &fake.docker().await.version().await.unwrap_err());
    }
    let fake = Fake::new(|_| Reply::silence());
    let limits = Timeouts::default().overall(Duration::from_millis(1_500));
    note("late", &fake.docker().await.with_timeouts(limits).version().await.unwrap_err());
    let gone = fake.docker().await;
    let path = fake.path();
    drop(fake);
    tokio::task::yield_now().await;
    let error = gone.prune_containers().await.unwrap_err();
    let shown = path.display().to_string();
    note("engine gone", &shorten(error, &shown));

    // In streams.
    for (what, output) in [
        ("cut frame", frame(1, "x")[..8].to_vec()),
        ("cut header", frame(1, "x")[..3].to_vec()),
        ("no frame", b"plain text".to_vec()),
        ("the engine's own", frame(3, "Error grabbing logs: EOF\n")),
    ] {
        let fake = Fake::new(move |seen| match seen.route().as_str() {
            "GET /containers/web/json" => Reply::json(200, json!({"Id": "f00"})),
            _ => Reply::chunks(200, [output.clone()]),
        });
        let web = fake.docker().await.container("web").await.unwrap().any().unwrap();
        note(what, &web.logs().collect().await.unwrap_err());
    }

    // Before anything is sent.
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "GET /containers/json" => Reply::json(200, json!([{"Id": "abc1"}, {"Id": "abc2"}])),
        "GET /containers/abc/json" => Reply::json(400, json!({"message": "multiple IDs"})),
        _ => Reply::json(200, json!({"Id": "f00123456789abcdef", "State": {"Status": "exited"}})),
    });
    let docker = fake.docker().await;
    note("bad name", &docker.container("../images/x").await.unwrap_err());
    note("no name", &docker.container("").await.unwrap_err());
    note("ambiguous", &docker.container("abc").await.unwrap_err());
    let web = docker.container("web").await.unwrap();
    note("another state", &web.running().unwrap_err());
    let web = docker.container("web").await.unwrap().any().unwrap();
    note("bad new name", &web.rename("a b").await.unwrap_err());
    note(
        "bad change",
        &web.commit(bowline::CommitOptions::new().change("A\nB")).await.unwrap_err(),
    );
    note("bad address", &Docker::connect().host("tcp://me:secret@h").await.unwrap_err());
    insta::assert_snapshot!("how_errors_read", texts);
    assert!(!texts.contains("secret"));
}

/// The scratch folder's name is another one each time.
fn shorten(error: Error, path: &str) -> Error {
    let Error::Connect(mut e) = error else { panic!("{error}") };
    for tried in &mut e.tried {
        tried.host = tried.host.replace(path, "/run/d.sock");
    }
    Error::Connect(e)
}

/// 200, and then more than any answer can rightly be.
#[tokio::test]
async fn an_answer_without_end_is_bounded() {
    let piece = vec![b'x'; 1 << 20];
    let fake = Fake::raw_apart(move |mut peer| {
        let piece = piece.clone();
        async move {
            while let Some(seen) = peer.request().await {
                if seen.is_ping() {
                    peer.pong("1.41").await;
                    continue;
                }
                peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n").await;
                while peer.write(&piece).await {}
            }
        }
    });
    let error = fake.docker().await.version().await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /version: an item is larger than 268435456 bytes");
}

/// An exit code that was not said is no success.
#[tokio::test]
async fn a_missing_exit_code_is_no_success() {
    let fake = Fake::new(|_| {
        Reply::json(200, serde_json::json!({"Id": "f00", "State": {"Status": "exited"}}))
    });
    let c = fake.docker().await.container("f00").await.unwrap().exited().unwrap();
    assert!(!c.status().success());
    assert_eq!(c.status().code(), -1);
}
