//! Stopping a container, starting it again, and attaching to it.
//!
//! You learn: that a stopped container keeps its files, how to start it by the first digits of its
//! id, how to attach to a process that runs, and how to start and attach in one.
//!
//! ```text
//! scripts/with-engine cargo run --example restart
//! ```

use bowline::{ContainerSpec, Docker, Error};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;

    // A little program that counts its starts, and then repeats what it is told.
    let program = "echo start >> /starts; echo this is start number $(wc -l < /starts); \
                   while read line; do echo you said: $line; done; echo goodbye";
    println!("$ docker run --detach --interactive busybox sh -c '...'");
    let spec = ContainerSpec::new("busybox").cmd(["sh", "-c", program]).interactive();
    let container = docker.run(spec).spawn().await?;

    // Until it has said its first line.
    let mut lines = container.logs().follow().lines().await?;
    let _ = lines.next().await.transpose()?;

    println!("$ docker stop --time 0 ...");
    let container = container.stop().time(std::time::Duration::ZERO).await?;
    println!("it ended with {}", container.status());

    // Its type is `Container<Exited>` now: `container.exec(..)` would not compile. A program that
    // has nothing but an id looks the container up, and is told the state.
    let prefix = container.id().as_str()[..8].to_owned();
    println!("\n$ docker start {prefix}");
    let container = docker.container(prefix).await?.exited()?.start().await?;
    println!("it runs");

    println!("\n$ docker attach ...");
    let mut attached = container.attach().logs().stdin().stdout().await?;
    // Writing may fail as any writing does: the process may end under it.
    let told = attached.stdin().write_all(b"hello\n").await;
    println!("told it something: {}", told.is_ok());
    // Its input ends, it says goodbye, and with it all output there is: the log's and its own.
    let output = attached.wait_with_output().await?;
    print!("{}", output.stdout_lossy());
    let container = container.wait().await?;

    println!("\n$ docker start --attach --interactive ...");
    // Attached before it starts: not a byte is missed.
    let mut attached = container.attach().stdin().stdout().await?;
    let container = container.start().await?;
    let _ = attached.stdin().write_all(b"hello again\n").await;
    print!("{}", attached.wait_with_output().await?.stdout_lossy());

    let container = container.wait().await?;
    println!("\n$ docker rm ...");
    container.remove().await?;
    println!("gone, and its files with it");
    Ok(())
}
