use bowline::{Container, Running};

async fn f(running: Container<Running>) {
    let _ = running.start().await;
}

fn main() {}
