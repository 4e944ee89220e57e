//! What who watches a program by `tracing` is told of its calls, and what never.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bowline::{BuildContext, ContainerSpec, Credentials, Docker, Error};
use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen, frame};
use crate::support::watch::Watch;

/// Containers in the state of their name, and a log.
fn engine(seen: &Seen) -> Reply {
    let route = seen.route();
    let parts: Vec<&str> = route.split([' ', '/']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        ["GET", "containers", id, "json"] => Reply::json(
            200,
            json!({"Id": id, "State": {"Status": "running"}, "Config": {"Tty": false}}),
        ),
        ["GET", "containers", "flaky", "logs"] => {
            let line = Reply::chunks(200, [frame(1, "2026-01-01T00:00:01.000000005Z out\n")]);
            if seen.target.contains("since") { line } else { line.close() }
        }
        ["GET", "containers", "cut", "logs"] => Reply::chunks(200, [frame(1, "out")]).close(),
        ["GET", "containers", _, "logs"] => Reply::chunks(200, [frame(1, "out")]),
        ["POST", "containers", _, "wait"] => Reply::chunks(200, [r#"{"StatusCode":0}"#]),
        ["POST", "containers", _, "attach"] => Reply::upgrade(frame(1, "out")),
        ["POST", "containers", "create"] => Reply::json(201, json!({"Id": "f00"})),
        ["DELETE", "containers", _] => Reply::empty(204),
        ["GET", "swapped"] if seen.path().starts_with("/v1.44/") => {
            Reply::json(400, json!({"message": "client version 1.44 is too new"}))
                .header("Api-Version", "1.43")
        }
        ["GET", "swapped"] => Reply::json(200, json!(1)),
        _ => Reply::json(409, json!({"message": format!("no {route}")})),
    }
}

/// What was told, without the address of the one engine.
fn told(watch: &Watch, fake: &Fake) -> String {
    watch.told().join("\n").replace(&fake.url(), "unix://…")
}

#[tokio::test]
async fn each_call_is_a_span() {
    let fake = Fake::new(engine).api("1.44");
    let watch = Watch::new();
    let docker = fake.docker().await;
    let web = docker.container("web").await.unwrap().running().unwrap();
    assert!(web.pause().await.unwrap_err().error.is_conflict());
    let mut logs =
        docker.container("web").await.unwrap().any().unwrap().logs().lines().await.unwrap();
    while logs.next().await.is_some() {}
    drop(docker.raw("GET", "/swapped").await.unwrap());
    docker.raw("GET", "/of/yesterday").await.unwrap_err();
    insta::assert_snapshot!(told(&watch, &fake), @r#"
    span 1 DEBUG call method="HEAD" route="/_ping" engine=unix://…
    DEBUG bowline: connection dialled engine=unix://…
    1: status=200
    1: elapsed_ms=…
    1 closed
    DEBUG bowline: API version agreed version=1.44 engine_newest=1.44
    span 2 DEBUG call method="GET" route="/containers/{id}/json" engine=unix://…
    TRACE bowline: connection reused
    2: api_version=1.44
    2: status=200
    2: elapsed_ms=…
    2 closed
    span 3 DEBUG call method="POST" route="/containers/{id}/pause" engine=unix://…
    TRACE bowline: connection reused
    3: api_version=1.44
    3: status=409
    3: error="refused"
    3: elapsed_ms=…
    3 closed
    span 4 DEBUG call method="GET" route="/containers/{id}/json" engine=unix://…
    TRACE bowline: connection reused
    4: api_version=1.44
    4: status=200
    4: elapsed_ms=…
    4 closed
    span 5 DEBUG call method="GET" route="/containers/{id}/json" engine=unix://…
    TRACE bowline: connection reused
    5: api_version=1.44
    5: status=200
    5: elapsed_ms=…
    5 closed
    span 6 DEBUG call method="GET" route="/containers/{id}/logs" engine=unix://…
    DEBUG bowline: connection dialled engine=unix://…
    6: api_version=1.44
    6: status=200
    6: elapsed_ms=…
    6 closed
    DEBUG bowline: stream ended method="GET" route="/containers/{id}/logs" end="whole" elapsed_ms=…
    span 7 DEBUG call method="GET" route="other" engine=unix://…
    TRACE bowline: connection reused
    DEBUG bowline: API version agreed version=1.43 engine_newest=1.43
    TRACE bowline: connection reused
    7: api_version=1.43
    7: status=200
    7: elapsed_ms=…
    7 closed
    span 8 DEBUG call method="GET" route="other" engine=unix://…
    DEBUG bowline: connection dialled engine=unix://…
    8: api_version=1.43
    8: status=409
    8: error="refused"
    8: elapsed_ms=…
    8 closed
    "#);
}

#[tokio::test]
async fn a_streams_end_is_told() {
    let fake = Fake::new(engine);
    let docker = fake.docker().await;
    let web = docker.container("web").await.unwrap().running().unwrap();
    let cut = docker.container("cut").await.unwrap().running().unwrap();
    let watch = Watch::new();
    let mut logs = web.logs().lines().await.unwrap();
    while logs.next().await.is_some() {}
    let mut broken = cut.logs().lines().await.unwrap();
    while let Some(Ok(_)) = broken.next().await {}
    drop(web.logs().lines().await.unwrap());
    let attached = web.attach().await.unwrap();
    let before = watch.told().len();
    drop(attached);
    let ends = watch.told().into_iter().filter(|line| line.contains("stream ended"));
    insta::assert_snapshot!(ends.collect::<Vec<_>>().join("\n"), @r#"
    DEBUG bowline: stream ended method="GET" route="/containers/{id}/logs" end="whole" elapsed_ms=…
    DEBUG bowline: stream ended method="GET" route="/containers/{id}/logs" end="broken off" elapsed_ms=…
    DEBUG bowline: stream ended method="GET" route="/containers/{id}/logs" end="dropped" elapsed_ms=…
    DEBUG bowline: stream ended method="POST" route="/containers/{id}/attach" end="dropped" elapsed_ms=…
    "#);
    assert!(watch.told().len() > before, "an attached connection ends when it is dropped");
}

#[tokio::test]
async fn a_resumed_stream_is_told() {
    let fake = Fake::new(engine);
    let docker = fake.docker().await;
    let flaky = docker.container("flaky").await.unwrap().running().unwrap();
    let watch = Watch::new();
    let mut logs = flaky.logs().follow().lines().resume().await.unwrap();
    while logs.next().await.transpose().unwrap().is_some() {}
    let events = watch.told().into_iter().filter(|line| line.contains("stream"));
    insta::assert_snapshot!(events.collect::<Vec<_>>().join("\n"), @r#"
    DEBUG bowline: stream ended method="GET" route="/containers/{id}/logs" end="broken off" elapsed_ms=…
    INFO bowline: lost stream resumed tries=1
    DEBUG bowline: stream ended method="GET" route="/containers/{id}/logs" end="whole" elapsed_ms=…
    "#);
}

#[tokio::test]
async fn what_goes_on_behind_a_call_is_told() {
    let fake = Fake::new(engine);
    let docker = fake.docker().await;
    let watch = Watch::new();
    let mut create = docker.create(ContainerSpec::new("busybox")).into_future();
    assert!(
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut create).poll(cx))).await.is_pending()
    );
    drop(create);
    fake.until("the removal", |fake| fake.routes().contains(&"DELETE /containers/f00".into()))
        .await;
    let told_so = async {
        while !watch.told().iter().any(|line| line.contains("followed up")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told_so).await.unwrap();
    insta::assert_snapshot!(told(&watch, &fake), @r#"
    span 1 DEBUG call method="POST" route="/containers/create" engine=unix://…
    TRACE bowline: connection reused
    1: api_version=1.41
    1: status=201
    1: elapsed_ms=…
    1 closed
    span 2 DEBUG call method="DELETE" route="/containers/{id}" engine=unix://…
    TRACE bowline: connection reused
    2: api_version=1.41
    2: status=204
    2: elapsed_ms=…
    2 closed
    INFO bowline: dropped call followed up undone=true
    "#);
}

/// The engine says again whatever it was sent.
fn parrot(seen: &Seen) -> Reply {
    let said =
        format!("{} {:?} {}", seen.target, seen.headers, String::from_utf8_lossy(&seen.body));
    match seen.route().as_str() {
        "POST /build" => Reply::chunks(200, [json!({"error": said}).to_string()]),
        _ => Reply::json(500, json!({"message": said})),
    }
}

async fn with_secrets(docker: &Docker) -> Vec<Error> {
    let ada = || Credentials::password("ada-canary", "password-canary");
    let context = BuildContext::new().file("Dockerfile", "FROM scratch\nENV A=file-canary");
    let build = docker
        .build(context)
        .tag("tag-canary")
        .build_arg("TOKEN", "arg-canary")
        .label("label", "label-canary")
        .credentials("registry-canary:5000", ada());
    let spec = ContainerSpec::new("image-canary")
        .name("name-canary")
        .cmd(["cmd-canary"])
        .env("TOKEN", "env-canary");
    let pull = docker.pull("registry-canary:5000/x").credentials(ada());
    let raw = docker.raw("POST", "/query/canary").query("token", "query-canary");
    vec![
        docker.login("registry-canary:5000", ada()).await.unwrap_err(),
        build.await.unwrap_err(),
        docker.create(spec).await.unwrap_err(),
        pull.await.unwrap_err(),
        docker.container("id-canary").await.unwrap_err(),
        raw.header("X-Token", "header-canary").body("body-canary").await.unwrap_err(),
    ]
}

#[tokio::test]
async fn no_secret_is_told() {
    let fake = Fake::new(parrot);
    let watch = Watch::new();
    let docker = fake.docker().await;
    let errors = with_secrets(&docker).await;
    assert!(errors.iter().all(|e| e.to_string().contains("canary")), "the engine did repeat them");
    let told = watch.told();
    for route in
        ["/auth", "/build", "/containers/create", "/images/create", "/containers/{id}/json"]
    {
        assert!(told.iter().any(|line| line.contains(&format!("route=\"{route}\""))), "{route}");
    }
    // Credentials go out in base64, and begin so there.
    let secret = |line: &&String| line.contains("canary") || line.contains("eyJ");
    let secrets: Vec<_> = told.iter().filter(secret).collect();
    assert!(secrets.is_empty(), "{secrets:#?}");
}

#[tokio::test]
async fn fault_121_a_way_that_anybody_can_listen_on_is_told_of_once() {
    let watch = Watch::new();
    let warned = || -> Vec<String> {
        watch.told().into_iter().filter(|line| line.starts_with("WARN")).collect()
    };
    for here in ["tcp://localhost:1", "tcp://127.0.0.9:1", "tcp://[::1]:1"] {
        Docker::connect().host(here).await.unwrap_err();
    }
    assert_eq!(warned(), Vec::<String>::new());
    Docker::connect().host("tcp://engine.invalid:2375").await.unwrap_err();
    assert_eq!(
        warned(),
        ["WARN bowline: no TLS: who is on the way can read all, and use the engine \
          engine=tcp://engine.invalid:2375"]
    );
}
