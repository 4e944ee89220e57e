//! The tutorials of `examples/`, run as a reader would, and what they print.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::engine::{docker, unique};
use crate::support::registry::Registry;
use crate::support::sshd::Sshd;
use crate::support::tls::{Authority, Front};

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
    printed_by(name, Command::new(example(name)).args(args)).await
}

async fn printed_by(name: &str, command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
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

/// The same of engines that a test puts behind doors of its own.
const DOORS: [(&str, &str); 3] = [
    (r"ssh://[^ /]+@127\.0\.0\.1:\d{4,5}", "ssh://[user]@[machine]"),
    (r"tcp://127\.0\.0\.1:\d{4,5}", "tcp://[machine]"),
    (r"unix://\S+", "unix://[socket]"),
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

/// With everything there, and with nothing set.
#[tokio::test]
async fn remote() {
    let engine = docker().await;
    let path = engine.host().socket_path().expect("an engine on a Unix socket");
    let ca = Authority::new("ours");
    let front = Front::new(path.into(), &ca.server(), Some(&ca)).await;
    let sshd = Sshd::new(&engine.host().to_string());
    let keys = sshd.folder().join("keys");
    ca.client().write(&keys, &ca);
    let config = sshd.folder().join("docker");
    let at = |name: &str| keys.join(name).display().to_string();
    let with_keys = format!(
        "host={},ca={},cert={},key={}",
        front.url(),
        at("ca.pem"),
        at("cert.pem"),
        at("key.pem")
    );
    for (name, endpoint) in [("farm", format!("host={}", sshd.url())), ("tower", with_keys)] {
        let mut create = Command::new("docker");
        create.args(["context", "create", name, "--docker", &endpoint]);
        let made = create.env("DOCKER_CONFIG", &config).output().await;
        let made = made.expect("this test needs the docker CLI: scripts/with-engine cargo test");
        assert!(made.status.success(), "{made:?}");
    }

    let mut command = Command::new(example("remote"));
    command.env("PATH", sshd.path()).env("XDG_RUNTIME_DIR", sshd.folder());
    command.env("DOCKER_CONFIG", &config).env("DOCKER_HOST", front.url());
    command.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", &keys);
    command.env("REMOTE_SSH", sshd.url()).env("REMOTE_TLS", front.url()).env("REMOTE_KEYS", &keys);
    let all = printed_by("remote", &mut command).await;

    let mut command = Command::new(example("remote"));
    command.env("DOCKER_CONFIG", sshd.folder()).env("DOCKER_HOST", engine.host().to_string());
    for name in ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "REMOTE_SSH", "REMOTE_TLS", "REMOTE_KEYS"] {
        command.env_remove(name);
    }
    let nothing = printed_by("remote", &mut command).await;
    let filters: Vec<_> = DOORS.into_iter().chain(FILTERS).collect();
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!("remote", format!("{all}\nwith nothing set:\n{nothing}"));
    });
}
