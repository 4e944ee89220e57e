//! Finding one container, listing some, removing many.

use bowline::container::spec::Healthcheck;
use bowline::{Error, Lookup, Status};

use crate::support::engine::{IMAGE, Own, unique};

#[tokio::test]
async fn by_id_prefix_and_name() {
    let own = Own::new().await;
    let name = unique("find");
    let c = own.docker.create(own.idle().name(&name)).await.unwrap();
    for by in [c.id().as_str(), c.id().short(), &name, &format!("/{name}")] {
        match own.docker.container(by).await.unwrap() {
            Lookup::Created(found) => assert_eq!(found.id(), c.id()),
            other => panic!("{other:?}"),
        }
    }
    let error = own.docker.container(&name).await.unwrap().running().unwrap_err();
    let short = c.id().short();
    assert_eq!(error.to_string(), format!("container {short} is created, not running"));
    assert!(error.is_conflict());

    c.rename(format!("{name}-2")).await.unwrap();
    assert!(own.docker.container(&name).await.unwrap_err().is_not_found());
    let taken = own.docker.create(own.idle().name(format!("{name}-2"))).await.unwrap_err();
    assert!(taken.is_conflict(), "{taken}");
    let same = c.rename(format!("{name}-2")).await.unwrap_err();
    assert_eq!(same.status(), Some(400), "{same}");
}

