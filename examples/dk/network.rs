//! `dk network`.

use bowline::network::Subnet;
use bowline::{Docker, NetworkSpec};
use clap::{Args, Subcommand};

use crate::fault::{Done, each};
use crate::show::{Style, Table};
use crate::{Filters, container, label, pair, pruned, system};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Put a container on a network
    Connect(Connect),
    /// Create a network
    Create(Create),
    /// Take a container off a network
    Disconnect {
        /// Also where it is gone
        #[arg(short, long)]
        force: bool,
        network: String,
        container: String,
    },
    /// Show all that is known of networks
    Inspect(system::Inspect),
    /// List networks
    #[command(alias = "list")]
    Ls(Ls),
    /// Remove networks that no container is on
    Prune(container::Pruning),
    /// Remove networks
    #[command(alias = "remove")]
    Rm {
        #[arg(required = true)]
        networks: Vec<String>,
    },
}

pub(crate) async fn verb(docker: &Docker, verb: Verb) -> Done {
    match verb {
        Verb::Connect(args) => connect(docker, args).await,
        Verb::Create(args) => create(docker, args).await,
        Verb::Disconnect { force, network, container } => {
            let disconnect = docker.network(network).await?.disconnect(container);
            if force { disconnect.force() } else { disconnect }.await?;
            Ok(0)
        }
        Verb::Inspect(args) => system::inspect(docker, args, &["network"]).await,
        Verb::Ls(args) => ls(docker, args).await,
        Verb::Prune(args) => {
            args.sure
                .ask("This will remove all custom networks not used by at least one container.")?;
            let gone = pruned!(docker.prune_networks(), args.filters).await?;
            system::deleted("Networks", &gone.networks);
            Ok(0)
        }
        Verb::Rm { networks } => {
            each(networks, async |name| Ok(docker.network(name).await?.remove().await?)).await
        }
    }
}

#[derive(Args)]
pub(crate) struct Connect {
    /// Add a name
    #[arg(long)]
    alias: Vec<String>,
    /// Set its address
    #[arg(long)]
    ip: Option<String>,
    /// Set its IPv6 address
    #[arg(long)]
    ip6: Option<String>,
    /// Link it to another container
    #[arg(long)]
    link: Vec<String>,
    network: String,
    container: String,
}

async fn connect(docker: &Docker, args: Connect) -> Done {
    let mut connect = docker.network(args.network).await?.connect(args.container);
    for alias in args.alias {
        connect = connect.alias(alias);
    }
    for link in args.link {
        connect = connect.link(link);
    }
    if let Some(ip) = args.ip {
        connect = connect.ip(ip);
    }
    if let Some(ip6) = args.ip6 {
        connect = connect.ip6(ip6);
    }
    connect.await?;
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Create {
    /// Which driver
    #[arg(short, long)]
    driver: Option<String>,
    /// A range of addresses
    #[arg(long)]
    subnet: Option<String>,
    /// The way out of the range
    #[arg(long, requires = "subnet")]
    gateway: Option<String>,
    /// The part of the range that containers get theirs from
    #[arg(long, requires = "subnet")]
    ip_range: Option<String>,
    /// Without a way out
    #[arg(long)]
    internal: bool,
    /// Let single containers join
    #[arg(long)]
    attachable: bool,
    /// With IPv6 too
    #[arg(long)]
    ipv6: bool,
    /// Set an option of the driver
    #[arg(short, long, value_parser = pair)]
    opt: Vec<(String, String)>,
    /// Label it
    #[arg(long, value_parser = label)]
    label: Vec<(String, String)>,
    name: String,
}

async fn create(docker: &Docker, args: Create) -> Done {
    let mut spec = NetworkSpec::new(args.name).labels(args.label);
    if let Some(driver) = args.driver {
        spec = spec.driver(driver);
    }
    if let Some(subnet) = args.subnet {
        let mut subnet = Subnet::new(subnet);
        if let Some(gateway) = args.gateway {
            subnet = subnet.gateway(gateway);
        }
        if let Some(range) = args.ip_range {
            subnet = subnet.ip_range(range);
        }
        spec = spec.subnet(subnet);
    }
    for (name, value) in args.opt {
        spec = spec.opt(name, value);
    }
    spec = if args.internal { spec.internal() } else { spec };
    spec = if args.attachable { spec.attachable() } else { spec };
    spec = if args.ipv6 { spec.ipv6() } else { spec };
    println!("{}", docker.create_network(spec).await?.id());
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
    let mut list = docker.networks();
    for (name, value) in args.filters.filter {
        list = list.filter(name, value);
    }
    let mut networks = list.await?;
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    let columns =
        [("ID", "NETWORK ID"), ("Name", "NAME"), ("Driver", "DRIVER"), ("Scope", "SCOPE")];
    let mut table = Table::new(&columns);
    for network in networks {
        let id = args.style.id(&network.id).to_owned();
        table.row([id, network.name, network.driver, network.scope]);
    }
    table.print(&args.style, "ID")?;
    Ok(0)
}
