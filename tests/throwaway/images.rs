//! Images that are built for a test.

use std::time::{Duration, Instant};

use bowline::image::Build;
use bowline::{BuildContext, ContainerSpec, Docker};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::helper::{Helper, ending, label, pause, settled};
use crate::support::engine::{IMAGE, Own};

/// A build that was cut off may have been answered or not: it is waited for that long.
const LIMIT: Duration = Duration::from_secs(60);

/// All that its steps make bears this label, and the test's.
fn step(label: &str) -> String {
    format!("bowline.step={label}")
}

/// The steps are those of no other test, so they are not in the engine's cache.
fn build(docker: &Docker, label: (&str, &str), last: &str) -> Build {
    let text = format!("FROM {IMAGE}\nLABEL {}\nRUN echo >/knot\n{last}\n", step(label.1));
    docker.build(BuildContext::new().dockerfile_inline(text)).label(label.0, label.1)
}

/// How many images there are of what the steps made, the last of them included.
async fn images(own: &Own) -> usize {
    let label = own.label();
    let step = step(label.split_once('=').unwrap().1);
    own.docker.images().all().label(step).await.unwrap().len()
}

/// What the helper does.
pub(crate) fn deed(runtime: &Runtime, how: &str) {
    let (key, value) = label();
    let docker = runtime.block_on(Docker::connect().into_future()).unwrap();
    let image = docker.throwaway_image(build(&docker, (&key, &value), "CMD sleep 1000"));
    let image = runtime.block_on(image.into_future()).unwrap();
    let held = docker.throwaway(&*image).label(key, value).into_future();
    let _held = runtime.block_on(held).unwrap();
    println!("<<ready>>");
    pause();
    match how {
        "pass" => {}
        "panic" => panic!("as was asked for"),
        other => panic!("{other}?"),
    }
}

#[tokio::test]
async fn they_are_gone_however_the_process_ends() {
    for (deed, signal, expected) in [
        ("image pass", None, "exit 0"),
        ("image panic", None, "exit 101"),
        ("image pass", Some(Signal::KILL), "signal 9"),
    ] {
        let state = TempDir::new().unwrap();
        let mut helper = Helper::start(deed, 1, state.path()).await;
        let made = images(&helper.own).await;
        assert!(made > 1, "{made}: it, and what it was made from");
        match signal {
            Some(signal) => helper.signal_group(signal),
            None => helper.go(),
        }
        assert_eq!(ending(helper.end()), expected, "{deed}");
        settled(&state, LIMIT).await;
        assert_eq!((helper.own.left().await, images(&helper.own).await), (0, 0), "{deed}");
    }
}

#[tokio::test]
async fn an_image_serves_several_and_waits_until_they_are_gone() {
    let own = Own::new().await;
    let label = own.label();
    let label = label.split_once('=').unwrap();
    let image = build(&own.docker, label, "RUN echo knots >/file");
    let image =
        own.docker.throwaway_image(image.tag("bowline-throwaway-image:test")).await.unwrap();
    let run = || {
        let spec = ContainerSpec::new(&*image).cmd(["sleep", "1000"]);
        own.docker.throwaway(spec).label(label.0, label.1)
    };
    let (one, other) = tokio::try_join!(run(), run()).unwrap();
    assert_eq!(&one.read_file("/file").await.unwrap()[..], b"knots\n");
    let id = (*image).clone();
    let closing = tokio::spawn(image.close());
    one.close().await.unwrap();
    id.inspect().await.unwrap();
    other.close().await.unwrap();
    closing.await.unwrap().unwrap();
    assert_eq!(images(&own).await, 0);
    let name = own.docker.image("bowline-throwaway-image:test").unwrap();
    assert!(name.inspect().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_build_that_fails_or_is_dropped_leaves_no_image() {
    let own = Own::new().await;
    let label = own.label();
    let label = label.split_once('=').unwrap();
    let failing = own.docker.throwaway_image(build(&own.docker, label, "RUN exit 3"));
    let error = failing.await.unwrap_err();
    assert!(error.to_string().contains("exit 3"), "{error}");

    let long = own.docker.throwaway_image(build(&own.docker, label, "RUN sleep 1000"));
    let long = tokio::spawn(long.into_future());
    let steps = async || {
        let all = own.docker.containers().label(step(label.1)).await.unwrap();
        all.iter().filter(|row| row.command.contains("sleep 1000")).count()
    };
    let begun = Instant::now();
    while steps().await == 0 {
        assert!(begun.elapsed() < LIMIT && !long.is_finished(), "it does not begin");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    long.abort();
    while steps().await > 0 {
        assert!(begun.elapsed() < LIMIT, "the engine goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let finished = own.docker.images().label(own.label()).await.unwrap();
    assert_eq!((finished.len(), own.left().await), (0, 0));
    // What is left is the engine's cache. A test leaves nothing.
    while images(&own).await > 0 {
        assert!(begun.elapsed() < LIMIT, "the cache stays");
        for image in own.docker.images().label(step(label.1)).await.unwrap() {
            let _ = own.docker.image(&image.id).unwrap().remove().await;
        }
    }
}
