//! What neither the process nor its lease could clean up, and what a neighbour still needs.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::helper::{Helper, clean, kill_leases, settled};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_a_power_cut_leaves_is_swept_and_a_neighbours_is_not() {
    let state = TempDir::new().unwrap();
    let mut dead = Helper::start("pass", 2, state.path()).await;
    // As in a power cut, nobody has the time to do anything. The lease first: it would see.
    kill_leases(state.path());
    dead.signal(Signal::KILL);
    dead.end();
    let mut neighbour = Helper::start("pass", 2, state.path()).await;
    // This one has swept, being the first to come after; it is a neighbour to the next.
    clean(&dead.own, Instant::now(), LIMIT).await;

    let mut dead = Helper::start("pass", 2, state.path()).await;
    // The neighbour's lease is killed as well. Its record is still held, by itself.
    assert_eq!(kill_leases(state.path()).len(), 2);
    dead.signal(Signal::KILL);
    dead.end();
    assert_eq!(dead.own.left().await, 2);
    let since = Instant::now();
    let mut next = Helper::start("pass", 1, state.path()).await;
    let time = clean(&dead.own, since, LIMIT).await;
    println!("2 containers after a power cut: {} ms after the next process", time.as_millis());
    // One sweep more, which finds nobody dead.
    let mut last = Helper::start("pass", 1, state.path()).await;
    last.go();
    assert!(last.end().success());
    clean(&last.own, Instant::now(), LIMIT).await;
    assert_eq!((neighbour.own.left().await, next.own.left().await), (2, 1));

    for helper in [&mut neighbour, &mut next] {
        helper.go();
        assert!(helper.end().success());
        clean(&helper.own, Instant::now(), LIMIT).await;
    }
}

#[tokio::test]
async fn what_is_kept_is_kept_from_all() {
    let state = TempDir::new().unwrap();
    let mut helper = Helper::start("keep", 2, state.path()).await;
    helper.go();
    assert!(helper.end().success());
    settled(&state, LIMIT).await;
    assert_eq!(helper.own.left().await, 1);

    // The sweep reads the same record.
    let mut helper = Helper::start("keep", 2, state.path()).await;
    kill_leases(state.path());
    helper.go();
    assert!(helper.end().success());
    let mut next = Helper::start("pass", 1, state.path()).await;
    next.go();
    assert!(next.end().success());
    settled(&state, LIMIT).await;
    assert_eq!(helper.own.left().await, 1);
}
