//! `dk inspect`, `events`, `info`, `version`, `system df` and `system prune`.

use std::fmt::Display;
use std::io::{BufRead, Write};
use std::time::{Duration, SystemTime};

use bowline::events::Event;
use bowline::{Docker, Error, Timestamp};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::fault::{Done, Fault};
use crate::image::image_lines;
use crate::show::{self, Style, Table, filled, pretty};
use crate::{Filters, pruned};

/// The verbs that stand alone.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Show what happens on the engine
    Events(Events),
    /// Show what the engine is
    Info(Told),
    /// Show all that is known of something
    Inspect(Inspect),
    /// Show the versions of dk and the engine
    Version(Told),
}

#[derive(Subcommand)]
pub(crate) enum Group {
    /// Show how much disk is used
    Df {
        #[command(flatten)]
        style: Style,
    },
    /// Show what happens on the engine
    Events(Events),
    /// Show what the engine is
    Info(Told),
    /// Remove what nobody uses
    Prune(Prune),
}

pub(crate) async fn verb(docker: &Docker, verb: Verb) -> Done {
    match verb {
        Verb::Events(args) => events(docker, args).await,
        Verb::Info(args) => info(docker, args).await,
        Verb::Inspect(args) => inspect(docker, args, &KINDS).await,
        Verb::Version(args) => version(docker, args).await,
    }
}

pub(crate) async fn group(docker: &Docker, group: Group) -> Done {
    match group {
        Group::Df { style } => df(docker, &style).await,
        Group::Events(args) => events(docker, args).await,
        Group::Info(args) => info(docker, args).await,
        Group::Prune(args) => prune(docker, args).await,
    }
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// Print each so: "{{.State.Status}}", "{{json .Config}}"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Ask for the sizes of a container's files too
    #[arg(short, long)]
    size: bool,
    /// Look for this kind alone: container, image, network, volume
    #[arg(long = "type")]
    kind: Option<String>,
    #[arg(required = true)]
    names: Vec<String>,
}

const KINDS: [&str; 4] = ["container", "image", "network", "volume"];

pub(crate) async fn inspect(docker: &Docker, args: Inspect, kinds: &[&str]) -> Done {
    let kinds: Vec<&str> = match &args.kind {
        Some(kind) => vec![kind],
        None => kinds.to_vec(),
    };
    let (mut all, mut code) = (Vec::new(), 0);
    for name in &args.names {
        let mut found = None;
        for kind in &kinds {
            match look(docker, kind, name, args.size).await {
                Ok(value) => found = Some(value),
                // No such thing of this kind, or no such name for one.
                Err(Error::InvalidInput(_) | Error::ImageRef(_)) => continue,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            }
            break;
        }
        match found {
            Some(value) => all.push(value),
            None => {
                let kind = if kinds.len() == 1 { kinds.concat() } else { "object".to_owned() };
                eprintln!("Error: No such {kind}: {name}");
                code = 1;
            }
        }
    }
    match args.format {
        Some(format) => {
            for value in &all {
                println!("{}", filled(&format, value)?);
            }
        }
        None => pretty(&all.into())?,
    }
    Ok(code)
}

async fn look(docker: &Docker, kind: &str, name: &str, size: bool) -> Result<Value, Error> {
    match kind {
        "container" => match docker.container(name).await?.any() {
            Some(found) if size => found.inspect().size().await?.raw(),
            Some(found) => found.inspect().await?.raw(),
            None => Ok(Value::Null),
        },
        "image" => Ok(docker.image(name)?.inspect().await?.raw()),
        "network" => Ok(docker.network(name).await?.inspect().await?.raw()),
        _ => Ok(docker.volume(name)?.inspect().await?.raw()),
    }
}

#[derive(Args)]
pub(crate) struct Events {
    /// Begin here: a moment, or an age such as "10m"
    #[arg(long)]
    since: Option<String>,
    /// End here
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

async fn events(docker: &Docker, args: Events) -> Done {
    let mut watch = docker.events();
    if let Some(since) = &args.since {
        watch = watch.since(moment(since)?);
    }
    if let Some(until) = &args.until {
        watch = watch.until(moment(until)?);
    }
    for (name, value) in args.filters.filter {
        watch = watch.filter(name, value);
    }
    let mut events = watch.await?;
    while let Some(event) = events.next().await.transpose()? {
        println!("{}", line(&event));
    }
    Ok(0)
}

fn line(event: &Event) -> String {
    let time = event.time.map_or_else(String::new, nanos);
    let mut told: Vec<_> = event.actor.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
    told.sort();
    let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) };
    format!("{time} {} {} {}{told}", event.kind, event.action, event.actor.id)
}

/// A moment with all its digits.
fn nanos(time: Timestamp) -> String {
    let seconds = Timestamp::from_secs(time.secs()).to_string();
    format!("{}.{:09}Z", seconds.trim_end_matches('Z'), time.subsec_nanos())
}

/// Read a moment: as RFC 3339, as seconds since 1970, or as an age, "1h30m".
pub(crate) fn moment(text: &str) -> Result<Timestamp, Fault> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok(Timestamp::from_nanos((seconds * 1e9) as i64));
    }
    let none = || Fault::from(format!("\"{text}\" is no moment and no age"));
    let mut age = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(none)?;
        let (count, unit) = rest.split_at(digits);
        let (seconds, behind) = [("h", 3600), ("m", 60), ("s", 1)]
            .iter()
            .find_map(|(unit_name, seconds)| Some((*seconds, unit.strip_prefix(unit_name)?)))
            .ok_or_else(none)?;
        age += Duration::from_secs(count.parse::<u64>().map_err(|_| none())? * seconds);
        rest = behind;
    }
    Ok((SystemTime::now() - age).into())
}

