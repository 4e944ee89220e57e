//! A real engine behind a real SSH server on this machine's loopback.
//!
//! `ssh` reads its configuration from the user's home, wherever `HOME` points. So each test runs
//! once more as a child of itself, in whose `PATH` another `ssh` comes first, that has a
//! configuration of the test's own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bowline::error::{ConnectFailure, SshFault};
use bowline::{Docker, Error, Timeouts};

use super::ways::all_that_matters;
use crate::support::engine::{Own, docker};
use crate::support::sshd::Sshd;

const URL: &str = "BOWLINE_TEST_SSH";

/// The address that a test of ours is to use; none in the parent.
fn inside() -> Option<String> {
    std::env::var(URL).ok()
}

/// Run a test once more, by this server.
async fn again(test: &'static str, sshd: &Sshd, url: String, env: &[(&str, String)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([&format!("ssh::{test}"), "--exact", "--nocapture"]);
    // What tells where the engine is stays out, and what `Own` finds by it.
    child.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    child.env("PATH", sshd.path()).env(URL, url).env("TMPDIR", sshd.folder());
    child.env("XDG_RUNTIME_DIR", sshd.folder()).envs(env.iter().map(|(n, v)| (n, v)));
    let out = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
    // Nothing outlives the program that started it, or soon nothing does.
    let gone = || sshd.calls().iter().all(|call| !alive(call.split(' ').next().unwrap()));
    let until = Instant::now() + Duration::from_secs(10);
    while !gone() {
        assert!(Instant::now() < until, "still there: {:?}", sshd.calls());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let left: Vec<_> = std::fs::read_dir(sshd.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("bowline-ssh-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn alive(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

/// The children of this process, the dead ones that nobody has waited for among them.
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().map_while(Result::ok) {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        if rest.split(' ').nth(1) == Some(&own) {
            found.push(stat);
        }
    }
    found
}

async fn none_left() {
    let until = Instant::now() + Duration::from_secs(10);
    while !children().is_empty() {
        assert!(Instant::now() < until, "{:?}", children());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn engine() -> String {
    docker().await.host().to_string()
}

async fn fault(url: &str) -> SshFault {
    let error = Docker::connect().host(url).await.unwrap_err();
    let Error::Connect(mut error) = error else { panic!("{error}") };
    match error.tried.remove(0).failure {
        ConnectFailure::Ssh(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_that_matters_works_by_ssh() {
    let Some(url) = inside() else {
        let sshd = Sshd::new(&engine().await);
        again("all_that_matters_works_by_ssh", &sshd, sshd.url(), &[]).await;
        assert_eq!(sshd.accepted(), 1, "one connection for all: {:#?}", sshd.calls());
        return;
    };
    all_that_matters(Docker::connect().host(url).await.unwrap()).await;
    none_left().await;
}

/// Sixteen streams at once are more than a server lets through one connection, as it comes: the
/// others get one of their own.
#[tokio::test]
async fn many_at_once() {
    let Some(url) = inside() else {
        let sshd = Sshd::with(&format!("SetEnv DOCKER_HOST={}\nMaxSessions 4", engine().await));
        return again("many_at_once", &sshd, sshd.url(), &[]).await;
    };
    let own = Own::on(Docker::connect().host(url).await.unwrap());
    let c = own.running().await;
    let mut at_once = tokio::task::JoinSet::new();
    for n in 0..16 {
        let exec = c.exec(["sh", "-c", &format!("sleep 0.5; exit {n}")]).into_future();
        at_once.spawn(async move { (n, exec.await.unwrap().status.code()) });
    }
    while let Some(ended) = at_once.join_next().await {
        let (n, code) = ended.unwrap();
        assert_eq!(n, code);
    }
}

/// A connection that is in use holds what it needs, though the client that opened it is gone; and
/// what is dropped takes its process with it.
#[tokio::test]
async fn what_is_dropped_is_gone_and_nothing_else() {
    let Some(url) = inside() else {
        let sshd = Sshd::new(&engine().await);
        return again("what_is_dropped_is_gone_and_nothing_else", &sshd, sshd.url(), &[]).await;
    };
    let own = Own::on(Docker::connect().host(&url).await.unwrap());
    let spec = own.spec(["sh", "-c", "read x; echo got $x"]).interactive();
    let other = Docker::connect().host(&url).await.unwrap();
    let c = other.create(spec).await.unwrap();
    let (mut input, output) = c.attach().stdin().await.unwrap().split();
    let c = c.start().await.unwrap();
    drop((c, other));
    tokio::io::AsyncWriteExt::write_all(&mut input, b"it\n").await.unwrap();
    let mut said = Vec::new();
    let mut output = output;
    while let Some(chunk) = output.next().await {
        said.extend_from_slice(&chunk.unwrap().data);
    }
    assert_eq!(said, b"got it\n");
    drop((input, output));

    // In the middle of anything.
    for millis in [0, 1, 2, 5, 10, 20, 50, 100] {
        let fresh = Docker::connect().host(&url).into_future();
        let _ = tokio::time::timeout(Duration::from_millis(millis), fresh).await;
    }
    let c = own.running().await;
    let long = c.exec(["sleep", "100"]).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(300), long).await.is_err());
    own.docker.ping().await.unwrap();
    drop(c);
    drop(own);
    none_left().await;
}

/// By an alias of `ssh`'s configuration, a socket's path, and a docker context.
#[tokio::test]
async fn other_names_of_the_same_place() {
    let Some(url) = inside() else {
        let engine = docker().await;
        let path = engine.host().socket_path().expect("an engine on a Unix socket").to_owned();
        let sshd = Sshd::with("");
        let config = sshd.folder().join("docker");
        let url = format!("{}{}", sshd.url(), path.display());
        let made = Command::new("docker")
            .args(["context", "create", "farm", "--docker", &format!("host={url}")])
            .env("DOCKER_CONFIG", &config)
            .output()
            .expect("this test needs the docker CLI: scripts/with-engine cargo test");
        assert!(made.status.success(), "{made:?}");
        let env = [
            ("DOCKER_CONFIG", config.display().to_string()),
            ("BOWLINE_TEST_PATH", path.display().to_string()),
        ];
        return again("other_names_of_the_same_place", &sshd, url, &env).await;
    };
    let path = std::env::var("BOWLINE_TEST_PATH").unwrap();
    for docker in [
        Docker::connect().host(&url).await,
        Docker::connect().host(format!("ssh://farm{path}")).await,
        Docker::context("farm").await,
    ] {
        docker.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn fault_123_a_host_key_that_is_another() {
    let Some(url) = inside() else {
        let sshd = Sshd::with("");
        sshd.knows_us("client", false);
        return again("fault_123_a_host_key_that_is_another", &sshd, sshd.url(), &[]).await;
    };
    let fault = fault(&url).await.to_string();
    assert!(fault.starts_with("ssh ended with exit code 255: "), "{fault}");
    assert!(fault.contains("Host key verification failed."), "{fault}");
    assert!(fault.ends_with("(connect once by hand, to see and accept the host's key)"), "{fault}");
    none_left().await;
}

#[tokio::test]
async fn fault_123_a_key_that_is_not_let_in() {
    let Some(url) = inside() else {
        let sshd = Sshd::with("");
        sshd.knows_us("stranger", true);
        return again("fault_123_a_key_that_is_not_let_in", &sshd, sshd.url(), &[]).await;
    };
    let fault = fault(&url).await.to_string();
    assert!(fault.contains("Permission denied (publickey)"), "{fault}");
    assert!(fault.contains("(is the key in the agent, or"), "{fault}");
    none_left().await;
}

#[tokio::test]
async fn fault_123_nobody_listens() {
    let Some(_) = inside() else {
        let sshd = Sshd::with("");
        return again("fault_123_nobody_listens", &sshd, sshd.url(), &[]).await;
    };
    let fault = fault("ssh://127.0.0.1:1").await.to_string();
    assert!(fault.contains("Connection refused"), "{fault}");
}

#[tokio::test]
async fn fault_123_no_docker_on_the_other_side() {
    let Some(url) = inside() else {
        let sshd = Sshd::with("SetEnv PATH=/nowhere");
        return again("fault_123_no_docker_on_the_other_side", &sshd, sshd.url(), &[]).await;
    };
    let fault = fault(&url).await;
    assert!(matches!(&fault, SshFault::Ended { code: Some(127), .. }), "{fault:?}");
    let fault = fault.to_string();
    assert!(fault.contains("not found"), "{fault}");
    assert!(fault.ends_with("(is there a docker command on the other side?)"), "{fault}");
    none_left().await;
}

#[tokio::test]
async fn fault_123_no_engine_on_the_other_side() {
    let Some(url) = inside() else {
        let sshd = Sshd::new("unix:///nowhere/d.sock");
        return again("fault_123_no_engine_on_the_other_side", &sshd, sshd.url(), &[]).await;
    };
    let fault = fault(&url).await.to_string();
    assert!(fault.contains("/nowhere/d.sock"), "{fault}");
}

/// A shell that greets everybody, on the stream that should be HTTP's.
#[tokio::test]
async fn fault_123_a_greeting_before_the_answer() {
    let Some(url) = inside() else {
        let command = "echo Welcome to the farm; exec docker system dial-stdio";
        let settings = format!("SetEnv DOCKER_HOST={}\nForceCommand {command}", engine().await);
        let sshd = Sshd::with(&settings);
        return again("fault_123_a_greeting_before_the_answer", &sshd, sshd.url(), &[]).await;
    };
    let error = Docker::connect().host(&url).await.unwrap_err().to_string();
    assert!(error.contains("not a Docker Engine: it says \"Welcome to the farm\\n"), "{error}");
}

/// The process dies under a stream: that is an error which says so, with its last words.
#[tokio::test]
async fn fault_123_the_process_dies_under_a_stream() {
    let Some(url) = inside() else {
        let command = "docker system dial-stdio; echo last words >&2; exit 7";
        let settings = format!("SetEnv DOCKER_HOST={}\nForceCommand {command}", engine().await);
        let sshd = Sshd::with(&settings);
        return again("fault_123_the_process_dies_under_a_stream", &sshd, sshd.url(), &[]).await;
    };
    let own = Own::on(Docker::connect().host(&url).await.unwrap());
    let spec = own.spec(["sh", "-c", "echo first; sleep 1000"]);
    let c = own.docker.run(spec).spawn().await.unwrap();
    let mut logs = c.logs().follow().await.unwrap();
    assert_eq!(&*logs.next().await.unwrap().unwrap().data, b"first\n");
    for child in children() {
        let pid = child.split(' ').next().unwrap();
        assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
    }
    let error = logs.next().await.unwrap().unwrap_err();
    let said = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(said.contains("ssh was killed"), "{said}");
    own.docker.ping().await.unwrap();

    // And one whose other side fails.
    let c = own.docker.create(own.spec(["echo", "out"])).await.unwrap();
    let mut output = c.attach().await.unwrap();
    let _c = c.start().await.unwrap();
    assert_eq!(&*output.next().await.unwrap().unwrap().data, b"out\n");
    let error = output.next().await.unwrap().unwrap_err();
    let said = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(said.contains("ssh ended with exit code 7: last words"), "{said}");
}

/// Whoever does not answer is given up on in time, and nothing of it is left.
#[tokio::test]
async fn a_silent_server_ends_at_the_limit_on_connecting() {
    let Some(_) = inside() else {
        let sshd = Sshd::with("");
        return again("a_silent_server_ends_at_the_limit_on_connecting", &sshd, sshd.url(), &[])
            .await;
    };
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ssh://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let limit = Duration::from_millis(300);
    let limits = Timeouts::default().connect(limit);
    let error = Docker::connect().host(url).timeouts(limits).await.unwrap_err();
    let Error::Connect(error) = error else { panic!("{error}") };
    let failure = &error.tried[0].failure;
    assert!(matches!(failure, ConnectFailure::NoAnswer(t) if *t == limit), "{failure:?}");
    none_left().await;
}
