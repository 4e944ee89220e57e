//! What the plain call costs, beside a raw hand-written client on the same sockets.
//!
//! ```text
//! cargo bench --bench plain_call                  the table
//! cargo bench --bench plain_call -- --check       fails where a goal is missed by more than 25 %
//! cargo bench --bench plain_call -- --quick       under two seconds: does it still work?
//! cargo bench --bench plain_call -- --engine      the real engine too, if there is one
//! cargo bench --bench plain_call -- --only list   rows whose name holds this
//! cargo bench --bench plain_call -- --profile ping 10000   bowline alone, for a profiler
//! ```
//!
//! Time and CPU are medians of the ratios within a repetition (see `support/measure.rs`); the
//! engine is a replay in another process. bowline runs in both of tokio's flavours: at the root of
//! a current-thread runtime ("root") and in a spawned task of a multi-thread one ("task").
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bowline::{Container, ContainerSpec, Docker, Unknown};
use tokio::runtime::{Builder, Runtime};

use support::args::Args;
use support::count::Counting;
use support::measure::{self, Contender, Effort, Goal};
use support::raw::{Raw, RawAsync, RawHyper};
use support::replay::{self, Replay};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ENGINE: &str = "/var/run/docker.sock";
/// So many pings at once.
const MANY: usize = 64;

#[derive(Clone, Copy)]
enum Work {
    Ping,
    Inspect,
    List,
    Life,
}

/// A client and the handle its inspects go to.
#[derive(Clone)]
struct Ours {
    docker: Docker,
    container: Container<Unknown>,
}

impl Ours {
    async fn connect(socket: PathBuf, id: String) -> Ours {
        let docker = Docker::connect().host(format!("unix://{}", socket.display())).await.unwrap();
        let container = docker.container(id).await.unwrap().any().unwrap();
        Ours { docker, container }
    }

    async fn run(self, work: Work, n: u32) {
        for _ in 0..n {
            match work {
                Work::Ping => drop(self.docker.ping().await.unwrap()),
                Work::Inspect => drop(self.container.inspect().await.unwrap()),
                Work::List => {
                    let rows = self.docker.containers().all().await.unwrap();
                    assert_eq!(rows.len(), 1000);
                }
                Work::Life => {
                    let spec = ContainerSpec::new("busybox").cmd(["echo", "hello"]);
                    let container = self.docker.create(spec).await.unwrap();
                    let container = container.start().await.unwrap().wait().await.unwrap();
                    assert!(container.status().success());
                    assert_eq!(container.logs().collect().await.unwrap().stdout, b"hello\n");
                    container.remove().await.unwrap();
                }
            }
        }
    }
}

/// Both flavours of tokio.
struct Flavours {
    root: Runtime,
    task: Runtime,
}

impl Flavours {
    fn new() -> Flavours {
        Flavours {
            root: Builder::new_current_thread().enable_all().build().unwrap(),
            task: Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        }
    }

    fn ours(&self, socket: &Path, id: &str, work: Work) -> [Contender<'_>; 2] {
        let root = self.root.block_on(Ours::connect(socket.to_owned(), id.to_owned()));
        let task = self.task.block_on(Ours::connect(socket.to_owned(), id.to_owned()));
        [
            Contender::ours("bowline, root", move |n| {
                self.root.block_on(root.clone().run(work, n));
            }),
            Contender::ours("bowline, task", move |n| {
                self.task.block_on(self.task.spawn(task.clone().run(work, n))).unwrap();
            }),
        ]
    }
}

/// A blocking client and ours, both flavours, on one socket.
fn single(
    flavours: &Flavours,
    effort: Effort,
    what: &str,
    goal: Goal,
    (socket, id): (&Path, &str),
    work: Work,
) -> bool {
    let mut raw = Raw::connect(socket);
    let raw = move |n| {
        for _ in 0..n {
            match work {
                Work::Ping => raw.ping(),
                Work::Inspect => drop(raw.inspect(id)),
                Work::List => assert_eq!(raw.list().len(), 1000),
                Work::Life => raw.life(),
            }
        }
    };
    let [root, task] = flavours.ours(socket, id, work);
    let mut contenders = vec![Contender::other("raw", raw), root, task];
    if let Work::Ping = work {
        let root = &flavours.root;
        let mut tokio = root.block_on(RawAsync::connect(socket));
        let mut hyper = root.block_on(RawHyper::connect(socket));
        contenders.push(Contender::other("(raw tokio, root)", move |n| {
            root.block_on(async {
                for _ in 0..n {
                    tokio.ping().await;
                }
            });
        }));
        contenders.push(Contender::other("(hyper bare, root)", move |n| {
            root.block_on(async {
                for _ in 0..n {
                    hyper.ping().await;
                }
            });
        }));
    }
    measure::row(what, goal, effort, &mut contenders)
}

