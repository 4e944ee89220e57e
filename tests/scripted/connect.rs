//! Where no engine is, and how that is told: every place that was tried, and why it did not serve.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bowline::error::{ConnectFailure, TlsFault, Tried};
use bowline::{Docker, Error, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::child;
use crate::support::fake::{Fake, url};

/// Connect to a place that does not serve.
async fn refused(path: &Path) -> Tried {
    let limits = Timeouts::default().connect(Duration::from_secs(2)).head(Duration::from_secs(2));
    let error = Docker::connect().host(url(path)).timeouts(limits).await.unwrap_err();
    assert!(error.is_connect() && !error.maybe_applied());
    let text = error.to_string();
    let Error::Connect(mut e) = error else { panic!("{error}") };
    assert_eq!(e.tried.len(), 1);
    let tried = e.tried.remove(0);
    // What is shown is what there is to know.
    assert_eq!(
        text,
        format!(
            "no Docker Engine could be reached; tried\n  {} (the program): {}",
            tried.host, tried.failure
        )
    );
    assert_eq!(tried.host, url(path));
    tried
}

#[tokio::test]
async fn fault_01_no_socket_file() {
    let dir = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let tried = refused(&dir.path().join("none")).await;
    assert!(begun.elapsed() < Duration::from_millis(500), "no second try");
    assert!(matches!(tried.failure, ConnectFailure::Absent));
    insta::assert_snapshot!(tried.failure, @"nothing there (is the engine running?)");
}

#[tokio::test]
async fn fault_02_a_socket_file_without_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let tried = refused(&path).await;
    assert!(matches!(tried.failure, ConnectFailure::Refused));
    insta::assert_snapshot!(tried.failure, @"connection refused (the address exists, no engine listens)");
}

#[tokio::test]
async fn fault_03_no_socket_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [dir.path(), &file] {
        let tried = refused(path).await;
        assert!(matches!(tried.failure, ConnectFailure::NotAnEngine(_)));
        insta::allow_duplicates! {
            insta::assert_snapshot!(tried.failure, @"not a Docker Engine: the path is not a socket");
        }
    }
}

/// A user who is not in the engine's group. Root may do anything, so that a child must be another
/// user; without root this process is that user.
#[tokio::test]
async fn fault_04_permission_denied() {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;
    let open = tempfile::tempdir().unwrap();
    std::fs::set_permissions(open.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let fake = Fake::idle();
    std::fs::set_permissions(fake.path(), PermissionsExt::from_mode(0o600)).unwrap();
    let folder = fake.path().parent().unwrap().to_owned();
    let said = if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        let mut child = child::connecting(open.path());
        child.env("DOCKER_HOST", fake.url()).uid(65_534).gid(65_534);
        tokio::task::spawn_blocking(|| child::said(child)).await.unwrap()
    } else {
        std::fs::set_permissions(fake.path(), PermissionsExt::from_mode(0o000)).unwrap();
        Docker::connect().host(fake.url()).await.unwrap_err().to_string()
    };
    assert!(
        said.ends_with(
            "permission denied (is this user in the engine's group, usually \"docker\"?)"
        ),
        "{said}"
    );
    assert!(said.contains(&fake.url()), "{said}");
}

#[tokio::test]
async fn fault_05_a_path_longer_than_a_socket_address() {
    let error = Docker::connect().host(format!("unix:///{}", "s".repeat(150))).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)));
    assert!(
        error.to_string().contains("is 151 bytes long; a socket path holds at most"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_06_a_docker_host_that_cannot_be_meant() {
    let dir = tempfile::tempdir().unwrap();
    for (host, rule) in [
        (" ", "must not be blank"),
        ("gopher://x", "has an unknown scheme"),
        ("unix://", "must name a socket file"),
        ("unix:///run/", "must name a socket file, not a folder"),
        ("tcp://::1:2375", "must have an IPv6 address in brackets"),
        ("/var/run/docker.sock", "is a path"),
    ] {
        let mut child = child::connecting(dir.path());
        child.env("DOCKER_HOST", host);
        let said = child::said(child);
        assert!(said.starts_with("DOCKER_HOST \"") && said.contains(rule), "{host:?}: {said}");
    }
}

/// Connect to somebody who answers a connection so.
async fn answered(
    serve: impl AsyncFn(tokio::net::UnixStream) + Send + Sync + Clone + 'static,
) -> ConnectFailure {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let local = tokio::task::LocalSet::new();
    local.spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve = serve.clone();
            tokio::task::spawn_local(async move { serve(stream).await });
        }
    });
    local.run_until(refused(&path)).await.failure
}