#[derive(Args)]
pub(crate) struct Told {
    /// Print it so: "{{.ServerVersion}}"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

async fn version(docker: &Docker, args: Told) -> Done {
    let server: Value = docker.raw("GET", "/version").await?.json().await?;
    let told = json!({
        "Client": {
            "Version": env!("CARGO_PKG_VERSION"),
            "ApiVersion": docker.api_version().to_string(),
            "Os": std::env::consts::OS,
        },
        "Server": server,
    });
    if let Some(format) = args.format {
        println!("{}", filled(&format, &told)?);
        return Ok(0);
    }
    for side in ["Client", "Server"] {
        println!("{side}:");
        for (key, heading) in [
            ("Version", "Version"),
            ("ApiVersion", "API version"),
            ("MinAPIVersion", "Min API version"),
            ("Os", "OS"),
            ("Arch", "Architecture"),
            ("KernelVersion", "Kernel version"),
        ] {
            if let Some(value) = told.get(side).and_then(|side| side.get(key)?.as_str()) {
                println!(" {:<18}{value}", format!("{heading}:"));
            }
        }
    }
    Ok(0)
}

async fn info(docker: &Docker, args: Told) -> Done {
    let info = docker.info().await?;
    if let Some(format) = args.format {
        println!("{}", filled(&format, &info.raw())?);
        return Ok(0);
    }
    println!("Server:");
    println!(" Containers: {}", info.containers);
    println!("  Running: {}", info.containers_running);
    println!("  Paused: {}", info.containers_paused);
    println!("  Stopped: {}", info.containers_stopped);
    println!(" Images: {}", info.images);
    println!(" Server Version: {}", info.server_version);
    println!(" Storage Driver: {}", info.driver);
    println!(" Logging Driver: {}", info.logging_driver);
    println!(" Cgroup Driver: {}", info.cgroup_driver);
    println!(" Kernel Version: {}", info.kernel_version);
    println!(" Operating System: {}", info.operating_system);
    println!(" OSType: {}", info.os_type);
    println!(" Architecture: {}", info.architecture);
    println!(" CPUs: {}", info.ncpu);
    println!(" Total Memory: {}", show::memory(info.mem_total as f64));
    println!(" Name: {}", info.name);
    println!(" Docker Root Dir: {}", info.docker_root_dir);
    info.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    Ok(0)
}

async fn df(docker: &Docker, style: &Style) -> Done {
    let used = docker.disk_usage().await?;
    let mut table = Table::new(&[
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    ]);
    let size = |bytes: u64| show::size(bytes as f64, 4);
    let mut row = |kind: &str, total: u64, active: u64, all: u64, free: u64| {
        let part = (free * 100).checked_div(all).filter(|_| kind != "Build Cache");
        let part = part.map_or_else(String::new, |percent| format!(" ({percent}%)"));
        let counts = [total.to_string(), active.to_string()];
        let sizes = [size(all), size(free) + &part];
        table.row([kind.to_owned()].into_iter().chain(counts).chain(sizes));
    };
    macro_rules! rows {
        ($($kind:literal $of:ident),*) => {$(
            row($kind, used.$of.total, used.$of.active, used.$of.size, used.$of.reclaimable);
        )*};
    }
    rows!("Images" images, "Containers" containers, "Local Volumes" volumes,
          "Build Cache" build_cache);
    table.print(style, "Type")?;
    Ok(0)
}

/// Whether somebody has to be asked first.
#[derive(Args)]
pub(crate) struct Sure {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

impl Sure {
    /// Ask, and fail where the answer is not yes.
    pub(crate) fn ask(&self, what: &str) -> Result<(), Fault> {
        if self.force {
            return Ok(());
        }
        print!("WARNING! {what}\nAre you sure you want to continue? [y/N] ");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" => Ok(()),
            _ => Err("nothing was removed".into()),
        }
    }
}

/// Say what a prune has removed.
pub(crate) fn deleted(what: &str, gone: impl IntoIterator<Item = impl Display>) {
    let lines: Vec<String> = gone.into_iter().map(|one| one.to_string()).collect();
    if !lines.is_empty() {
        println!("Deleted {what}:\n{}\n", lines.join("\n"));
    }
}

#[derive(Args)]
pub(crate) struct Prune {
    /// Remove images with a name too that no container uses
    #[arg(short, long)]
    all: bool,
    /// Remove volumes too
    #[arg(long)]
    volumes: bool,
    #[command(flatten)]
    rest: crate::container::Pruning,
}

async fn prune(docker: &Docker, args: Prune) -> Done {
    args.rest.sure.ask("This will remove all that nobody uses.")?;
    let mut prune = pruned!(docker.prune(), args.rest.filters);
    prune = if args.all { prune.all() } else { prune };
    prune = if args.volumes { prune.volumes() } else { prune };
    let gone = prune.await?;
    deleted("Containers", &gone.containers);
    deleted("Networks", &gone.networks);
    deleted("Volumes", &gone.volumes);
    deleted("Images", &image_lines(&gone.images));
    deleted("build cache objects", &gone.build_cache);
    println!("Total reclaimed space: {}", show::size(gone.space_reclaimed as f64, 4));
    let mut failed = gone.failed.into_iter();
    failed.next().map_or(Ok(0), |error| Err(error.into()))
}
