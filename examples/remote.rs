//! An engine on another machine: by SSH, by TLS, by the surroundings, by a context's name.
//!
//! You learn: how to name an engine in code, what TLS needs and where that is found, what contexts
//! are, and what an error says where the door stays closed.
//!
//! ```text
//! REMOTE_SSH=ssh://ada@farm REMOTE_TLS=tcp://farm:2376 REMOTE_KEYS=$HOME/.docker \
//!     cargo run --example remote --features ssh,tls
//! ```
//!
//! `REMOTE_SSH` is a machine to which `ssh` gets without a question, and on which there is a `docker`
//! command. `REMOTE_TLS` is an engine that was started with `--tlsverify`; `REMOTE_KEYS` is the folder
//! with the `ca.pem`, `cert.pem` and `key.pem` for it. Each step whose variables are not set says so.

use std::path::Path;

use bowline::error::ConnectFailure;
use bowline::{ContainerSpec, Docker, DockerContext, Error, Tls};

type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    surroundings().await?;
    contexts().await?;
    match variable("REMOTE_SSH") {
        Some(url) => ssh(&url).await?,
        None => println!("\nby ssh: set REMOTE_SSH, to something like ssh://ada@farm"),
    }
    match (variable("REMOTE_TLS"), variable("REMOTE_KEYS")) {
        (Some(url), Some(keys)) => tls(&url, Path::new(&keys)).await?,
        _ => println!(
            "\nby TLS: set REMOTE_TLS, to something like tcp://farm:2376, and REMOTE_KEYS, to the \
             folder of ca.pem, cert.pem and key.pem"
        ),
    }
    Ok(())
}

/// What is asked for from outside: a program that names no engine goes where `docker` would.
async fn surroundings() -> Result<(), Failed> {
    let names = ["DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONTEXT"];
    let set: Vec<_> = names.into_iter().filter(|name| variable(name).is_some()).collect();
    println!("by the surroundings: of the variables, {set:?} are set");
    println!("$ docker run --rm busybox uname");
    let docker = Docker::connect().await?;
    say(&docker).await?;
    Ok(())
}

/// An engine by a name that `docker context create` gave it, keys included.
async fn contexts() -> Result<(), Failed> {
    println!("\nby a context:\n$ docker context ls");
    let contexts = DockerContext::list()?;
    for context in &contexts {
        let mark = if context.current { "*" } else { " " };
        let keys = if context.tls { ", with keys for TLS" } else { "" };
        let host = context.host.as_deref().unwrap_or("-");
        println!("{mark} {:<10} {host}{keys}", context.name);
    }
    // Where there is more than the one that is always there.
    for context in contexts.iter().filter(|context| context.name != "default") {
        println!("$ docker --context {} run --rm busybox uname", context.name);
        say(&Docker::context(&context.name).await?).await?;
    }
    if contexts.len() == 1 {
        println!("there is none but the default one: docker context create farm --docker host=...");
    }
    Ok(())
}

/// `ssh` does all that it does elsewhere: its configuration, its agent, its known hosts. All calls
/// share one connection, which ends with the last handle.
async fn ssh(url: &str) -> Result<(), Failed> {
    println!("\nby ssh:\n$ docker --host {url} run --rm busybox uname");
    let docker = Docker::connect().host(url).await?;
    say(&docker).await?;

    // Streams go both ways as they do at home.
    println!("$ echo over there | docker --host {url} run --rm --interactive busybox cat");
    let spec = ContainerSpec::new("busybox").cmd(["cat"]).interactive().rm();
    let container = docker.create(spec).await?;
    let (mut input, output) = container.attach().stdin().await?.split();
    let container = container.start().await?;
    tokio::io::AsyncWriteExt::write_all(&mut input, b"over there\n").await?;
    drop(input); // the end of its input
    print!("{}", output.wait_with_output().await?.stdout_lossy());
    drop(container);

    println!("and a host that is none:\n$ docker --host ssh://127.0.0.1:1 version");
    closed(Docker::connect().host("ssh://127.0.0.1:1").await.err());
    Ok(())
}

/// Whom to trust, and who we are, from anywhere: here it is read from files, and it could be a
/// secret that never was one.
async fn tls(url: &str, keys: &Path) -> Result<(), Failed> {
    let read = |name: &str| std::fs::read(keys.join(name));
    println!("\nby TLS:\n$ docker --tlsverify --tlscacert ... --host {url} run --rm busybox uname");
    let ca = Tls::new().ca_pem(read("ca.pem")?);
    let us = ca.clone().identity_pem(read("cert.pem")?, read("key.pem")?);
    let docker = Docker::connect().host(url).tls(us.clone()).await?;
    say(&docker).await?;

    println!("without saying who we are:");
    closed(Docker::connect().host(url).tls(ca).await.err());
    println!("where another name is expected in its certificate:");
    closed(Docker::connect().host(url).tls(us.server_name("tower.example")).await.err());
    Ok(())
}

/// Run something there, and say where that was.
async fn say(docker: &Docker) -> Result<(), Error> {
    let spec = ContainerSpec::new("busybox").cmd(["uname"]).rm();
    let output = docker.run(spec).output().await?;
    println!("{} at {}", output.stdout_lossy().trim_end(), docker.host());
    Ok(())
}

/// An error of connecting lists the places that were tried, and why each did not serve.
fn closed(error: Option<Error>) {
    let error = match error {
        Some(Error::Connect(error)) => error,
        Some(other) => return println!("  {other}"),
        None => return println!("  it is open?"),
    };
    for tried in &error.tried {
        let kind = match &tried.failure {
            ConnectFailure::Tls(_) => "TLS cannot be agreed on",
            ConnectFailure::Ssh(_) => "ssh does not lead there",
            ConnectFailure::NotAnEngine(_) => "that is no engine",
            _ => "it cannot be reached",
        };
        println!("  {kind}: {}", tried.failure);
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
