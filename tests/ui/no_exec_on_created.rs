use bowline::{Container, Created};

async fn f(created: Container<Created>) {
    let _ = created.exec(["ls"]).await;
}

fn main() {}
