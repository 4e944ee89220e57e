//! What a container prints: read afterwards, and followed as it comes.
//!
//! You learn: how to collect a log, read its last lines, tell its two streams apart, and follow it
//! live until the container ends.
//!
//! ```text
//! scripts/with-engine cargo run --example logs
//! ```

use bowline::{ContainerSpec, Docker, Error, StdStream};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    let program = "for i in 1 2 3 4 5; do echo line $i; done; \
                   while [ ! -e /go ]; do sleep 0.1; done; \
                   for i in 6 7 8; do echo line $i; sleep 0.3; done; echo that was all >&2";
    let spec = ContainerSpec::new("busybox").cmd(["sh", "-c", program]);
    let container = docker.run(spec).spawn().await?;
    // What it prints takes a moment to reach the log: follow it until line 5 is there.
    let mut stream = container.logs().follow().lines().await?;
    while let Some(line) = stream.next().await.transpose()? {
        if line.data.ends_with(b"5") {
            break;
        }
    }

    println!("$ docker logs --tail 3 ...");
    print!("{}", container.logs().tail(3).collect().await?.stdout_lossy());

    println!("\n$ docker logs --follow --timestamps ...");
    let mut lines = container.logs().follow().timestamps().lines().await?;
    container.exec(["touch", "/go"]).await?;
    while let Some(line) = lines.next().await.transpose()? {
        let stream = if line.stream == StdStream::Err { "err" } else { "out" };
        let time = line.time.map_or_else(String::new, |t| t.to_string());
        println!("{time} {stream} {}", String::from_utf8_lossy(&line.data));
    }
    // The log ends with the container.
    let container = container.wait().await?;
    println!("it ended with {}", container.status());
    container.remove().await?;
    Ok(())
}
