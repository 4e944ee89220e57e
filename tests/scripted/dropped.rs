//! Every verb's future dropped at every await point: the next call works, nothing hangs, and what
//! was made is undone where that is promised. The clock is paused: kept connections go at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline::{Container, ContainerSpec, Docker, Exited, Paused, Running};
use serde_json::json;

use crate::support::drops::at_every_await;
use crate::support::fake::{Fake, Reply, Seen, frame};

/// As much of an engine as the verbs need: containers by their states, and images by number. A
/// container that is asked for by a name such as "paused" or "paused.1" is there, in that state.
#[derive(Default)]
struct Tiny {
    containers: HashMap<String, String>,
    made: usize,
    removed: Vec<String>,
}

impl Tiny {
    fn answer(&mut self, seen: &Seen) -> Reply {
        let route = seen.route();
        let parts: Vec<&str> = route.split([' ', '/']).filter(|part| !part.is_empty()).collect();
        match parts[..] {
            ["POST", "containers", "create"] => {
                self.made += 1;
                let id = format!("{:064x}", self.made);
                self.containers.insert(id.clone(), "created".into());
                Reply::json(201, json!({"Id": id, "Warnings": []}))
            }
            ["POST", "networks" | "volumes", "create"] => {
                self.made += 1;
                let id = format!("{:064x}", self.made);
                Reply::json(201, json!({"Id": id, "Name": id}))
            }
            ["DELETE", "networks" | "volumes", id] => {
                self.removed.push(id.into());
                Reply::empty(204)
            }
            ["POST", "commit"] => {
                self.made += 1;
                Reply::json(201, json!({"Id": format!("sha256:{:064x}", self.made)}))
            }
            ["POST", "containers", "prune"] => Reply::json(200, json!({"SpaceReclaimed": 1})),
            ["GET", "containers", "json"] => Reply::json(200, json!([{"Id": "f00"}])),
            ["GET", "version"] => Reply::json(200, json!({"Version": "tiny"})),
            ["GET", "containers", id, "json"] => {
                let state = self
                    .containers
                    .entry(id.into())
                    .or_insert_with(|| id.split('.').next().unwrap().into());
                let state = json!({"Status": state, "ExitCode": 3});
                Reply::json(200, json!({"Id": id, "State": state, "Config": {"Tty": false}}))
            }
            ["GET", "containers", _, "logs"] => {
                Reply::chunks(200, [frame(1, "out"), frame(2, "err")])
            }
            ["POST", "exec", _, "start"] if seen.header("upgrade").is_none() => Reply::empty(200),
            ["POST", "containers", _, "attach"] | ["POST", "exec", _, "start"] => {
                Reply::upgrade([frame(1, "out"), frame(2, "err")].concat())
            }
            ["POST", "containers", _, "exec"] => Reply::json(201, json!({"Id": "e1"})),
            ["GET", "exec", _, "json"] => {
                Reply::json(200, json!({"Running": false, "ExitCode": 3, "ContainerID": "f00"}))
            }
            ["POST", "containers", id, "wait"] => {
                self.become_(id, "exited");
                Reply::chunks(200, [json!({"StatusCode": 3}).to_string()])
            }
            ["POST", "containers", id, verb] => {
                let state = match verb {
                    "start" | "restart" | "unpause" => "running",
                    "stop" | "kill" => "exited",
                    "pause" => "paused",
                    _ => return Reply::empty(204),
                };
                self.become_(id, state);
                Reply::empty(204)
            }
            ["POST", "images", _, "tag"] => Reply::empty(201),
            ["DELETE", "containers", id] => {
                self.removed.push(id.into());
                self.containers.remove(id);
                Reply::empty(204)
            }
            ["DELETE", "images", id] => {
                self.removed.push(id.into());
                Reply::json(200, json!([{"Deleted": id}]))
            }
            _ => Reply::json(404, json!({"message": format!("page not found: {route}")})),
        }
    }

    fn become_(&mut self, id: &str, state: &str) {
        self.containers.insert(id.into(), state.into());
    }
}

fn tiny() -> (Fake, Arc<Mutex<Tiny>>) {
    let tiny = Arc::<Mutex<Tiny>>::default();
    let engine = tiny.clone();
    (Fake::new(move |seen| engine.lock().unwrap().answer(seen)), tiny)
}

/// Drop the verb that `make` makes at each of its await points.
async fn drop_everywhere<F: IntoFuture>(
    what: &str,
    mut make: impl AsyncFnMut(&Docker) -> F,
) -> F::Output {
    let (fake, _) = tiny();
    let docker = fake.docker().await;
    let dropping = at_every_await(
        async || make(&docker).await,
        async |_| {
            let next =
                tokio::time::timeout(Duration::from_secs(30), docker.version().into_future());
            assert_eq!(next.await.expect("no hang").unwrap().version, "tiny", "{what}");
        },
    );
    let (output, polls) = dropping.await;
    // Not a single await point would mean that nothing was proven.
    assert!(polls >= 2, "{what}: done after {polls} polls");
    // Whatever was half-used is closed, and one connection serves again.
    fake.until("one connection is left", |f| f.open() <= 1).await;
    docker.ping().await.unwrap();
    output
}

