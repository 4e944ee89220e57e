//! The tutorials of `examples/`, run as a reader would, and what they print.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use bowline::BuildContext;
use rustix::process::Signal;

use crate::support::engine::{Own, docker, unique};
use crate::support::pty::Desk;
use crate::support::registry::Registry;
use crate::support::service::service;
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
const FILTERS: [(&str, &str); 21] = [
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
    (r"step failed: .*", "step failed: [engine]"),
    (r"\b127\.0\.0\.1:\d{4,5}\b", "[address]"),
    (r"\b(localhost|\d+\.\d+\.\d+\.\d+):\d{4,5}\b", "[address]"),
    (r"\b\d+\.\d+\.\d+\.\d+\b", "[address]"),
    (
        r"(?m)^(spinner|hoarder|talker)-\d+ +\d+\.\d\d%( +[\d.]+ [kMG]?B / [\d.]+ [kMG]?B){2}$",
        "$1-[run] [uses]",
    ),
    (r"\b(kitchen|garden|cook|pantry)-\d+", "$1-[run]"),
    (r"(?m)^[AC] /var$", "[A or C] /var"),
    (r"engine and client speak 1\.\d\d", "engine and client speak [version]"),
];

/// The engines that a test puts behind doors of its own.
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
tutorials!(networks volumes stats);

#[tokio::test]
async fn harness() {
    let docker = docker().await;
    let (redis, postgres) = (service(&docker, "redis").await, service(&docker, "postgres").await);
    let (redis, postgres) = (redis.name().to_string(), postgres.name().to_string());
    let output = printed("harness", &[&redis, &postgres]).await;
    let output = output.replace(&redis, "redis:7").replace(&postgres, "postgres:16");
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!("harness", output);
    });
}

/// Each kind that a program can meet is one that the tutorial says what to do about.
#[test]
fn errors_has_every_kind() {
    let tutorial = include_str!("../../examples/errors.rs");
    let (_, kinds) = include_str!("../../src/error.rs").split_once("pub enum Error {").unwrap();
    let (kinds, _) = kinds.split_once("\n}").unwrap();
    let kinds: Vec<_> = kinds
        .lines()
        .filter_map(|line| line.trim().strip_suffix("),")?.split_once('('))
        .map(|(kind, _)| kind)
        .collect();
    assert!(kinds.len() > 15 && kinds.contains(&"Lease"), "{kinds:?}");
    for kind in kinds {
        assert!(tutorial.contains(&format!("Error::{kind}(_)")), "{kind}");
    }
}

fn sit(name: &str, args: &[&str]) -> Desk {
    Desk::start(example(name), args, &[])
}

#[tokio::test]
async fn shell() {
    docker().await;
    let mut desk = sit("shell", &[]);
    desk.until("/ # ").await;
    desk.types("echo $((6 * 7)); exit 9\n").await;
    desk.until("42\r\n").await;
    assert_eq!(desk.ends().await, Ok(9));
    desk.assert_as_before();
}

#[tokio::test]
async fn exec_shell() {
    docker().await;
    let mut desk = sit("exec_shell", &[]);
    desk.until("$ docker exec --interactive --tty ... sh\r\n").await;
    desk.until("/ # ").await;
    desk.types("exec sleep 601\n").await;
    desk.until("\r\n").await;
    desk.types("\x10\x11").await;
    desk.until("you left the shell; it runs on\r\n").await;
    desk.assert_as_before();
    let top = desk.reads("gone\r\n").await;
    assert!(top.contains(" sleep 600\r\n"), "{top}");
    assert_eq!(desk.ends().await, Ok(0));

    let mut desk = sit("exec_shell", &[]);
    desk.until("/ # ").await;
    desk.types("exit 5\n").await;
    desk.until("the shell ended with exit status 5\r\n").await;
    desk.assert_as_before();
    let top = desk.reads("gone\r\n").await;
    assert!(top.contains(" sleep 600\r\n"), "{top}");
    assert_eq!(desk.ends().await, Ok(0));
}

