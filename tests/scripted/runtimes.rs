//! One client, many runtimes: what a `static` shared by the tests of a program sees.

use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bowline::{Container, Docker, Error, Running, TransitionError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;

use crate::support::fake::{Fake, Reply};

/// Each third runtime has threads of its own.
fn runtime(n: usize) -> Runtime {
    match n % 3 {
        0 => Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        _ => Builder::new_current_thread().enable_all().build().unwrap(),
    }
}

fn engine() -> Fake {
    Fake::apart(|seen| Reply::json(200, serde_json::json!({"Version": seen.target})))
}

#[test]
fn a_static_serves_a_hundred_runtimes_one_after_another() {
    static DOCKER: OnceCell<Docker> = OnceCell::const_new();
    let fake = engine();
    for n in 0..100 {
        runtime(n).block_on(async {
            let docker = DOCKER.get_or_init(|| fake.docker()).await;
            for _ in 0..3 {
                docker.version().await.unwrap();
                tokio::spawn(docker.version().into_future()).await.unwrap().unwrap();
            }
        });
    }
    // A connection dies with its runtime; within one it is kept.
    let most = if fake.connections() > 100 { 300 } else { 100 };
    assert!((100..=most).contains(&fake.connections()), "{}", fake.connections());
}

#[test]
fn a_static_serves_a_hundred_runtimes_at_once() {
    static DOCKER: OnceCell<Docker> = OnceCell::const_new();
    let fake = engine();
    let meeting = std::sync::Barrier::new(100);
    std::thread::scope(|scope| {
        for n in 0..100 {
            let (fake, meeting) = (&fake, &meeting);
            scope.spawn(move || {
                let runtime = runtime(n);
                meeting.wait();
                runtime.block_on(async {
                    let docker = DOCKER.get_or_init(|| fake.docker()).await;
                    for _ in 0..5 {
                        docker.version().await.unwrap();
                    }
                });
            });
        }
    });
    let versions = fake.routes().iter().filter(|r| *r == "GET /version").count();
    assert_eq!(versions, 500);
}

/// The first runtime is gone, and its kept connection with it.
#[test]
fn a_client_outlives_the_runtime_it_was_made_on() {
    let fake = engine();
    let docker = runtime(1).block_on(fake.docker());
    let second = runtime(2);
    second.block_on(fake.until("the first connection is closed", |f| f.open() == 0));
    second.block_on(async { docker.version().await.unwrap() });
    // A runtime that stands still keeps its connection to itself.
    let third = runtime(0);
    third.block_on(async { docker.version().await.unwrap() });
    assert_eq!(fake.connections(), 3);
    second.block_on(async { docker.version().await.unwrap() });
    third.block_on(async { docker.version().await.unwrap() });
    assert_eq!(fake.connections(), 3);
}

struct Tell(mpsc::Sender<()>);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

/// A worker of a runtime that is being shut down may still be at a call, and give a connection
/// back that nobody can look after any more.
#[test]
fn a_call_may_end_while_its_runtime_does() {
    let fake = engine();
    let docker = runtime(1).block_on(fake.docker());
    let workers = runtime(0);
    let handle = workers.handle().clone();
    let (tell_begun, begun) = mpsc::channel();
    let (tell_shut, shut) = mpsc::channel::<()>();
    let (tell_over, over) = mpsc::channel();
    workers.spawn(async move {
        docker.version().await.unwrap();
        let mut call = docker.version().into_future();
        let (tell_woken, woken) = mpsc::channel();
        let waker = Waker::from(Arc::new(Tell(tell_woken)));
        let mut cx = Context::from_waker(&waker);
        // The answer is known to be there, and not yet read.
        assert!(std::pin::Pin::new(&mut call).poll(&mut cx).is_pending());
        // Another thread takes this worker's place: one of them must listen to the sockets.
        tokio::task::block_in_place(|| woken.recv()).unwrap();
        tell_begun.send(()).unwrap();
        shut.recv().unwrap();
        let over = std::pin::Pin::new(&mut call).poll(&mut cx);
        tell_over.send(over.is_ready()).unwrap();
    });
    begun.recv().unwrap();
    workers.shutdown_background();
    while !handle.spawn(std::future::pending::<()>()).is_finished() {
        std::thread::yield_now();
    }
    tell_shut.send(()).unwrap();
    let ended = over.recv_timeout(Duration::from_secs(10));
    assert_eq!(ended, Ok(true), "the call hangs, or its answer was not read");
}

#[test]
fn handles_and_futures_go_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    fn moves<T: Send + 'static>() {}
    fn goes<T>(_: &impl Fn(T) -> Fut<T>)
    where
        T: IntoFuture,
        T::IntoFuture: Send + 'static,
    {
    }
    type Fut<T> = <T as IntoFuture>::IntoFuture;
    anywhere::<Docker>();
    anywhere::<Container>();
    moves::<Container<Running>>();
    moves::<Error>();
    moves::<TransitionError>();
    use bowline::container::*;
    use bowline::{docker, image, system};
    goes(&docker::Connect::into_future);
    goes(&system::Ping::into_future);
    goes(&system::Version::into_future);
    goes(&Create::into_future);
    goes(&Start::into_future);
    goes(&RunToExit::into_future);
    goes(&Stop::into_future);
    goes(&Kill::into_future);
    goes(&Signal::into_future);
    goes(&Pause::into_future);
    goes(&Unpause::into_future);
    goes(&Restart::into_future);
    goes(&Wait::into_future);
    goes(&WaitFor::into_future);
    goes(&Inspect::into_future);
    goes(&LookupVerb::into_future);
    goes(&Find::into_future);
    goes(&List::into_future);
    goes(&RemoveAll::into_future);
    goes(&Remove::into_future);
    goes(&Rename::into_future);
    goes(&Prune::into_future);
    goes(&Logs::into_future);
    goes(&CollectLogs::into_future);
    goes(&Exec::into_future);
    goes(&ExecStatus::into_future);
    goes(&ExecDetach::into_future);
    goes(&ExecInspect::into_future);
    goes(&RunOutput::into_future);
    goes(&RunStatus::into_future);
    goes(&Spawn::into_future);
    goes(&Commit::into_future);
    goes(&image::Tag::into_future);
    goes(&image::RemoveImage::into_future);
}
