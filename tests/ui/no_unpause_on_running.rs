use bowline::{Container, Running};

async fn f(running: Container<Running>) {
    let _ = running.unpause().await;
}

fn main() {}
