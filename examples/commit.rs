//! Changing a container, and making an image of it.
//!
//! You learn: how to install a package in a container, how to see what that has changed, how to
//! commit it to an image, how to tag the image, and how to run it.
//!
//! ```text
//! scripts/with-engine cargo run --example commit
//! ```

use bowline::{CommitOptions, ContainerSpec, Docker};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let docker = Docker::connect().await?;
    let hello = ContainerSpec::new("busybox").cmd(["figlet", "hello!"]);

    println!("$ docker run --rm busybox figlet hello!");
    match docker.run(hello.rm()).output().await {
        Ok(output) => println!("it ran: {}", output.status),
        Err(error) => println!("{error}"),
    }

    println!("\n$ docker run --detach busybox sleep 600");
    let spec = ContainerSpec::new("busybox").cmd(["sleep", "600"]);
    let container = docker.run(spec).spawn().await?;
    println!("$ docker cp figlet.deb ...:/tmp/");
    container.write_file("/tmp/figlet.deb", figlet_deb()?).await?;
    println!("$ docker exec ... sh -c 'dpkg --install /tmp/figlet.deb'");
    // This image has the installer and no list yet of what is installed.
    let install = "mkdir -p /var/lib/dpkg/info; touch /var/lib/dpkg/status; \
                   dpkg --install /tmp/figlet.deb && rm /tmp/figlet.deb";
    let installed = container.exec(["sh", "-c", install]).await?;
    print!("{}{}", installed.stdout_lossy(), installed.stderr_lossy());

    println!("\n$ docker exec ... figlet hello!");
    print!("{}", container.exec(["figlet", "hello!"]).await?.stdout_lossy());

    println!("\n$ docker container diff ...    (A: added, C: changed, D: deleted)");
    let mut changes = container.changes().await?;
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    for change in changes {
        println!("{} {}", change.kind.letter(), change.path);
    }

    println!("\n$ docker container commit --change 'CMD [\"figlet\", \"knots\"]' ... figlet:v1");
    let options = CommitOptions::new()
        .name("bowline-figlet:v1")
        .message("figlet is installed")
        .change("CMD [\"figlet\", \"knots\"]");
    let image = container.commit(options).await?;
    println!("made {}", image.name());
    // The image has what it needs; the container may go.
    container.remove().force().await?;

    println!("\n$ docker image tag figlet:v1 figlet:latest");
    let latest = image.tag("bowline-figlet:latest").await?;
    println!("also known as {}", latest.name());

    println!("\n$ docker run --rm figlet figlet hello!");
    let hello = ContainerSpec::new("bowline-figlet").cmd(["figlet", "hello!"]);
    print!("{}", docker.run(hello.rm()).output().await?.stdout_lossy());
    println!("\n$ docker run --rm figlet    (what it was told to run unless told otherwise)");
    let plain = ContainerSpec::new("bowline-figlet").rm();
    print!("{}", docker.run(plain).output().await?.stdout_lossy());

    println!("\n$ docker rmi figlet:v1 figlet:latest");
    latest.remove().await?;
    image.remove().await?;
    println!("gone");
    Ok(())
}

/// Make a Debian package of `examples/figlet/`, so that none has to be fetched: an `ar` archive of
/// a version and two tars.
fn figlet_deb() -> std::io::Result<Vec<u8>> {
    let tar = |path: &str, mode, data: &[u8]| {
        let mut header = tar::Header::new_gnu();
        // As it stands: the installer looks for names that begin with "./".
        for (to, from) in header.as_old_mut().name.iter_mut().zip(path.bytes()) {
            *to = from;
        }
        header.set_size(data.len() as u64);
        header.set_mode(mode);
        header.set_cksum();
        let mut tar = tar::Builder::new(Vec::new());
        tar.append(&header, data)?;
        tar.into_inner()
    };
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", tar("./control", 0o644, include_bytes!("figlet/control"))?),
        ("data.tar", tar("./bin/figlet", 0o755, include_bytes!("figlet/figlet"))?),
    ];
    let mut deb = b"!<arch>\n".to_vec();
    for (name, data) in members {
        let size = data.len();
        deb.extend(format!("{name:<16}0           0     0     100644  {size:<10}`\n").into_bytes());
        deb.extend(data);
    }
    Ok(deb)
}
