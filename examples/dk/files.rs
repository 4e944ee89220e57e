//! `dk cp` and `export`: files and archives, in and out.

use bowline::Docker;
use clap::Args;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::container::any;
use crate::fault::{Done, Fault};

#[derive(Args)]
pub(crate) struct Cp {
    /// Copy owners too
    #[arg(short, long)]
    archive: bool,
    /// Copy what a link leads to
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Say nothing of it
    #[arg(short, long)]
    quiet: bool,
    /// CONTAINER:PATH, a local path, or "-" for an archive on standard input
    source: String,
    /// CONTAINER:PATH, a local path, or "-" for an archive on standard output
    dest: String,
}

/// Take "web:/etc/hosts" apart; a local path is none.
fn inside(place: &str) -> Option<(&str, &str)> {
    place.split_once(':').filter(|_| !place.starts_with(['.', '/']))
}

pub(crate) async fn cp(docker: &Docker, args: Cp) -> Done {
    match (inside(&args.source), inside(&args.dest)) {
        (Some((name, path)), None) if args.dest == "-" => {
            written(any(docker, name).await?.archive(path).await?, None).await
        }
        (Some((name, path)), None) => {
            let copy = any(docker, name).await?.copy_out(path, args.dest);
            if args.follow_link { copy.follow_link() } else { copy }.await?;
            Ok(0)
        }
        (None, Some((name, path))) if args.source == "-" => {
            let put = any(docker, name).await?.put_archive(path, tokio::io::stdin());
            if args.archive { put.copy_uid_gid() } else { put }.await?;
            Ok(0)
        }
        (None, Some((name, path))) => {
            let mut copy = any(docker, name).await?.copy_in(args.source, path);
            if args.follow_link {
                copy = copy.follow_link();
            }
            if args.archive {
                copy = copy.copy_uid_gid();
            }
            copy.await?;
            Ok(0)
        }
        (Some(_), Some(_)) => Err("copying between containers is not supported".into()),
        (None, None) => Err("must specify at least one container source".into()),
    }
}

#[derive(Args)]
pub(crate) struct Export {
    /// Write to a file, not to standard output
    #[arg(short, long)]
    output: Option<String>,
    container: String,
}

pub(crate) async fn export(docker: &Docker, args: Export) -> Done {
    written(any(docker, &args.container).await?.export().await?, args.output).await
}

/// Write an archive to a file, or to standard output.
pub(crate) async fn written(tar: bowline::TarStream, to: Option<String>) -> Result<u8, Fault> {
    match to {
        Some(path) => {
            let mut file = File::create(path).await?;
            tar.write_to(&mut file).await?;
            file.flush().await?;
        }
        None => {
            let mut stdout = tokio::io::stdout();
            tar.write_to(&mut stdout).await?;
            stdout.flush().await?;
        }
    }
    Ok(0)
}
