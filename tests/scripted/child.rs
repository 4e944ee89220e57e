//! This program once more, as a child with surroundings of its own.

use std::process::Command;

use bowline::{Docker, Error};

const TASK: &str = "BOWLINE_TEST_CHILD";

/// Prepare a child that connects by its surroundings alone, and says how that went.
///
/// The program is copied to where any user may run it.
pub(crate) fn connecting(dir: &std::path::Path) -> Command {
    use std::os::unix::fs::PermissionsExt;
    let program = dir.join("child");
    if !program.exists() {
        // By another process: a child that is forked off here at this moment would hold the copy
        // open for writing, and what is open for writing cannot be run.
        let copied =
            Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
        assert!(copied.unwrap().success());
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut child = Command::new(&program);
    child.args(["child::here", "--exact", "--nocapture"]).current_dir("/");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("DOCKER_") || name == "HOME" || name == "XDG_RUNTIME_DIR" {
            child.env_remove(&*name);
        }
    }
    child.env(TASK, "connect").env("RUST_BACKTRACE", "0");
    child
}

/// Have the child say what it was warned of, instead of how it went.
pub(crate) fn watched(mut child: Command) -> Command {
    child.env(TASK, "warnings");
    child
}

/// Run a child and return what it said.
pub(crate) fn said(mut child: Command) -> String {
    let out = child.output().unwrap();
    let all =
        format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{all}");
    let (_, said) = all.split_once("<<<").unwrap_or_else(|| panic!("nothing was said: {all}"));
    said.split_once(">>>").unwrap().0.to_owned()
}

fn say(result: Result<Docker, Error>) {
    match result {
        Ok(docker) => println!("<<<connected to {} at {}>>>", docker.host(), docker.api_version()),
        Err(error) => println!("<<<{error}>>>"),
    }
}

/// What the child does; nothing in the parent.
#[tokio::test]
async fn here() {
    match std::env::var(TASK).as_deref() {
        Ok("connect") => say(Docker::connect().await),
        Ok("warnings") => {
            let watch = crate::support::watch::Watch::new();
            let _ = Docker::connect().await;
            let told = watch.told();
            let warned: Vec<_> = told.iter().filter(|line| line.starts_with("WARN")).collect();
            println!("<<<{warned:?}>>>");
        }
        Ok("exhaust") => {
            let mut files = Vec::new();
            while let Ok(file) = std::fs::File::open("/dev/null") {
                files.push(file);
            }
            let error = Docker::connect().await.unwrap_err();
            drop(files);
            let docker = Docker::connect().await.unwrap();
            for _ in 0..100 {
                docker.ping().await.unwrap();
            }
            say(Err(error));
        }
        _ => {}
    }
}
