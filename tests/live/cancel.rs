//! Futures that are dropped half-way leave nothing behind, and the client goes on working.

use std::time::Duration;

use crate::support::engine::Own;

/// What an engine has begun it finishes: the follow-up removes it. Dropped at moments spread over
/// the whole of a run.
#[tokio::test]
async fn runs_cancelled_at_any_moment_leave_nothing() {
    let own = Own::new().await;
    for n in 0..40 {
        let run = own.docker.run(own.idle()).output().into_future();
        let limit = Duration::from_millis(n * 10);
        assert!(tokio::time::timeout(limit, run).await.is_err());
        own.docker.ping().await.unwrap();
    }
    emptied(&own).await;
}

#[tokio::test]
async fn creations_cancelled_at_any_moment_leave_nothing() {
    let own = Own::new().await;
    for n in 0..40 {
        let limit = Duration::from_micros(n * 1500);
        let create = own.docker.create(own.idle()).into_future();
        if let Ok(made) = tokio::time::timeout(limit, create).await {
            made.unwrap().remove().await.unwrap();
        }
    }
    emptied(&own).await;
}

/// The follow-up is in the background; the engine itself says when it is through.
async fn emptied(own: &Own) {
    let patience = async {
        while own.left().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(20), patience).await;
    assert!(left.is_ok(), "{} are left", own.left().await);
}