/// The same, of a verb that must come to its end.
async fn fine<F, T, E: std::fmt::Debug>(what: &str, make: impl AsyncFnMut(&Docker) -> F)
where
    F: IntoFuture<Output = Result<T, E>>,
{
    drop(drop_everywhere(what, make).await.unwrap());
}

/// A container of its own for each attempt: what the last one did to its container is not known.
async fn running(docker: &Docker) -> Container<Running> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("running.{}", NEXT.fetch_add(1, Ordering::Relaxed));
    docker.container(name).await.unwrap().running().unwrap()
}

async fn paused(docker: &Docker) -> Container<Paused> {
    running(docker).await.pause().await.unwrap()
}

async fn exited(docker: &Docker) -> Container<Exited> {
    running(docker).await.kill().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn questions() {
    fine("ping", async |d| d.ping()).await;
    fine("version", async |d| d.version()).await;
    fine("list", async |d| d.containers().all()).await;
    fine("find", async |d| d.container("paused")).await;
    fine("ambiguous", async |d| d.container("dead")).await;
    fine("inspect", async |d| running(d).await.inspect()).await;
    fine("lookup", async |d| running(d).await.lookup()).await;
    fine("logs", async |d| running(d).await.logs()).await;
    fine("logs, all", async |d| running(d).await.logs().collect()).await;
    let found = async |d: &Docker| d.container("running").await.unwrap().any().unwrap();
    fine("logs of no known kind", async |d| found(d).await.logs()).await;
}

#[tokio::test(start_paused = true)]
async fn transitions() {
    fine("stop", async |d| running(d).await.stop()).await;
    fine("kill", async |d| running(d).await.kill()).await;
    fine("signal", async |d| running(d).await.kill().signal("HUP")).await;
    fine("pause", async |d| running(d).await.pause()).await;
    fine("unpause", async |d| paused(d).await.unpause()).await;
    fine("restart", async |d| running(d).await.restart()).await;
    fine("wait", async |d| running(d).await.wait()).await;
    fine("start", async |d| exited(d).await.start()).await;
    let wait = async |d: &Docker| running(d).await.wait_for(bowline::Condition::NextExit);
    fine("wait for", wait).await;
    let created = async |d: &Docker| d.create(ContainerSpec::new("busybox")).await.unwrap();
    fine("run", async |d| created(d).await.run()).await;
}

#[tokio::test(start_paused = true)]
async fn changes() {
    fine("rename", async |d| running(d).await.rename("other")).await;
    fine("remove", async |d| running(d).await.remove().force()).await;
    fine("remove all", async |d| d.containers().remove()).await;
    fine("prune", async |d| d.prune_containers()).await;
    fine("tag", async |d| d.image("busybox").unwrap().tag("b:2")).await;
    fine("rmi", async |d| d.image("busybox").unwrap().remove()).await;
}

#[tokio::test(start_paused = true)]
async fn second_processes() {
    let done = drop_everywhere("exec", async |d| running(d).await.exec(["x"])).await.unwrap();
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (3, &b"out"[..], &b"err"[..]));
    fine("exec, status", async |d| running(d).await.exec(["x"]).status()).await;
    let detach = async |d: &Docker| running(d).await.exec(["x"]).detach();
    fine("exec, detached", detach).await;
    fine("exec, session", async |d| running(d).await.exec(["x"]).session()).await;
}

#[tokio::test(start_paused = true)]
async fn attaching() {
    fine("attach", async |d| exited(d).await.attach()).await;
    let logs = async |d: &Docker| exited(d).await.attach().logs();
    fine("attach, logs", logs).await;
}

