//! Watching what happens on an engine.
//!
//! You learn: how to follow the engine's events, how to filter them, and what each step of a
//! container's life looks like from outside.
//!
//! ```text
//! scripts/with-engine cargo run --example events
//! ```

use std::time::Duration;

use bowline::events::Action;
use bowline::{ContainerSpec, Docker, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;

    println!("$ docker events --filter label=bowline.tutorial=events");
    let mut events = docker.events().label("bowline.tutorial=events").await?;

    // Somebody else's doing; here it is ours, in a task of its own.
    let life = tokio::spawn({
        let docker = docker.clone();
        async move {
            let spec = ContainerSpec::new("busybox").label("bowline.tutorial", "events");
            let container = docker.run(spec.cmd(["sleep", "600"])).spawn().await?;
            let container = container.pause().await?.unpause().await?;
            container.exec(["true"]).await?;
            let container = container.stop().time(Duration::ZERO).await?;
            container.remove().await?;
            Ok::<(), Error>(())
        }
    });

    while let Some(event) = events.next().await.transpose()? {
        let time = event.time.map_or_else(String::new, |t| t.to_string());
        let code = event.exit_code().map_or_else(String::new, |code| format!(" ({code})"));
        println!("{time} {} {}{code}", event.kind, event.action);
        if event.action == Action::Destroy {
            break;
        }
    }
    match life.await {
        Ok(lived) => lived,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
