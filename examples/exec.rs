//! Running a second process in a container that runs.
//!
//! You learn: how `exec` differs from `run`, how to choose its user, folder and environment, how to
//! talk to it while it runs, and what happens where nothing runs.
//!
//! ```text
//! scripts/with-engine cargo run --example exec
//! ```

use bowline::{ContainerSpec, Docker, Error};
use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let docker = Docker::connect().await?;
    let spec = ContainerSpec::new("busybox").cmd(["sleep", "600"]).init(true);
    let container = docker.run(spec).spawn().await?;

    println!("$ docker exec ... ls /");
    let listing = container.exec(["ls", "/"]).await?;
    println!("{}", listing.stdout_lossy().split_whitespace().collect::<Vec<_>>().join(" "));

    println!("\n$ docker exec --user 1000 --workdir /tmp --env KNOT=bowline ... sh -c '...'");
    let line = "echo $KNOT, as user $(id -u), in $(pwd)";
    let out = container
        .exec(["sh", "-c", line])
        .user("1000")
        .workdir("/tmp")
        .env("KNOT", "bowline")
        .await?;
    print!("{}", out.stdout_lossy());

    // That it failed is an answer, not an error.
    println!("\n$ docker exec ... cat /nowhere");
    let failed = container.exec(["cat", "/nowhere"]).await?;
    println!("{}: {}", failed.status, failed.stderr_lossy().trim_end());
    println!("\n$ docker exec ... figlet");
    let absent = container.exec(["figlet"]).await?;
    println!("{}, it could not be run: {}", absent.status, absent.status.cannot_run());

    println!("\n$ docker exec --interactive ... sort");
    let mut sort = container.exec(["sort"]).session().interactive().await?;
    let told = sort.stdin().write_all(b"sheet bend\nbowline\nclove hitch\n").await;
    println!("told it three lines: {}", told.is_ok());
    // It answers once its input ends.
    sort.close_stdin().await?;
    print!("{}", sort.wait_with_output().await?.stdout_lossy());

    // In a container that has ended nothing can be run. With its handle that does not even
    // compile; by its name it is an error that says so.
    let container = container.stop().await?;
    println!("\n$ docker stop ..., and then docker exec ... ls");
    match docker.container(container.id().as_str()).await?.running() {
        Ok(_) => println!("it runs again?"),
        Err(error) => println!("{error}"),
    }
    container.remove().await?;
    Ok(())
}
