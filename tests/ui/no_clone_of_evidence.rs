use bowline::{Container, Running};

fn f(running: &Container<Running>) -> Container<Running> {
    running.clone()
}

fn main() {}
