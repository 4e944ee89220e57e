use bowline::Running;

fn f() -> Running {
    Running(())
}

fn main() {}
