//! Agreeing on a version with engines old, new and odd.

use bowline::{ApiVersion, Docker, Error};
use serde_json::json;

use super::child;
use crate::support::fake::{Fake, Reply};

/// An engine that speaks from `oldest` to `newest` and refuses others as Docker does.
fn engine(newest: &'static str, oldest: &'static str) -> Fake {
    Fake::new(move |seen| {
        let spoken: Option<ApiVersion> = seen.segments()[0].parse().ok();
        let refusal = match spoken {
            Some(v) if v > newest.parse().unwrap() => {
                format!("client version {v} is too new. Maximum supported API version is {newest}")
            }
            Some(v) if v < oldest.parse().unwrap() => format!(
                "client version {v} is too old. Minimum supported API version is {oldest}, please \
                 upgrade your client to a newer version"
            ),
            _ => {
                return Reply::json(
                    200,
                    json!({"Version": "x", "ApiVersion": newest, "MinAPIVersion": oldest}),
                );
            }
        };
        Reply::json(400, json!({"message": refusal})).header("Api-Version", newest)
    })
    .api(newest)
}

async fn failure(fake: &Fake) -> String {
    match Docker::connect().host(fake.url()).await {
        Err(Error::Connect(e)) => e.tried[0].failure.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn fault_13_the_version_is_the_lower_of_both() {
    for (theirs, agreed) in
        [("1.41", "1.41"), ("1.48", "1.48"), ("1.55", "1.55"), ("1.56", "1.55"), ("2.3", "1.55")]
    {
        let fake = engine(theirs, "1.24");
        let docker = fake.docker().await;
        assert_eq!(docker.api_version().to_string(), agreed);
        docker.version().await.unwrap();
        let last = fake.requests().pop().unwrap();
        assert_eq!(last.target, format!("/v{agreed}/version"));
    }
}

#[tokio::test]
async fn fault_14_ranges_that_do_not_meet() {
    insta::assert_snapshot!(failure(&engine("1.40", "1.12")).await, @"the engine's newest API version is 1.40; bowline needs 1.41 (Docker 20.10) or newer");
    insta::assert_snapshot!(failure(&engine("1.24", "1.12")).await, @"the engine's newest API version is 1.24; bowline needs 1.41 (Docker 20.10) or newer");
    insta::assert_snapshot!(failure(&engine("1.70", "1.60")).await, @"the engine demands API version 1.60 or newer; 1.55 is what was asked for, or the newest that bowline speaks");
    // An engine whose oldest is above ours is no trouble where its newest is not.
    let fake = engine("1.52", "1.44");
    assert_eq!(fake.docker().await.api_version(), ApiVersion::new(1, 52));
    assert_eq!(fake.requests().len(), 1, "nothing but the ping");
}

#[tokio::test]
async fn fault_15_a_ping_that_does_not_say() {
    for ping in [None, Some(""), Some("latest"), Some("1.41.0"), Some("1.x"), Some("é")] {
        let fake = engine("1.43", "1.24").api(ping);
        assert_eq!(fake.docker().await.api_version(), ApiVersion::new(1, 43), "{ping:?}");
        assert_eq!(fake.routes(), ["GET /version"]);
        assert_eq!(fake.requests().pop().unwrap().target, "/version");
    }
    let silent = Fake::new(|_| Reply::json(200, json!({"ApiVersion": "new"}))).api(None);
    insta::assert_snapshot!(failure(&silent).await, @"not a Docker Engine: it does not say which API version it speaks");
}

#[tokio::test]
async fn a_version_that_was_asked_for_is_kept() {
    let fake = engine("1.51", "1.44");
    let asked = |v| Docker::connect().host(fake.url()).api_version(ApiVersion::new(1, v));
    let docker = asked(46).await.unwrap();
    docker.version().await.unwrap();
    assert_eq!(fake.requests().pop().unwrap().target, "/v1.46/version");
    let failed = async |v| match asked(v).await.unwrap_err() {
        Error::Connect(e) => e.tried[0].failure.to_string(),
        other => other.to_string(),
    };
    insta::assert_snapshot!(failed(52).await, @"API version 1.52 was asked for; the engine's newest is 1.51");
    insta::assert_snapshot!(failed(42).await, @"the engine demands API version 1.44 or newer; 1.42 is what was asked for, or the newest that bowline speaks");
    insta::assert_snapshot!(failed(40).await, @r#"API version "1.40" must lie between 1.41 and 1.55, which this crate speaks"#);
    insta::assert_snapshot!(failed(56).await, @r#"API version "1.56" must lie between 1.41 and 1.55, which this crate speaks"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_api_version_is_honoured() {
    let dir = tempfile::tempdir().unwrap();
    let fake = engine("1.51", "1.24");
    let said = |version: &str| {
        let mut child = child::connecting(dir.path());
        child.env("DOCKER_HOST", fake.url()).env("DOCKER_API_VERSION", version);
        child::said(child)
    };
    assert_eq!(said("1.43"), format!("connected to {} at 1.43", fake.url()));
    assert_eq!(said(""), format!("connected to {} at 1.51", fake.url()));
    insta::assert_snapshot!(said("1.40"), @r#"DOCKER_API_VERSION "1.40" must lie between 1.41 and 1.55, which this crate speaks"#);
    assert!(said("1.52").ends_with("API version 1.52 was asked for; the engine's newest is 1.51"));
}

/// The engine behind the socket is swapped for an older one.
#[tokio::test]
async fn fault_16_an_engine_swapped_for_an_older_one() {
    let now = std::sync::Arc::new(std::sync::Mutex::new("1.48"));
    let shared = now.clone();
    let fake = Fake::new(move |seen| {
        let newest = *shared.lock().unwrap();
        match seen.segments()[0].parse::<ApiVersion>() {
            Ok(v) if v > newest.parse().unwrap() => {
                let message = format!(
                    "client version {v} is too new. Maximum supported API version is {newest}"
                );
                Reply::json(400, json!({"message": message})).header("Api-Version", newest)
            }
            _ => Reply::json(200, json!({"ContainersDeleted": null})),
        }
    })
    .api("1.48");
    let docker = fake.docker().await;
    docker.prune_containers().await.unwrap();
    *now.lock().unwrap() = "1.43";
    docker.prune_containers().await.unwrap();
    assert_eq!(docker.api_version(), ApiVersion::new(1, 43));
    docker.prune_containers().await.unwrap();
    let targets: Vec<_> = fake.requests().into_iter().map(|r| r.target).skip(1).collect();
    assert_eq!(
        targets,
        ["/v1.48", "/v1.48", "/v1.43", "/v1.43"].map(|v| format!("{v}/containers/prune"))
    );
    // One that is too old for us is not followed.
    *now.lock().unwrap() = "1.40";
    let error = docker.prune_containers().await.unwrap_err();
    assert_eq!(error.status(), Some(400));
    assert_eq!(fake.routes().len(), 5);
    // Nor is a version that was asked for given up.
    *now.lock().unwrap() = "1.43";
    let pinned =
        Docker::connect().host(fake.url()).api_version(ApiVersion::new(1, 48)).await.unwrap();
    assert_eq!(pinned.prune_containers().await.unwrap_err().status(), Some(400));
    assert_eq!(pinned.api_version(), ApiVersion::new(1, 48));
}

#[tokio::test]
async fn what_the_engine_does_not_have_is_not_asked_of_it() {
    let fake = Fake::new(|seen| match seen.method.as_str() {
        "GET" => Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}})),
        _ => Reply::empty(204),
    });
    let docker = fake.docker().await;
    let running = async || docker.container("web").await.unwrap().running().unwrap();
    let before = running().await;
    let seen = fake.requests().len();
    let failed = before.stop().signal("QUIT").await.unwrap_err();
    assert!(matches!(failed.error, Error::Unsupported(_)) && !failed.error.maybe_applied());
    insta::assert_snapshot!(failed.error, @"a stop signal needs engine API 1.42 or newer; this engine and client speak 1.41");
    assert_eq!(fake.requests().len(), seen, "nothing was sent");
    let web = running().await;
    let seen = fake.requests().len();
    let failed = web.restart().signal("QUIT").await.unwrap_err();
    insta::assert_snapshot!(failed.error, @"a restart signal needs engine API 1.42 or newer; this engine and client speak 1.41");
    assert_eq!(fake.requests().len(), seen, "nothing was sent");
    // An engine that has it is asked.
    fake.set_api("1.42");
    let newer = fake.docker().await;
    let web = newer.container("web").await.unwrap().running().unwrap();
    let _ = web.restart().signal("QUIT").await.unwrap();
    assert_eq!(fake.requests().pop().unwrap().target, "/v1.42/containers/f00/restart?signal=QUIT");
}
