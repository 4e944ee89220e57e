//! Removing containers: one, all that have ended, and pruning.
//!
//! You learn: what `rm` refuses, how to remove what a list names, and what pruning gives back.
//!
//! ```text
//! scripts/with-engine cargo run --example clean_up
//! ```

use bowline::{ContainerSpec, Docker, Error, Status};

/// The tutorial's own mark. Without it in the filters below, they would remove *every* exited
/// container of this engine, as the commands above them do.
const LABEL: &str = "bowline.tutorial=clean_up";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    let spec = ContainerSpec::new("busybox").label("bowline.tutorial", "clean_up").init(true);
    let ended = spec.clone().cmd(["sh", "-c", "head -c 100000 /dev/zero > /filled"]);
    let running = docker.run(spec.cmd(["sleep", "600"])).spawn().await?;

    println!("$ docker rm ...    (while it runs)");
    match running.remove().await {
        Ok(()) => println!("removed"),
        // The handle is not lost: it comes back with the error.
        Err(refused) => {
            println!("refused: {}", refused.error);
            println!("\n$ docker rm --force ...");
            refused.container.remove().force().await?;
            println!("removed");
        }
    }

    for _ in 0..3 {
        docker.run(ended.clone()).status().await?;
    }
    println!("\n$ docker rm $(docker ps --all --quiet --filter status=exited)");
    let removed = docker.containers().status(Status::Exited).label(LABEL).remove().await?;
    for id in &removed.removed {
        println!("{}", id.short());
    }
    println!("{} could not be removed", removed.failed.len());

    for _ in 0..2 {
        docker.run(ended.clone()).status().await?;
    }
    println!("\n$ docker container prune");
    let pruned = docker.prune_containers().label(LABEL).await?;
    println!("{} containers, {} bytes", pruned.containers.len(), pruned.space_reclaimed);

    println!("\n$ docker ps --all");
    println!("{} left", docker.containers().all().label(LABEL).await?.len());
    Ok(())
}
