use bowline::{Container, Exited};

async fn f(exited: Container<Exited>) {
    let _ = exited.remove().await;
    let _ = exited.inspect().await;
}

fn main() {}