/// The same with somebody who is no engine.
async fn not_an_engine(
    serve: impl AsyncFn(tokio::net::UnixStream) + Send + Sync + Clone + 'static,
) -> String {
    let failure = answered(serve).await;
    assert!(matches!(failure, ConnectFailure::NotAnEngine(_)), "{failure:?}");
    failure.to_string()
}

#[tokio::test(start_paused = true)]
async fn fault_07_somebody_else_answers() {
    let echo = not_an_engine(async |mut stream| {
        let (mut from, mut to) = stream.split();
        let _ = tokio::io::copy(&mut from, &mut to).await;
    });
    insta::assert_snapshot!(echo.await, @r#"not a Docker Engine: it says "GET /_ping HTTP/1.0\r\n\r\n""#);

    let ssh = not_an_engine(async |mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    insta::assert_snapshot!(ssh.await, @r#"not a Docker Engine: it says "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n""#);

    let nginx = not_an_engine(async |mut stream| {
        let page = "<html>\r\n<head><title>404 Not Found</title></head>\r\n</html>\r\n";
        let mut request = [0; 4096];
        while matches!(stream.read(&mut request).await, Ok(n) if n > 0) {
            let body = if request.starts_with(b"HEAD") { "" } else { page };
            let head = "HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Type: text/html\r\n";
            let reply = format!("{head}Content-Length: {}\r\n\r\n{body}", page.len());
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    insta::assert_snapshot!(nginx.await, @r"not a Docker Engine: it answers a ping with status 404: <html>\r\n<head><title>404 Not Found</title></head>\r\n</html>");

    // A web server that has a page for everything.
    let page = not_an_engine(async |mut stream| {
        let mut request = [0; 4096];
        while matches!(stream.read(&mut request).await, Ok(n) if n > 0) {
            let body = if request.starts_with(b"HEAD") { "" } else { "<html>" };
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{body}");
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    insta::assert_snapshot!(page.await, @"not a Docker Engine: it does not say which API version it speaks");

    let mute = not_an_engine(async |mut stream| {
        let _ = stream.read(&mut [0; 4096]).await;
    });
    insta::assert_snapshot!(mute.await, @"not a Docker Engine: connection closed before message completed");
}

/// An engine that speaks TLS, and nobody asked for it.
#[tokio::test(start_paused = true)]
async fn fault_120_a_tls_engine_behind_a_plain_port() {
    // What OpenSSL says to a request in clear: an alert record.
    let tls = answered(async |mut stream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46").await;
    });
    assert!(matches!(tls.await, ConnectFailure::Tls(TlsFault::NotAskedFor)));

    // And what Go's server says.
    let https = answered(async |mut stream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let reply =
            "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        let _ = stream.write_all(reply.as_bytes()).await;
    })
    .await;
    assert!(matches!(https, ConnectFailure::Tls(TlsFault::NotAskedFor)));
    insta::assert_snapshot!(https, @"TLS: the engine speaks it, and it was not asked for (DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH do)");
}

#[tokio::test(start_paused = true)]
async fn fault_08_accepts_and_never_answers() {
    let fake = Fake::raw(|mut peer| async move { peer.stall().await });
    let tried = refused(&fake.path()).await;
    assert!(matches!(tried.failure, ConnectFailure::NoAnswer(t) if t == Duration::from_secs(2)));
    insta::assert_snapshot!(tried.failure, @"no answer within 2s");
}

/// Nobody chose an engine: all places are told, each with its own reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_places_that_were_tried_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let run = dir.path().join("run");
    std::fs::create_dir_all(home.join(".docker/run")).unwrap();
    std::fs::create_dir_all(home.join(".docker/desktop/docker.sock")).unwrap();
    std::fs::create_dir_all(run.join("podman")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(home.join(".docker/run/docker.sock")).unwrap());
    std::fs::write(run.join("podman/podman.sock"), "").unwrap();
    let ssh = std::os::unix::net::UnixListener::bind(run.join("docker.sock")).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = ssh.accept() {
            let _ = std::io::Write::write_all(&mut stream, b"SSH-2.0-x\r\n");
        }
    });
    let said = |host: Option<&str>| {
        let mut child = child::connecting(dir.path());
        child.env("HOME", &home).env("XDG_RUNTIME_DIR", &run);
        if let Some(host) = host {
            child.env("DOCKER_HOST", host);
        }
        child::said(child)
    };
    // Whoever names a place is told of that place alone.
    let named = said(Some("unix:///nowhere/d.sock"));
    insta::assert_snapshot!(named, @r"
    no Docker Engine could be reached; tried
      unix:///nowhere/d.sock (DOCKER_HOST): nothing there (is the engine running?)
    ");
    // An engine of the system's own would serve: the child is given a /run with none in it.
    let private = ["--mount", "--map-root-user"];
    let Some(flags) = [&private[..1], &private[..]].into_iter().find(|flags| {
        let tried = std::process::Command::new("unshare").args(*flags).arg("true").output();
        tried.is_ok_and(|out| out.status.success())
    }) else {
        eprintln!("NOT TESTED: no mounts of one's own here, so the well-known sockets stay");
        return;
    };
    let mut unshared = std::process::Command::new("unshare");
    unshared.args(flags);
    unshared.args(["sh", "-c", "mount -t tmpfs none /run && exec \"$0\" \"$@\""]);
    let child = child::connecting(dir.path());
    unshared.arg(child.get_program()).args(child.get_args()).current_dir("/");
    for (name, value) in child.get_envs() {
        match value {
            Some(value) => unshared.env(name, value),
            None => unshared.env_remove(name),
        };
    }
    unshared.env("HOME", &home).env("XDG_RUNTIME_DIR", &run);
    let text = child::said(unshared).replace(dir.path().to_str().unwrap(), "");
    insta::assert_snapshot!(text, @r#"
    no Docker Engine could be reached; tried
      unix:///var/run/docker.sock (well-known socket): nothing there (is the engine running?)
      unix:///run/docker.sock (well-known socket): not a Docker Engine: it says "SSH-2.0-x\r\n"
      unix:///home/.docker/run/docker.sock (well-known socket): connection refused (the address exists, no engine listens)
      unix:///home/.docker/desktop/docker.sock (well-known socket): not a Docker Engine: the path is not a socket
      unix:///run/podman/podman.sock (well-known socket): not a Docker Engine: the path is not a socket
      unix:///run/podman/podman.sock (well-known socket): nothing there (is the engine running?)
      unix:///home/.colima/default/docker.sock (well-known socket): nothing there (is the engine running?)
      unix:///home/.rd/docker.sock (well-known socket): nothing there (is the engine running?)
      unix:///home/.orbstack/run/docker.sock (well-known socket): nothing there (is the engine running?)
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_11_no_file_descriptor_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::idle();
    let child = child::connecting(dir.path());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]);
    shell.arg(child.get_program()).args(child.get_args()).env("DOCKER_HOST", fake.url());
    shell.env("BOWLINE_TEST_CHILD", "exhaust");
    let said = child::said(shell);
    assert!(said.contains("Too many open files"), "{said}");
    // Recovered, and by then on one connection.
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn fault_20_a_child_inherits_no_connection() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    assert_eq!(fake.open(), 1);
    let mut child = tokio::process::Command::new("ls");
    child.args(["-l", "/proc/self/fd"]).stdin(std::process::Stdio::null());
    let out = child.output().await.unwrap();
    let listing = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && listing.contains("/dev/null"), "{listing}");
    assert!(!listing.contains("socket:"), "{listing}");
    docker.ping().await.unwrap();
}
