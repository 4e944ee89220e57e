use bowline::{Container, Paused};

async fn f(paused: Container<Paused>) {
    let _ = paused.attach().await;
}

fn main() {}
