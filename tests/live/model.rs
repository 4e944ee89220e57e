//! Random verbs, ours and somebody else's, against a model of a container's life.

use bowline::{Container, Created, Docker, Error, Exited, Lookup, Paused, Running};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::engine::Own;

/// What is done to the container, through the handle or (`Other`) behind its back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Start,
    Pause,
    Unpause,
    Stop,
    Kill,
    Restart,
    Exec,
    Remove,
    OtherStart,
    OtherPause,
    OtherUnpause,
    OtherKill,
    OtherRemove,
}

/// Where the container is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Created,
    Running,
    Paused,
    Exited,
    Gone,
}

/// A handle in whatever state it claims.
enum Held {
    Created(Container<Created>),
    Running(Container<Running>),
    Paused(Container<Paused>),
    Exited(Container<Exited>),
}

impl Op {
    /// Say where an engine goes from `at`; `None` where it refuses.
    fn leads(self, at: At) -> Option<At> {
        use At::{Created, Exited, Gone, Paused, Running};
        match (self, at) {
            (Op::Remove | Op::OtherRemove, Gone) => Some(Gone),
            (_, Gone) => None,
            (Op::Start | Op::OtherStart, Created | Running | Exited) => Some(Running),
            (Op::Pause | Op::OtherPause, Running | Paused) => Some(Paused),
            (Op::Unpause | Op::OtherUnpause, Running | Paused) => Some(Running),
            (Op::Stop | Op::Kill | Op::OtherKill, Running | Paused | Exited) => Some(Exited),
            (Op::Restart, _) => Some(Running),
            (Op::Exec, Running) => Some(Running),
            (Op::Remove, Created | Exited) => Some(Gone),
            (Op::OtherRemove, _) => Some(Gone),
            _ => None,
        }
    }
}

#[test]
fn random_verbs_follow_the_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let own = runtime.block_on(Own::new());
    let ops = prop::sample::select(vec![
        Op::Start,
        Op::Start,
        Op::Start,
        Op::Pause,
        Op::Pause,
        Op::Unpause,
        Op::Stop,
        Op::Kill,
        Op::Restart,
        Op::Exec,
        Op::Remove,
        Op::OtherStart,
        Op::OtherPause,
        Op::OtherUnpause,
        Op::OtherKill,
        Op::OtherRemove,
    ]);
    let config =
        Config { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(ops, 4..14), |ops| {
            runtime.block_on(live(&own, &ops)).map_err(TestCaseError::fail)
        })
        .unwrap();
}

async fn live(own: &Own, ops: &[Op]) -> Result<(), String> {
    let created = own.created().await;
    let id = created.id().clone();
    let mut held = Some(Held::Created(created));
    let mut at = At::Created;
    for op in ops {
        let Some(handle) = held.take() else { break };
        let leads = op.leads(at);
        let (now, came) = step(&own.docker, &id, handle, *op).await;
        let Some(came) = came else {
            held = now;
            continue;
        };
        if came.is_ok() != leads.is_some() {
            return Err(format!("{op:?} at {at:?} came to {came:?}, the model says {leads:?}"));
        }
        at = leads.unwrap_or(at);
        held = now;
        if came.is_err() {
            // The handle claims nothing any more: sort it anew.
            held = look(&own.docker, &id).await;
        }
        own.state(&id).await;
        let found = look(&own.docker, &id).await.map_or(At::Gone, |held| held.at());
        if found != at {
            return Err(format!("after {op:?} the engine is at {found:?}, the model at {at:?}"));
        }
        if let Some(held) = held.as_ref().filter(|_| came.is_ok() && !op.is_others()) {
            if held.at() != at {
                return Err(format!("after {op:?} the handle claims {:?}, not {at:?}", held.at()));
            }
        }
    }
    if let Some(held) = look(&own.docker, &id).await {
        held.forget().remove().force().await.map_err(|e| e.to_string())?;
    }
    Ok(())
}

