//! Networks: containers that talk by name, and one that cannot.
//!
//! You learn: how containers on one network find each other by name and by alias, that what stands
//! on another network is not even found, and how one container stands on two.
//!
//! ```text
//! scripts/with-engine cargo run --example networks
//! ```

use bowline::{ContainerSpec, Docker, Error, Network, NetworkSpec};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    // The names and the label are this run's alone: two at once do not meet.
    let run = std::process::id().to_string();
    let told = tell(&docker, &run).await;

    // Whatever came of it: what bears the label goes.
    println!("\n$ docker rm --force ..., and docker network prune");
    let label = format!("bowline.tutorial={run}");
    let gone = docker.containers().all().label(&label).remove().force().await?;
    let pruned = docker.prune_networks().label(&label).await?;
    println!("removed {} containers, {} networks", gone.removed.len(), pruned.networks.len());
    told
}

async fn tell(docker: &Docker, run: &str) -> Result<(), Error> {
    let network = |name: &str| {
        println!("$ docker network create {name}-{run}");
        NetworkSpec::new(format!("{name}-{run}")).label("bowline.tutorial", run)
    };
    let kitchen = docker.create_network(network("kitchen")).await?;
    let garden = docker.create_network(network("garden")).await?;

    println!("\n$ docker run --detach --name cook-{run} --network {} \\", kitchen.name());
    println!("    --network-alias menu busybox sh -c '...'");
    // It says so once it listens: who asks before that is refused.
    let serve = "mkdir /www; echo 'soup of the day' > /www/index.html; \
                 httpd -h /www; echo serving; exec sleep 600";
    let spec = ContainerSpec::new("busybox")
        .name(format!("cook-{run}"))
        .network(&kitchen)
        .network_alias("menu")
        .cmd(["sh", "-c", serve])
        .init(true)
        .label("bowline.tutorial", run);
    let cook = docker.run(spec).spawn().await?;
    let mut lines = cook.logs().follow().lines().await?;
    if let Some(line) = lines.next().await.transpose()? {
        println!("{}", line.text_lossy());
    }

    println!("\nfrom a second container, by the first one's name:");
    ask(docker, &kitchen, &format!("cook-{run}")).await?;
    println!("\nby the alias that it has on this network:");
    ask(docker, &kitchen, "menu").await?;

    println!("\nfrom another network there is no such name:");
    ask(docker, &garden, "menu").await?;

    println!("\n$ docker network connect --alias lunch {} cook-{run}", garden.name());
    garden.connect(&cook).alias("lunch").await?;
    println!("now it stands on both, by another name on each:");
    ask(docker, &garden, "lunch").await?;

    println!("\n$ docker network inspect {} {}", kitchen.name(), garden.name());
    for network in [&kitchen, &garden] {
        let details = network.inspect().await?;
        for end in details.containers.values() {
            let address = end.ipv4_address.map_or_else(String::new, |ip| ip.to_string());
            println!(
                "on {}, a {} network: {} at {address}",
                details.name, details.driver, end.name
            );
        }
    }

    println!("\n$ docker network rm {}", kitchen.name());
    match kitchen.remove().await {
        Ok(()) => println!("removed, with a container on it?"),
        Err(error) if error.status() == Some(403) => println!("refused: a container is on it"),
        Err(error) => return Err(error),
    }

    println!("\n$ docker network disconnect {} cook-{run}", garden.name());
    garden.disconnect(&cook).await?;
    println!("and it is found there no more:");
    ask(docker, &garden, "lunch").await
}

/// Ask a server by name, from a container on a network.
async fn ask(docker: &Docker, network: &Network, name: &str) -> Result<(), Error> {
    let url = format!("http://{name}/");
    println!("$ docker run --rm --network {} busybox wget -q -O - {url}", network.name());
    let wget = ContainerSpec::new("busybox").cmd(["wget", "-q", "-O", "-", &url]);
    let output = docker.run(wget.network(network).rm()).output().await?;
    print!("{}{}", output.stdout_lossy(), output.stderr_lossy());
    Ok(())
}
