//! `dk run`, `create`, `start`, `attach`, `exec`: a process, and who is at its ends.

use std::future::Future;
use std::io::IsTerminal;

use bowline::container::spec::{PullPolicy, RestartPolicy};
use bowline::container::terminal::{Ended, OnTerminal};
use bowline::{
    Condition, Container, ContainerId, ContainerSpec, Created, Docker, Error, ImageRef, Lookup,
};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::fault::{Done, Fault, each, why_not_started};
use crate::{image, label};

/// What a container is made of: the flags of `run` and `create`.
#[derive(Args)]
pub(crate) struct Spec {
    /// Name it
    #[arg(long)]
    name: Option<String>,
    /// Keep standard input open
    #[arg(short, long)]
    interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Remove it when it exits
    #[arg(long)]
    rm: bool,
    /// Publish ports: [[IP:]HOST:]CONTAINER[/PROTOCOL]
    #[arg(short, long)]
    publish: Vec<String>,
    /// Publish all exposed ports
    #[arg(short = 'P', long)]
    publish_all: bool,
    /// Say that it listens on a port
    #[arg(long)]
    expose: Vec<String>,
    /// Mount a volume or a folder: [SOURCE:]TARGET[:OPTIONS]
    #[arg(short, long)]
    volume: Vec<String>,
    /// Mount what another container mounts
    #[arg(long)]
    volumes_from: Vec<String>,
    /// Mount a file system in memory
    #[arg(long)]
    tmpfs: Vec<String>,
    /// Set an environment variable; without "=", as it is here
    #[arg(short, long)]
    env: Vec<String>,
    /// Read environment variables from a file
    #[arg(long, value_name = "FILE")]
    env_file: Vec<String>,
    /// Label it
    #[arg(short, long, value_parser = label)]
    label: Vec<(String, String)>,
    /// Set the user
    #[arg(short, long)]
    user: Option<String>,
    /// Set the working directory
    #[arg(short, long)]
    workdir: Option<String>,
    /// Set the host name
    #[arg(short = 'h', long)]
    hostname: Option<String>,
    /// Set the program that the command is the arguments of
    #[arg(long)]
    entrypoint: Option<String>,
    /// Connect it to a network
    #[arg(long, alias = "net")]
    network: Vec<String>,
    /// Add a name on its network
    #[arg(long)]
    network_alias: Vec<String>,
    /// Set its address
    #[arg(long)]
    ip: Option<String>,
    /// Link it to another container
    #[arg(long)]
    link: Vec<String>,
    /// Add a host: NAME:ADDRESS
    #[arg(long)]
    add_host: Vec<String>,
    /// Set a name server
    #[arg(long)]
    dns: Vec<String>,
    /// Limit its memory: "64m"
    #[arg(short, long)]
    memory: Option<String>,
    /// Limit its processors: "1.5"
    #[arg(long)]
    cpus: Option<f64>,
    /// Limit the number of its processes
    #[arg(long)]
    pids_limit: Option<i64>,
    /// Set the size of /dev/shm
    #[arg(long)]
    shm_size: Option<String>,
    /// Start it again when it ends: no, always, unless-stopped, on-failure[:MAX]
    #[arg(long)]
    restart: Option<RestartPolicy>,
    /// Give it all privileges
    #[arg(long)]
    privileged: bool,
    /// Add a capability
    #[arg(long)]
    cap_add: Vec<String>,
    /// Drop a capability
    #[arg(long)]
    cap_drop: Vec<String>,
    /// Set a security option
    #[arg(long)]
    security_opt: Vec<String>,
    /// Add a device of the host's
    #[arg(long)]
    device: Vec<String>,
    /// Mount its root read-only
    #[arg(long)]
    read_only: bool,
    /// Run an init in it
    #[arg(long)]
    init: bool,
    /// Set the signal that stops it
    #[arg(long)]
    stop_signal: Option<String>,
    /// Set the log driver
    #[arg(long)]
    log_driver: Option<String>,
    /// Set the platform of the image
    #[arg(long)]
    platform: Option<String>,
    /// Pull the image: always, missing, never
    #[arg(long, default_value = "missing")]
    pull: String,
    /// Show nothing of a pull
    #[arg(short, long)]
    quiet: bool,
    /// The image, and the command to run in place of the image's
    #[arg(required = true, trailing_var_arg = true, value_name = "IMAGE [COMMAND [ARG]]")]
    words: Vec<String>,
}

/// Give a value each flag that was said: those that take one value, those that add one each time,
/// and those that take none.
macro_rules! flags {
    ($spec:ident, $args:ident: $($one:ident)*; $($each:ident)*; $($is:ident)*) => {
        $(if let Some(value) = $args.$one.take() { $spec = $spec.$one(value); })*
        $(for value in std::mem::take(&mut $args.$each) { $spec = $spec.$each(value); })*
        $(if $args.$is { $spec = $spec.$is(); })*
    };
}

