//! Changing a container, and making an image of it.
//!
//! You learn: how to see what a container has changed, how to commit that to an image, how to tag
//! the image, and how to run it.
//!
//! ```text
//! scripts/with-engine cargo run --example commit
//! ```

use bowline::{CommitOptions, ContainerSpec, Docker, Error};

/// Stands in for a package: a program that the image does not have.
const BANNER: &str = r#"#!/bin/sh
line=$(printf '%s' "$*" | sed 's/./=/g')
printf '+=%s=+\n| %s |\n+=%s=+\n' "$line" "$*" "$line"
"#;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;

    println!("$ docker run --rm busybox banner hello");
    match docker.run(ContainerSpec::new("busybox").cmd(["banner", "hello"]).rm()).output().await {
        Ok(output) => println!("it ran: {}", output.status),
        Err(error) => println!("{error}"),
    }

    println!("\n$ docker run --detach busybox sleep 600, and in it the banner is installed");
    let spec = ContainerSpec::new("busybox").cmd(["sleep", "600"]);
    let container = docker.run(spec).spawn().await?;
    container.write_file("/bin/banner", BANNER).mode(0o755).await?;
    container.exec(["sh", "-c", "echo 'what is installed here' > /etc/motd"]).await?;
    print!("{}", container.exec(["banner", "hello"]).await?.stdout_lossy());

    println!("\n$ docker container diff ...");
    let mut changes = container.changes().await?;
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    for change in changes {
        println!("{} {}", change.kind.letter(), change.path);
    }

    println!("\n$ docker container commit ... banner:v1");
    let options = CommitOptions::new()
        .name("bowline-banner:v1")
        .message("a banner")
        .change("CMD [\"banner\", \"knots\"]");
    let image = container.commit(options).await?;
    println!("made {}", image.name());
    // The image has what it needs; the container may go.
    container.remove().force().await?;

    println!("\n$ docker image tag banner:v1 banner:latest");
    let latest = image.tag("bowline-banner:latest").await?;
    println!("also known as {}", latest.name());

    println!("\n$ docker run --rm banner banner hello");
    let spec = ContainerSpec::new("bowline-banner").cmd(["banner", "hello"]).rm();
    print!("{}", docker.run(spec).output().await?.stdout_lossy());
    println!("\n$ docker run --rm banner    (what it was told to run unless told otherwise)");
    print!(
        "{}",
        docker.run(ContainerSpec::new("bowline-banner").rm()).output().await?.stdout_lossy()
    );

    println!("\n$ docker rmi banner:v1 banner:latest");
    latest.remove().await?;
    image.remove().await?;
    println!("gone");
    Ok(())
}
