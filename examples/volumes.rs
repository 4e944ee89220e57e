//! Volumes, folders of the host, and memory: files that are not their container's.
//!
//! You learn: how a volume outlives the containers that use it, how to let a container read a folder
//! of the host and not write to it, and how to give it a folder that is never on a disk.
//!
//! ```text
//! scripts/with-engine cargo run --example volumes
//! ```

use bowline::container::spec::Mount;
use bowline::{ContainerSpec, Docker, Error, VolumeSpec};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    // The name and the label are this run's alone: two at once do not meet.
    let run = std::process::id().to_string();
    let label = format!("bowline.tutorial={run}");
    let told = tell(&docker, &run, &label).await;

    if told.is_err() {
        // However far it came: what bears the label goes.
        let _ = docker.containers().all().label(&label).remove().force().await;
        let _ = docker.prune_volumes().all().label(&label).await;
    }
    told
}

async fn tell(docker: &Docker, run: &str, label: &str) -> Result<(), Error> {
    let name = format!("pantry-{run}");
    println!("$ docker volume create {name}");
    let spec = VolumeSpec::new(&name).label("bowline.tutorial", run);
    let pantry = docker.create_volume(spec).await?;

    println!("\n$ docker run --rm --volume {name}:/pantry busybox sh -c '...'");
    let fill = ContainerSpec::new("busybox").volume(format!("{name}:/pantry"));
    let fill = fill.cmd(["sh", "-c", "echo plum jam > /pantry/jar; ls /pantry"]);
    say(docker, fill).await?;
    println!("that container is gone");

    println!("\n$ docker run --rm --mount type=volume,source={name},target=/shelf \\");
    println!("    busybox cat /shelf/jar");
    let shelf = ContainerSpec::new("busybox").mount(Mount::volume(&name, "/shelf"));
    say(docker, shelf.cmd(["cat", "/shelf/jar"])).await?;

    println!("\n$ docker run --detach --volume {name}:/pantry:ro busybox sleep 600");
    let spec = ContainerSpec::new("busybox")
        .volume(format!("{name}:/pantry:ro"))
        .cmd(["sleep", "600"])
        .init(true)
        .label("bowline.tutorial", run);
    let reader = docker.run(spec).spawn().await?;
    println!("$ docker exec ... sh -c 'echo sauce > /pantry/jar'");
    let refused = reader.exec(["sh", "-c", "echo sauce > /pantry/jar"]).await?;
    print!("{}", refused.stderr_lossy());

    println!("\n$ docker volume rm {name}");
    match pantry.remove().await {
        Ok(()) => println!("removed under a container?"),
        Err(error) if error.is_conflict() => println!("refused: a container uses it"),
        Err(error) => return Err(error),
    }
    reader.remove().force().await?;

    println!("\n$ docker volume ls --filter label=...");
    for volume in docker.volumes().label(label).await?.volumes {
        println!("{} of the driver {}", volume.name, volume.driver);
    }
    println!("$ docker volume rm {name}");
    pantry.remove().await?;
    println!("gone, and the jam with it");

    // The engine's host, that is: this works where the engine runs on this machine.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    println!("\n$ docker run --rm --mount type=bind,source=$PWD/examples,target=/here,readonly \\");
    println!("    busybox sh -c '...'");
    let mount = Mount::bind(folder, "/here").read_only();
    let here = ContainerSpec::new("busybox").mount(mount);
    let script = "head -n 1 /here/volumes.rs; touch /here/new";
    say(docker, here.cmd(["sh", "-c", script])).await?;

    println!("\n$ docker run --rm --mount type=tmpfs,target=/scratch,tmpfs-size=4m \\");
    println!("    busybox sh -c '...'");
    let scratch = ContainerSpec::new("busybox").mount(Mount::tmpfs("/scratch").size("4m"));
    let script = "grep -o '^tmpfs /scratch' /proc/mounts; \
                  dd if=/dev/zero of=/scratch/big bs=1M count=5 2>&1 | grep left";
    say(docker, scratch.cmd(["sh", "-c", script])).await
}

/// Run it, and print what it says.
async fn say(docker: &Docker, spec: ContainerSpec) -> Result<(), Error> {
    let output = docker.run(spec.rm()).output().await?;
    print!("{}{}", output.stdout_lossy(), output.stderr_lossy());
    Ok(())
}
