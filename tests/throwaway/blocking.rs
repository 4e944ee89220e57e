//! Throwaway containers of plain `#[test]` functions, by `block`.

use std::io::Read as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bowline::blocking::Block as _;
use bowline::container::spec::Mount;
use bowline::throwaway::{Ready, StartPhase};
use bowline::{ContainerSpec, Docker, Throwaway};
use tempfile::TempDir;

use crate::helper::{Helper, clean, ending, pause, say, settled, spec};
use crate::support::engine::IMAGE;

const LIMIT: Duration = Duration::from_secs(30);

fn connect() -> Docker {
    Docker::connect().block().unwrap()
}

#[test]
fn all_that_a_test_does() {
    let docker = connect();
    let net = docker.throwaway_network().block().unwrap();
    let data = docker.throwaway_volume().block().unwrap();
    let script =
        "echo begun; cat /etc/knot; echo told >&2; while :; do echo hello | nc -l -p 80; done";
    let spec = ContainerSpec::new(IMAGE).stop_signal("KILL");
    let web = docker
        .throwaway(spec)
        .cmd(["sh", "-c", script])
        .env("KNOT", "bowline")
        .publish(80)
        .network(&*net)
        .network_alias("web")
        .mount(Mount::volume(data.name(), "/data"))
        .ready(Ready::log("told"))
        .timeout(LIMIT)
        .block()
        .unwrap();

    web.write_file("/data/knot", "tied\n").block().unwrap();
    assert_eq!(&web.read_file("/data/knot").block().unwrap()[..], b"tied\n");
    let said = web.exec(["sh", "-c", "cat /data/knot; echo $KNOT"]).block().unwrap();
    assert_eq!(said.stdout_lossy(), "tied\nbowline\n");
    assert_eq!(web.exec(["sh", "-c", "exit 3"]).block().unwrap().status.code(), 3);
    let mut heard = String::new();
    let mut stream = std::net::TcpStream::connect(web.addr(80).unwrap()).unwrap();
    stream.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello\n");
    let mut lines = web.logs().follow().stdout().lines().block().unwrap();
    assert_eq!(&*lines.next().block().unwrap().unwrap().data, b"begun");
    drop(lines);
    assert!(web.logs().collect().block().unwrap().stderr.ends_with(b"told\n"));

    let (network, volume, id) = ((*net).clone(), (*data).clone(), web.id().clone());
    web.close().block().unwrap();
    net.close().block().unwrap();
    data.close().block().unwrap();
    assert!(docker.container(&id).block().unwrap_err().is_not_found());
    assert!(network.inspect().block().unwrap_err().is_not_found());
    assert!(volume.inspect().block().unwrap_err().is_not_found());
}

#[test]
fn a_failed_start_tells_its_story() {
    let start = connect().throwaway(IMAGE).cmd(["sh", "-c", "echo torn; exit 3"]);
    let error = start.ready(Ready::log("tied")).block().unwrap_err();
    assert_eq!(error.story.phase, StartPhase::Ready);
    assert!(error.to_string().contains("torn"), "{error}");
}

fn in_async_code() {
    let docker = connect();
    let held = docker.throwaway(spec_of_nothing()).block().unwrap();
    let id = held.id().clone();
    assert!(held.exec(["true"]).block().unwrap().status.success());
    held.close().block().unwrap();
    assert!(docker.container(&id).block().unwrap_err().is_not_found());
}

fn spec_of_nothing() -> ContainerSpec {
    ContainerSpec::new(IMAGE).cmd(["sleep", "1000"])
}

#[tokio::test]
async fn in_a_test_of_one_thread() {
    in_async_code();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_test_of_many_threads() {
    in_async_code();
    tokio::spawn(async { in_async_code() }).await.unwrap();
}

static SHARED: LazyLock<Throwaway> = LazyLock::new(|| connect().throwaway(spec()).block().unwrap());

/// What the helper does: share one in a `static`, and leave it there.
pub(crate) fn deed() {
    let used = || assert!(SHARED.exec(["true"]).block().unwrap().status.success());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(used);
        }
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async { used() });
    say("ready");
    pause();
}

#[test]
fn a_static_goes_with_its_process() {
    let state = TempDir::new().unwrap();
    let mut helper = Helper::start("blocking static", 1, state.path()).block();
    let since = Instant::now();
    helper.go();
    assert_eq!(ending(helper.end()), "exit 0");
    clean(&helper.own, since, LIMIT).block();
    settled(&state, LIMIT).block();
}
