//! A Docker Engine of a test's own, which takes nobody but by TLS: `dockerd --tlsverify`.
//!
//! It is in namespaces of its own: two engines in one network take each other's bridge away. The
//! socket that it listens on is opened here and handed over, as systemd does it, so that it is
//! reached from here though its network is another.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::tls::{Authority, Identity};

/// A running engine. It and all its containers are gone when this is dropped.
pub struct Dockerd {
    folder: TempDir,
    address: SocketAddr,
    child: Child,
}

/// The first process of the new namespaces becomes the engine.
const SCRIPT: &str = r#"
exec 3<&0 0</dev/null 4>&1
folder=$1
shift
exec setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --propagation private \
    sh -ec '
        mount -t proc proc /proc
        # There another engine has its sockets.
        mount -t tmpfs tmpfs /run
        export LISTEN_FDS=1 LISTEN_PID=$$
        exec dockerd "$@"' sh "$@" >"$folder/log" 2>&1
"#;

impl Dockerd {
    /// Start one with this certificate, that lets in whom `clients` has signed. It may take a
    /// second until it answers.
    pub fn new(server: &Identity, clients: &Authority) -> Dockerd {
        let missing: Vec<_> = ["dockerd", "setpriv", "unshare"]
            .into_iter()
            .filter(|name| super::sshd::which(name).is_none())
            .collect();
        assert!(
            rustix::process::geteuid().is_root() && missing.is_empty(),
            "this test starts an engine of its own, with --tlsverify: that takes root, and the \
             programs dockerd, setpriv and unshare (missing: {missing:?}).\n\
             On Debian and Ubuntu: scripts/with-engine as root. Everywhere, all but this test: \
             cargo test -- --skip real_tlsverify"
        );
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        server.write(folder.path(), clients);
        std::fs::write(at("daemon.json"), "{}").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut sh = Command::new("sh");
        sh.args(["-ec", SCRIPT, "sh"]).arg(folder.path());
        sh.args(["--host", "fd://", "--tlsverify"]);
        for (flag, name) in [
            ("--tlscacert", "ca.pem"),
            ("--tlscert", "cert.pem"),
            ("--tlskey", "key.pem"),
            ("--config-file", "daemon.json"),
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            sh.args([flag, &at(name)]);
        }
        // What is to be found on every kernel, and on any file system.
        sh.args(["--storage-driver", "vfs", "--iptables=false", "--ip6tables=false"]);
        let path = std::env::var("PATH").unwrap_or_default();
        sh.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        sh.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::piped());
        let child = sh.spawn().unwrap();
        Dockerd { folder, address, child }
    }

    /// "tcp://127.0.0.1:41273".
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// What it says of itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<_> = log.lines().rev().take(10).collect();
            println!("the engine's last words:");
            last.iter().rev().for_each(|line| println!("{line}"));
        }
        // The kernel ends all of its namespace with it, and what it had open with that.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(mut all) = self.child.stdout.take() {
            let _ = all.read_to_end(&mut Vec::new());
        }
    }
}
