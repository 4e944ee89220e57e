//! An engine that dies under whatever it was doing, and comes back: each call ends in an error at
//! once, and the same client works again.

use std::pin::Pin;
use std::time::Duration;

use bowline::image::BuildOutput;
use bowline::{BuildContext, Container, ContainerSpec, Docker, Error, Running};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::support::engine::IMAGE;
use crate::support::own_engine::OwnEngine;

/// A call under way, or a stream that is read to its end: what became of it.
type Under = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// Prints a number more each time, and is deaf to SIGTERM.
async fn counting(docker: &Docker) -> Container<Running> {
    let script = "trap '' TERM; n=0; while :; do echo $n; n=$((n+1)); sleep 0.02; done";
    let spec = ContainerSpec::new(IMAGE).cmd(["sh", "-c", script]).network("none");
    docker.create(spec).await.unwrap().start().await.unwrap()
}

/// Another handle for the same container.
async fn same(docker: &Docker, c: &Container<Running>) -> Container<Running> {
    docker.container(c.id()).await.unwrap().running().unwrap()
}

/// A stream, once the first of it has come.
macro_rules! begun {
    ($stream:expr) => {{
        let mut stream = $stream;
        stream.next().await.unwrap().unwrap();
        Box::pin(async move {
            while let Some(item) = stream.next().await {
                item?;
            }
            Ok(())
        })
    }};
}

/// Everything that is under way at the moment when the engine dies.
async fn under_way(docker: &Docker, c: &Container<Running>) -> Vec<(&'static str, Under)> {
    let mut events = docker.events().await.unwrap();
    let waits = same(docker, c).await;
    let mut waits: Under = Box::pin(async move { Ok(waits.wait().await.map(drop)?) });
    let stops = same(docker, c).await;
    let mut stops: Under =
        Box::pin(async move { Ok(stops.stop().time(Duration::from_secs(900)).await.map(drop)?) });
    // Until the engine has sent the signal that begins the stop.
    loop {
        tokio::select! {
            biased;
            ended = &mut waits => panic!("{ended:?}"),
            ended = &mut stops => panic!("{ended:?}"),
            event = events.next() => {
                if event.unwrap().unwrap().action.to_string() == "kill" {
                    break;
                }
            }
        }
    }
    let events: Under = Box::pin(async move {
        while let Some(event) = events.next().await {
            event?;
        }
        Ok(())
    });

    let mut exec = c.exec(["sh", "-c", "echo up; sleep 900"]).session().await.unwrap();
    exec.next().await.unwrap().unwrap();
    let mut session = c.exec(["cat"]).session().interactive().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(session.stdin(), b"x").await.unwrap();

    let context =
        BuildContext::new().dockerfile_inline(format!("FROM {IMAGE}\nRUN echo up && sleep 900\n"));
    let mut build = docker.build(context).network("none").no_cache().stream().await.unwrap();
    loop {
        match build.next().await.unwrap().unwrap() {
            BuildOutput::Text(text) if text.contains("up") => break,
            _ => {}
        }
    }
    // An archive that never goes on.
    let (mut feed, archive) = tokio::io::duplex(64);
    let mut load = Box::pin(docker.load(archive).into_future());
    let head = [0; 512];
    tokio::select! {
        loaded = &mut load => panic!("{loaded:?}"),
        fed = tokio::io::AsyncWriteExt::write_all(&mut feed, &head) => fed.unwrap(),
    }

    vec![
        ("wait", waits),
        ("stop", stops),
        ("events", events),
        ("followed log", begun!(c.logs().follow().await.unwrap())),
        ("followed lines", begun!(c.logs().follow().lines().await.unwrap())),
        ("log as a reader", {
            let mut reader = c.logs().follow().await.unwrap().into_reader();
            reader.read_u8().await.unwrap();
            Box::pin(async move { end_of(reader).await })
        }),
        ("attach", begun!(c.attach().await.unwrap())),
        ("stats", begun!(c.stats().await.unwrap())),
        ("exec, awaited", Box::pin(async move { exec.wait().await.map(drop) })),
        ("exec, read", begun!(session)),
        ("build", Box::pin(async move { build.finish().await.map(drop) })),
        ("load", {
            Box::pin(async move {
                let _feed = feed;
                load.await.map(drop)
            })
        }),
    ]
}

