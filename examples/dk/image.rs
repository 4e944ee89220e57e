//! `dk images`, `pull`, `build`, `save` and the other verbs of images.

use bowline::image::{BuildOutput, ImageSummary, RemovedImage};
use bowline::{BuildContext, Docker, ImageRef, container::spec::ByteSize};
use clap::{Args, Subcommand};
use tokio::fs::File;

use crate::fault::{Done, Fault};
use crate::files::written;
use crate::show::{self, Layers, Style, Table, ago};
use crate::{Filters, container, label, pair, pruned, system};

/// The verbs that stand alone, and behind `image` too.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Build an image from a Dockerfile
    Build(Build),
    /// Show how an image came about
    History(History),
    /// Make an image of an archive of files
    Import(Import),
    /// Load images from an archive
    Load(Load),
    /// Pull an image from a registry
    Pull(Pull),
    /// Push an image to a registry
    Push(Push),
    /// Write images to an archive
    Save(Save),
    /// Give an image one more name
    Tag { image: String, name: String },
}

#[derive(Subcommand)]
pub(crate) enum Group {
    #[command(flatten)]
    Verb(Verb),
    /// List images
    #[command(alias = "list")]
    Ls(Ls),
    /// Show all that is known of images
    Inspect(system::Inspect),
    /// Remove images that nobody uses
    Prune(Prune),
    /// Remove images
    #[command(alias = "remove")]
    Rm(Rm),
}

pub(crate) async fn group(docker: &Docker, group: Group) -> Done {
    match group {
        Group::Verb(verb) => self::verb(docker, verb).await,
        Group::Ls(args) => ls(docker, args).await,
        Group::Inspect(args) => system::inspect(docker, args, &["image"]).await,
        Group::Prune(args) => prune(docker, args).await,
        Group::Rm(args) => rm(docker, args).await,
    }
}

pub(crate) async fn verb(docker: &Docker, verb: Verb) -> Done {
    match verb {
        Verb::Build(args) => build(docker, args).await,
        Verb::History(args) => history(docker, args).await,
        Verb::Import(args) => import(docker, args).await,
        Verb::Load(args) => load(docker, args).await,
        Verb::Pull(args) => {
            pulled(docker, &args.image, args.platform.as_deref(), args.quiet, false).await
        }
        Verb::Push(args) => push(docker, args).await,
        Verb::Save(args) => written(docker.save(&args.images).await?, args.output).await,
        Verb::Tag { image, name } => {
            docker.image(image)?.tag(name).await?;
            Ok(0)
        }
    }
}

#[derive(Args)]
pub(crate) struct Ls {
    /// List the nameless ones too that others were made from
    #[arg(short, long)]
    all: bool,
    /// Show the digests that registries know them by
    #[arg(long)]
    digests: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    style: Style,
    /// A name, or a pattern such as "app:*"
    name: Option<String>,
}

pub(crate) async fn ls(docker: &Docker, args: Ls) -> Done {
    let mut list = docker.images();
    if args.all {
        list = list.all();
    }
    if let Some(name) = args.name {
        list = list.reference(name);
    }
    for (name, value) in args.filters.filter {
        list = list.filter(name, value);
    }
    let mut columns = vec![("Repository", "REPOSITORY"), ("Tag", "TAG")];
    if args.digests {
        columns.push(("Digest", "DIGEST"));
    }
    columns.extend([("ID", "IMAGE ID"), ("CreatedSince", "CREATED"), ("Size", "SIZE")]);
    let mut table = Table::new(&columns);
    for image in list.await? {
        for (repository, tag, digest) in names(&image) {
            let digest = args.digests.then_some(digest);
            let rest = [
                args.style.id(&image.id).to_owned(),
                ago(image.created),
                show::size(image.size as f64, 3),
            ];
            table.row([repository, tag].into_iter().chain(digest).chain(rest));
        }
    }
    table.print(&args.style, "ID")?;
    Ok(0)
}

/// What an image is called: repository, tag and digest, where it has any.
fn names(image: &ImageSummary) -> Vec<(String, String, String)> {
    const NONE: &str = "<none>";
    let digest = |repository: &str| {
        let mut known = image.repo_digests.iter().filter_map(|name| name.split_once('@'));
        let digest = known.find(|(name, _)| *name == repository).map(|(_, digest)| digest);
        digest.unwrap_or(NONE).to_owned()
    };
    let tagged = image.repo_tags.iter().filter_map(|name| name.rsplit_once(':'));
    let mut names: Vec<_> =
        tagged.map(|(name, tag)| (name.to_owned(), tag.to_owned(), digest(name))).collect();
    if names.is_empty() {
        let known = image.repo_digests.iter().filter_map(|name| name.split_once('@'));
        let name = known.map(|(name, _)| name).next().unwrap_or(NONE);
        names.push((name.to_owned(), NONE.to_owned(), digest(name)));
    }
    names
}

