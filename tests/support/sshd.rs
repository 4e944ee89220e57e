//! An SSH server of a test's own, on this machine's loopback.
//!
//! Each connection is handed to a server process of its own, as inetd did: the test listens itself,
//! so that no port is guessed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tempfile::TempDir;

/// A running server, and an `ssh` that knows it. Both are gone when this is dropped; connections
/// end by themselves.
pub struct Sshd {
    folder: TempDir,
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Sshd {
    /// Start one whose sessions find the docker engine at this address.
    pub fn new(engine: &str) -> Sshd {
        Sshd::with(&format!("SetEnv DOCKER_HOST={engine}"))
    }

    /// Start one with settings of its own besides.
    pub fn with(settings: &str) -> Sshd {
        let program = program();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "client", "stranger"] {
            run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", &at(key)]);
        }
        std::fs::copy(at("client.pub"), at("authorized")).unwrap();
        // The server goes there once it has parted with its rights; root's alone.
        if Path::new("/run").is_dir() {
            let _ = std::fs::create_dir("/run/sshd");
        }
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nLogLevel ERROR\n{settings}\n",
            at("host"),
            at("authorized"),
        );
        std::fs::write(at("sshd_config"), config).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, stopped, config) = (accepted.clone(), stop.clone(), at("sshd_config"));
        let accepting = std::thread::spawn(move || {
            let mut serving = Vec::new();
            while let Ok((tcp, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let tcp = OwnedFd::from(tcp);
                let mut sshd = Command::new(&program);
                sshd.args(["-i", "-e", "-f", &config]);
                sshd.stdin(Stdio::from(tcp.try_clone().unwrap())).stdout(Stdio::from(tcp));
                serving.push(sshd.stderr(Stdio::inherit()).spawn().unwrap());
            }
            for mut sshd in serving {
                let _ = sshd.kill();
                let _ = sshd.wait();
            }
        });
        let sshd = Sshd { folder, address, accepted, stop, accepting: Some(accepting) };
        sshd.knows_us("client", true);
        sshd
    }

    /// Make the `ssh` of [`path`](Sshd::path) show this key, and know the server's key or not.
    /// What the user of this machine has configured does not count.
    pub fn knows_us(&self, key: &str, known: bool) {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let host = std::fs::read_to_string(at(if known { "host.pub" } else { "stranger.pub" }));
        let known = format!("[127.0.0.1]:{} {}", self.address.port(), host.unwrap());
        std::fs::write(at("known"), known).unwrap();
        let config = format!(
            "Host *\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n\
             Host farm\n  HostName 127.0.0.1\n  Port {}\n  HostKeyAlias [127.0.0.1]:{}\n",
            at(key),
            at("known"),
            self.address.port(),
            self.address.port(),
        );
        std::fs::write(at("ssh_config"), config).unwrap();
        let bin = self.folder.path().join("bin");
        let _ = std::fs::create_dir(&bin);
        let ssh = bin.join("ssh");
        if !ssh.exists() {
            let real = which("ssh").expect("this test needs the program \"ssh\"");
            let script = format!(
                "#!/bin/sh\necho \"$$ $*\" >>{}\nunset SSH_AUTH_SOCK\nexec {} -F {} \"$@\"\n",
                at("calls"),
                real.display(),
                at("ssh_config")
            );
            std::fs::write(&ssh, script).unwrap();
            std::fs::set_permissions(&ssh, PermissionsExt::from_mode(0o755)).unwrap();
        }
    }

    /// A `PATH` in which this `ssh` comes first.
    pub fn path(&self) -> String {
        let old = std::env::var("PATH").unwrap_or_default();
        format!("{}:{old}", self.folder.path().join("bin").display())
    }

    /// "ssh://root@127.0.0.1:41273".
    pub fn url(&self) -> String {
        format!("ssh://{}@{}", user(), self.address)
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Every call of `ssh`, as "PID ARGUMENTS".
    pub fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn user() -> String {
    let out = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where the server is, though not on every user's way.
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    dirs.map(|dir| dir.join(name)).find(|path| path.is_file())
}

fn program() -> PathBuf {
    which("sshd").unwrap_or_else(|| {
        panic!(
            "this test needs an SSH server: \"sshd\" is neither in PATH nor in /usr/sbin.\n\
             On Debian and Ubuntu: apt-get install openssh-server, or scripts/with-engine as root."
        )
    })
}

fn run<const N: usize>(program: &str, args: [&str; N]) {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output();
    let out = out.unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(out.status.success(), "{program}: {out:?}");
}
