use bowline::{Container, Running};

fn f(other: Container) -> Container<Running> {
    Container { id: other.id().clone(), state: Running(()), ..other }
}

fn main() {}