async fn look(docker: &Docker, id: &bowline::ContainerId) -> Option<Held> {
    match docker.container(id).await {
        Ok(Lookup::Created(c)) => Some(Held::Created(c)),
        Ok(Lookup::Running(c)) => Some(Held::Running(c)),
        Ok(Lookup::Paused(c)) => Some(Held::Paused(c)),
        Ok(Lookup::Exited(c)) => Some(Held::Exited(c)),
        Err(e) if e.is_not_found() => None,
        other => panic!("{other:?}"),
    }
}

impl Held {
    fn at(&self) -> At {
        match self {
            Held::Created(_) => At::Created,
            Held::Running(_) => At::Running,
            Held::Paused(_) => At::Paused,
            Held::Exited(_) => At::Exited,
        }
    }

    fn forget(self) -> Container {
        match self {
            Held::Created(c) => c.forget(),
            Held::Running(c) => c.forget(),
            Held::Paused(c) => c.forget(),
            Held::Exited(c) => c.forget(),
        }
    }
}

impl Op {
    fn is_others(self) -> bool {
        use Op::{OtherKill, OtherPause, OtherRemove, OtherStart, OtherUnpause};
        matches!(self, OtherStart | OtherPause | OtherUnpause | OtherKill | OtherRemove)
    }
}

/// What is held after a step, and what came of it; nothing where the handle has no such verb.
type Came = (Option<Held>, Option<Result<(), Error>>);

/// Do one thing.
async fn step(docker: &Docker, id: &bowline::ContainerId, held: Held, op: Op) -> Came {
    fn came<S: bowline::container::State>(
        done: Result<Container<S>, bowline::TransitionError>,
        hold: fn(Container<S>) -> Held,
    ) -> Came {
        match done {
            Ok(c) => (Some(hold(c)), Some(Ok(()))),
            Err(e) => (None, Some(Err(e.error))),
        }
    }
    if op.is_others() {
        return other(docker, id, held, op).await;
    }
    match (op, held) {
        (Op::Start, Held::Created(c)) => came(c.start().await, Held::Running),
        (Op::Start, Held::Exited(c)) => came(c.start().await, Held::Running),
        (Op::Pause, Held::Running(c)) => came(c.pause().await, Held::Paused),
        (Op::Unpause, Held::Paused(c)) => came(c.unpause().await, Held::Running),
        (Op::Stop, Held::Running(c)) => came(c.stop().await, Held::Exited),
        (Op::Stop, Held::Paused(c)) => came(c.stop().await, Held::Exited),
        (Op::Kill, Held::Running(c)) => came(c.kill().await, Held::Exited),
        (Op::Kill, Held::Paused(c)) => came(c.kill().await, Held::Exited),
        (Op::Restart, Held::Running(c)) => came(c.restart().await, Held::Running),
        (Op::Restart, Held::Paused(c)) => came(c.restart().await, Held::Running),
        (Op::Restart, Held::Exited(c)) => came(c.restart().await, Held::Running),
        (Op::Exec, Held::Running(c)) => {
            let done = c.exec(["true"]).await;
            (Some(Held::Running(c)), Some(done.map(|out| assert!(out.status.success()))))
        }
        (Op::Remove, held) => (None, Some(held.forget().remove().await.map_err(Error::from))),
        (_, held) => (Some(held), None),
    }
}

/// Somebody else, with a handle of their own, does what can be done in the state they find.
async fn other(docker: &Docker, id: &bowline::ContainerId, held: Held, op: Op) -> Came {
    let done = match (op, look(docker, id).await) {
        (Op::OtherStart, Some(Held::Created(c))) => c.start().await.map(drop),
        (Op::OtherStart, Some(Held::Exited(c))) => c.start().await.map(drop),
        (Op::OtherPause, Some(Held::Running(c))) => c.pause().await.map(drop),
        (Op::OtherUnpause, Some(Held::Paused(c))) => c.unpause().await.map(drop),
        (Op::OtherKill, Some(Held::Running(c))) => c.kill().await.map(drop),
        (Op::OtherKill, Some(Held::Paused(c))) => c.kill().await.map(drop),
        (Op::OtherRemove, Some(found)) => found.forget().remove().force().await,
        _ => return (Some(held), None),
    };
    (Some(held), Some(done.map_err(Error::from)))
}
