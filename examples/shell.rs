//! Shell: a container at your terminal, as if it were here.
//!
//! You learn: how a process in a container gets your keyboard, your screen and the size of your
//! window, and how its end, or your leaving it with ctrl-p ctrl-q, comes back to you.
//!
//! It is `docker run --interactive --tty --rm busybox sh`, by the crate's feature `terminal`:
//!
//! ```text
//! scripts/with-engine cargo run --example shell
//! ```

use std::process::ExitCode;

use bowline::container::terminal::Ended;
use bowline::{ContainerSpec, Docker, Error};

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let docker = Docker::connect().await?;
    let shell = ContainerSpec::new("busybox").cmd(["sh"]).interactive().tty().rm();
    match docker.run(shell).on_terminal().await? {
        Ended::Exited(status) => Ok(ExitCode::from(status.code() as u8)),
        Ended::Detached(shell) => {
            eprintln!("read escape sequence; it goes on as {}", shell.id().short());
            Ok(ExitCode::SUCCESS)
        }
    }
}