#[derive(Args)]
pub(crate) struct Pull {
    /// Print its name alone
    #[arg(short, long)]
    quiet: bool,
    /// Which platform's: "linux/arm64"
    #[arg(long)]
    platform: Option<String>,
    image: String,
}

/// Pull an image, and show how it comes; on standard error where the output is a container's.
pub(crate) async fn pulled(
    docker: &Docker,
    image: &str,
    platform: Option<&str>,
    quiet: bool,
    for_run: bool,
) -> Done {
    let name: ImageRef = image.parse().map_err(bowline::Error::from)?;
    let mut layers = Layers::new(quiet, for_run);
    if name.tag().is_none() && name.digest().is_none() && !for_run {
        layers.line("Using default tag: latest");
    }
    let name = name.or_latest();
    let mut pull = docker.pull(&name);
    if let Some(platform) = platform {
        pull = pull.platform(platform);
    }
    let mut stream = pull.stream().await?;
    while let Some(report) = stream.next().await.transpose()? {
        layers.take(report);
    }
    layers.done();
    stream.finish().await?;
    if !for_run {
        println!("{}", name.canonical());
    }
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Push {
    /// Push all tags
    #[arg(short, long)]
    all_tags: bool,
    /// Print its name alone
    #[arg(short, long)]
    quiet: bool,
    image: String,
}

async fn push(docker: &Docker, args: Push) -> Done {
    let name: ImageRef = args.image.parse().map_err(bowline::Error::from)?;
    let mut layers = Layers::new(args.quiet, false);
    if name.tag().is_none() && !args.all_tags {
        layers.line("Using default tag: latest");
    }
    let name = if args.all_tags { name } else { name.or_latest() };
    let push = docker.image(&name)?.push();
    let mut stream = if args.all_tags { push.all_tags() } else { push }.stream().await?;
    while let Some(report) = stream.next().await.transpose()? {
        // The last one repeats the digest, for programs.
        if !report.status.is_empty() {
            layers.take(report);
        }
    }
    layers.done();
    stream.finish().await?;
    if args.quiet {
        println!("{}", name.canonical());
    }
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Rm {
    /// Remove it also where a container uses it
    #[arg(short, long)]
    force: bool,
    /// Keep the nameless images it was made from
    #[arg(long)]
    no_prune: bool,
    #[arg(required = true)]
    images: Vec<String>,
}

pub(crate) async fn rm(docker: &Docker, args: Rm) -> Done {
    let mut done = Ok(0);
    for image in &args.images {
        let removed = async {
            let mut remove = docker.image(image)?.remove();
            if args.force {
                remove = remove.force();
            }
            if args.no_prune {
                remove = remove.no_prune();
            }
            Ok::<_, Fault>(remove.await?)
        };
        match removed.await {
            Ok(RemovedImage { untagged, deleted, .. }) => {
                untagged.iter().for_each(|name| println!("Untagged: {name}"));
                deleted.iter().for_each(|id| println!("Deleted: {id}"));
            }
            // The first is told last, by the exit code too.
            Err(fault) if done.is_ok() => done = Err(fault),
            Err(fault) => _ = fault.report(),
        }
    }
    done
}

#[derive(Args)]
pub(crate) struct Prune {
    /// Remove those with a name too that no container uses
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    rest: container::Pruning,
}

async fn prune(docker: &Docker, args: Prune) -> Done {
    let what = if args.all { "images without at least one container" } else { "dangling images" };
    args.rest.sure.ask(&format!("This will remove all {what}."))?;
    let prune = pruned!(docker.prune_images(), args.rest.filters);
    let gone = if args.all { prune.all() } else { prune }.await?;
    system::deleted("Images", &image_lines(&gone.images));
    println!("Total reclaimed space: {}", show::size(gone.space_reclaimed as f64, 4));
    Ok(0)
}

pub(crate) fn image_lines(gone: &RemovedImage) -> Vec<String> {
    let untagged = gone.untagged.iter().map(|name| format!("untagged: {name}"));
    untagged.chain(gone.deleted.iter().map(|id| format!("deleted: {id}"))).collect()
}

#[derive(Args)]
pub(crate) struct History {
    #[command(flatten)]
    style: Style,
    image: String,
}

async fn history(docker: &Docker, args: History) -> Done {
    let mut table = Table::new(&[
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
    ]);
    for step in docker.image(args.image)?.history().await? {
        table.row([
            args.style.id(&step.id).to_owned(),
            ago(step.created),
            args.style.cut(&step.created_by.replace('\t', " "), 45),
            show::size(step.size as f64, 3),
            step.comment,
        ]);
    }
    table.print(&args.style, "ID")?;
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Save {
    /// Write to a file, not to standard output
    #[arg(short, long)]
    output: Option<String>,
    #[arg(required = true)]
    images: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Load {
    /// Read from a file, not from standard input
    #[arg(short, long)]
    input: Option<String>,
    /// Print nothing on the way
    #[arg(short, long)]
    quiet: bool,
}

async fn load(docker: &Docker, args: Load) -> Done {
    let loaded = match args.input {
        Some(path) => docker.load(File::open(path).await?).await?,
        None => docker.load(tokio::io::stdin()).await?,
    };
    for image in loaded.images {
        match image.name() {
            bowline::ImageName::Ref(name) => println!("Loaded image: {name}"),
            id => println!("Loaded image ID: {id}"),
        }
    }
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Import {
    /// Apply an instruction of a Dockerfile
    #[arg(short, long)]
    change: Vec<String>,
    /// Say what it is
    #[arg(short, long)]
    message: Option<String>,
    /// A file, or "-" for standard input
    file: String,
    /// A name for the image
    name: Option<String>,
}

async fn import(docker: &Docker, args: Import) -> Done {
    let mut import = match args.file.as_str() {
        "-" => docker.import(tokio::io::stdin()),
        path => docker.import(File::open(path).await?),
    };
    if let Some(name) = args.name {
        import = import.name(name);
    }
    if let Some(message) = args.message {
        import = import.message(message);
    }
    for change in args.change {
        import = import.change(change);
    }
    println!("{}", import.await?.inspect().await?.id);
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Build {
    /// Name the image
    #[arg(short, long)]
    tag: Vec<String>,
    /// Which Dockerfile; PATH/Dockerfile unless said
    #[arg(short, long)]
    file: Option<String>,
    /// Set a build argument
    #[arg(long, value_parser = pair)]
    build_arg: Vec<(String, String)>,
    /// Label the image
    #[arg(long, value_parser = label)]
    label: Vec<(String, String)>,
    /// Stop at this stage
    #[arg(long)]
    target: Option<String>,
    /// Which platform: "linux/arm64"
    #[arg(long)]
    platform: Option<String>,
    /// Use no step that was built before
    #[arg(long)]
    no_cache: bool,
    /// Pull what it is built from
    #[arg(long)]
    pull: bool,
    /// Remove the containers of the steps: always so
    #[arg(long)]
    rm: bool,
    /// Remove them where a step fails too: always so
    #[arg(long)]
    force_rm: bool,
    /// The network of its steps
    #[arg(long)]
    network: Option<String>,
    /// Images whose steps may be used
    #[arg(long)]
    cache_from: Vec<String>,
    /// Limit the memory of its steps
    #[arg(short, long)]
    memory: Option<String>,
    /// Print the image's id alone
    #[arg(short, long)]
    quiet: bool,
    /// A folder, a URL, or "-" for a Dockerfile on standard input
    path: String,
}

async fn build(docker: &Docker, args: Build) -> Done {
    let mut build = match args.path.as_str() {
        "-" => {
            let text = std::io::read_to_string(std::io::stdin())?;
            docker.build(BuildContext::new().dockerfile_inline(text))
        }
        url if url.contains("://") => docker.build_remote(url),
        path => docker.build(path),
    };
    if let Some(file) = args.file {
        build = build.dockerfile(file);
    }
    for tag in args.tag {
        build = build.tag(tag);
    }
    for (key, value) in args.label {
        build = build.label(key, value);
    }
    for image in args.cache_from {
        build = build.cache_from(image);
    }
    build = build.build_args(args.build_arg);
    if let Some(stage) = args.target {
        build = build.target(stage);
    }
    if let Some(platform) = args.platform {
        build = build.platform(platform);
    }
    if let Some(network) = args.network {
        build = build.network(network);
    }
    if let Some(memory) = args.memory {
        build = build.memory(ByteSize::from(memory));
    }
    if args.no_cache {
        build = build.no_cache();
    }
    if args.pull {
        build = build.pull();
    }
    let mut layers = Layers::new(args.quiet, false);
    let mut stream = build.stream().await?;
    while let Some(report) = stream.next().await.transpose()? {
        match report {
            _ if args.quiet => {}
            BuildOutput::Step { number, total, instruction, .. } => {
                println!("Step {number}/{total} : {instruction}");
            }
            BuildOutput::Text(text) => print!("{text}"),
            BuildOutput::Layer(report) => layers.take(report),
            BuildOutput::Image(_) => {}
            _ => {}
        }
    }
    layers.done();
    let built = stream.finish().await?;
    if args.quiet {
        println!("{}", built.id);
    }
    Ok(0)
}
