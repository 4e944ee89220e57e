use bowline::ContainerSpec;

fn main() {
    let _ = ContainerSpec::new(7);
}