/// 64 tasks that ping at once; one unit of work is a ping by each.
fn at_once(
    runtime: &Runtime,
    effort: Effort,
    what: &str,
    name: &'static str,
    goal: Goal,
    socket: &Path,
) -> bool {
    let connect = || async { RawAsync::connect(socket).await };
    let mut raw: Vec<RawAsync> = (0..MANY).map(|_| runtime.block_on(connect())).collect();
    let docker = Docker::connect().host(format!("unix://{}", socket.display()));
    let docker = runtime.block_on(docker.into_future()).unwrap();
    let raw = move |n| {
        let mut tasks = tokio::task::JoinSet::new();
        for mut client in raw.drain(..) {
            let work = async move {
                for _ in 0..n {
                    client.ping().await;
                }
                client
            };
            tasks.spawn_on(work, runtime.handle());
        }
        raw = runtime.block_on(tasks.join_all());
    };
    let ours = move |n| {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..MANY {
            let docker = docker.clone();
            let work = async move {
                for _ in 0..n {
                    docker.ping().await.unwrap();
                }
            };
            tasks.spawn_on(work, runtime.handle());
        }
        runtime.block_on(tasks.join_all());
    };
    let connect = || async { RawHyper::connect(socket).await };
    let mut hyper: Vec<RawHyper> = (0..MANY).map(|_| runtime.block_on(connect())).collect();
    let hyper = move |n| {
        let mut tasks = tokio::task::JoinSet::new();
        for mut client in hyper.drain(..) {
            let work = async move {
                for _ in 0..n {
                    client.ping().await;
                }
                client
            };
            tasks.spawn_on(work, runtime.handle());
        }
        hyper = runtime.block_on(tasks.join_all());
    };
    let mut contenders = [
        Contender::other("raw tokio", raw),
        Contender::ours(name, ours),
        Contender::other("(hyper bare)", hyper),
    ];
    measure::row(what, goal, effort, &mut contenders)
}

fn main() -> ExitCode {
    replay::serve_if_asked();
    let args = Args::here();
    let effort = args.effort(100);
    let flavours = Flavours::new();
    let replay = Replay::start();
    if let Some(what) = args.after("--profile") {
        let work = match what {
            "ping" => Work::Ping,
            "inspect" => Work::Inspect,
            "list" => Work::List,
            "life" => Work::Life,
            other => panic!("there is no {other} to profile"),
        };
        let n = args.last().and_then(|n| n.parse().ok()).unwrap_or(1000);
        let [mut root, _] = flavours.ours(&replay.few(), replay::ID, work);
        (root.work)(n);
        return ExitCode::SUCCESS;
    }

    let only = args.after("--only").unwrap_or_default();
    let time = |ratio| Goal { time: Some(ratio), ..Goal::default() };
    let list = Goal { time: Some(1.5), allocations: Some(12_000), ..Goal::default() };
    let few = replay.few();
    let recorded = (few.as_path(), replay::ID);
    let mut missed = false;
    measure::header();
    for (what, goal, work) in [
        ("ping, kept connection", time(1.3), Work::Ping),
        ("inspect", time(1.5), Work::Inspect),
        ("list of 1,000 (1.1 MB)", list, Work::List),
        ("a life in 5 calls", time(1.5), Work::Life),
    ] {
        if what.contains(only) {
            missed |= single(&flavours, effort, what, goal, recorded, work);
        }
    }
    for (name, runtime) in [("bowline, root", &flavours.root), ("bowline, task", &flavours.task)] {
        let what = "ping, 64 at once";
        if what.contains(only) {
            missed |= at_once(runtime, effort, what, name, time(1.5), &replay.many());
        }
    }
    if args.has("--engine") {
        missed |= engine(&flavours, effort);
    }
    ExitCode::from(u8::from(missed && args.has("--check")))
}

/// The same against a real engine, where most of the time is the engine's.
fn engine(flavours: &Flavours, effort: Effort) -> bool {
    let socket = Path::new(ENGINE);
    if !socket.exists() {
        println!("no engine at {ENGINE}: its rows are left out");
        return false;
    }
    let docker = Docker::connect().host(format!("unix://{ENGINE}"));
    let docker = flavours.root.block_on(docker.into_future()).unwrap();
    let spec = ContainerSpec::new("busybox").cmd(["true"]);
    let made = flavours.root.block_on(docker.create(spec).into_future()).unwrap();
    let id = made.id().to_string();
    let time = |ratio| Goal { time: Some(ratio), ..Goal::default() };
    let mut missed = false;
    for (what, work) in [("ping, engine", Work::Ping), ("inspect, engine", Work::Inspect)] {
        missed |= single(flavours, effort, what, time(1.3), (socket, &id), work);
    }
    let cpu = Goal { cpu: Some(1.5), ..Goal::default() };
    missed |= single(flavours, effort, "a life, engine: CPU", cpu, (socket, &id), Work::Life);
    flavours.root.block_on(made.remove().into_future()).unwrap();
    missed
}