/// Of seventeen ids two begin with the same digit.
#[tokio::test]
async fn a_prefix_that_stands_for_several() {
    let own = Own::new().await;
    let mut ids = Vec::new();
    for _ in 0..17 {
        ids.push(own.docker.create(own.idle()).await.unwrap().id().to_string());
    }
    ids.sort();
    let twice = ids.windows(2).find(|pair| pair[0][..1] == pair[1][..1]).unwrap();
    match own.docker.container(&twice[0][..1]).await.unwrap_err() {
        Error::Ambiguous(e) => {
            assert_eq!(e.prefix, twice[0][..1]);
            assert!(twice.iter().all(|id| e.matches.contains(id)), "{e:?}");
        }
        other => panic!("{other:?}"),
    }
    let none = "0123456789".repeat(6) + "abcd";
    assert!(own.docker.container(none).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn lookup_says_where_it_is() {
    let own = Own::new().await;
    let c = own.created().await;
    let id = c.id().clone();
    let c = c.lookup().await.unwrap().created().unwrap();
    let c = c.start().await.unwrap().lookup().await.unwrap().running().unwrap();
    let c = c.pause().await.unwrap().lookup().await.unwrap().paused().unwrap();
    let c = c.kill().await.unwrap().lookup().await.unwrap().exited().unwrap();
    assert_eq!(c.status().signal(), Some(9));
    let other = own.docker.container(&id).await.unwrap().any().unwrap();
    c.remove().await.unwrap();
    assert!(matches!(other.lookup().await.unwrap(), Lookup::Gone));
}

#[tokio::test]
async fn lists_by_every_filter() {
    let own = Own::new().await;
    let name = unique("list");
    let spec = own.idle().name(&name).env("A", "1").label("k", "v").publish("127.0.0.1::7000/udp");
    let spec = spec.volume("/data").healthcheck(Healthcheck::shell("true"));
    let first = own.docker.run(spec).spawn().await.unwrap();
    let second = own.docker.create(own.spec(["sh", "-c", "exit 3"])).await.unwrap();
    let second = second.run().await.unwrap();
    let (one, two) = (first.id().to_string(), second.id().to_string());

    let all = own.docker.containers().all().label(own.label());
    let ids = |list: bowline::container::List| async move {
        let rows = list.await.unwrap();
        rows.into_iter().map(|row| row.id.to_string()).collect::<Vec<_>>()
    };
    // The newest comes first.
    assert_eq!(ids(all.clone()).await, [&*two, &*one]);
    let mine = || own.docker.containers().label(own.label());
    assert_eq!(ids(mine()).await, [&*one]);
    assert_eq!(ids(mine().status(Status::Exited)).await, [&*two]);
    assert_eq!(ids(mine().status(Status::Exited).status(Status::Running)).await, [&*two, &*one]);
    assert_eq!(ids(mine().exited(3)).await, [&*two]);
    assert_eq!(ids(mine().exited(4)).await, [""; 0]);
    assert_eq!(ids(all.clone().label("k=v")).await, [&*one]);
    assert_eq!(ids(all.clone().label("k=other")).await, [""; 0]);
    assert_eq!(ids(all.clone().name(&name)).await, [&*one]);
    assert_eq!(ids(all.clone().id(&one[..20])).await, [&*one]);
    assert_eq!(ids(all.clone().ancestor(IMAGE)).await.len(), 2);
    assert_eq!(ids(all.clone().volume("/data")).await, [&*one]);
    assert_eq!(ids(all.clone().network("bridge")).await.len(), 2);
    assert_eq!(ids(all.clone().before(&two)).await, [&*one]);
    assert_eq!(ids(all.clone().since(&one)).await, [&*two]);
    assert_eq!(ids(all.clone().health("none")).await, [&*two]);
    assert_eq!(ids(all.clone().last(1)).await.len(), 1);
    let bad = all.clone().status(Status::Other("odd".into())).await.unwrap_err();
    assert_eq!(bad.status(), Some(400), "{bad}");

    let rows = all.clone().size().await.unwrap();
    let row = &rows[1];
    assert_eq!((row.name.as_str(), row.image.as_str()), (name.as_str(), IMAGE));
    assert_eq!(row.state, Status::Running);
    assert!(row.status.starts_with("Up "), "{}", row.status);
    assert!(row.command.contains("trap"), "{}", row.command);
    assert!(row.size_root_fs > 1_000_000);
    let port = &row.ports[0];
    assert_eq!((port.private_port, port.protocol.to_string()), (7000, "udp".to_owned()));
    assert_eq!((port.public_port.is_some(), port.ip), (true, "127.0.0.1".parse().ok()));
    assert!(row.networks.iter().any(|n| n.network == "bridge" && n.ip_address.is_some()));
    assert_eq!(row.mounts[0].destination, "/data");
}

#[tokio::test]
async fn all_exited_ones_go_at_once() {
    let own = Own::new().await;
    let mut exited = Vec::new();
    for _ in 0..3 {
        let c = own.docker.create(own.spec(["true"])).await.unwrap().run().await.unwrap();
        exited.push(c.id().clone());
    }
    let running = own.running().await;
    let mine = || own.docker.containers().label(own.label());
    let gone = mine().status(Status::Exited).remove().await.unwrap();
    let mut removed = gone.removed;
    removed.sort();
    exited.sort();
    assert_eq!(removed, exited);
    assert!(gone.failed.is_empty());

    // One that cannot be removed stops nothing.
    let created = own.created().await;
    let gone = mine().all().remove().await.unwrap();
    assert_eq!(gone.removed, [created.id().clone()]);
    let [(id, error)] = &gone.failed[..] else { panic!("{gone:?}") };
    assert!(id == running.id() && error.is_conflict(), "{error}");
    let gone = mine().remove().force().volumes().await.unwrap();
    assert_eq!((gone.removed.len(), own.left().await), (1, 0));
}

#[tokio::test]
async fn prune_spares_what_is_not_meant() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["true"]).label("keep", "1")).await.unwrap();
    let kept = c.run().await.unwrap();
    let c = own.docker.create(own.spec(["sh", "-c", "echo x > /file"])).await.unwrap();
    let pruned = c.run().await.unwrap();
    let running = own.running().await;
    let done =
        own.docker.prune_containers().label(own.label()).without_label("keep").await.unwrap();
    assert_eq!(done.containers, [pruned.id().clone()]);
    assert!(done.space_reclaimed > 0);
    assert_eq!(own.left().await, 2);
    let nothing = own.docker.prune_containers().label(own.label()).until("24h").await.unwrap();
    assert_eq!((nothing.containers.len(), nothing.space_reclaimed), (0, 0));
    drop((kept.forget(), running.forget()));
}

#[tokio::test]
async fn a_container_that_others_remove_at_once() {
    let own = Own::new().await;
    // Which of them finds what is a matter of moments.
    for _ in 0..10 {
        let id = own.running().await.id().clone();
        let one = own.docker.container(&id).await.unwrap().any().unwrap();
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..4 {
            racing.spawn(one.clone().remove().force().into_future());
        }
        for came in racing.join_all().await {
            came.unwrap();
        }
    }
    assert_eq!(own.left().await, 0);
}
