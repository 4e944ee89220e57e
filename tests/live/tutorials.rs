//! The tutorials of `examples/`, run as a reader would, and what they print.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::engine::{docker, unique};
use crate::support::registry::Registry;

/// Where `cargo test` puts the examples it builds: beside the folder of this program.
pub(crate) fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    assert!(
        path.exists(),
        "{} is missing: `cargo test` builds the examples, `cargo test --test live` does not; \
         run `cargo build --examples` first",
        path.display()
    );
    path
}

/// Run a tutorial to its end, and return what it prints.
async fn printed(name: &str, args: &[&str]) -> String {
    let mut command = Command::new(example(name));
    let output = command.args(args).stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}:\n{stdout}\n{stderr}", output.status);
    stdout
}

/// What differs from run to run, from engine to engine.
const FILTERS: [(&str, &str); 15] = [
    (r"sha256:[0-9a-f]{64}", "sha256:[id]"),
    (r"\b[0-9a-f]{64}\b", "[id]"),
    (r"\b[0-9a-f]{12}\b", "[short id]"),
    (r"docker (start|inspect) [0-9a-f]{8}\b", "docker $1 [prefix]"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
    (r"\d{4}-\d\d-\d\d\b", "[date]"),
    (r"(?m)^total \d+\n([a-z-]{10} .*\n)+", "[listing]\n"),
    (r"(?m)^bin dev etc.*$", "[folders]"),
    (r"exit status 12[67]", "exit status [126 or 127]"),
    (r"(\[time\] container kill\n)+", "[time] container kill\n"),
    (r"(Less than a second|About a minute|\d+ (second|minute)s?)", "[age]"),
    (r" +\d+\.\d\d MB", " [size]"),
    (r"POST /containers/\[id\]/start: .*figlet.*", "[engine: no figlet]"),
    (r"POST /containers/\[id\]/start: .*banner.*", "[engine: no banner]"),
    (r"\b127\.0\.0\.1:\d{4,5}\b", "[registry]"),
];

macro_rules! tutorials {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            // With a hint, where there is no engine.
            docker().await;
            let output = printed(stringify!($name), &[]).await;
            insta::with_settings!({filters => FILTERS}, {
                insta::assert_snapshot!(stringify!($name), output);
            });
        }
    )*};
}

tutorials!(run list isolation restart exec clean_up commit build logs copy events errors);

#[tokio::test]
async fn pull() {
    let docker = docker().await;
    let registry = Registry::open();
    let name = registry.image(&unique("tutorial"));
    docker.image("busybox").unwrap().tag(name.as_str()).await.unwrap();
    let image = docker.image(name.as_str()).unwrap();
    image.push().await.unwrap();
    image.clone().remove().await.unwrap();

    let first = printed("pull", &[&name]).await;
    let second = printed("pull", &[&name]).await;
    image.remove().await.unwrap();
    assert!(first.contains(&format!("$ docker pull {name}\n")), "{first}");
    assert!(first.contains("\ndigest: sha256:"), "{first}");
    assert!(second.contains("\nthe image is up to date\n"), "{second}");
    let listed = first.lines().any(|line| line.starts_with(&format!("{name}:latest ")));
    assert!(listed, "{first}");
}