impl Spec {
    fn spec(mut self, detached: bool) -> Result<ContainerSpec, Fault> {
        let mut words = self.words.drain(..);
        let mut spec = ContainerSpec::new(words.next().unwrap_or_default());
        let command: Vec<String> = words.collect();
        if !command.is_empty() {
            spec = spec.cmd(command);
        }
        flags!(spec, self:
            name user workdir hostname ip memory cpus pids_limit shm_size restart stop_signal
            log_driver platform;
            publish expose volume volumes_from tmpfs network network_alias link dns cap_add
            cap_drop security_opt device;
            tty rm publish_all privileged read_only);
        if let Some(program) = self.entrypoint {
            spec = spec.entrypoint([program]);
        }
        for host in &self.add_host {
            let (name, address) = host.split_once(':').ok_or("bad format for add-host")?;
            spec = spec.add_host(name, address);
        }
        if self.init {
            spec = spec.init(true);
        }
        spec = spec.labels(self.label).envs(env(&self.env_file, self.env)?);
        Ok(match (self.interactive, detached) {
            (false, _) => spec,
            (true, false) => spec.interactive(),
            // Nobody attaches, so whoever comes later must not end it by leaving.
            (true, true) => spec.keep_stdin(),
        })
    }

    /// Create it, and pull the image where that is missing or asked for.
    async fn create(self, docker: &Docker, detached: bool) -> Result<Container<Created>, Fault> {
        let (policy, quiet) = (self.pull.clone(), self.quiet);
        let platform = self.platform.clone();
        let image = self.words.first().cloned().unwrap_or_default();
        let spec = self.spec(detached)?.pull(PullPolicy::Never);
        if policy == "always" {
            image::pulled(docker, &image, platform.as_deref(), quiet, true).await?;
        }
        let created = match docker.create(spec.clone()).await {
            Err(e) if e.is_not_found() && policy == "missing" && lacks_image(&e) => {
                let name: ImageRef = image.parse().map_err(Error::from)?;
                eprintln!("Unable to find image '{}' locally", name.or_latest());
                image::pulled(docker, &image, platform.as_deref(), quiet, true).await?;
                docker.create(spec).await?
            }
            created => created?,
        };
        for warning in created.warnings() {
            eprintln!("WARNING: {warning}");
        }
        Ok(created)
    }
}

fn lacks_image(error: &Error) -> bool {
    matches!(error, Error::Api(api) if api.message.starts_with("No such image"))
}

/// Environment variables, from files and then as said.
fn env(files: &[String], said: Vec<String>) -> Result<Vec<(String, String)>, Fault> {
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file)?;
        let line = |line: &str| line.trim_start().to_owned();
        lines.extend(text.lines().map(line).filter(|l| !l.is_empty() && !l.starts_with('#')));
    }
    lines.extend(said);
    let variable = |line: String| match line.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => std::env::var(&line).ok().map(|value| (line, value)),
    };
    Ok(lines.into_iter().filter_map(variable).collect())
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    spec: Spec,
}

