//! Starting a container and attaching to it in one, leaving it, and coming back.
//!
//! You learn: how a created container is started at your terminal, how the detach keys leave it
//! running, and how to attach again to the very same process.
//!
//! It is `docker start --attach --interactive` and `docker attach`, by the crate's feature `terminal`:
//!
//! ```text
//! scripts/with-engine cargo run --example start_attach
//! ```

use bowline::container::terminal::Ended;
use bowline::{ContainerSpec, Docker, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;

    println!("$ docker create --interactive --tty busybox sh");
    let shell = ContainerSpec::new("busybox").cmd(["sh"]).interactive().tty();
    let created = docker.create(shell).await?;
    let id = created.id().clone();
    println!("{}", id.short());

    println!("\n$ docker start --attach --interactive {}", id.short());
    println!("(set a variable, then ctrl-p ctrl-q leaves it running; \"exit\" ends it)");
    let mut ended = created.start().on_terminal().await;
    while let Ok(Ended::Detached(left)) = ended {
        println!("\nyou left it: {}", left.inspect().await?.state.status);
        println!("\n$ docker attach {}", id.short());
        println!("(the variable is still there: it is the same shell)");
        ended = left.lookup().await?.running()?.attach().on_terminal().await;
    }
    match ended {
        Ok(Ended::Exited(status)) => println!("it ended with {status}"),
        Ok(Ended::Detached(_)) => {}
        Err(error) => println!("{error}"),
    }

    println!("\n$ docker rm --force {}", id.short());
    if let Some(container) = docker.container(id).await?.any() {
        container.remove().force().await?;
    }
    println!("gone");
    Ok(())
}