/// Drop at each await point what makes something: whatever was made is removed.
async fn undone_everywhere<F: IntoFuture>(
    what: &str,
    mut make: impl AsyncFnMut(&Docker) -> F,
) -> (F::Output, Arc<Mutex<Tiny>>) {
    let (fake, tiny) = tiny();
    let docker = fake.docker().await;
    let undone = |tiny: &Tiny| tiny.made == tiny.removed.len();
    let mut made_and_undone = 0;
    let dropping = at_every_await(
        async || make(&docker).await,
        async |_| {
            let next =
                tokio::time::timeout(Duration::from_secs(30), docker.version().into_future());
            assert_eq!(next.await.expect("no hang").unwrap().version, "tiny", "{what}");
            fake.until("all is removed", |_| undone(&tiny.lock().unwrap())).await;
            made_and_undone = tiny.lock().unwrap().made;
        },
    );
    let (output, _) = dropping.await;
    assert!(made_and_undone > 0, "{what}: nothing was ever made and undone");
    // Late removals, if there were any, have nothing to do with what was made last.
    fake.until("one connection is left", |f| f.open() <= 1).await;
    {
        let tiny = tiny.lock().unwrap();
        let last = format!("{:064x}", tiny.made);
        assert!(tiny.made - tiny.removed.len() <= 1, "{what}: {:?}", tiny.removed);
        if tiny.made > tiny.removed.len() {
            assert!(!tiny.removed.iter().any(|id| id.contains(&last)), "{what}");
        }
    }
    (output, tiny)
}

#[tokio::test(start_paused = true)]
async fn what_create_made_is_removed() {
    let (made, tiny) =
        undone_everywhere("create", async |d| d.create(ContainerSpec::new("busybox"))).await;
    let made = made.unwrap();
    assert!(tiny.lock().unwrap().containers.contains_key(made.id().as_str()));
}

#[tokio::test(start_paused = true)]
async fn what_run_made_is_removed() {
    let spec = || ContainerSpec::new("busybox").cmd(["x"]);
    let (output, _) = undone_everywhere("output", async |d| d.run(spec()).output()).await;
    let output = output.unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (3, &b"out"[..]));
    let (status, _) = undone_everywhere("status", async |d| d.run(spec()).status()).await;
    assert_eq!(status.unwrap().code(), 3);
    let (spawned, tiny) = undone_everywhere("spawn", async |d| d.run(spec()).spawn()).await;
    let spawned = spawned.unwrap();
    assert_eq!(tiny.lock().unwrap().containers[spawned.id().as_str()], "running");
}

#[tokio::test(start_paused = true)]
async fn what_commit_made_is_removed() {
    let (image, tiny) =
        undone_everywhere("commit", async |d| running(d).await.commit("app:tuned")).await;
    image.unwrap();
    assert!(tiny.lock().unwrap().removed.iter().all(|id| id.starts_with("sha256%3A")));
}

#[tokio::test(start_paused = true)]
async fn what_network_and_volume_creation_made_is_removed() {
    let (network, _) = undone_everywhere("network", async |d| d.create_network("backend")).await;
    assert_eq!(network.unwrap().name(), "backend");
    let unnamed = async |d: &Docker| d.create_volume(bowline::VolumeSpec::unnamed());
    let (volume, _) = undone_everywhere("volume", unnamed).await;
    assert_eq!(volume.unwrap().name().len(), 64);
    // One with a name may have been there before: it stays.
    let (fake, tiny) = tiny();
    let docker = fake.docker().await;
    at_every_await(async || docker.create_volume("data"), async |_| {}).await.0.unwrap();
    docker.version().await.unwrap();
    assert!(tiny.lock().unwrap().removed.is_empty());
}

/// An own limit drops the work as its caller would.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_late_leaves_nothing() {
    let (tiny_fake, tiny) = {
        let tiny = Arc::<Mutex<Tiny>>::default();
        let engine = tiny.clone();
        let fake = Fake::new(move |seen| match seen.route() {
            route if route.ends_with("/start") => Reply::silence(),
            _ => engine.lock().unwrap().answer(seen),
        });
        (fake, tiny)
    };
    let docker = tiny_fake.docker().await;
    let limit = Duration::from_millis(900);
    let error =
        docker.run(ContainerSpec::new("busybox")).output().timeout(limit).await.unwrap_err();
    insta::assert_snapshot!(error, @"run a container: timed out after 900ms (the whole call)");
    let tiny = tiny.lock().unwrap();
    assert_eq!((tiny.made, tiny.removed.len()), (1, 1));
}

/// The engine is slow to make it: nobody would know of a container that came too late.
#[tokio::test(start_paused = true)]
async fn a_creation_that_is_late_leaves_nothing() {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            match seen.route().as_str() {
                "POST /containers/create" => {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    let head = "HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n";
                    peer.write(format!("{head}{{\"Id\":\"f00\"}}")).await
                }
                "DELETE /containers/f00" => peer.write("HTTP/1.1 204 Gone\r\n\r\n").await,
                _ => peer.pong("1.41").await,
            };
        }
    });
    let docker = fake.docker().await;
    let second = Duration::from_secs(1);
    let error = docker.create(ContainerSpec::new("busybox")).timeout(second).await.unwrap_err();
    insta::assert_snapshot!(error, @"POST /containers/create: timed out after 1s (the whole call)");
    let removed = |f: &Fake| f.routes().iter().any(|r| r == "DELETE /containers/f00");
    fake.until("the container is removed", removed).await;
}
