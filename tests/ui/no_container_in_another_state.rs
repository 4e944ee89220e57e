use bowline::Container;

fn f(_: Container<String>) {}

fn main() {}