#[tokio::test]
async fn start_attach() {
    let docker = docker().await;
    let mut desk = sit("start_attach", &[]);
    desk.until("$ docker create --interactive --tty busybox sh\r\n").await;
    let id = desk.reads("\r\n").await;
    desk.until(format!("$ docker start --attach --interactive {}", id.trim())).await;
    desk.until("/ # ").await;
    desk.types("knot=bowline\n").await;
    desk.until("/ # ").await;
    desk.types("\x10\x11").await;
    desk.until("you left it: running\r\n").await;
    desk.until(format!("$ docker attach {}", id.trim())).await;
    desk.comes("raw mode", Desk::is_raw).await;
    desk.types("echo a $knot\n").await;
    desk.until("a bowline\r\n").await;
    desk.types("exit 4\n").await;
    desk.until("it ended with exit status 4\r\n").await;
    desk.until("gone\r\n").await;
    assert_eq!(desk.ends().await, Ok(0));
    desk.assert_as_before();
    assert!(docker.container(id.trim()).await.unwrap_err().is_not_found());
}

/// What the screen of `stats` shows when it is drawn whole.
fn all_of_it(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    let titles = ["CPU ", "memory ", "network "];
    let bars = text.contains(['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']);
    bars && text.contains("q quits") && titles.iter().all(|title| text.contains(title))
}

fn as_it_was(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen() && !screen.hide_cursor()
}

#[tokio::test]
async fn stats_on_a_terminal() {
    docker().await;
    let mut desk = sit("stats", &[]);
    let text = desk.shows("a dashboard", all_of_it).await;
    for name in ["spinner-", "hoarder-", "talker-"] {
        assert!(text.contains(&format!("{name}{}", desk.pid())), "{text}");
    }
    // A smaller window is drawn anew.
    desk.resize(20, 60);
    let fits = |screen: &vt100::Screen| screen.rows(0, 60).nth(19).unwrap().starts_with(" q quits");
    desk.shows("the last line of a smaller window", fits).await;
    desk.types("q").await;
    desk.shows("the screen as it was", as_it_was).await;
    assert_eq!(desk.ends().await, Ok(0));
    desk.assert_as_before();
}

#[tokio::test]
async fn stats_gives_the_terminal_back_on_every_way_out() {
    let own = Own::new().await;
    let ways = ["ctrl-c", "SIGTERM", "SIGINT", "SIGHUP", "nothing left"];
    for way in ways {
        let watched = own.running().await;
        let mut desk = sit("stats", &[watched.id().as_str()]);
        desk.shows("a dashboard", all_of_it).await;
        assert!(desk.is_raw(), "{way}");
        match way {
            "ctrl-c" => desk.types("\x03").await,
            "SIGTERM" => desk.kill(Signal::TERM),
            "SIGINT" => desk.kill(Signal::INT),
            "SIGHUP" => desk.kill(Signal::HUP),
            _ => watched.remove().force().await.unwrap(),
        }
        desk.shows("the screen as it was", as_it_was).await;
        assert_eq!(desk.ends().await, Ok(0), "{way}");
        desk.assert_as_before();
    }
}

#[tokio::test]
async fn pull_draws_a_bar_for_each_layer() {
    let docker = docker().await;
    let registry = Registry::open();
    let name = registry.image(&unique("layers"));
    // What the engine has never seen, so that it is sent and not found to be there.
    let seed = unique("seed");
    let context = BuildContext::new()
        .file("Dockerfile", "FROM busybox\nCOPY one /\nCOPY two /\n")
        .file("one", format!("{seed} one").repeat(4000))
        .file("two", format!("{seed} two").repeat(4000));
    let built = docker.build(context).no_cache().tag(name.as_str()).await.unwrap();
    let image = docker.image(name.as_str()).unwrap();
    image.push().await.unwrap();
    built.image.remove().force().await.unwrap();

    let mut desk = sit("pull", &[&name]);
    let done = |screen: &vt100::Screen| screen.contents().contains("digest: sha256:");
    let text = desk.shows("the end of the pull", done).await;
    assert_eq!(desk.ends().await, Ok(0));
    desk.assert_as_before();
    image.remove().await.unwrap();
    let bars: Vec<_> = text.lines().filter(|line| line.contains("  ██████")).collect();
    let ending = |end| bars.iter().filter(|bar| bar.trim_end().ends_with(end)).count();
    let ends = (bars.len(), ending("B  Already exists"), ending("B  Pull complete"));
    assert_eq!(ends, (3, 1, 2), "{text}");
    assert!(text.contains("downloaded a newer image"), "{text}");
}

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
    insta::with_settings!({filters => DOORS}, {
        insta::assert_snapshot!("remote", format!("{all}\nwith nothing set:\n{nothing}"));
    });
}
