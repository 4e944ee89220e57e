//! Starts that fail, or that nobody waits for: they leave nothing.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use bowline::container::spec::{Mount, PullPolicy};
use bowline::docker::Connect;
use bowline::events::{Action, EventKind};
use bowline::throwaway::{Ready, StartCause, StartError, StartPhase};
use bowline::{ContainerSpec, Docker, Error};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::helper::{Helper, clean, pause, say, settled, spec};
use crate::support::engine::{Own, unique};
use crate::support::proxy::Direction::Down;
use crate::support::proxy::{Proxy, Toxic};

const LIMIT: Duration = Duration::from_secs(30);

/// What the helper does: a hundred starts, dropped after 0 to 300 ms.
pub(crate) async fn cancelled(connect: Connect) {
    let docker = connect.await.unwrap();
    let mut starts = JoinSet::new();
    for n in 0..100u64 {
        let docker = docker.clone();
        starts.spawn(async move {
            // Spread over the range, in no order: 89 and 301 have no common divisor.
            let delay = Duration::from_millis(n * 89 % 301);
            let _ = tokio::time::timeout(delay, docker.throwaway(spec()).into_future()).await;
        });
        if starts.len() == 5 {
            starts.join_next().await.unwrap().unwrap();
        }
    }
    starts.join_all().await;
}

#[tokio::test]
async fn a_hundred_cancelled_starts_leave_nothing() {
    let state = TempDir::new().unwrap();
    let (command, own) = Helper::prepare("cancel", 0, state.path()).await;
    let mut helper = Helper::run(command, own);
    helper.hear("cancelled");
    let since = Instant::now();
    let time = clean(&helper.own, since, LIMIT).await;
    println!("100 cancelled starts: clean {time:?} after the last");
    // The lease was told of each how it ended, or it would wait for some.
    helper.signal(Signal::KILL);
    helper.end();
    settled(&state, LIMIT).await;
    assert_eq!(helper.own.left().await, 0);
}

/// Returns the error; what it left is counted at once, and must be nothing.
async fn fails(own: &Own, what: &str, spec: ContainerSpec) -> Error {
    let before = own.left().await;
    let error = own.docker.throwaway(spec).await.expect_err(what);
    assert_eq!(own.left().await, before, "{what}: {error}");
    engine(error)
}

/// The call that failed.
fn engine(error: StartError) -> Error {
    match error.cause {
        StartCause::Engine(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing() {
    let own = Own::new().await;
    let error = fails(&own, "bad command", own.spec(["/no/such/command"])).await;
    assert_eq!(error.status(), Some(400), "{error}");
    let bind = own.idle().mount(Mount::bind("/no/such/source", "/data"));
    let error = fails(&own, "bad mount source", bind).await;
    assert_eq!(error.status(), Some(400), "{error}");
    let error = fails(&own, "no such network", own.idle().network("bowline-no-such")).await;
    assert!(error.is_not_found(), "{error}");
    let spec = own.spec_of("bowline-no-such-image", ["true"]).pull(PullPolicy::Never);
    let error = fails(&own, "missing image", spec).await;
    assert!(error.is_not_found(), "{error}");
    let error = fails(&own, "broken rule", own.idle().publish("no port")).await;
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");

    let first = own.docker.throwaway(own.idle()).publish(80).await.unwrap();
    let bound = first.inspect().await.unwrap().network_settings.ports;
    let port = bound.values().flatten().find_map(|place| place.host_port).unwrap();
    let error = fails(&own, "taken port", own.idle().publish((port, 80))).await;
    assert_eq!(error.status(), Some(500), "{error}");
    let name = first.name().to_owned();
    let error = fails(&own, "taken name", own.idle().name(&name)).await;
    assert!(error.is_conflict(), "{error}");
    assert_eq!(first.inspect().await.unwrap().name, name);
    first.close().await.unwrap();
    assert_eq!(own.left().await, 0);
}

/// A container that is not ready tells why, and is gone when it has.
#[tokio::test]
async fn one_that_never_is_ready_leaves_nothing() {
    let own = Own::new().await;
    let spec = own.spec(["sh", "-c", "echo no luck >&2; exit 3"]).name(unique("never"));
    let error = own.docker.throwaway(spec).ready(Ready::log("luck!")).await.unwrap_err();
    assert_eq!(own.left().await, 0);
    assert_eq!((error.story.phase, error.story.exit_code), (StartPhase::Ready, Some(3)));
    assert_eq!(error.story.stderr.trim_end(), "no luck");

    let held = own.docker.throwaway(own.spec(["sh", "-c", "echo luck!; sleep 1000"]));
    let held = held.ready(Ready::log("luck!")).await.unwrap();
    assert!(held.exec(["true"]).await.unwrap().status.success());
    held.close().await.unwrap();

    let never = own.docker.throwaway(own.idle()).ready(Ready::log("luck!"));
    let error = engine(never.timeout(Duration::from_secs(1)).await.unwrap_err());
    assert!(error.is_timeout(), "{error}");
    assert_eq!(own.left().await, 0);
}

/// A client gets there by the address.
#[tokio::test]
async fn a_published_port_is_reached_by_its_address() {
    let own = Own::new().await;
    let serve = own.docker.throwaway(own.spec(["httpd", "-f", "-p", "80"])).publish(80);
    let held = serve.ready(Ready::port(80)).await.unwrap();
    let mut client = std::net::TcpStream::connect(held.addr(80).unwrap()).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1."), "{said:?}");
    assert!(held.addr(81).is_err());
    held.close().await.unwrap();
}

/// What the helper does on a line that is spoilt meanwhile.
pub(crate) async fn unanswered() {
    let docker = Docker::connect().await.unwrap();
    let held = docker.throwaway(spec()).await.unwrap();
    say("ready");
    pause();
    let error = engine(docker.throwaway(spec()).await.unwrap_err());
    assert!(error.maybe_applied(), "{error}");
    say("lost");
    // An awaited `close` says what a drop must swallow.
    let error = held.close().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_) | Error::Connect(_)), "{error:?}");
    say("not closed");
    pause();
}

