//! What a test is told of its containers when it fails, and what they print meanwhile.

use std::io::Write as _;
use std::sync::mpsc;
use std::time::Duration;

use super::{StartThrowaway, Story, keeper};
use crate::container::{Container, Running};
use crate::docker::Docker;

/// An engine that has not told of a container by now does not tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// Print on this thread and by this macro: that is what libtest catches, and shows where a test fails.
pub(super) fn say(text: &str) {
    // It panics where nobody reads the output any more. In a drop while unwinding that would end
    // the process.
    let _ = std::panic::catch_unwind(|| eprintln!("{text}"));
}

/// Print whatever catches the output of tests.
pub(super) fn announce(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Print what a container looks like and what it printed last, before it goes.
pub(super) fn last(docker: &Docker, name: &str) {
    if keeper::is_here() {
        return;
    }
    let (tell, told) = mpsc::channel();
    let (docker, of) = (docker.clone(), name.to_owned());
    let asked = keeper::spawn(async move {
        let _ = tell.send(Story::now(&docker, of).await);
    });
    if let (Ok(_), Ok(story)) = (asked, told.recv_timeout(PATIENCE)) {
        say(&format!("container {name}, held by what panics{story}"));
    }
}

impl StartThrowaway {
    /// Write what the container prints to this process's standard error as it comes, each line with
    /// the container's name before it.
    ///
    /// libtest does not catch it: it is seen at once, and beside what other tests print. What a
    /// container printed last is printed without this too when a test panics that holds it.
    pub fn forward_logs(mut self) -> StartThrowaway {
        self.forward = true;
        self
    }
}

/// Forward the container's lines until it is gone. On the keeper.
pub(super) fn forward(container: &Container<Running>, name: String) {
    let lines = container.logs().follow().lines();
    tokio::spawn(async move {
        let Ok(mut lines) = lines.await else { return };
        while let Some(Ok(line)) = lines.next().await {
            let text = format!("{name}: {}", String::from_utf8_lossy(&line.data));
            // Who reads it may be slow, and the keeper has more to do.
            let _ = tokio::task::spawn_blocking(move || announce(&text)).await;
        }
    });
}
