//! Volumes on a real engine.

use bowline::VolumeSpec;
use bowline::container::spec::Mount;

use crate::support::engine::{Own, followed_up, unique};

#[tokio::test]
async fn what_is_asked_for_is_made() {
    let own = Own::new().await;
    let spec = own
        .volume()
        .driver("local")
        .opt("type", "tmpfs")
        .opt("device", "tmpfs")
        .opt("o", "size=1m,uid=7")
        .label("empty", "");
    let volume = own.docker.create_volume(&spec).await.unwrap();
    assert_eq!(Some(volume.name()), spec.name());
    // The second time finds it there.
    assert_eq!(own.docker.create_volume(&spec).await.unwrap().name(), volume.name());
    let made = volume.inspect().await.unwrap();
    assert_eq!((made.name.as_str(), made.driver.as_str()), (volume.name(), "local"));
    assert_eq!((made.scope.as_str(), made.labels.get("empty")), ("local", Some("")));
    assert_eq!((made.options.get("o"), made.options.len()), (Some("size=1m,uid=7"), 3));
    assert!(made.created_at.is_some() && made.mountpoint.contains(volume.name()));
    assert_eq!(made.raw()["Name"], volume.name());
    assert!(made.cluster_volume.is_none());
    let stat = own.spec(["stat", "-c", "%u", "/data"]).mount(Mount::volume(&volume, "/data"));
    let output = own.docker.run(stat).output().await.unwrap();
    assert_eq!(output.stdout_lossy(), "7\n");
    let elsewhere = VolumeSpec::new(volume.name()).driver("no-such-driver");
    assert!(own.docker.create_volume(elsewhere).await.is_err());
}

#[tokio::test]
async fn volumes_are_listed_and_removed() {
    let own = Own::new().await;
    let used = own.docker.create_volume(own.volume()).await.unwrap();
    let free = own.docker.create_volume(own.volume()).await.unwrap();
    let spec = own.idle().mount(Mount::volume(&used, "/data"));
    let web = own.docker.run(spec).spawn().await.unwrap();
    let list = || own.docker.volumes().label(own.label());
    let names = async |list: bowline::volume::ListVolumes| {
        let found = list.await.unwrap();
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        let mut names: Vec<_> = found.volumes.into_iter().map(|v| v.name).collect();
        names.sort();
        names
    };
    let mut both = [used.name(), free.name()];
    both.sort();
    assert_eq!(names(list()).await, both);
    assert_eq!(names(list().driver("local").dangling(true)).await, [free.name()]);
    assert_eq!(names(list().dangling(false)).await, [used.name()]);
    assert_eq!(names(list().name(free.name())).await, [free.name()]);

    for force in [false, true] {
        let remove = if force { used.remove().force() } else { used.remove() };
        assert!(remove.await.unwrap_err().is_conflict());
    }
    web.remove().force().await.unwrap();
    used.remove().await.unwrap();
    used.remove().await.unwrap();
    assert!(used.inspect().await.unwrap_err().is_not_found());
    let none = own.docker.volume(unique("none")).unwrap();
    none.remove().force().await.unwrap();
    assert!(none.update().await.unwrap_err().is_not_found());
    let error = free.update().await.unwrap_err();
    assert!(matches!(error, bowline::Error::InvalidInput(_)), "{error}");
}

/// Never one with a name unless that is asked for, on old engines neither.
#[tokio::test]
async fn a_prune_takes_the_nameless() {
    let own = Own::new().await;
    let label = own.label();
    let (key, value) = label.split_once('=').unwrap();
    let named = own.docker.create_volume(own.volume()).await.unwrap();
    let nameless = VolumeSpec::unnamed().label(key, value);
    let nameless = own.docker.create_volume(nameless).await.unwrap();
    let spared = VolumeSpec::unnamed().label(key, value).label("spare", "me");
    let spared = own.docker.create_volume(spared).await.unwrap();
    let prune = || own.docker.prune_volumes().label(own.label());
    let pruned = prune().without_label("spare=me").await.unwrap();
    assert_eq!(pruned.volumes, [nameless.name()]);
    assert!(prune().without_label("spare").await.unwrap().volumes.is_empty());
    named.inspect().await.unwrap();
    let pruned = prune().all().await.unwrap();
    assert_eq!((pruned.volumes.len(), pruned.space_reclaimed), (2, Some(0)));
    assert!(pruned.volumes.iter().any(|name| name == spared.name()));
}

/// One without a name is removed by the follow-up; one with a name may have been there before.
#[tokio::test]
async fn creations_cancelled_at_any_moment() {
    let own = Own::new().await;
    let label = own.label();
    let (key, value) = label.split_once('=').unwrap();
    let kept = own.docker.create_volume(own.volume()).await.unwrap();
    for n in 0..30 {
        let limit = std::time::Duration::from_micros(n * 200);
        let create = own.docker.create_volume(VolumeSpec::unnamed().label(key, value));
        if let Ok(made) = tokio::time::timeout(limit, create.into_future()).await {
            made.unwrap().remove().await.unwrap();
        }
        let again = own.docker.create_volume(kept.name()).into_future();
        let _ = tokio::time::timeout(limit, again).await;
    }
    followed_up().await;
    let left = own.docker.volumes().label(own.label()).await.unwrap().volumes;
    assert_eq!(left.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), [kept.name()]);
}
