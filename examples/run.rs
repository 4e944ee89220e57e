//! Running a command in a container.
//!
//! You learn: how to run something and read what it printed, how its exit code comes back, how to
//! give it an environment, a folder and limits, and what stays afterwards.
//!
//! ```text
//! scripts/with-engine cargo run --example run
//! ```

use bowline::{ContainerSpec, Docker, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;

    // The image is pulled if it is not there. `rm` removes the container once the command has
    // ended; what it printed is here by then.
    println!("$ docker run --rm busybox ls -la");
    let listing =
        docker.run(ContainerSpec::new("busybox").cmd(["ls", "-la"]).rm()).output().await?;
    print!("{}", listing.stdout_lossy());

    // A command that fails is not an error of this crate's: it ran, and this is how it ended.
    println!("\n$ docker run --rm busybox sh -c 'echo oh no >&2; exit 3'");
    let spec = ContainerSpec::new("busybox").cmd(["sh", "-c", "echo oh no >&2; exit 3"]).rm();
    let failed = docker.run(spec).output().await?;
    println!("stderr: {}", failed.stderr_lossy().trim_end());
    println!("status: {} (a success: {})", failed.status, failed.status.success());

    println!(
        "\n$ docker run --rm --env KNOT=bowline --workdir /tmp --memory 32m busybox sh -c ..."
    );
    let spec = ContainerSpec::new("busybox")
        .cmd(["sh", "-c", "echo a $KNOT, tied in $(pwd)"])
        .env("KNOT", "bowline")
        .workdir("/tmp")
        .memory("32m")
        .rm();
    print!("{}", docker.run(spec).output().await?.stdout_lossy());

    // An error of this crate's is one where nothing ran, and it says why.
    println!("\n$ docker run --rm busybox figlet hello");
    let spec = ContainerSpec::new("busybox").cmd(["figlet", "hello"]).rm();
    match docker.run(spec).output().await {
        Ok(output) => println!("it ran: {}", output.status),
        Err(error) => println!("{error}"),
    }

    // Without `rm` the container stays, exited, with its files and its logs.
    println!("\n$ docker run --detach busybox echo still here");
    let container =
        docker.run(ContainerSpec::new("busybox").cmd(["echo", "still here"])).spawn().await?;
    let container = container.wait().await?;
    println!("{}", container.status());
    println!("\n$ docker logs ...");
    print!("{}", container.logs().collect().await?.stdout_lossy());
    println!("\n$ docker rm ...");
    container.remove().await?;
    println!("gone");
    Ok(())
}
