//! An image from a Dockerfile.
//!
//! You learn: how to build a folder into an image, follow the steps, leave files out with a
//! `.dockerignore`, set build arguments, and read what a failing step says.
//!
//! ```text
//! scripts/with-engine cargo run --example build
//! ```

use std::fs;

use bowline::image::BuildOutput;
use bowline::{BuildContext, ContainerSpec, Docker, Error};

const DOCKERFILE: &str = r#"FROM busybox
ARG KNOT=clove
COPY . /app
RUN echo "a $KNOT hitch" > /app/knot
CMD ["sh", "-c", "ls /app; cat /app/knot"]
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let docker = Docker::connect().await?;

    // A project as it lies on a disk, with something in it that must not get into the image.
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("Dockerfile"), DOCKERFILE)?;
    fs::write(folder.path().join(".dockerignore"), "secret*\n.dockerignore\nDockerfile\n")?;
    fs::write(folder.path().join("hello.txt"), "hello\n")?;
    fs::write(folder.path().join("secret.txt"), "never leaves this machine\n")?;

    println!("$ docker build --tag knots:v1 --build-arg KNOT=rolling .");
    let build = docker.build(folder.path()).tag("bowline-knots:v1").build_arg("KNOT", "rolling");
    let mut build = build.no_cache().stream().await?;
    while let Some(report) = build.next().await.transpose()? {
        match report {
            BuildOutput::Step { number, total, instruction, .. } => {
                println!("{number}/{total}  {instruction}");
            }
            BuildOutput::Text(text) => print!("     {text}"),
            _ => {}
        }
    }
    let built = build.finish().await?;

    println!("\n$ docker run --rm knots:v1");
    let spec = ContainerSpec::new("bowline-knots:v1").rm();
    print!("{}", docker.run(spec).output().await?.stdout_lossy());
    built.image.remove().force().await?;

    // The context need not lie on a disk, and nobody has to look at the steps.
    println!("\n$ docker build -    (a context in memory, a step that fails)");
    let context =
        BuildContext::new().file("Dockerfile", "FROM busybox\nRUN echo looking for it; exit 3\n");
    match docker.build(context).await {
        Ok(built) => println!("built {}", built.id),
        Err(Error::Build(e)) => {
            println!("step {:?}, {:?}, ended with {:?}", e.step, e.instruction, e.code);
            println!("it printed:\n{}", e.output.trim_end());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
