//! A real engine, and what a test makes on it.

use std::sync::atomic::{AtomicU32, Ordering};

use bowline::Docker;

/// The image that every engine of ours has: see `scripts/with-engine`.
pub const IMAGE: &str = "busybox";

/// Connect to the engine, or fail saying how to get one.
pub async fn docker() -> Docker {
    match Docker::connect().await {
        Ok(docker) => docker,
        Err(e) => panic!("{e}\n\nthese tests need an engine: scripts/with-engine cargo test"),
    }
}

/// A name that no other test has, in this run or another.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("bowline-{what}-{}-{n}", std::process::id())
}
