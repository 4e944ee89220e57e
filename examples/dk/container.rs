//! `dk ps`, `stop`, `rm`, `logs` and the other verbs of containers.

use std::io::Write;
use std::time::Duration;

use bowline::container::ContainerSummary;
use bowline::container::spec::RestartPolicy;
use bowline::container::stats::Stats;
use bowline::{CommitOptions, Condition, Container, Docker, Lookup, StdStream, Unknown};
use clap::{Args, Subcommand};
use tokio::task::JoinSet;

use crate::fault::{Done, Fault, each};
use crate::show::{self, Style, Table, ago, aligned};
use crate::{Filters, PruneFilters, files, pruned, run, system};

/// The verbs that stand alone, and behind `container` too.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Attach the terminal to a running container
    Attach(run::Attach),
    /// Make an image of a container
    Commit(Commit),
    /// Copy files into or out of a container
    Cp(files::Cp),
    /// Create a container, and do not start it
    Create(run::Create),
    /// Show what a container has changed in its files
    Diff { container: String },
    /// Run a command in a running container
    Exec(run::Exec),
    /// Write a container's files as an archive
    Export(files::Export),
    /// Send a signal
    Kill(Kill),
    /// Show what a container has printed
    Logs(Logs),
    /// Freeze containers
    Pause {
        #[arg(required = true)]
        containers: Vec<String>,
    },
    /// Show where ports are published
    Port { container: String, port: Option<String> },
    /// Rename a container
    Rename { container: String, name: String },
    /// Stop and start containers
    Restart(Stop),
    /// Remove containers
    Rm(Rm),
    /// Create a container of an image, and start it
    Run(Box<run::Run>),
    /// Start containers
    Start(run::Start),
    /// Show what containers use
    Stats(Watch),
    /// Stop containers
    Stop(Stop),
    /// Show the processes of a container
    Top {
        container: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        ps: Vec<String>,
    },
    /// Thaw containers
    Unpause {
        #[arg(required = true)]
        containers: Vec<String>,
    },
    /// Change the limits of containers
    Update(Update),
    /// Wait until containers have ended, and print their exit codes
    Wait {
        #[arg(required = true)]
        containers: Vec<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Group {
    #[command(flatten)]
    Verb(Verb),
    /// List containers
    #[command(alias = "list", alias = "ps")]
    Ls(Ls),
    /// Show all that is known of containers
    Inspect(system::Inspect),
    /// Remove all containers that do not run
    Prune(Pruning),
}

pub(crate) async fn group(docker: &Docker, group: Group) -> Done {
    match group {
        Group::Verb(verb) => self::verb(docker, verb).await,
        Group::Ls(args) => ls(docker, args).await,
        Group::Inspect(args) => system::inspect(docker, args, &["container"]).await,
        Group::Prune(args) => prune(docker, args).await,
    }
}

/// A container by its name or the beginning of its id, in whatever state.
pub(crate) async fn any(docker: &Docker, name: &str) -> Result<Container<Unknown>, Fault> {
    let found = docker.container(name).await?.any();
    found.ok_or_else(|| format!("Error: No such container: {name}").into())
}

/// A verb of all that have a process, moving or frozen.
macro_rules! alive {
    ($found:expr, $c:ident => $verb:expr) => {
        match $found {
            Lookup::Running($c) => $verb.map(|_| ())?,
            Lookup::Paused($c) => $verb.map(|_| ())?,
            other => _ = other.running()?,
        }
    };
}

pub(crate) async fn verb(docker: &Docker, verb: Verb) -> Done {
    match verb {
        Verb::Attach(args) => run::attach(docker, args).await,
        Verb::Commit(args) => commit(docker, args).await,
        Verb::Cp(args) => files::cp(docker, args).await,
        Verb::Create(args) => run::create(docker, args).await,
        Verb::Diff { container } => {
            for change in any(docker, &container).await?.changes().await? {
                println!("{} {}", change.kind.letter(), change.path);
            }
            Ok(0)
        }
        Verb::Exec(args) => run::exec(docker, args).await,
        Verb::Export(args) => files::export(docker, args).await,
        Verb::Kill(Kill { signal, containers }) => {
            each(containers, async |name| {
                alive!(docker.container(name).await?, c => c.kill().signal(&signal).await);
                Ok(())
            })
            .await
        }
        Verb::Logs(args) => logs(docker, args).await,
        Verb::Pause { containers } => {
            each(containers, async |name| {
                let _paused = docker.container(name).await?.running()?.pause().await?;
                Ok(())
            })
            .await
        }
        Verb::Port { container, port } => ports(docker, &container, port).await,
        Verb::Rename { container, name } => {
            any(docker, &container).await?.rename(name).await?;
            Ok(0)
        }
        Verb::Restart(args) => restart(docker, args).await,
        Verb::Rm(args) => rm(docker, args).await,
        Verb::Run(args) => run::run(docker, *args).await,
        Verb::Start(args) => run::start(docker, args).await,
        Verb::Stats(args) => stats(docker, args).await,
        Verb::Stop(args) => stop(docker, args).await,
        Verb::Top { container, ps } => top(docker, &container, ps).await,
        Verb::Unpause { containers } => {
            each(containers, async |name| {
                let _running = docker.container(name).await?.paused()?.unpause().await?;
                Ok(())
            })
            .await
        }
        Verb::Update(args) => update(docker, args).await,
        Verb::Wait { containers } => {
            for name in containers {
                let status = any(docker, &name).await?.wait_for(Condition::NotRunning).await?;
                println!("{}", status.code());
            }
            Ok(0)
        }
    }
}

#[derive(Args)]
pub(crate) struct Ls {
    /// List those that do not run as well
    #[arg(short, long)]
    all: bool,
    /// List the last ones created
    #[arg(short = 'n', long)]
    last: Option<u32>,
    /// List the last one created
    #[arg(short, long)]
    latest: bool,
    /// Show the sizes of their files
    #[arg(short, long)]
    size: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    style: Style,
}

pub(crate) async fn ls(docker: &Docker, args: Ls) -> Done {
    let mut list = docker.containers();
    if args.all {
        list = list.all();
    }
    if let Some(n) = args.last.or(args.latest.then_some(1)) {
        list = list.last(n);
    }
    if args.size {
        list = list.size();
    }
    for (name, value) in args.filters.filter {
        list = list.filter(name, value);
    }
    let style = &args.style;
    let mut columns = vec![
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED"),
        ("Status", "STATUS"),
        ("Ports", "PORTS"),
        ("Names", "NAMES"),
    ];
    if args.size {
        columns.push(("Size", "SIZE"));
    }
    let mut table = Table::new(&columns);
    for row in list.await? {
        let size = |bytes: i64| show::size(bytes as f64, 3);
        table.row([
            style.id(row.id.as_str()).to_owned(),
            image(&row, style),
            format!("{:?}", style.cut(&row.command, 20)),
            ago(row.created),
            row.status.to_string(),
            published(&row),
            row.name.to_string(),
            format!("{} (virtual {})", size(row.size_rw), size(row.size_root_fs)),
        ]);
    }
    table.print(style, "ID")?;
    Ok(0)
}

/// The image by its name; what was named by an id is shown by a short one.
fn image(row: &ContainerSummary, style: &Style) -> String {
    let short = style.id(&row.image_id);
    match style.id(&row.image) == short {
        true => short.to_owned(),
        false => row.image.to_string(),
    }
}

fn published(row: &ContainerSummary) -> String {
    let port = |port: &bowline::container::PortSummary| match (port.public_port, port.ip) {
        (Some(public), Some(ip)) => {
            let at = std::net::SocketAddr::new(ip, public);
            format!("{at}->{}/{}", port.private_port, port.protocol)
        }
        _ => format!("{}/{}", port.private_port, port.protocol),
    };
    row.ports.iter().map(port).collect::<Vec<_>>().join(", ")
}

#[derive(Args)]
pub(crate) struct Commit {
    /// Say who made it
    #[arg(short, long)]
    author: Option<String>,
    /// Apply an instruction of a Dockerfile
    #[arg(short, long)]
    change: Vec<String>,
    /// Say what it is
    #[arg(short, long)]
    message: Option<String>,
    /// Freeze the container meanwhile
    #[arg(short, long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1)]
    pause: bool,
    container: String,
    /// A name for the image
    name: Option<String>,
}

async fn commit(docker: &Docker, args: Commit) -> Done {
    let mut options = CommitOptions::new();
    if let Some(name) = args.name {
        options = options.name(name);
    }
    if let Some(author) = args.author {
        options = options.author(author);
    }
    if let Some(message) = args.message {
        options = options.message(message);
    }
    if !args.pause {
        options = options.no_pause();
    }
    for change in args.change {
        options = options.change(change);
    }
    let image = any(docker, &args.container).await?.commit(options).await?;
    println!("{}", image.inspect().await?.id);
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Kill {
    /// Which signal
    #[arg(short, long, default_value = "KILL")]
    signal: String,
    #[arg(required = true)]
    containers: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Logs {
    /// Go on with what comes
    #[arg(short, long)]
    follow: bool,
    /// Show the last lines: a number, or "all"
    #[arg(short = 'n', long, default_value = "all")]
    tail: String,
    /// Show when each line came
    #[arg(short, long)]
    timestamps: bool,
    /// Begin here: a moment, or an age such as "10m"
    #[arg(long)]
    since: Option<String>,
    /// End here
    #[arg(long)]
    until: Option<String>,
    /// Show the log driver's attributes
    #[arg(long)]
    details: bool,
    container: String,
}

async fn logs(docker: &Docker, args: Logs) -> Done {
    let mut logs = any(docker, &args.container).await?.logs();
    if args.follow {
        logs = logs.follow();
    }
    if args.timestamps {
        logs = logs.timestamps();
    }
    if args.details {
        logs = logs.details();
    }
    if let Ok(lines) = args.tail.parse() {
        logs = logs.tail(lines);
    }
    if let Some(since) = &args.since {
        logs = logs.since(system::moment(since)?);
    }
    if let Some(until) = &args.until {
        logs = logs.until(system::moment(until)?);
    }
    let mut stream = logs.await?;
    while let Some(chunk) = stream.next().await.transpose()? {
        match chunk.stream {
            StdStream::Out => std::io::stdout().write_all(&chunk.data)?,
            StdStream::Err => std::io::stderr().write_all(&chunk.data)?,
        }
        std::io::stdout().flush()?;
    }
    Ok(0)
}

async fn ports(docker: &Docker, name: &str, wanted: Option<String>) -> Done {
    let details = any(docker, name).await?.inspect().await?;
    let wanted = wanted.map(|port| if port.contains('/') { port } else { format!("{port}/tcp") });
    let mut found = false;
    for (port, places) in &details.network_settings.ports {
        for place in places {
            let (Some(ip), Some(host)) = (place.host_ip, place.host_port) else { continue };
            let at = std::net::SocketAddr::new(ip, host);
            match &wanted {
                None => println!("{port} -> {at}"),
                Some(wanted) if wanted == port => println!("{at}"),
                Some(_) => continue,
            }
            found = true;
        }
    }
    match wanted {
        Some(port) if !found => {
            Err(format!("Error: No public port '{port}' published for {name}").into())
        }
        _ => Ok(0),
    }
}

#[derive(Args)]
pub(crate) struct Stop {
    /// How many seconds it has before it is killed; -1 is without end
    #[arg(short, long, alias = "timeout", allow_hyphen_values = true)]
    time: Option<i64>,
    /// Which signal asks it to end
    #[arg(short, long)]
    signal: Option<String>,
    #[arg(required = true)]
    containers: Vec<String>,
}

/// Give a stop or a restart its time and signal.
macro_rules! stopping {
    ($verb:expr, $args:expr) => {{
        let mut verb = $verb;
        match $args.time {
            Some(time) if time < 0 => verb = verb.forever(),
            Some(time) => verb = verb.time(Duration::from_secs(time.unsigned_abs())),
            None => {}
        }
        if let Some(signal) = &$args.signal {
            verb = verb.signal(signal);
        }
        verb
    }};
}

async fn stop(docker: &Docker, args: Stop) -> Done {
    each(args.containers, async |name| {
        match docker.container(name).await? {
            Lookup::Running(c) => _ = stopping!(c.stop(), args).await?,
            Lookup::Paused(c) => _ = stopping!(c.stop(), args).await?,
            // What does not run need not be stopped.
            Lookup::Created(_) | Lookup::Exited(_) => {}
            other => _ = other.running()?,
        }
        Ok(())
    })
    .await
}

async fn restart(docker: &Docker, args: Stop) -> Done {
    each(args.containers, async |name| {
        match docker.container(name).await? {
            Lookup::Running(c) => _ = stopping!(c.restart(), args).await?,
            Lookup::Paused(c) => _ = stopping!(c.restart(), args).await?,
            Lookup::Created(c) => _ = c.start().await?,
            other => _ = other.exited()?.restart().await?,
        }
        Ok(())
    })
    .await
}

#[derive(Args)]
pub(crate) struct Rm {
    /// Kill what runs
    #[arg(short, long)]
    force: bool,
    /// Remove volumes without names that nobody else uses
    #[arg(short, long)]
    volumes: bool,
    #[arg(required = true)]
    containers: Vec<String>,
}

async fn rm(docker: &Docker, args: Rm) -> Done {
    each(args.containers, async |name| {
        let mut remove = any(docker, name).await?.remove();
        if args.force {
            remove = remove.force();
        }
        if args.volumes {
            remove = remove.volumes();
        }
        Ok(remove.await?)
    })
    .await
}

/// What every prune has.
#[derive(Args)]
pub(crate) struct Pruning {
    #[command(flatten)]
    pub(crate) sure: system::Sure,
    #[command(flatten)]
    pub(crate) filters: PruneFilters,
}

async fn prune(docker: &Docker, args: Pruning) -> Done {
    args.sure.ask("This will remove all stopped containers.")?;
    let gone = pruned!(docker.prune_containers(), args.filters).await?;
    system::deleted("Containers", &gone.containers);
    println!("Total reclaimed space: {}", show::size(gone.space_reclaimed as f64, 4));
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Watch {
    /// Show those that do not run as well
    #[arg(short, long)]
    all: bool,
    /// Show one record alone
    #[arg(long)]
    no_stream: bool,
    #[command(flatten)]
    style: Style,
    containers: Vec<String>,
}

async fn stats(docker: &Docker, args: Watch) -> Done {
    loop {
        let names = match args.containers.is_empty() {
            false => args.containers.clone(),
            true => {
                let list = docker.containers();
                let list = if args.all { list.all() } else { list };
                list.await?.into_iter().map(|row| String::from(row.id)).collect()
            }
        };
        // All at once: each takes the second that its engine measures over.
        let mut records = JoinSet::new();
        for (at, name) in names.iter().enumerate() {
            let container = any(docker, name).await?;
            records.spawn(async move { container.stats().once().await.map(|record| (at, record)) });
        }
        let mut rows = Vec::new();
        for record in records.join_all().await {
            rows.push(record?);
        }
        rows.sort_by_key(|(at, _)| *at);
        if !args.no_stream {
            // Home, and away with what stood there.
            print!("\x1b[H\x1b[J");
        }
        usage(rows.into_iter().map(|(_, record)| record), &args.style)?;
        if args.no_stream {
            return Ok(0);
        }
    }
}

fn usage(records: impl Iterator<Item = Stats>, style: &Style) -> Result<(), Fault> {
    let mut table = Table::new(&[
        ("Container", "CONTAINER ID"),
        ("Name", "NAME"),
        ("CPUPerc", "CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("NetIO", "NET I/O"),
        ("BlockIO", "BLOCK I/O"),
        ("PIDs", "PIDS"),
    ]);
    for record in records {
        let percent = |part: Option<f64>| format!("{:.2}%", part.unwrap_or(0.0));
        let memory = |bytes: Option<u64>| show::memory(bytes.unwrap_or(0) as f64);
        let pair =
            |a: u64, b: u64| format!("{} / {}", show::size(a as f64, 3), show::size(b as f64, 3));
        let (net, block) = (record.network_io(), record.block_io());
        table.row([
            style.id(record.id.as_str()).to_owned(),
            record.name.clone(),
            percent(record.cpu_percent()),
            format!("{} / {}", memory(record.memory_usage()), memory(record.memory.limit)),
            percent(record.memory_percent()),
            pair(net.received, net.sent),
            pair(block.read, block.written),
            record.pids.current.unwrap_or(0).to_string(),
        ]);
    }
    table.print(style, "Container")
}

async fn top(docker: &Docker, name: &str, ps: Vec<String>) -> Done {
    let processes = match docker.container(name).await? {
        Lookup::Paused(c) => c.top().ps_args(args_of(ps)).await?,
        other => other.running()?.top().ps_args(args_of(ps)).await?,
    };
    let lines = std::iter::once(&processes.titles).chain(&processes.rows);
    aligned(&lines.map(|cells| cells.join("\t")).collect::<Vec<_>>(), 20)?;
    Ok(0)
}

fn args_of(ps: Vec<String>) -> String {
    if ps.is_empty() { "-ef".to_owned() } else { ps.join(" ") }
}

#[derive(Args)]
pub(crate) struct Update {
    /// Limit the memory
    #[arg(short, long)]
    memory: Option<String>,
    /// Limit memory and swap together
    #[arg(long)]
    memory_swap: Option<String>,
    /// Limit the processors
    #[arg(long)]
    cpus: Option<f64>,
    /// Limit the number of processes
    #[arg(long)]
    pids_limit: Option<i64>,
    /// Start it again when it ends
    #[arg(long)]
    restart: Option<RestartPolicy>,
    #[arg(required = true)]
    containers: Vec<String>,
}

async fn update(docker: &Docker, args: Update) -> Done {
    each(args.containers, async |name| {
        let mut update = any(docker, name).await?.update();
        if let Some(size) = &args.memory {
            update = update.memory(size.as_str());
        }
        if let Some(size) = &args.memory_swap {
            update = update.memory_swap(size.as_str());
        }
        if let Some(cpus) = args.cpus {
            update = update.cpus(cpus);
        }
        if let Some(limit) = args.pids_limit {
            update = update.pids_limit(limit);
        }
        if let Some(policy) = args.restart {
            update = update.restart(policy);
        }
        for warning in update.await?.warnings {
            eprintln!("{warning}");
        }
        Ok(())
    })
    .await
}
