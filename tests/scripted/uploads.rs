//! What other clients get wrong about images, and what is right here: uploads, credentials in
//! headers, rows of a list.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bowline::build::BuildContext;
use bowline::{Credentials, Docker, Timeouts};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::support::fake::{Fake, Reply};

const ID: &str = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

fn answer(target: &str) -> Reply {
    let line = if target.contains("/build") {
        json!({"aux": {"ID": ID}})
    } else if target.contains("/load") {
        json!({"stream": "Loaded image: app:1\n"})
    } else if target.contains("/push") {
        json!({"aux": {"Tag": "latest", "Digest": ID, "Size": 5}})
    } else if target.ends_with("/json") {
        json!({ "Id": ID })
    } else {
        json!({ "status": ID })
    };
    // The fake reads no chunks, and so cannot go on after an upload.
    Reply::json(200, line).header("Connection", "close")
}

/// Another client names a body's kind twice: as an archive, and as JSON.
#[tokio::test]
async fn an_upload_says_once_what_it_is() {
    let fake = Fake::new(|seen| answer(&seen.target));
    let docker = fake.docker().await;
    docker.load(&b"x"[..]).await.unwrap();
    docker.import(&b"x"[..]).await.unwrap();
    let context = BuildContext::new().dockerfile_inline("FROM busybox");
    docker.build(context).anonymous().await.unwrap();
    let posts: Vec<_> = fake.requests().into_iter().filter(|seen| seen.method == "POST").collect();
    assert_eq!(posts.len(), 3);
    for seen in posts {
        let kinds =
            seen.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kinds: Vec<_> = kinds.map(|(_, value)| value.as_str()).collect();
        assert_eq!(kinds, ["application/x-tar"], "{}", seen.target);
    }
}

/// Credentials in another alphabet than the URL-safe one are refused by engines, or a build goes
/// on without them and without a word; an empty header has broken Podman.
#[tokio::test]
async fn credentials_are_in_the_alphabet_that_engines_read() {
    let fake = Fake::new(|seen| answer(&seen.target));
    let docker = fake.docker().await;
    let image = docker.image("app").unwrap();
    for password in ["p?w", "x>y>z", "a~~", "ÿÿÿ?>"] {
        let ada = || Credentials::password("ada", password);
        docker.pull("app").credentials(ada()).await.unwrap();
        image.push().credentials(ada()).await.unwrap();
        let context = BuildContext::new().dockerfile_inline("FROM busybox");
        docker.build(context).credentials("reg:5000", ada()).await.unwrap();
    }
    docker.pull("app").anonymous().await.unwrap();
    image.push().anonymous().await.unwrap();
    let seen = fake.requests();
    let all = |name: &str| -> Vec<String> {
        seen.iter().filter_map(|seen| seen.header(name)).map(str::to_owned).collect()
    };
    let (auth, config) = (all("x-registry-auth"), all("x-registry-config"));
    assert_eq!((auth.len(), config.len()), (10, 4));
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-_=".contains(&b);
    for header in auth.iter().chain(&config) {
        assert!(header.len() % 4 == 0 && header.bytes().all(safe), "{header}");
    }
    // The passwords are such that the other alphabet shows.
    assert!(auth.concat().contains(['-', '_']));
    assert_eq!(auth[8..], ["e30=", "e30="]);
}

/// Gives its bytes slowly, or without end; and counts them.
struct Source {
    pause: Option<Duration>,
    left: usize,
    given: Arc<AtomicUsize>,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Source {
    fn new(left: usize, pause: Option<Duration>) -> (Source, Arc<AtomicUsize>) {
        let given = Arc::new(AtomicUsize::new(0));
        (Source { pause, left, given: given.clone(), sleep: None }, given)
    }
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if let Some(pause) = self.pause {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        let n = buf.remaining().min(self.left).min(if self.pause.is_some() { 1 } else { 1 << 20 });
        buf.put_slice(&vec![b'x'; n]);
        self.left -= n;
        self.given.fetch_add(n, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }
}

/// Elsewhere the limit on an answer counts the sending too, and cuts a large upload off.
#[tokio::test]
async fn a_slow_upload_is_not_a_slow_answer() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.head().await {
            if seen.is_ping() {
                peer.pong("1.41").await;
                continue;
            }
            // The answer comes when the last chunk has.
            let mut body = Vec::new();
            while !body.ends_with(b"\r\n0\r\n\r\n")
                && peer.stream.read_buf(&mut body).await.is_ok_and(|n| n > 0)
            {}
            let line = format!(r#"{{"stream":"Loaded image: app:1\n","status":"{ID}"}}"#);
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                line.len()
            );
            peer.write(head + &line).await;
            return;
        }
    });
    let limit = Duration::from_millis(200);
    let limits = Timeouts::default().head(limit).idle(limit);
    let docker = Docker::connect().host(fake.url()).timeouts(limits).await.unwrap();
    let (archive, given) = Source::new(10, Some(Duration::from_millis(50)));
    let loaded = docker.load(archive).await.unwrap();
    assert_eq!((loaded.images.len(), given.load(Ordering::SeqCst)), (1, 10));
    let (archive, _) = Source::new(10, Some(Duration::from_millis(50)));
    docker.import(archive).await.unwrap();
}

/// Elsewhere an archive is in memory as a whole, once or three times.
#[tokio::test]
async fn an_archive_is_read_no_faster_than_the_engine_takes_it() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.head().await {
            if !seen.is_ping() {
                // It takes nothing more, and does not hang up.
                std::future::pending::<()>().await;
            }
            peer.pong("1.41").await;
        }
    });
    let docker = fake.docker().await;
    let (archive, given) = Source::new(1 << 30, None);
    let limit = Duration::from_millis(500);
    assert!(docker.load(archive).timeout(limit).await.unwrap_err().is_timeout());
    let given = given.load(Ordering::SeqCst);
    // What the connection itself holds, and two pieces.
    assert!((1..4 << 20).contains(&given), "{given} bytes are held");
}

/// One row that does not fit costs other clients the list.
#[tokio::test]
async fn an_odd_row_takes_no_other_image_with_it() {
    let fake = Fake::new(|_| {
        Reply::json(
            200,
            json!([
                {"Id": "sha256:a", "RepoTags": null, "Labels": {"a": 7, "b": "c"}, "Size": "x"},
                {"Id": 7, "RepoTags": ["odd:1"], "Created": "now"},
                "no row at all",
                {"Id": "sha256:b", "RepoTags": ["app:1"], "Size": 5, "New": {}},
            ]),
        )
    });
    let rows = fake.docker().await.images().await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    assert!(ids.contains(&"sha256:a") && ids.last() == Some(&"sha256:b"), "{ids:?}");
    assert_eq!((rows[rows.len() - 1].size, &*rows[rows.len() - 1].repo_tags[0]), (5, "app:1"));
}
