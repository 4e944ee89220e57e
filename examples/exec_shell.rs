//! A shell in a container that runs, at your terminal.
//!
//! You learn: that a second process gets a terminal of its own, next to what the container was
//! started for, and that the container goes on when you leave it.
//!
//! It is `docker exec --interactive --tty ... sh`, by the crate's feature `terminal`:
//!
//! ```text
//! scripts/with-engine cargo run --example exec_shell
//! ```

use bowline::container::terminal::Ended;
use bowline::{ContainerSpec, Docker, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;

    println!("$ docker run --detach busybox sleep 600");
    let spec = ContainerSpec::new("busybox").cmd(["sleep", "600"]).init(true);
    let container = docker.run(spec).spawn().await?;

    println!("$ docker exec --interactive --tty ... sh");
    println!("(try \"ps\"; \"exit\" or ctrl-d ends the shell, ctrl-p ctrl-q leaves it running)");
    match container.exec(["sh"]).tty().on_terminal().await {
        Ok(Ended::Exited(status)) => println!("the shell ended with {status}"),
        Ok(Ended::Detached(_)) => println!("you left the shell; it runs on"),
        Err(error) => println!("{error}"),
    }

    println!("\n$ docker top ...");
    for process in container.top().await?.rows {
        println!("{}", process.join(" "));
    }
    println!("\n$ docker rm --force ...");
    container.remove().force().await?;
    println!("gone");
    Ok(())
}
