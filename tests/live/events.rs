//! What happens on the engine.

use std::time::Duration;

use bowline::container::spec::Healthcheck;
use bowline::events::{Action, EventKind, EventScope};

use crate::support::engine::{Own, docker};

#[tokio::test]
async fn the_life_of_a_container() {
    let own = Own::new().await;
    let mut events =
        own.docker.events().label(own.label()).kind(EventKind::Container).await.unwrap();
    let c = own.docker.create(own.spec(["sh", "-c", "exit 7"])).await.unwrap().run().await.unwrap();
    let id = c.id().clone();
    c.remove().await.unwrap();
    let mut seen = Vec::new();
    let mut times = Vec::new();
    while seen.last() != Some(&Action::Destroy) {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!((event.actor.id.as_str(), &event.scope), (id.as_str(), &EventScope::Local));
        assert_eq!(event.exit_code(), (event.action == Action::Die).then_some(7));
        assert_eq!(event.actor.attributes.get("image"), Some("busybox"));
        assert!(event.name().is_some());
        times.push(event.time.unwrap());
        seen.push(event.action);
    }
    assert_eq!(seen, [Action::Create, Action::Start, Action::Die, Action::Destroy]);
    assert!(times.is_sorted(), "{times:?}");

    // The same again, from what the engine remembers, to its end.
    let again = own.docker.events().container(&id).since(times[0]).until(times[2]);
    let mut again = again.kind(EventKind::Container).await.unwrap();
    for action in &seen[..3] {
        assert_eq!(again.next().await.unwrap().unwrap().action, *action);
    }
    assert!(again.next().await.is_none());
}

#[tokio::test]
async fn by_what_they_are() {
    let own = Own::new().await;
    let c = own.running().await;
    let ask = own.docker.events().container(c.id()).action(Action::ExecStart(String::new()));
    let mut events = ask.action(Action::ExecDie).await.unwrap();
    c.exec(["sh", "-c", "exit 3"]).await.unwrap();
    let start = events.next().await.unwrap().unwrap();
    assert_eq!(start.action, Action::ExecStart("sh -c exit 3".into()));
    let die = events.next().await.unwrap().unwrap();
    assert_eq!((&die.action, die.exit_code()), (&Action::ExecDie, Some(3)));
}

#[tokio::test]
async fn a_health_check() {
    let own = Own::new().await;
    let check = Healthcheck::shell("true").interval(Duration::from_secs(1));
    let spec = own.idle().healthcheck(check);
    let ask = own.docker.events().label(own.label());
    let mut events = ask.action(Action::HealthStatus("healthy".into())).await.unwrap();
    let _c = own.docker.run(spec).spawn().await.unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.action, Action::HealthStatus("healthy".into()));
}

#[tokio::test]
async fn moments_in_the_wrong_order() {
    let docker = docker().await;
    let at = bowline::Timestamp::from_secs;
    let error = docker.events().since(at(2_000)).until(at(1_000)).await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
}
