//! Pulling and listing images.
//!
//! You learn: how an image comes from a registry layer by layer, with a progress bar for each, what
//! a digest is, and which images your engine has.
//!
//! ```text
//! scripts/with-engine cargo run --example pull -- alpine:3
//! ```

use std::collections::HashMap;

use bowline::{Docker, Error};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let image = std::env::args().nth(1).unwrap_or_else(|| "busybox".to_owned());
    let docker = Docker::connect().await?;

    println!("$ docker pull {image}");
    let bars = Bars::default();
    let mut layers = HashMap::new();
    let mut pull = docker.pull(image.as_str()).stream().await?;
    while let Some(report) = pull.next().await.transpose()? {
        // The others are about the image as a whole; `finish` says what counts of them.
        let Some(layer) = report.layer() else { continue };
        let bar = layers.entry(layer.to_owned()).or_insert_with_key(|id| bars.add(id));
        if let Some(total) = report.total {
            bar.set_length(total);
        }
        if let Some(current) = report.current {
            bar.set_position(current);
        }
        let done = matches!(&*report.status, "Pull complete" | "Already exists");
        bar.set_message(report.status);
        if done {
            // Of what is there already nothing travels.
            bar.set_length(bar.length().unwrap_or(0));
            bar.finish();
        }
    }
    let pulled = pull.finish().await?;
    println!(
        "{}",
        if pulled.newer { "downloaded a newer image" } else { "the image is up to date" }
    );
    // A tag can be moved to another image; the digest names this one for ever.
    println!("digest: {}", pulled.digest.as_deref().unwrap_or("none"));

    println!("\n$ docker images");
    println!("{:<32} {:<14} {:<10} {:>10}", "NAME", "ID", "CREATED", "SIZE");
    for image in docker.images().await? {
        let id = image.id.trim_start_matches("sha256:");
        let created = image.created.map_or_else(String::new, |at| at.to_string());
        for name in &image.repo_tags {
            println!(
                "{name:<32} {:<14} {:<10} {:>7.2} MB",
                &id[..12.min(id.len())],
                &created[..10.min(created.len())],
                image.size as f64 / 1e6,
            );
        }
    }
    Ok(())
}

/// A bar for each layer, under one another.
#[derive(Default)]
struct Bars(MultiProgress);

impl Bars {
    fn add(&self, id: &str) -> ProgressBar {
        let style =
            ProgressStyle::with_template("{prefix}  {wide_bar:.cyan} {bytes:>10}  {msg:<18}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        self.0.add(ProgressBar::no_length().with_style(style).with_prefix(id.to_owned()))
    }
}