/// Read to the end; an error is the crate's own.
async fn end_of(mut reader: impl AsyncRead + Unpin) -> Result<(), Error> {
    match tokio::io::copy(&mut reader, &mut tokio::io::sink()).await {
        Ok(_) => Ok(()),
        Err(e) => Err(e.into_inner().unwrap().downcast::<Error>().map(|e| *e).unwrap()),
    }
}

#[tokio::test]
async fn fault_71_killed_under_every_kind_of_call() {
    let mut engine = OwnEngine::start().await;
    let docker = engine.docker().await;
    for signal in ["KILL", "TERM"] {
        let c = counting(&docker).await;
        let calls = under_way(&docker, &c).await;
        let local = tokio::task::LocalSet::new();
        let calls = calls.into_iter().map(|(name, call)| (name, local.spawn_local(call)));
        let calls: Vec<_> = calls.collect();
        engine.end(signal);
        // All at once: what is left of these seconds is left to all.
        let due = tokio::time::Instant::now() + Duration::from_secs(2);
        local
            .run_until(async {
                for (name, call) in calls {
                    let ended = tokio::time::timeout_at(due, call).await;
                    let ended = ended.unwrap_or_else(|_| panic!("{signal}: {name} hangs"));
                    let error = ended.unwrap().expect_err(name);
                    let cut =
                        matches!(error, Error::Stream(_) | Error::Transport(_) | Error::Connect(_));
                    assert!(cut, "{signal}: {name}: {error:?}");
                }
            })
            .await;
        let error = docker.ping().await.unwrap_err();
        assert!(matches!(error, Error::Connect(_)), "{error:?}");

        engine.again();
        engine.docker().await;
        // The same client, the same handle, and a container that never stopped.
        docker.ping().await.unwrap();
        let out = c.exec(["echo", "back"]).await.unwrap();
        assert_eq!(out.stdout_lossy(), "back\n");
        let first = c.logs().follow().lines().await.unwrap().next().await.unwrap().unwrap();
        assert_eq!(first.text_lossy(), "0");
        c.kill().await.unwrap().remove().await.unwrap();
    }
}

/// The numbers that were printed, as an engine's log has them.
async fn numbers(
    mut lines: bowline::container::LogLineStream,
    wanted: impl Fn(usize) -> bool,
) -> (Vec<String>, bowline::container::LogLineStream) {
    let mut all = Vec::new();
    while wanted(all.len()) {
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next()).await;
        let Some(line) = line.expect("it goes on") else { break };
        all.push(line.unwrap().text_lossy().into_owned());
    }
    (all, lines)
}

#[tokio::test]
async fn fault_70_a_followed_log_goes_on_over_restarts() {
    let mut engine = OwnEngine::start().await;
    let docker = engine.docker().await;
    let c = counting(&docker).await;
    let mut lines = c.logs().follow().lines().resume().await.unwrap();
    let mut followed = Vec::new();
    for signal in ["KILL", "TERM", "KILL", ""] {
        let (part, rest) = numbers(lines, |n| n < 100).await;
        followed.extend(part);
        lines = rest;
        if !signal.is_empty() {
            engine.end(signal);
            engine.again();
        }
    }
    // What the engine has written down is what counts: as it ends, it may lose a line itself.
    engine.docker().await;
    let (written, _) = numbers(c.logs().lines().await.unwrap(), |n| n < followed.len()).await;
    assert_eq!(followed, written, "lost or repeated");
    c.kill().await.unwrap().remove().await.unwrap();
}
