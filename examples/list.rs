//! Listing containers: those that run, and all of them.
//!
//! You learn: what `docker ps` shows, why a container that has ended is still there, how to filter,
//! and how to find one by its name or by the first digits of its id.
//!
//! ```text
//! scripts/with-engine cargo run --example list
//! ```

use bowline::container::ContainerSummary;
use bowline::{ContainerSpec, Docker, Error, Status};

/// The tutorial's own mark, so that it shows and removes nobody else's containers.
const LABEL: &str = "bowline.tutorial=list";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    let ours = |cmd: &'static str| {
        let spec = ContainerSpec::new("busybox").cmd(["sh", "-c", cmd]);
        spec.label("bowline.tutorial", "list").init(true)
    };

    let web = docker.run(ours("exec httpd -f")).spawn().await?;
    docker.run(ours("exit 0")).status().await?;
    docker.run(ours("exit 3")).status().await?;
    let _created = docker.create(ours("never started")).await?;

    println!("$ docker ps");
    table(&docker.containers().label(LABEL).await?);

    println!("\n$ docker ps --all");
    table(&docker.containers().all().label(LABEL).await?);

    println!("\n$ docker ps --all --filter status=exited");
    table(&docker.containers().status(Status::Exited).label(LABEL).await?);

    // The first digits of an id will do, as long as no other begins with them.
    let prefix = &web.id().as_str()[..8];
    println!("\n$ docker inspect {prefix}");
    let found = docker.container(prefix).await?.running()?;
    println!("it is the web server: {}", found.id() == web.id());

    println!("\n$ docker rm --force ...");
    let gone = docker.containers().all().label(LABEL).remove().force().await?;
    println!("removed {}", gone.removed.len());
    Ok(())
}

fn table(rows: &[ContainerSummary]) {
    println!("{:<14} {:<10} {:<24} {:<10} STATUS", "CONTAINER ID", "IMAGE", "COMMAND", "STATE");
    for row in rows {
        let id = row.id.short();
        println!("{id:<14} {:<10} {:<24} {:<10} {}", row.image, row.command, row.state, row.status);
    }
}
