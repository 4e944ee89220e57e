//! Several at once.

use std::time::{Duration, Instant};

use bowline::throwaway::{self, Ready, StartPhase};

use crate::helper::clean;
use crate::support::engine::Own;

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn they_start_and_go_together() {
    let own = Own::new().await;
    let named = |name: &str| own.docker.throwaway(own.idle()).label("knot", name);
    let held = throwaway::all((0..8).map(|n| named(&n.to_string()))).await.unwrap();
    for (n, held) in held.iter().enumerate() {
        let labels = held.inspect().await.unwrap().config.labels;
        assert_eq!(labels.get("knot"), Some(&*n.to_string()), "they are in order");
    }
    assert_eq!(own.left().await, 8);
    throwaway::close(held).await.unwrap();
    assert_eq!(own.left().await, 0);
    assert!(throwaway::all([]).await.unwrap().is_empty());
    throwaway::close([]).await.unwrap();

    let (one, other) = tokio::try_join!(named("one"), named("other")).unwrap();
    assert_eq!(own.left().await, 2);
    throwaway::close([one, other]).await.unwrap();
}

/// The one that fails does so once another runs and a third waits.
#[tokio::test]
async fn one_that_fails_takes_the_others_with_it() {
    let own = Own::new().await;
    let runs = || own.docker.throwaway(own.idle());
    let never = || runs().ready(Ready::log("never"));
    let fails = || {
        let spec = own.spec(["sh", "-c", "exit 3"]);
        own.docker.throwaway(spec).ready(Ready::log("never"))
    };
    let error = throwaway::all([runs(), never(), fails(), runs()]).await.unwrap_err();
    assert_eq!((error.story.phase, error.story.exit_code), (StartPhase::Ready, Some(3)));
    clean(&own, Instant::now(), LIMIT).await;

    let error = tokio::try_join!(runs(), never(), fails()).map(drop).unwrap_err();
    assert_eq!(error.story.exit_code, Some(3));
    clean(&own, Instant::now(), LIMIT).await;
}

#[tokio::test]
async fn one_that_needs_another_finds_it_by_its_name() {
    let own = Own::new().await;
    let serve = || own.docker.throwaway(own.spec(["httpd", "-f", "-p", "80"]));
    let ask = |name: &str| {
        let url = format!("http://{name}/no-such");
        let script = format!(
            "until wget -q -O - {url} 2>&1 | grep -q ' 404 '; do :; done; sleep 1000 & echo met; wait"
        );
        own.docker.throwaway(own.spec(["sh", "-c", &script])).ready(Ready::log("met"))
    };
    let net = own.docker.throwaway_network().await.unwrap();
    for server in [serve(), serve().network(&*net)] {
        let server = server.await.unwrap();
        let client = ask(server.name()).depends_on(&server).await.unwrap();
        throwaway::close([client, server]).await.unwrap();
    }
    let server = serve().network(&*net).await.unwrap();
    let error = ask("x").network("bridge").depends_on(&server).await.unwrap_err();
    assert!(error.to_string().contains("is on no network that this one is on"), "{error}");
    assert_eq!(own.left().await, 1);
    server.close().await.unwrap();
    net.close().await.unwrap();
}
