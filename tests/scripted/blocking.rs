//! `block` from every place that there is: it works, and never panics.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, mpsc};
use std::time::Duration;

use bowline::Docker;
use bowline::blocking::Block as _;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::support::fake::{Fake, Reply};

const LIMIT: Duration = Duration::from_secs(30);

fn engine() -> Fake {
    Fake::apart(|seen| match seen.route().as_str() {
        "GET /version" => Reply::json(200, json!({"Version": "20.10.24"})),
        "GET /events" => {
            let event = json!({"Type": "container", "Action": "start", "Actor": {"ID": "c1"}});
            Reply::chunks(200, [format!("{event}\n"), format!("{event}\n")])
        }
        _ => Reply::json(404, json!({"message": "no such thing"})),
    })
}

fn connect(fake: &Fake) -> Docker {
    Docker::connect().host(fake.url()).block().unwrap()
}

fn works(docker: &Docker) {
    assert_eq!(docker.version().block().unwrap().version, "20.10.24");
    // An `async fn`, which borrows.
    let mut events = docker.events().block().unwrap();
    for _ in 0..2 {
        assert_eq!(events.next().block().unwrap().unwrap().actor.id, "c1");
    }
    assert!(docker.container("c2").block().unwrap_err().is_not_found());
}

fn one() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn many() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Do it on a thread, and fail where it hangs.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    assert_ne!(wait.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn on_a_plain_thread_one_connection_serves_all_calls() {
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        for _ in 0..3 {
            docker.version().block().unwrap();
            // Another thread has the same runtime behind it.
            let again = docker.clone();
            std::thread::spawn(move || again.version().block().unwrap()).join().unwrap();
        }
        assert_eq!(fake.connections(), 1);
        works(&docker);
    });
}

#[test]
fn in_every_flavour_of_runtime() {
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        for runtime in [one(), many()] {
            // Connections of this runtime are there, and of no use while it waits.
            runtime.block_on(async {
                docker.version().await.unwrap();
                works(&docker);
                docker.version().await.unwrap();
            });
            let spawned = docker.clone();
            runtime.block_on(runtime.spawn(async move { works(&spawned) })).unwrap();
            let spawned = docker.clone();
            runtime.block_on(runtime.spawn_blocking(move || works(&spawned))).unwrap();
            let _entered = runtime.enter();
            works(&docker);
        }
    });
}

#[test]
fn in_a_local_set() {
    in_time(|| {
        let fake = engine();
        for runtime in [one(), many()] {
            let docker = connect(&fake);
            let work = async {
                tokio::task::spawn_local(async move { works(&docker) }).await.unwrap();
            };
            tokio::task::LocalSet::new().block_on(&runtime, work);
        }
    });
}

#[test]
fn within_itself() {
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        // In what is polled by the thread that waits, and in a task that runs on the other one.
        async { works(&docker) }.block();
        let spawned = docker.clone();
        async { tokio::spawn(async move { works(&spawned) }).await }.block().unwrap();
        async { async { works(&docker) }.block() }.block();
    });
}

struct Last<'a>(&'a Docker);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        works(self.0);
    }
}

/// A second panic here would end the whole program.
#[test]
fn in_a_drop_while_a_panic_unwinds() {
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        let fails = || {
            let _last = Last(&docker);
            panic!("as was asked for");
        };
        catch_unwind(AssertUnwindSafe(fails)).unwrap_err();
        for runtime in [one(), many()] {
            catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { fails() }))).unwrap_err();
        }
    });
}

#[test]
fn while_a_thread_is_taken_down() {
    struct AtTheEnd(Docker, mpsc::Sender<()>);

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            works(&self.0);
            self.1.send(()).unwrap();
        }
    }

    thread_local!(static HELD: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) });
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        // Before tokio's own variables of the thread are taken down, and after.
        for tokio_first in [true, false] {
            let (said, hear) = mpsc::channel();
            let docker = docker.clone();
            std::thread::spawn(move || {
                let runtime = || drop(tokio::runtime::Handle::try_current());
                if tokio_first {
                    runtime();
                }
                HELD.set(Some(AtTheEnd(docker, said)));
                runtime();
            });
            assert_eq!(hear.recv(), Ok(()), "tokio first: {tokio_first}");
        }
    });
}

#[test]
fn from_many_threads_at_once() {
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        let meeting = Barrier::new(60);
        std::thread::scope(|scope| {
            for n in 0..60 {
                let (docker, meeting) = (&docker, &meeting);
                scope.spawn(move || {
                    meeting.wait();
                    match n % 3 {
                        0 => works(docker),
                        1 => one().block_on(async { works(docker) }),
                        _ => many().block_on(async { works(docker) }),
                    }
                });
            }
        });
        let versions = fake.routes().iter().filter(|route| *route == "GET /version").count();
        assert_eq!(versions, 60);
    });
}

#[test]
fn a_panic_is_handed_on() {
    let said = |work: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
        *panic.downcast::<&str>().unwrap()
    };
    let asked = || async { panic!("as was asked for") }.block();
    assert_eq!(said(&asked), "as was asked for");
    assert_eq!(said(&|| one().block_on(async { asked() })), "as was asked for");
    // And nothing is broken by it.
    works(&connect(&engine()));
}

#[test]
fn several_at_once_and_limits() {
    in_time(|| {
        let fake = engine();
        let docker = connect(&fake);
        let both = async { tokio::join!(docker.version(), docker.version()) }.block();
        assert!(both.0.is_ok() && both.1.is_ok());
        let fake = Fake::apart(|_| Reply::silence());
        let silent = connect(&fake);
        let verb = silent.version().timeout(Duration::from_millis(50)).block();
        assert!(verb.unwrap_err().is_timeout());
        let limit = Duration::from_millis(50);
        let late = async { tokio::time::timeout(limit, silent.version()).await };
        one().block_on(async { late.block() }).unwrap_err();
    });
}
