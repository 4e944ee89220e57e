//! Copying files into a container and out of it.
//!
//! You learn: how to write and read a single file, how to copy whole folders, and that a container
//! need not run for either.
//!
//! ```text
//! scripts/with-engine cargo run --example copy
//! ```

use std::fs;

use bowline::{ContainerSpec, Docker};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let docker = Docker::connect().await?;
    let here = tempfile::tempdir()?;
    fs::create_dir(here.path().join("site"))?;
    fs::write(here.path().join("site/index.html"), "<h1>knots</h1>\n")?;
    fs::write(here.path().join("site/style.css"), "h1 { color: navy }\n")?;

    let spec = ContainerSpec::new("busybox").cmd([
        "sh",
        "-c",
        "wc -c /www/*; cat /etc/app.conf; echo done > /result",
    ]);
    let container = docker.create(spec).await?;

    println!("$ docker cp site/. ...:/www    (before it starts)");
    container.copy_in(here.path().join("site"), "/www").await?;
    // A single file needs no file on this side.
    container.write_file("/etc/app.conf", "port = 80\n").mode(0o600).await?;

    println!("$ docker start --attach ...");
    let mut attached = container.attach().stdout().await?;
    let container = container.start().await?;
    while let Some(chunk) = attached.next().await.transpose()? {
        print!("{}", String::from_utf8_lossy(&chunk.data));
    }
    let container = container.wait().await?;

    println!("\n$ docker cp ...:/result -    (after it has ended)");
    print!("{}", String::from_utf8_lossy(&container.read_file("/result").await?));

    println!("\n$ docker cp ...:/www out");
    let copied = container.copy_out("/www", here.path().join("out")).await?;
    println!("{} files, {} bytes", copied.files, copied.bytes);
    print!("{}", fs::read_to_string(here.path().join("out/index.html"))?);

    container.remove().await?;
    Ok(())
}
