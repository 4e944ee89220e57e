use bowline::{Container, Exited};

async fn f(exited: Container<Exited>) {
    let _ = exited.stop().await;
}

fn main() {}
