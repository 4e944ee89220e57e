//! Calls that have no verb: as any other, but for their words.

use std::time::Duration;

use bowline::Error;
use bowline::error::Phase;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::fake::{Fake, Reply};

#[tokio::test]
async fn what_is_said_is_sent() {
    let fake = Fake::new(|seen| match seen.path() {
        "/v1.41/none" => Reply::json(404, json!({"message": "no such thing"})),
        "/v1.41/long" => Reply::chunks(200, ["a", "b", "c"]),
        _ => Reply::json(201, json!({"Id": "x", "Size": "odd"})).header("X-Seen", "yes"),
    });
    let docker = fake.docker().await;
    let call = docker.raw("POST", ["images", "a/b", "tag"]).query("to", "c d").query("x", 7);
    let reply = call.header("X-Secret", "s").json(&json!({"A": [1]})).await.unwrap();
    assert_eq!((reply.status(), reply.header("x-seen")), (201, Some("yes")));
    assert_eq!(reply.json::<Value>().await.unwrap()["Id"], "x");
    let seen = fake.requests().pop().unwrap();
    assert_eq!(seen.target, "/v1.41/images/a%2Fb/tag?to=c%20d&x=7");
    assert_eq!((seen.method.as_str(), seen.header("x-secret")), ("POST", Some("s")));
    assert_eq!(
        (seen.body.as_slice(), seen.header("content-type")),
        (&b"{\"A\":[1]}"[..], Some("application/json"))
    );

    let text =
        docker.raw("PUT", "/x").header("Content-Type", "text/plain").body("hi").unversioned();
    assert_eq!(text.await.unwrap().bytes().await.unwrap().len(), 23);
    let seen = fake.requests().pop().unwrap();
    assert_eq!((seen.target.as_str(), seen.header("content-type")), ("/x", Some("text/plain")));
    assert_eq!(seen.body, b"hi");

    let error = docker.raw("GET", "/none").await.unwrap_err();
    assert!(error.is_not_found());
    insta::assert_snapshot!(error, @"GET /none: no such thing (404)");
    let mut pieces = docker.raw("GET", "/long").endless().await.unwrap();
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        all.extend(piece.unwrap());
    }
    assert_eq!(all, b"abc");
    let sent = fake.requests().len();
    for bad in ["", "/", "//x", "/x//y", "/x/"] {
        let error = docker.raw("GET", bad).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{bad:?}: {error}");
    }
    assert!(docker.raw("NO SUCH", "/x").await.is_err());
    assert_eq!(fake.requests().len(), sent, "nothing was sent");
    // One connection did for all of it.
    assert_eq!(fake.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn its_time_is_limited_as_any() {
    let fake = Fake::new(|_| Reply::silence());
    let docker = fake.docker().await;
    match docker.raw("GET", "/slow").await.unwrap_err() {
        Error::Timeout(e) => assert_eq!((e.phase, e.after), (Phase::Head, Duration::from_secs(60))),
        other => panic!("{other:?}"),
    }
    let limited = docker.raw("GET", "/slow").endless().timeout(Duration::from_secs(300));
    match limited.await.unwrap_err() {
        Error::Timeout(e) => {
            assert_eq!((e.phase, e.after), (Phase::Overall, Duration::from_secs(300)))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connection_is_taken_over() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            if seen.is_ping() {
                peer.pong("1.41").await;
                continue;
            }
            assert_eq!(seen.header("upgrade"), Some("tcp"));
            let head = "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
            peer.write(format!("{head}hello ")).await;
            let mut said = [0; 4];
            peer.stream.read_exact(&mut said).await.unwrap();
            peer.write(said).await;
            return;
        }
    });
    let docker = fake.docker().await;
    let mut both = docker.raw("POST", "/session").upgrade().await.unwrap();
    both.write_all(b"echo").await.unwrap();
    let mut all = String::new();
    both.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "hello echo");
}

#[tokio::test]
async fn an_answer_instead_of_an_upgrade_is_read_only() {
    let fake = Fake::new(|_| Reply::text(200, "as a body"));
    let docker = fake.docker().await;
    let mut one = docker.raw("POST", "/session").upgrade().await.unwrap();
    assert!(one.write_all(b"x").await.is_err());
    let mut all = String::new();
    one.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "as a body");
}
