//! Futures that are dropped half-way leave nothing behind, and the client goes on working.

use std::time::Duration;

use crate::support::engine::{Own, followed_up};

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

/// The follow-up is in the background. A look before it is through may come before the engine has
/// made anything, and see nothing.
async fn emptied(own: &Own) {
    followed_up().await;
    assert_eq!(own.left().await, 0);
}
