//! A handle says what it saw last; the container may be elsewhere by now. Every verb of every
//! handle meets every state that a container can drift into, and what comes of it is written down.

use std::sync::Arc;
use std::time::Duration;

use bowline::container::spec::RestartPolicy;
use bowline::container::{Attached, State};
use bowline::{Condition, Container, Error, ExitStatus, Lookup, Status};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::engine::{Own, unique};

const SOON: Duration = Duration::from_millis(300);

/// The verbs that only one handle has, and the verbs that all have.
const VERBS: [(&str, &[&str]); 5] = [
    ("Created", &["start", "attach"]),
    ("Running", &["attach", "exec", "pause", "stop", "kill", "signal", "restart", "wait"]),
    ("Paused", &["unpause", "stop", "kill", "restart", "wait"]),
    ("Exited", &["start", "restart", "attach"]),
    (
        "Unknown",
        &["lookup", "logs", "rename", "update", "commit", "wait_for", "remove", "remove --force"],
    ),
];

/// The states that a container may be in by now. Created is one that nothing drifts into.
const STATES: [&str; 6] = ["created", "running", "paused", "restarting", "exited", "gone"];

#[tokio::test]
async fn every_verb_meets_every_state() {
    let own = Arc::new(Own::new().await);
    // Most of a cell is waiting for the engine, or for a restart policy to grow slow.
    let room = Arc::new(Semaphore::new(6));
    let mut cells = JoinSet::new();
    for (n, (claimed, verbs)) in VERBS.into_iter().enumerate() {
        for verb in verbs {
            for (m, actual) in STATES.into_iter().enumerate() {
                if actual == "created" && !matches!(claimed, "Created" | "Unknown") {
                    continue;
                }
                let (own, room) = (own.clone(), room.clone());
                cells.spawn(async move {
                    let _room = room.acquire().await.unwrap();
                    let said = cell(&own, claimed, verb, actual).await;
                    (n, *verb, m, format!("{claimed:7}  {verb:14}  {actual:10}  {said}"))
                });
            }
        }
    }
    let mut rows = cells.join_all().await;
    rows.sort();
    let table: Vec<String> = rows.into_iter().map(|(.., row)| row).collect();
    insta::assert_snapshot!(table.join("\n"));
}

/// Get a handle that claims one state, move the container to another, and try.
async fn cell(own: &Own, claimed: &str, verb: &str, actual: &str) -> String {
    let mut spec = own.spec([
        "sh",
        "-c",
        "trap 'exit 3' TERM; until [ -e /die ]; do sleep 0.05; done; exit 1",
    ]);
    if actual == "restarting" {
        spec = spec.restart(RestartPolicy::Always);
    }
    let created = own.docker.create(spec).await.unwrap();
    let id = created.id().clone();
    let said = match claimed {
        "Created" => {
            drift(own, &id, "created", actual).await;
            match verb {
                "start" => on(created.start().await),
                "attach" => attached(created.attach().await),
                other => panic!("{other}"),
            }
        }
        "Running" => {
            let c = created.start().await.unwrap();
            drift(own, &id, "running", actual).await;
            match verb {
                "attach" => attached(c.attach().await),
                "exec" => match c.exec(["true"]).await {
                    Ok(out) => out.status.to_string(),
                    Err(e) => refused(e),
                },
                "pause" => on(c.pause().await),
                "stop" => on(c.stop().await),
                "kill" => on(c.kill().await),
                "signal" => match c.kill().signal("WINCH").await {
                    Ok(found) => {
                        let state = found.state().to_string();
                        // The engine thaws a paused one, and gives a restarting one up, a moment
                        // after it has answered: what is found until then is either.
                        let later = [("paused", "running"), ("restarting", "exited")];
                        match later.into_iter().find(|(before, _)| *before == actual) {
                            Some((a, b)) if state == a || state == b => format!("found {a} or {b}"),
                            _ => format!("found {state}"),
                        }
                    }
                    Err(e) => refused(e.into()),
                },
                "restart" => on(c.restart().await),
                "wait" => on(c.wait().timeout(SOON).await),
                other => panic!("{other}"),
            }
        }
        "Paused" => {
            let c = created.start().await.unwrap().pause().await.unwrap();
            drift(own, &id, "paused", actual).await;
            match verb {
                "unpause" => on(c.unpause().await),
                "stop" => on(c.stop().await),
                "kill" => on(c.kill().await),
                "restart" => on(c.restart().await),
                "wait" => on(c.wait().timeout(SOON).await),
                other => panic!("{other}"),
            }
        }
        "Exited" => {
            let c = created.start().await.unwrap().kill().await.unwrap();
            drift(own, &id, "exited", actual).await;
            match verb {
                "start" => on(c.start().await),
                "attach" => attached(c.attach().await),
                "restart" => on(c.restart().await),
                other => panic!("{other}"),
            }
        }
        _ => {
            drift(own, &id, "created", actual).await;
            shared(created.forget(), verb).await
        }
    };
    let after = own.state(&id).await;
    // A restart policy moves on by itself.
    let after = if actual == "restarting" && after != "gone" { String::new() } else { after };
    if let Ok(Some(left)) = own.docker.container(&id).await.map(Lookup::any) {
        left.remove().force().await.unwrap();
    }
    format!("{said}; {after}").trim_end_matches("; ").to_owned()
}

