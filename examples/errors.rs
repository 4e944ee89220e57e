//! What can go wrong, and how a program tells one thing from another.
//!
//! You learn: the kinds of errors and what to do about each, which questions to ask of them, which
//! failures are values and not errors, and how a failed step gives the container back.
//!
//! ```text
//! scripts/with-engine cargo run --example errors
//! ```

use std::time::Duration;

use bowline::container::spec::Mount;
use bowline::{ApiVersion, BuildContext, ContainerSpec, Docker, Error};

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

    println!("\na build that fails:");
    let context = BuildContext::new().file("Dockerfile", "FROM busybox\nRUN echo oh; exit 3\n");
    say(docker.build(context).await.err());

    println!("\nwhat was to be sent is not there:");
    say(docker.build("/nowhere").await.err());

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

    println!("\na container that is in another state than is needed:");
    let found = docker.container("bowline-tutorial-errors").await?;
    say(found.running().err());

    println!("\na path that leads to another kind of thing:");
    say(first.read_file("/etc").await.err());

    println!("\na place on this machine that cannot be written to:");
    say(first.copy_out("/etc/passwd", "/dev/null/passwd").await.err());

    println!("\nwhat a newer engine could do:");
    // As if the engine were an old one.
    let old =
        Docker::connect().api_version(docker.api_version().min(ApiVersion::new(1, 47))).await?;
    let mount = Mount::image("busybox", "/image");
    say(old.create(ContainerSpec::new("busybox").mount(mount)).await.err());

    println!("\na step that takes too long gives the container back:");
    let running = first.start().await?;
    let left = match running.wait().timeout(Duration::from_millis(50)).await {
        Ok(exited) => exited.forget(),
        Err(failed) => {
            say(Some(failed.error));
            failed.container
        }
    };
    left.remove().force().await?;
    Ok(())
}

/// Print an error, and what a program can ask of it.
fn say(error: Option<Error>) {
    let Some(error) = error else { return println!("  nothing went wrong?") };
    println!("  {}", error.to_string().replace('\n', "\n  "));
    // An error says what was being done; what lies behind it says why.
    let mut behind = std::error::Error::source(&error);
    while let Some(why) = behind {
        println!("  because: {why}");
        behind = why.source();
    }
    let asked = [
        ("not found", error.is_not_found()),
        ("conflict", error.is_conflict()),
        ("unauthorized", error.is_unauthorized()),
        ("connect", error.is_connect()),
        ("time-out", error.is_timeout()),
        ("maybe applied", error.maybe_applied()),
    ];
    let yes: Vec<_> = asked.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    if !yes.is_empty() {
        println!("  it is: {}", yes.join(", "));
    }
    println!("  what to do: {}", advice(&error));
}

/// Say what to do about each kind of error.
fn advice(error: &Error) -> &'static str {
    match error {
        // Nothing was sent.
        Error::InvalidInput(_) | Error::ImageRef(_) => "mend the value; the error names the rule",
        Error::Unsupported(_) => "do without, or use a newer engine",
        Error::Connect(_) => "start an engine, or say where it is: DOCKER_HOST",
        Error::Credentials(_) => "log in anew, or mend the credential helper",
        // The engine said no, and why.
        Error::Api(_) if error.is_not_found() => "mend the name, or make the thing",
        Error::Api(_) if error.is_conflict() => "look what is there, and use it or remove it",
        Error::Api(_) | Error::Stream(_) if error.is_unauthorized() => "log in at the registry",
        Error::Api(_) => "read the engine's words",
        Error::Ambiguous(_) => "give more digits of the id",
        Error::State(_) => "match on the `Lookup` instead, or start it first",
        Error::Path(_) => "look with `stat` first",
        Error::Build(_) => "show the step and its last output, which the error holds",
        // Something broke on the way: it may have been done all the same.
        Error::Timeout(_) | Error::Transport(_) | Error::Decode(_) | Error::Stream(_)
            if error.maybe_applied() =>
        {
            "look whether it was done before you ask again"
        }
        Error::Timeout(_) | Error::Transport(_) | Error::Decode(_) | Error::Stream(_) => {
            "nothing was done: ask again"
        }
        // This machine's own trouble.
        Error::Input(_) => "see whether what is to be sent can be read",
        Error::Output(_) => "see whether there is room and leave to write",
        #[cfg(feature = "terminal")]
        Error::Terminal(_) => "go on without the terminal, as a pipe",
        Error::Lease(_) => "see what the system refuses; BOWLINE_LEASE=off does without",
        // Kinds may be added.
        _ => "show it to the user",
    }
}
