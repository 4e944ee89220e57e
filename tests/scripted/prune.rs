//! Clearing away, where engines differ or fail in part.

use bowline::Error;
use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen};

#[tokio::test]
async fn a_prune_of_everything_goes_on_where_a_part_fails() {
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "POST /containers/prune" => {
            Reply::json(200, json!({"ContainersDeleted": ["c1"], "SpaceReclaimed": 1}))
        }
        "POST /networks/prune" => Reply::json(409, json!({"message": "a prune is running"})),
        "POST /volumes/prune" => {
            Reply::json(200, json!({"VolumesDeleted": ["v"], "SpaceReclaimed": 10}))
        }
        "POST /images/prune" => {
            let gone = json!([{"Untagged": "a:1"}, {"Deleted": "sha256:a"}]);
            Reply::json(200, json!({"ImagesDeleted": gone, "SpaceReclaimed": 100}))
        }
        "POST /build/prune" => {
            Reply::json(200, json!({"CachesDeleted": ["b"], "SpaceReclaimed": 1000}))
        }
        _ => Reply::empty(500),
    })
    .api("1.44");
    let docker = fake.docker().await;
    let done = docker.prune().all().volumes().await.unwrap();
    assert_eq!((done.containers.len(), done.networks.len()), (1, 0));
    assert_eq!((done.volumes, done.images.untagged), (vec!["v".into()], vec!["a:1".into()]));
    assert_eq!((done.build_cache, done.space_reclaimed), (vec!["b".into()], 1111));
    let [failed] = &done.failed[..] else { panic!("{:?}", done.failed) };
    assert!(failed.is_conflict(), "{failed}");

    let before = fake.routes().len();
    let done = docker.prune().until("10m").await.unwrap();
    assert!(done.volumes.is_empty());
    let all = fake.requests();
    assert_eq!(fake.routes().len() - before, 4, "no volumes unless asked for");
    assert!(all[all.len() - 4..].iter().all(|s| s.target.contains("until")));
    // Labels: the build cache has none.
    let before = fake.routes().len();
    let _ = docker.prune().label("a").without_label("b").await.unwrap();
    assert_eq!(fake.routes().len() - before, 3);
    let sent = fake.requests().len();
    let error = docker.prune().volumes().until("10m").await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)) && fake.requests().len() == sent);
}

/// An old engine would take volumes with names too: it is not asked to prune.
#[tokio::test]
async fn anonymous_volumes_alone_on_an_old_engine() {
    let nameless = "0f".repeat(32);
    let in_use = "1f".repeat(32);
    let spared = "2f".repeat(32);
    let rows = json!({"Volumes": [{"Name": "data"}, {"Name": nameless}, {"Name": in_use},
        {"Name": spared, "Labels": {"keep": "1"}}], "Warnings": null});
    let conflict = in_use.clone();
    let fake = Fake::new(move |seen| match seen.method.as_str() {
        "GET" => Reply::json(200, rows.clone()),
        "DELETE" if seen.target.ends_with(&conflict) => {
            Reply::json(409, json!({"message": "used"}))
        }
        "DELETE" => Reply::empty(204),
        _ => Reply::json(200, json!({"VolumesDeleted": ["data"], "SpaceReclaimed": 3})),
    });
    let docker = fake.docker().await;
    let pruned = docker.prune_volumes().without_label("keep").await.unwrap();
    assert_eq!(
        (pruned.volumes.as_slice(), pruned.space_reclaimed),
        (&[nameless.clone()][..], None)
    );
    let routes = [
        "GET /volumes".into(),
        format!("DELETE /volumes/{nameless}"),
        format!("DELETE /volumes/{in_use}"),
    ];
    assert_eq!(fake.routes(), routes);
    let pruned = docker.prune_volumes().all().await.unwrap();
    assert_eq!((pruned.volumes.len(), pruned.space_reclaimed), (1, Some(3)));
    assert!(!fake.requests().iter().any(|s: &Seen| s.target.contains("all")));
}

/// One that takes the place of a newer engine while it is asked never sees that call.
#[tokio::test]
async fn an_engine_swapped_for_an_older_one_prunes_no_named_volumes() {
    let fake = Fake::new(|seen| match seen.target.starts_with("/v1.44") {
        true => Reply::json(400, json!({"message": "client version 1.44 is too new"}))
            .header("Api-Version", "1.41"),
        false => Reply::json(200, json!({"VolumesDeleted": ["data"]})),
    })
    .api("1.44");
    let docker = fake.docker().await;
    let error = docker.prune_volumes().await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error}");
    assert_eq!(fake.routes(), ["POST /volumes/prune"]);
}
