//! Two containers of one image: what one does, the other does not see.
//!
//! You learn: that a container has files, processes and a host name of its own, and that the image
//! stays as it was.
//!
//! ```text
//! scripts/with-engine cargo run --example isolation
//! ```

use bowline::{Container, ContainerSpec, Docker, Error, Running};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    let spec = ContainerSpec::new("busybox");

    println!("$ docker run --detach busybox sleep 600");
    let one = docker.run(spec.clone().cmd(["sleep", "600"])).spawn().await?;
    println!("$ docker run --detach busybox sleep 700");
    let two = docker.run(spec.cmd(["sleep", "700"])).spawn().await?;

    println!("\n$ docker exec ONE sh -c 'echo made in one > /note'");
    sh(&one, "echo made in one > /note").await?;
    println!("one: {}", sh(&one, "cat /note").await?);
    println!("two: {}", sh(&two, "cat /note 2>&1").await?);

    println!("\n$ docker exec ... ps    (each sees its own processes only)");
    println!("one: {}", sh(&one, "ps -o args | grep '^sleep'").await?);
    println!("two: {}", sh(&two, "ps -o args | grep '^sleep'").await?);

    println!("\n$ docker exec ... hostname    (the first digits of the container's id)");
    println!("one: {}", sh(&one, "hostname").await? == one.id().short());
    println!("two: {}", sh(&two, "hostname").await? == two.id().short());

    println!("\n$ docker run --rm busybox cat /note    (a third, fresh from the image)");
    let spec = ContainerSpec::new("busybox").cmd(["sh", "-c", "cat /note 2>&1"]).rm();
    print!("new: {}", docker.run(spec).output().await?.stdout_lossy());

    println!("\n$ docker rm --force ONE TWO");
    one.remove().force().await?;
    two.remove().force().await?;
    println!("and with them the note");
    Ok(())
}

/// Run a line of shell in a container, and return what it prints.
async fn sh(container: &Container<Running>, line: &str) -> Result<String, Error> {
    Ok(container.exec(["sh", "-c", line]).await?.stdout_lossy().trim_end().to_owned())
}
