//! Every verb on the handle that has it, and what every handle has.

use bowline::{Container, Created, Docker, Error, Exited, Paused, Running, TransitionError, Unknown};

async fn life(docker: &Docker) -> Result<(), Error> {
    let created: Container<Created> = docker.create(bowline::ContainerSpec::new("busybox")).await?;
    let running: Container<Running> = created.start().await?;
    running.exec(["true"]).await?;
    running.attach().await?.wait().await?;
    let paused: Container<Paused> = running.pause().await?;
    let running: Container<Running> = paused.unpause().await?;
    let exited: Container<Exited> = running.stop().await?;
    println!("{}", exited.status());
    let running: Container<Running> = exited.start().await?;
    let exited: Container<Exited> = running.kill().await?;
    let unknown: Container<Unknown> = exited.forget();
    unknown.clone().inspect().await?;
    unknown.remove().await?;
    Ok(())
}

async fn a_failure_gives_the_handle_back(created: Container<Created>) -> Container<Unknown> {
    match created.run().await {
        Ok(exited) => exited.forget(),
        Err(TransitionError { container, .. }) => container,
    }
}

/// Spawned on any executor.
fn futures_are_send(docker: Docker, running: Container<Running>) {
    fn send<T: Send + 'static>(_: T) {}
    send(async move { life(&docker).await });
    send(running.stop().into_future());
}

fn main() {
    let _ = (a_failure_gives_the_handle_back, futures_are_send);
}
