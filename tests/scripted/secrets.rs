//! What must not be seen: passwords and tokens, on every way on which something fails.

use std::error::Error as _;

use bowline::image::Instruction;
use bowline::{BuildContext, ContainerSpec, Credentials, Docker, Error};
use serde_json::json;

use crate::support::fake::{Fake, Reply};

const CANARY: &str = "c4n4ry-p?w>>~~";
/// The same as it lies in base64, at each of the three places where it can begin.
const PACKED: [&str; 3] = ["YzRuNHJ5", "M0bjRyeS", "jNG40cnk"];

/// All that an error shows, and what lies behind it.
fn shown(error: &Error) -> String {
    let mut all = format!("{error} {error:?} {error:#?}");
    let mut behind = error.source();
    while let Some(why) = behind {
        all += &format!(" {why} {why:?}");
        behind = why.source();
    }
    all
}

/// An engine that has its version to say, and then this to everything.
fn engine(answer: Reply) -> Fake {
    Fake::new(move |_| answer.clone())
}

async fn fails<T: std::fmt::Debug>(work: impl IntoFuture<Output = Result<T, Error>>) -> String {
    match work.into_future().await {
        // Where a call makes something of that answer, that is not to show it either.
        Ok(answer) => format!("{answer:?}"),
        Err(error) => shown(&error),
    }
}

#[tokio::test]
async fn fault_102_a_password_is_shown_nowhere() {
    let given = || Credentials::password("ada", CANARY);
    let token = || Credentials::identity_token(CANARY);
    for answer in [
        Reply::text(500, "no"),
        Reply::json(401, json!({"message": "unauthorized"})),
        Reply::raw("HTTP/1.1 200 OK\r\n\r\n{\"cut").close(),
        Reply::raw("not HTTP at all").close(),
        Reply::text(200, "{\"errorDetail\":{\"message\":\"denied\"},\"error\":\"denied\"}\r\n"),
    ] {
        let fake = engine(answer);
        let docker = fake.docker().await;
        let image = docker.image("r.test/app:1").unwrap();
        let spec = || ContainerSpec::new("app").env("TOKEN", CANARY);
        let context = || BuildContext::new().file("Dockerfile", "FROM scratch\n");
        let mut all = String::new();
        all += &format!("{:?} {:?}", given(), token());
        all += &format!("{:?}", docker.pull("r.test/app").credentials(given()));
        all += &format!("{:?}", image.push().credentials(token()));
        all += &format!("{:?}", docker.login("r.test", given()));
        all += &format!("{:?} {:?}", spec(), docker.create(spec()));
        all += &fails(docker.pull("r.test/app").credentials(given())).await;
        all += &fails(image.push().credentials(token())).await;
        all += &fails(docker.login("r.test", given())).await;
        all += &fails(docker.distribution("r.test/app").credentials(given())).await;
        all += &fails(docker.create(spec())).await;
        all += &fails(docker.run(spec()).output()).await;
        let build = docker.build(context()).credentials("r.test", given());
        all += &format!("{:?}", build.build_arg("TOKEN", CANARY));
        let build = docker.build(context()).credentials("r.test", given());
        all += &fails(build.build_arg("TOKEN", CANARY)).await;
        for secret in [CANARY].iter().chain(&PACKED) {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
        // They were sent, or this says nothing.
        let sent = fake.requests().iter().any(|seen| seen.header("X-Registry-Auth").is_some());
        assert!(sent, "{:?}", fake.routes());
    }
}

#[tokio::test]
async fn fault_102_nor_in_what_is_refused_before_it_is_sent() {
    let url = format!("tcp://ada:{CANARY}@engine:2375");
    let mut all = fails(Docker::connect().host(&url)).await;
    let fake = Fake::idle();
    let docker = fake.docker().await;
    let bad = ContainerSpec::new("app").env("TOKEN", format!("{CANARY}\0"));
    all += &fails(docker.create(bad)).await;
    let bound = Credentials::password("ada", CANARY).server("a.test");
    all += &fails(docker.pull("b.test/app").credentials(bound.clone())).await;
    all += &fails(docker.login("b.test", bound)).await;
    assert!(!all.contains("c4n4ry"), "{all}");
}

/// Whoever answers, credentials are for the registry that they were made for.
#[tokio::test]
async fn fault_103_credentials_go_to_no_other_registry() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    let sent = fake.requests().len();
    for (theirs, image) in [
        ("a.test", "b.test/app"),
        ("a.test", "a.test:5000/app"),
        ("a.test:5000", "a.test/app"),
        ("a.test", "x.a.test/app"),
        ("a.test", "a.test.example/app"),
        ("a.test", "app"),
        ("docker.io", "docker.io.example/app"),
    ] {
        let credentials = Credentials::password("ada", "pw").server(theirs);
        let error = docker.pull(image).credentials(credentials).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{theirs}, {image}: {error}");
    }
    assert!(fake.requests_after(sent).is_empty());
}

/// Of the engine's words no more than 4 KiB are repeated, and of ours none.
#[tokio::test]
async fn fault_108_errors_are_short_and_quote_no_request() {
    let fake = engine(Reply::text(400, "x".repeat(1 << 20)));
    let docker = fake.docker().await;
    let spec = ContainerSpec::new("app").label("note", "of the request").cmd(["of the request"]);
    let error = docker.create(spec).await.unwrap_err();
    let all = shown(&error);
    assert!(error.to_string().len() < 5 << 10, "{}", error.to_string().len());
    assert!(!all.contains("of the request"), "{all}");
    let change = Instruction::cmd(["of the request"]);
    let error = docker.import(&b"of the request"[..]).change(change).await.unwrap_err();
    assert!(error.to_string().len() < 5 << 10 && !error.to_string().contains("of the request"));
}
