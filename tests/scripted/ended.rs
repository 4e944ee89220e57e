//! Two states that no real engine stays in on demand: under removal, and "dead", a removal that
//! failed half-way. The answers are those of Docker 20.10.

use std::sync::{Arc, Mutex};

use bowline::container::State;
use bowline::{Condition, Container, Docker, Error, Lookup};
use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen};

const ID: &str = "f00";

fn answer(state: &str, seen: &Seen) -> Reply {
    let refuse = |status, words: &str| Reply::json(status, json!({"message": words}));
    let route = seen.route();
    let (_, verb) = route.rsplit_once('/').unwrap();
    let removing = state == "removing";
    match (seen.method.as_str(), verb) {
        ("GET", "json") if route.contains("exec") => Reply::json(200, json!({"ExitCode": 0})),
        ("GET", "json") => Reply::json(
            200,
            json!({"Id": ID, "State": {"Status": state, "ExitCode": 137}, "Config": {"Tty": false}}),
        ),
        ("POST", "stop") => Reply::empty(304),
        ("POST", "start" | "kill" | "pause" | "exec") => refuse(409, "it is not running"),
        ("POST", "unpause") => refuse(500, "it is not paused"),
        ("POST", "restart") => refuse(500, "it is marked for removal"),
        ("POST", "update") => refuse(500, "it is marked for removal"),
        ("POST", "rename") => Reply::empty(204),
        ("GET", "logs") => refuse(409, "it is dead or marked for removal"),
        ("POST", "commit") => refuse(409, "it is dead"),
        ("POST", "wait") if removing => Reply::json(200, json!({"StatusCode": 137})),
        ("POST", "wait") => {
            Reply::json(200, json!({"StatusCode": 137, "Error": {"Message": "the layer is stuck"}}))
        }
        ("DELETE", _) if removing => refuse(409, "removal is already in progress"),
        ("DELETE", _) => refuse(500, "the layer is stuck"),
        other => panic!("{other:?}"),
    }
}

/// A handle that was got while the container was elsewhere.
async fn handle(docker: &Docker, state: &Mutex<&'static str>, claimed: &'static str) -> Lookup {
    let meant = std::mem::replace(&mut *state.lock().unwrap(), claimed);
    let found = docker.container(ID).await.unwrap();
    *state.lock().unwrap() = meant;
    found
}

fn on<S: State>(came: Result<Container<S>, bowline::TransitionError>) -> String {
    match came {
        Ok(_) => std::any::type_name::<S>().rsplit("::").next().unwrap().to_owned(),
        Err(e) => refused(e.error),
    }
}

fn done<T>(came: Result<T, Error>) -> String {
    came.map_or_else(refused, |_| "done".to_owned())
}

fn refused(e: Error) -> String {
    match &e {
        Error::State(e) => format!("refused: it is {}, not {}", e.found, e.wanted),
        e if e.is_conflict() => "conflict".to_owned(),
        Error::Stream(e) => format!("{:?}", e.fault),
        e => format!("status {:?}", e.status()),
    }
}

async fn table(now: &'static str) -> String {
    let state = Arc::new(Mutex::new(now));
    let at = state.clone();
    let fake = Fake::new(move |seen| answer(*at.lock().unwrap(), seen));
    let docker = fake.docker().await;
    let mut rows = Vec::new();
    let mut row = |verb: &str, came: String| rows.push(format!("{verb:18} {came}"));

    let running = || async { handle(&docker, &state, "running").await.running().unwrap() };
    let paused = || async { handle(&docker, &state, "paused").await.paused().unwrap() };
    let exited = || async { handle(&docker, &state, "exited").await.exited().unwrap() };
    row("start", on(exited().await.start().await));
    row("stop", on(running().await.stop().await));
    row("kill", on(running().await.kill().await));
    row("pause", on(running().await.pause().await));
    row("unpause", on(paused().await.unpause().await));
    row("restart", on(running().await.restart().await));
    row("wait", on(running().await.wait().await));
    row("exec", done(running().await.exec(["true"]).await));
    let signal = running().await.kill().signal("HUP").await;
    row("signal", done(signal.map_err(Error::from)));
    let any = || async { running().await.forget() };
    let found = any().await.lookup().await.map(|found| found.state().to_string());
    row("lookup", found.unwrap_or_else(|e| refused(e.error)));
    row("rename", done(any().await.rename("other").await));
    row("update", done(any().await.update().cpu_shares(2).await));
    row("logs", done(any().await.logs().collect().await));
    row("commit", done(any().await.commit("a").await));
    row("wait_for removed", done(any().await.wait_for(Condition::Removed).await));
    row("remove", done(any().await.remove().await.map_err(Error::from)));
    row("remove --force", done(any().await.remove().force().await.map_err(Error::from)));
    rows.join("\n")
}

#[tokio::test]
async fn under_removal() {
    insta::assert_snapshot!(table("removing").await, @r"
    start              conflict
    stop               Exited
    kill               conflict
    pause              conflict
    unpause            refused: it is removing, not paused
    restart            status Some(500)
    wait               Exited
    exec               conflict
    signal             conflict
    lookup             removing
    rename             done
    update             status Some(500)
    logs               conflict
    commit             conflict
    wait_for removed   done
    remove             done
    remove --force     done
    ");
}

#[tokio::test]
async fn removed_by_halves() {
    insta::assert_snapshot!(table("dead").await, @r#"
    start              conflict
    stop               Exited
    kill               conflict
    pause              conflict
    unpause            refused: it is dead, not paused
    restart            status Some(500)
    wait               Engine("the layer is stuck")
    exec               conflict
    signal             conflict
    lookup             dead
    rename             done
    update             status Some(500)
    logs               conflict
    commit             conflict
    wait_for removed   Engine("the layer is stuck")
    remove             status Some(500)
    remove --force     status Some(500)
    "#);
}

#[tokio::test]
async fn a_removal_that_is_through_before_the_engine_listens_is_not_waited_for() {
    // Docker 20.10 looks a container up and listens for its end then; what happens in between it
    // never tells.
    let gone = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen_gone = gone.clone();
    let fake = Fake::apart(move |seen: &Seen| {
        use std::sync::atomic::Ordering::SeqCst;
        match (seen.method.as_str(), seen.route().rsplit_once('/').unwrap().1) {
            ("GET", "json") if gone.load(SeqCst) => {
                Reply::json(404, json!({"message": "no such container"}))
            }
            ("GET", "json") => Reply::json(200, json!({"Id": ID, "State": {"Status": "running"}})),
            ("POST", "wait") => {
                gone.store(true, SeqCst);
                Reply::chunks(200, Vec::<Vec<u8>>::new()).stall()
            }
            ("DELETE", _) => Reply::json(409, json!({"message": "removal is in progress"})),
            other => panic!("{other:?}"),
        }
    });
    let docker = fake.docker().await;
    let find = || async { docker.container(ID).await.unwrap().any().unwrap() };
    let limit = std::time::Duration::from_secs(20);
    let web = find().await;
    web.remove().force().timeout(limit).await.unwrap();
    for condition in [Condition::Removed, Condition::NextExit] {
        seen_gone.store(false, std::sync::atomic::Ordering::SeqCst);
        let web = find().await;
        let came = web.wait_for(condition).timeout(limit).await;
        assert!(came.unwrap_err().is_not_found(), "{condition:?}");
    }
}
