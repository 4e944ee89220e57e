//! What can go wrong, and how a program tells one thing from another.
//!
//! You learn: the kinds of errors, which questions to ask of them, which failures are values and
//! not errors, and how a failed step gives the container back.
//!
//! ```text
//! scripts/with-engine cargo run --example errors
//! ```

use std::time::Duration;

use bowline::{ContainerSpec, Docker, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    println!("an engine that is not there:");
    let nowhere = Docker::connect().host("unix:///nowhere/docker.sock").await;
    say(nowhere.err());

    let docker = Docker::connect().await?;

    println!("\na value that breaks a rule, before anything is sent:");
    say(docker.create(ContainerSpec::new("busybox").publish("99999:80")).await.err());

    println!("\na name that is no image's:");
    say(docker.create("Busy Box").await.err());

    println!("\na container that is not there:");
    say(docker.container("nobody").await.err());

    println!("\na command that is not there (nothing ran):");
    say(docker.run(ContainerSpec::new("busybox").cmd(["figlet"]).rm()).output().await.err());

    println!("\na command that fails: a value, not an error");
    let output = docker.run(ContainerSpec::new("busybox").cmd(["false"]).rm()).output().await?;
    println!("  {} (a success: {})", output.status, output.status.success());

    println!("\na name that is taken, and what to do then:");
    let taken = ContainerSpec::new("busybox").name("bowline-tutorial-errors").cmd(["sleep", "600"]);
    let first = docker.create(taken.clone()).await?;
    match docker.create(taken).await {
        Err(error) if error.is_conflict() => {
            println!("  {error}");
            println!(
                "  so the one that has it is used: {:?}",
                docker.container("bowline-tutorial-errors").await?.state()
            );
        }
        other => println!("  unexpected: {other:?}"),
    }

    println!("\na step that takes too long gives the container back:");
    let running = first.start().await?;
    let left = match running.wait().timeout(Duration::from_millis(50)).await {
        Ok(exited) => exited.forget(),
        Err(failed) => {
            println!("  {} (a time-out: {})", failed.error, failed.error.is_timeout());
            failed.container
        }
    };
    left.remove().force().await?;
    Ok(())
}

fn say(error: Option<Error>) {
    let Some(error) = error else { return println!("  nothing went wrong?") };
    println!("  {error}");
    let asked = [
        ("not found", error.is_not_found()),
        ("conflict", error.is_conflict()),
        ("connect", error.is_connect()),
        ("time-out", error.is_timeout()),
        ("maybe applied", error.maybe_applied()),
    ];
    let yes: Vec<_> = asked.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    println!(
        "  it is: {}",
        if yes.is_empty() { "none of these".to_owned() } else { yes.join(", ") }
    );
}
