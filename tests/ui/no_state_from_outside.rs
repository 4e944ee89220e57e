use bowline::container::State;

#[derive(Debug)]
struct Dreaming;

impl State for Dreaming {}

fn main() {}