/// The engine makes it, and the answer never arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_answer_is_lost_leaves_nothing() {
    let state = TempDir::new().unwrap();
    let (mut command, own) = Helper::prepare("lost", 0, state.path()).await;
    let proxy = Proxy::new(own.docker.host().socket_path().expect("a unix socket"));
    command.env("DOCKER_HOST", format!("unix://{}", proxy.path().display()));
    let mut helper = Helper::run(command, own);
    tokio::task::block_in_place(|| helper.hear("ready"));
    proxy.poison(Down, [Toxic::Cut(9)]).await;
    helper.go();
    tokio::task::block_in_place(|| helper.hear("not closed"));
    // It was made indeed, or this would prove nothing.
    let since = Instant::now();
    while helper.own.left().await < 2 {
        assert!(since.elapsed() < LIMIT, "the engine made nothing");
    }
    proxy.heal().await;
    // Its process looks for it; what could not be closed is for the lease.
    let since = Instant::now();
    while helper.own.left().await > 1 {
        assert!(since.elapsed() < LIMIT, "it is still there");
    }
    helper.go();
    tokio::task::block_in_place(|| helper.end());
    settled(&state, LIMIT).await;
    assert_eq!(helper.own.left().await, 0);
}

/// The creation is under way by then, and comes to its end.
#[tokio::test]
async fn a_start_past_its_limit_leaves_nothing() {
    let own = Own::new().await;
    let watch = own.docker.events().kind(EventKind::Container).label(own.label());
    let mut events = watch.await.unwrap();
    let start = own.docker.throwaway(own.idle()).timeout(Duration::from_millis(1));
    let error = engine(start.await.unwrap_err());
    assert!(error.is_timeout(), "{error}");
    let mut seen = Vec::new();
    while !seen.contains(&Action::Destroy) {
        let event = tokio::time::timeout(LIMIT, events.next()).await;
        let event = event.unwrap_or_else(|_| panic!("it is left: {seen:?}"));
        seen.push(event.unwrap().unwrap().action);
    }
    assert_eq!(seen, [Action::Create, Action::Destroy]);
}

/// It needs no runtime: the work is done elsewhere.
#[test]
fn a_start_can_be_awaited_by_any_executor() {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    fn wait<T>(work: impl IntoFuture<Output = T>) -> T {
        let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
        let mut work = std::pin::pin!(work.into_future());
        loop {
            let mut cx = std::task::Context::from_waker(&waker);
            match work.as_mut().poll(&mut cx) {
                std::task::Poll::Ready(done) => return done,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let own = runtime.block_on(Own::new());
    let held = wait(own.docker.throwaway(own.idle())).unwrap();
    assert_eq!(runtime.block_on(own.left()), 1);
    wait(held.close()).unwrap();
    assert_eq!(runtime.block_on(own.left()), 0);
}

/// Eight go together in about the time of the slowest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_together_they_go_together() {
    let own = Own::new().await;
    let start = async |n: usize| {
        let mut starts = JoinSet::new();
        for _ in 0..n {
            starts.spawn(own.docker.throwaway(own.spec(["sleep", "1000"])).into_future());
        }
        starts.join_all().await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    let (mut one_by_one, eight) = (Duration::ZERO, start(8).await);
    for held in eight {
        let since = Instant::now();
        held.close().await.unwrap();
        one_by_one += since.elapsed();
    }
    let eight = start(8).await;
    let since = Instant::now();
    drop(eight);
    let dropped = since.elapsed();
    let together = clean(&own, since, LIMIT).await;
    println!("8: one by one {one_by_one:?}, together {together:?}, in drop {dropped:?}");
    assert!(dropped < Duration::from_millis(100), "{dropped:?}");
    assert!(together < one_by_one, "{together:?}, one by one {one_by_one:?}");
}
