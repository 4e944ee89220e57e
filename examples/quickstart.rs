//! Quickstart: one command in a container, and one container through the whole of its life.
//!
//! You learn: how to run something and read what it printed, and how a container goes from
//! created to running, paused, exited and gone, each of them a type of its own.
//!
//! ```text
//! scripts/with-engine cargo run --example quickstart
//! ```

use std::process::ExitCode;
use std::time::Duration;

use bowline::{Container, ContainerSpec, Created, Docker, Error};

#[tokio::main]
async fn main() -> ExitCode {
    match quickstart().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            // An error says what was being done; what lies behind it says why.
            let mut behind = std::error::Error::source(&error);
            while let Some(why) = behind {
                eprintln!("  {why}");
                behind = why.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn quickstart() -> Result<(), Error> {
    // docker version
    let docker = Docker::connect().await?;
    println!("connected to {}, API {}", docker.host(), docker.api_version());

    // docker run --rm busybox ls -la
    let spec = ContainerSpec::new("busybox").cmd(["ls", "-la"]).rm();
    let listing = docker.run(spec).output().await?;
    println!("\n$ docker run --rm busybox ls -la\n{}", listing.stdout_lossy());

    // docker create busybox sleep 1000
    let spec = ContainerSpec::new("busybox").cmd(["sleep", "1000"]);
    let container = docker.create(spec).await?;
    let id = container.id().clone();
    let lived = life(container).await;
    if lived.is_err() {
        // docker rm --force: nothing of this stays, however far it came.
        if let Some(left) = docker.container(id).await?.any() {
            left.remove().force().await?;
        }
    }
    lived
}

/// Every step takes the handle and returns the next one. `container.exec(..)` on the first line,
/// or `container.start()` on the last, would not compile.
async fn life(container: Container<Created>) -> Result<(), Error> {
    println!("created   {}", container.id().short());

    let container = container.start().await?; // docker start
    println!("running   as process {} of the host", container.inspect().await?.state.pid);

    // docker exec
    let out = container.exec(["sh", "-c", "echo hello from $0 > /greeting; cat /greeting"]).await?;
    println!("exec      {}, {}", out.stdout_lossy().trim_end(), out.status);

    let container = container.pause().await?; // docker pause
    println!("paused");

    let container = container.unpause().await?; // docker unpause
    println!("running");

    // docker stop --time 1: `sleep` does not heed the signal and is killed, which makes its code 137.
    let container = container.stop().time(Duration::from_secs(1)).await?;
    println!("exited    with {}", container.status());

    // docker commit
    let image = container.commit("bowline-quickstart:latest").await?;
    println!("committed bowline-quickstart:latest as {}", image.name());

    container.remove().await?; // docker rm
    image.remove().await?; // docker rmi
    println!("removed");
    Ok(())
}