async fn shared(c: Container, verb: &str) -> String {
    let done = |said: Result<String, Error>| said.unwrap_or_else(refused);
    match verb {
        "lookup" => match c.lookup().await {
            Ok(found) => format!("found {}", found.state()),
            Err(e) => refused(e.into()),
        },
        "logs" => done(c.logs().collect().await.map(|_| "done".to_owned())),
        "rename" => done(c.rename(unique("renamed")).await.map(|()| "done".to_owned())),
        "update" => done(c.update().cpu_shares(512).await.map(|_| "done".to_owned())),
        "commit" => match c.commit(&*unique("commit")).await {
            Ok(image) => {
                image.remove().await.unwrap();
                "done".to_owned()
            }
            Err(e) => refused(e),
        },
        "wait_for" => {
            let status = c.wait_for(Condition::NotRunning).timeout(SOON).await;
            done(status.map(|status: ExitStatus| status.to_string()))
        }
        "remove" => gone(c.remove().await.map_err(Error::from)),
        "remove --force" => gone(c.remove().force().await.map_err(Error::from)),
        other => panic!("{other}"),
    }
}

/// Move a container from one state to another behind its handle's back.
async fn drift(own: &Own, id: &bowline::ContainerId, from: &str, to: &str) {
    if from == to {
        return;
    }
    let find = || async { own.docker.container(id).await.unwrap() };
    if to == "gone" {
        return find().await.any().unwrap().remove().force().await.unwrap();
    }
    let running = match find().await {
        Lookup::Created(c) => c.start().await.unwrap(),
        Lookup::Paused(c) => c.unpause().await.unwrap(),
        Lookup::Exited(c) => c.start().await.unwrap(),
        Lookup::Running(c) => c,
        other => panic!("{other:?}"),
    };
    match to {
        "running" => drop(own.state(id).await),
        "paused" => drop(running.pause().await.unwrap().forget()),
        "exited" => drop(running.kill().await.unwrap().forget()),
        "restarting" => {
            running.exec(["touch", "/die"]).status().await.unwrap();
            // The policy waits twice as long each time; the fifth wait outlasts a test.
            loop {
                let seen = running.inspect().await.unwrap();
                if seen.restart_count >= 5 && seen.state.status == Status::Restarting {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        other => panic!("{other}"),
    }
}

fn on<S: State>(came: Result<Container<S>, bowline::TransitionError>) -> String {
    match came {
        Ok(_) => std::any::type_name::<S>().rsplit("::").next().unwrap().to_owned(),
        Err(e) => refused(e.error),
    }
}

fn attached(came: Result<Attached, Error>) -> String {
    came.map_or_else(refused, |_| "attached".to_owned())
}

fn gone(came: Result<(), Error>) -> String {
    came.map_or_else(refused, |()| "done".to_owned())
}

fn refused(e: Error) -> String {
    match &e {
        Error::Timeout(_) => "waits".to_owned(),
        Error::State(e) => format!("refused: it is {}, not {}", e.found, e.wanted),
        e if e.is_not_found() => "not found".to_owned(),
        e if e.is_conflict() => "conflict".to_owned(),
        e => panic!("{e}"),
    }
}
