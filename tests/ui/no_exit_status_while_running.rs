use bowline::{Container, Running};

fn f(running: Container<Running>) {
    let _ = running.status();
}

fn main() {}
