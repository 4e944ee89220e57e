//! Dropping, in every place where there is no runtime to do it on, or the wrong one.

use std::cell::RefCell;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bowline::{Docker, Throwaway};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::helper::{Helper, KEYS, clean, connect, settled, spec};
use crate::support::fake::{Crowd, crowded};
use crate::support::tls::{Authority, Front};

const LIMIT: Duration = Duration::from_secs(30);

const PLACES: [&str; 10] = [
    "outside a runtime",
    "after its runtime's shutdown",
    "in a multi-thread runtime",
    "in a current-thread runtime",
    "in a LocalSet",
    "in a task at its runtime's shutdown",
    "in a task at its current-thread runtime's shutdown",
    "on a plain thread",
    "while unwinding",
    "while its thread is taken down",
];

/// What the helper does: start one, drop it in this place, and say so.
pub(crate) fn deed(place: &str) {
    let many = || Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let one = || Builder::new_current_thread().enable_all().build().unwrap();
    let start = async || {
        let held = connect().await.throwaway(spec()).await.unwrap();
        println!("<<ready>>");
        held
    };
    let in_task = |runtime: Runtime| {
        let held = runtime.block_on(start());
        let (begun, begins) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let _held: Throwaway = held;
            begun.send(()).unwrap();
            pending::<()>().await;
        });
        runtime.block_on(tokio::task::yield_now());
        begins.recv().unwrap();
        drop(runtime);
    };
    match place {
        "outside a runtime" => {
            let runtime = many();
            let held = runtime.block_on(start());
            drop(held);
        }
        "after its runtime's shutdown" => {
            let runtime = many();
            let held = runtime.block_on(start());
            runtime.shutdown_timeout(Duration::from_secs(1));
            drop(held);
        }
        "in a multi-thread runtime" => many().block_on(async { drop(start().await) }),
        "in a current-thread runtime" => one().block_on(async { drop(start().await) }),
        "in a LocalSet" => {
            let work = async { tokio::task::spawn_local(async move { drop(start().await) }).await };
            tokio::task::LocalSet::new().block_on(&many(), work).unwrap();
        }
        "in a task at its runtime's shutdown" => in_task(many()),
        "in a task at its current-thread runtime's shutdown" => in_task(one()),
        "on a plain thread" => {
            let runtime = many();
            let held = runtime.block_on(start());
            std::thread::spawn(move || drop(held)).join().unwrap();
        }
        "while unwinding" => {
            let runtime = many();
            let held = runtime.block_on(start());
            let unwinding = std::panic::AssertUnwindSafe(move || {
                let _held = held;
                runtime.block_on(async { panic!("as was asked for") });
            });
            std::panic::catch_unwind(unwinding).unwrap_err();
        }
        "while its thread is taken down" => {
            thread_local!(static HELD: RefCell<Option<Throwaway>> = const { RefCell::new(None) });
            let runtime = many();
            let held = runtime.block_on(start());
            std::thread::spawn(move || HELD.set(Some(held))).join().unwrap();
        }
        "all at once" => {
            let runtime = many();
            let held = runtime.block_on(crate::helper::hold());
            drop(held);
        }
        other => panic!("{other}?"),
    }
    println!("<<dropped>>");
    // It is not this process's end that removes it.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// A TCP port of this machine that leads to the engine's socket.
async fn tcp(docker: &Docker) -> String {
    let Some(socket) = docker.host().socket_path().map(ToOwned::to_owned) else {
        return docker.host().to_string();
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut engine = tokio::net::UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
            });
        }
    });
    format!("tcp://127.0.0.1:{port}")
}

/// How the helper goes to the engine.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    AsItIs,
    Tcp,
    /// With keys given in code.
    Tls,
}

async fn everywhere(lease: &str, way: Way) {
    let ca = Authority::new("ours");
    for place in PLACES {
        let state = TempDir::new().unwrap();
        let mut front = None;
        let (mut command, own) = Helper::prepare(&format!("drop {place}"), 1, state.path()).await;
        command.env("BOWLINE_LEASE", lease);
        match way {
            Way::AsItIs => {}
            Way::Tcp => drop(command.env("DOCKER_HOST", tcp(&own.docker).await)),
            Way::Tls => {
                let engine = own.docker.host().socket_path().expect("an engine on a Unix socket");
                let before = front.insert(Front::new(engine.into(), &ca.server(), Some(&ca)).await);
                let keys = state.path().join("keys");
                ca.client().write(&keys, &ca);
                command.env("DOCKER_HOST", before.url()).env(KEYS, keys);
            }
        }
        let mut helper = Helper::run(command, own);
        // What blocks in here is the helper's output, and the engine must be reached meanwhile.
        let mut helper = tokio::task::spawn_blocking(move || {
            helper.hear("ready");
            let began = Instant::now();
            helper.hear("dropped");
            (helper, began)
        });
        let limit = tokio::time::timeout(LIMIT * 2, &mut helper).await;
        let (mut helper, began) = limit.unwrap_or_else(|_| panic!("{place}: hangs")).unwrap();
        let took = began.elapsed();
        if lease == "off" {
            // Nobody else would have finished it.
            assert_eq!(helper.own.left().await, 0, "{place}");
        }
        let gone = clean(&helper.own, began, LIMIT).await;
        println!("{place}: dropped after {took:?}, gone after {gone:?}");
        let mut helper = tokio::task::spawn_blocking(move || {
            helper.go();
            assert!(helper.end().success(), "{place}");
            helper
        });
        let limit = tokio::time::timeout(LIMIT * 2, &mut helper).await;
        limit.unwrap_or_else(|_| panic!("{place}: does not end")).unwrap();
        if lease == "on" {
            settled(&state, LIMIT).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_works_everywhere() {
    everywhere("on", Way::AsItIs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_works_everywhere_over_tcp() {
    everywhere("on", Way::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_waits_where_there_is_no_lease() {
    everywhere("off", Way::AsItIs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_waits_where_there_is_no_lease_over_tcp() {
    everywhere("off", Way::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_works_everywhere_over_tls() {
    everywhere("on", Way::Tls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_waits_where_there_is_no_lease_over_tls() {
    everywhere("off", Way::Tls).await;
}

/// Who lets go last waits for all: one after the other they would never be as many as this engine
/// waits for, and without the wait they would not be gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_together_they_go_together_without_a_lease() {
    let crowd = Arc::new(Crowd::new(16));
    let engine = crowded(crowd.clone());
    let state = TempDir::new().unwrap();
    let (mut command, own) = Helper::prepare("drop all at once", 24, state.path()).await;
    command.env("BOWLINE_LEASE", "off").env("DOCKER_HOST", engine.url());
    let mut helper = Helper::run(command, own);
    let dropped = tokio::task::spawn_blocking(move || {
        helper.hear("dropped");
        helper
    });
    let dropped = tokio::time::timeout(LIMIT, dropped).await.expect("they go one by one");
    assert_eq!((crowd.gone(), crowd.most()), (24, 16));
    let mut helper = dropped.unwrap();
    helper.go();
    assert!(helper.end().success());
}
