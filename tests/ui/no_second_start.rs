use bowline::{Container, Created};

async fn f(created: Container<Created>) {
    let _ = created.start().await;
    let _ = created.start().await;
}

fn main() {}
