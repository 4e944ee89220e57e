//! dk: a small `docker` of our own.
//!
//! You learn: that every command of a first day with Docker is a few lines of this crate. The words,
//! the flags, the tables and the exit codes are those of the `docker` command, and `--help` says
//! what there is; a test runs a whole day through both and compares.
//!
//! ```text
//! scripts/with-engine cargo run --example dk -- run -it busybox sh
//! ```
//!
//! - `container.rs`, `run.rs`, `files.rs`, `image.rs`, `network.rs`, `volume.rs`, `system.rs`,
//!   `registry.rs`: the commands;
//! - `show.rs`: tables, ages, sizes and progress, as people read them;
//! - `fault.rs`: what is said, and which exit code it is, where something fails.

mod container;
mod fault;
mod files;
mod image;
mod network;
mod registry;
mod run;
mod show;
mod system;
mod volume;

use std::process::ExitCode;

use bowline::Docker;
use clap::error::ErrorKind;
use clap::{ArgAction, Args, Parser, Subcommand};

use fault::Done;

/// A small docker, on the crate bowline.
#[derive(Parser)]
#[command(name = "dk", version, disable_help_flag = true, disable_help_subcommand = true)]
struct Cli {
    /// Show what there is
    #[arg(long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Container(container::Verb),
    /// List containers
    Ps(container::Ls),
    #[command(flatten)]
    Image(image::Verb),
    /// List images
    Images(image::Ls),
    /// Remove images
    Rmi(image::Rm),
    #[command(flatten)]
    System(system::Verb),
    #[command(flatten)]
    Registry(registry::Verb),
    /// Manage containers
    #[command(subcommand, name = "container")]
    Containers(container::Group),
    /// Manage images
    #[command(subcommand, name = "image")]
    ImageGroup(image::Group),
    /// Manage networks
    #[command(subcommand)]
    Network(network::Verb),
    /// Manage volumes
    #[command(subcommand)]
    Volume(volume::Verb),
    /// Manage the engine
    #[command(subcommand, name = "system")]
    SystemGroup(system::Group),
}

/// What limits a list or a prune: `--filter NAME=VALUE`.
#[derive(Args)]
struct Filters {
    /// Take only what this lets through: "status=exited"
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    filter: Vec<(String, String)>,
}

/// The same for a prune, whose `-f` is another flag.
#[derive(Args)]
struct PruneFilters {
    /// Take only what this lets through: "label=KEY", "label!=KEY", "until=24h"
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    filter: Vec<(String, String)>,
}

/// Take "name=value" apart.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The same, where a name alone stands for an empty value.
fn label(text: &str) -> Result<(String, String), String> {
    Ok(pair(text).unwrap_or_else(|_| (text.to_owned(), String::new())))
}

/// Give a verb its labels and age, the filters that all prunes have.
macro_rules! pruned {
    ($prune:expr, $filters:expr) => {{
        let mut prune = $prune;
        for (name, value) in &$filters.filter {
            prune = match name.as_str() {
                "label" => prune.label(value),
                "label!" => prune.without_label(value),
                "until" => prune.until(value),
                _ => return Err(format!("invalid filter '{name}'").into()),
            };
        }
        prune
    }};
}
use pruned;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                // As docker has it: a flag that is none is its own failure, a missing word is not.
                ErrorKind::UnknownArgument | ErrorKind::ValueValidation => 125,
                _ => 1,
            });
        }
    };
    match command(cli.command).await {
        Ok(code) => ExitCode::from(code),
        Err(fault) => fault.report(),
    }
}

async fn command(command: Command) -> Done {
    let docker = Docker::connect().await?;
    match command {
        Command::Container(verb) => container::verb(&docker, verb).await,
        Command::Ps(args) => container::ls(&docker, args).await,
        Command::Containers(group) => container::group(&docker, group).await,
        Command::Image(verb) => image::verb(&docker, verb).await,
        Command::Images(args) => image::ls(&docker, args).await,
        Command::Rmi(args) => image::rm(&docker, args).await,
        Command::ImageGroup(group) => image::group(&docker, group).await,
        Command::System(verb) => system::verb(&docker, verb).await,
        Command::SystemGroup(group) => system::group(&docker, group).await,
        Command::Registry(verb) => registry::verb(&docker, verb).await,
        Command::Network(verb) => network::verb(&docker, verb).await,
        Command::Volume(verb) => volume::verb(&docker, verb).await,
    }
}
