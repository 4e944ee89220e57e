//! An engine that is not up yet, and is waited for.

use std::os::unix::fs::symlink;
use std::time::Duration;

use bowline::{Docker, Error};
use tokio::time::Instant;

use crate::support::fake::{Fake, url};

const MS: Duration = Duration::from_millis(1);

fn within(took: Duration, least: u32, most: u32) {
    assert!(took >= least * MS && took <= most * MS, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn fault_12_a_socket_that_appears_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late");
    let begun = Instant::now();
    let connecting = tokio::spawn(
        Docker::connect().host(url(&path)).wait(Duration::from_secs(30)).into_future(),
    );
    tokio::time::sleep(1250 * MS).await;
    assert!(!connecting.is_finished());
    let fake = Fake::idle();
    symlink(fake.path(), &path).unwrap();
    let docker = connecting.await.unwrap().unwrap();
    // 100, 300, 700, 1500 ms after the first look.
    within(begun.elapsed(), 1500, 1600);
    docker.ping().await.unwrap();
}

/// The socket is there, and who answers on it is not ready.
#[tokio::test(start_paused = true)]
async fn fault_12_an_engine_that_answers_before_it_is_up() {
    let fake = Fake::raw(|mut peer| async move {
        while peer.request().await.is_some() {
            match peer.nth {
                0 => return,
                1..4 => {
                    let body = "HTTP/1.1 503 No\r\nContent-Length: 8\r\n\r\nstarting";
                    peer.write(body).await;
                    return;
                }
                _ => drop(peer.pong("1.41").await),
            }
        }
    });
    let docker = Docker::connect().host(fake.url()).wait(Duration::from_secs(30)).await.unwrap();
    docker.ping().await.unwrap();
    assert!(fake.connections() >= 5);
}

#[tokio::test(start_paused = true)]
async fn none_ever_comes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none");
    let begun = Instant::now();
    let error = Docker::connect().host(url(&path)).wait(10_000 * MS).await.unwrap_err();
    within(begun.elapsed(), 10_000, 10_100);
    assert!(error.is_connect() && !error.maybe_applied());
    assert_eq!(
        error.to_string(),
        format!(
            "no Docker Engine could be reached within 10s; tried\n  {} (the program): nothing there \
             (is the engine running?)",
            url(&path)
        )
    );
}

/// It accepts and says nothing: one look must not outlast the limit.
#[tokio::test(start_paused = true)]
async fn a_silent_one_is_not_waited_for_any_longer() {
    let fake = Fake::raw(|mut peer| async move { peer.stall().await });
    let begun = Instant::now();
    let error = Docker::connect().host(fake.url()).wait(3_000 * MS).await.unwrap_err();
    within(begun.elapsed(), 3_000, 3_300);
    assert!(error.to_string().contains("no answer within"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn looks_are_few() {
    let fake = Fake::raw(|_| async {});
    let error = Docker::connect().host(fake.url()).wait(10_000 * MS).await.unwrap_err();
    assert!(matches!(error, Error::Connect(e) if e.waited == Some(10_000 * MS)));
    // A look may take a few connections: what answers oddly is asked what it is.
    let looks = fake.connections();
    assert!((8..=60).contains(&looks), "{looks}");
}

#[tokio::test(start_paused = true)]
async fn what_time_does_not_mend_is_an_error_at_once() {
    let fake = Fake::idle().api("1.24");
    let begun = Instant::now();
    let old = Docker::connect().host(fake.url()).wait(Duration::from_secs(30)).await.unwrap_err();
    assert!(old.to_string().contains("newest API version is 1.24"), "{old}");
    let bad = Docker::connect().host("gopher://x").wait(Duration::from_secs(30)).await;
    assert!(matches!(bad.unwrap_err(), Error::InvalidInput(_)));
    within(begun.elapsed(), 0, 50);
}
