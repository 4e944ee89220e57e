use bowline::Container;

fn f(mine: Container, other: Container) -> Container {
    Container { id: other.id().clone(), ..mine }
}

fn main() {}
