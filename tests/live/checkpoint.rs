//! Checkpoints. Engines have them only where their experimental features are on, and CRIU is there.

use bowline::{Container, Error, Running};

use crate::support::engine::Own;

/// A container that counts, and whether the engine may take checkpoints of it.
async fn counting(own: &Own) -> (Container<Running>, bool) {
    let count = own.spec(["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"]);
    let c = own.docker.create(count).await.unwrap().start().await.unwrap();
    (c, own.docker.ping().await.unwrap().experimental)
}

async fn names(c: &Container<impl bowline::container::State>) -> Vec<String> {
    c.checkpoints().await.unwrap().into_iter().map(|found| found.name).collect()
}

#[tokio::test]
async fn a_process_goes_on_from_its_checkpoint_or_the_engine_says_why_not() {
    let own = Own::new().await;
    let (c, experimental) = counting(&own).await;
    if !experimental {
        return refused(c).await;
    }
    let c = c.checkpoint("first").leave_running().await.unwrap();
    assert_eq!(names(&c).await, ["first"]);
    let error = c.remove_checkpoint("second").await.unwrap_err();
    assert!(error.to_string().contains("checkpoint second does not exist"), "{error}");

    let c = c.checkpoint("second").await.unwrap();
    assert_eq!(c.status().code(), 137);
    assert_eq!(names(&c).await, ["first", "second"]);
    let before = c.logs().collect().await.unwrap().stdout.iter().filter(|b| **b == b'\n').count();
    let c = c.start().checkpoint("second").await.unwrap();
    let mut lines = c.logs().follow().lines().await.unwrap();
    // It counts on: nothing is said twice, and nothing from the beginning.
    for n in 1..=before + 3 {
        let line = lines.next().await.unwrap().unwrap();
        assert_eq!(line.text_lossy(), n.to_string());
    }
    drop(lines);
    c.remove_checkpoint("first").await.unwrap();
    assert_eq!(names(&c).await, ["second"]);
    let c = c.kill().await.unwrap();
    let failed = c.start().checkpoint("first").await.unwrap_err();
    assert!(failed.to_string().contains("checkpoint first does not exist"), "{failed}");
}

/// What an engine answers whose experimental features are off.
async fn refused(c: Container<Running>) {
    let off = |error: Error, status| {
        assert_eq!(error.status(), Some(status), "{error}");
        assert!(error.to_string().contains("experimental"), "{error}");
        assert!(!error.is_conflict() && !error.maybe_applied());
    };
    off(c.checkpoints().await.unwrap_err(), 501);
    off(c.remove_checkpoint("first").await.unwrap_err(), 501);
    let failed = c.checkpoint("first").leave_running().await.unwrap_err();
    off(failed.error, 501);
    let c = failed.container.lookup().await.unwrap().running().unwrap();
    let failed = c.checkpoint("first").await.unwrap_err();
    off(failed.error, 501);
    let c = failed.container.lookup().await.unwrap().running().unwrap();
    let failed = c.kill().await.unwrap().start().checkpoint("first").await.unwrap_err();
    off(failed.error, 400);
    let state = failed.container.lookup().await.unwrap().state().to_string();
    assert_eq!(state, "exited");
}