pub(crate) async fn create(docker: &Docker, args: Create) -> Done {
    println!("{}", args.spec.create(docker, false).await?.id());
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Run {
    /// Leave it running, and print its id
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    spec: Spec,
}

pub(crate) async fn run(docker: &Docker, args: Run) -> Done {
    at_a_terminal(args.spec.interactive && args.spec.tty && !args.detach)?;
    let rm = args.spec.rm;
    let created = args.spec.create(docker, args.detach).await.map_err(|fault| fault.code(125))?;
    let id = created.id().clone();
    let refused = |error: Error| {
        let code = why_not_started(&error);
        Fault::from(error).code(code)
    };
    if args.detach {
        let _running = created.start().await.map_err(|error| refused(error.into()))?;
        println!("{id}");
        return Ok(0);
    }
    let session = args.keys.on(created.start().on_terminal());
    match proxied(docker, &id, session).await.map_err(refused)? {
        Ended::Exited(status) => {
            // As the command promises, it is gone when this returns.
            if let Some(left) = docker.container(&id).await.ok().filter(|_| rm) {
                if let Some(left) = left.any() {
                    let _ = left.wait_for(Condition::Removed).await;
                }
            }
            Ok(status.code() as u8)
        }
        Ended::Detached(_) => Ok(0),
    }
}

/// How a session is left.
#[derive(Args)]
pub(crate) struct Keys {
    /// Set the keys that leave it running: "ctrl-p,ctrl-q"
    #[arg(long)]
    detach_keys: Option<String>,
}

impl Keys {
    fn on(self, session: OnTerminal) -> OnTerminal {
        match self.detach_keys {
            Some(keys) => session.detach_keys(keys),
            None => session,
        }
    }
}

fn at_a_terminal(needed: bool) -> Result<(), Fault> {
    match needed && !std::io::stdin().is_terminal() {
        true => Err("the input device is not a TTY".into()),
        false => Ok(()),
    }
}

/// Hand on to a container what this program is told by signals, as long as the session lasts.
async fn proxied(
    docker: &Docker,
    id: &ContainerId,
    session: impl IntoFuture<IntoFuture: Future<Output = Result<Ended, Error>>>,
) -> Result<Ended, Error> {
    let mut proxies = JoinSet::new();
    for (name, kind) in [
        ("HUP", SignalKind::hangup()),
        ("INT", SignalKind::interrupt()),
        ("QUIT", SignalKind::quit()),
        ("TERM", SignalKind::terminate()),
        ("USR1", SignalKind::user_defined1()),
        ("USR2", SignalKind::user_defined2()),
    ] {
        let (docker, id) = (docker.clone(), id.clone());
        let Ok(mut signal) = signal(kind) else { continue };
        proxies.spawn(async move {
            while signal.recv().await.is_some() {
                if let Ok(Lookup::Running(running)) = docker.container(&id).await {
                    let _ = running.kill().signal(name).await;
                }
            }
        });
    }
    session.await
}

/// The exit code of a session: that of its process.
fn code(ended: Ended) -> u8 {
    match ended {
        Ended::Exited(status) => status.code() as u8,
        Ended::Detached(_) => {
            eprintln!("read escape sequence");
            1
        }
    }
}

#[derive(Args)]
pub(crate) struct Start {
    /// Attach to its output, and exit as it does
    #[arg(short, long)]
    attach: bool,
    /// Attach to its input
    #[arg(short, long)]
    interactive: bool,
    #[command(flatten)]
    keys: Keys,
    #[arg(required = true)]
    containers: Vec<String>,
}

pub(crate) async fn start(docker: &Docker, args: Start) -> Done {
    if !args.attach && !args.interactive {
        return each(args.containers, async |name| {
            match docker.container(name).await? {
                Lookup::Created(c) => _ = c.start().await?,
                Lookup::Exited(c) => _ = c.start().await?,
                // What runs has been started.
                other => _ = other.running()?,
            }
            Ok(())
        })
        .await;
    }
    let [name] = args.containers.as_slice() else {
        return Err("you cannot start and attach multiple containers at once".into());
    };
    let (id, start) = match docker.container(name).await? {
        Lookup::Created(c) => (c.id().clone(), c.start()),
        other => other.exited().map(|c| (c.id().clone(), c.start()))?,
    };
    let session = args.keys.on(start.on_terminal());
    let session = if args.interactive { session } else { session.no_stdin() };
    Ok(code(proxied(docker, &id, session).await?))
}

#[derive(Args)]
pub(crate) struct Attach {
    /// Leave standard input alone
    #[arg(long)]
    no_stdin: bool,
    #[command(flatten)]
    keys: Keys,
    container: String,
}

pub(crate) async fn attach(docker: &Docker, args: Attach) -> Done {
    let container = match docker.container(args.container).await? {
        Lookup::Running(container) => container,
        Lookup::Paused(_) => {
            return Err("You cannot attach to a paused container, unpause it first".into());
        }
        _ => return Err("You cannot attach to a stopped container, start it first".into()),
    };
    let session = args.keys.on(container.attach().on_terminal());
    let session = if args.no_stdin { session.no_stdin() } else { session };
    Ok(code(proxied(docker, container.id(), session).await?))
}

#[derive(Args)]
pub(crate) struct Exec {
    /// Leave it running
    #[arg(short, long)]
    detach: bool,
    /// Give it standard input
    #[arg(short, long)]
    interactive: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Set an environment variable
    #[arg(short, long)]
    env: Vec<String>,
    /// Read environment variables from a file
    #[arg(long, value_name = "FILE")]
    env_file: Vec<String>,
    /// Set the user
    #[arg(short, long)]
    user: Option<String>,
    /// Set the working directory
    #[arg(short, long)]
    workdir: Option<String>,
    /// Give it all privileges
    #[arg(long)]
    privileged: bool,
    #[command(flatten)]
    keys: Keys,
    /// The container, and the command to run in it
    #[arg(required = true, num_args = 2.., trailing_var_arg = true,
          value_name = "CONTAINER COMMAND [ARG]")]
    words: Vec<String>,
}

pub(crate) async fn exec(docker: &Docker, mut args: Exec) -> Done {
    at_a_terminal(args.interactive && args.tty)?;
    let name = args.words.remove(0);
    let container = docker.container(name).await?.running()?;
    let mut exec = container.exec(std::mem::take(&mut args.words));
    flags!(exec, args: user workdir;; tty privileged);
    for (name, value) in env(&args.env_file, args.env)? {
        exec = exec.env(name, value);
    }
    if args.detach {
        exec.detach().await?;
        return Ok(0);
    }
    let session = args.keys.on(exec.on_terminal());
    Ok(code(if args.interactive { session } else { session.no_stdin() }.await?))
}
