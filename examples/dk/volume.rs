//! `dk volume`.

use bowline::{Docker, VolumeSpec};
use clap::{Args, Subcommand};

use crate::fault::{Done, each};
use crate::show::{self, Style, Table};
use crate::{Filters, container, label, pair, system};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Create a volume
    Create(Create),
    /// Show all that is known of volumes
    Inspect(system::Inspect),
    /// List volumes
    #[command(alias = "list")]
    Ls(Ls),
    /// Remove volumes that no container uses
    Prune(Prune),
    /// Remove volumes
    #[command(alias = "remove")]
    Rm {
        /// Also where its driver has lost it
        #[arg(short, long)]
        force: bool,
        #[arg(required = true)]
        volumes: Vec<String>,
    },
}

pub(crate) async fn verb(docker: &Docker, verb: Verb) -> Done {
    match verb {
        Verb::Create(args) => create(docker, args).await,
        Verb::Inspect(args) => system::inspect(docker, args, &["volume"]).await,
        Verb::Ls(args) => ls(docker, args).await,
        Verb::Prune(args) => prune(docker, args).await,
        Verb::Rm { force, volumes } => {
            each(volumes, async |name| {
                let volume = docker.volume(name)?;
                if force {
                    return Ok(volume.remove().force().await?);
                }
                // The verb is content where there is none; the command is not.
                volume.inspect().await?;
                Ok(volume.remove().await?)
            })
            .await
        }
    }
}

#[derive(Args)]
pub(crate) struct Create {
    /// Which driver
    #[arg(short, long)]
    driver: Option<String>,
    /// Set an option of the driver
    #[arg(short, long, value_parser = pair)]
    opt: Vec<(String, String)>,
    /// Label it
    #[arg(long, value_parser = label)]
    label: Vec<(String, String)>,
    name: Option<String>,
}

async fn create(docker: &Docker, args: Create) -> Done {
    let mut spec = args.name.map_or_else(VolumeSpec::unnamed, VolumeSpec::new).labels(args.label);
    if let Some(driver) = args.driver {
        spec = spec.driver(driver);
    }
    for (name, value) in args.opt {
        spec = spec.opt(name, value);
    }
    println!("{}", docker.create_volume(spec).await?.name());
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Ls {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    style: Style,
}

async fn ls(docker: &Docker, args: Ls) -> Done {
    let mut list = docker.volumes();
    for (name, value) in args.filters.filter {
        list = list.filter(name, value);
    }
    let mut volumes = list.await?.volumes;
    volumes.sort_by(|a, b| a.name.cmp(&b.name));
    let mut table = Table::new(&[("Driver", "DRIVER"), ("Name", "VOLUME NAME")]);
    for volume in volumes {
        table.row([volume.driver, volume.name]);
    }
    table.print(&args.style, "Name")?;
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Prune {
    /// Remove those with a name too
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    rest: container::Pruning,
}

async fn prune(docker: &Docker, args: Prune) -> Done {
    args.rest.sure.ask("This will remove all local volumes not used by at least one container.")?;
    let mut prune = docker.prune_volumes();
    for (name, value) in args.rest.filters.filter {
        prune = match name.as_str() {
            "label" => prune.label(value),
            "label!" => prune.without_label(value),
            _ => return Err(format!("invalid filter '{name}'").into()),
        };
    }
    // Before API 1.42 an engine takes those with a name in any case.
    let old = docker.api_version() < bowline::ApiVersion::new(1, 42);
    let gone = if args.all || old { prune.all() } else { prune }.await?;
    system::deleted("Volumes", &gone.volumes);
    println!("Total reclaimed space: {}", show::size(gone.space_reclaimed.unwrap_or(0) as f64, 4));
    Ok(0)
}
