use bowline::{Container, Unknown};

/// A failed transition is looked up before it is tried again.
async fn f(unknown: Container<Unknown>) {
    let _ = unknown.start().await;
}

fn main() {}
