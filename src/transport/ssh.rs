//! An engine that `ssh` leads to, as the docker command goes there: the system's own `ssh` runs
//! `docker system dial-stdio` on the other side, which hands bytes on to the engine's socket.
//!
//! So keys, agents, aliases and jumps are `ssh`'s matter, and its configuration's. All connections
//! of a client go through one of `ssh`'s, the master. Nobody is asked anything: `ssh` runs in batch
//! mode, and outside of the terminal's foreground, so that Ctrl-C does not end it before us.

mod session;

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::process::Command;

pub(super) use session::Session;
use session::{Tail, ended};

use super::host::Host;
use super::surroundings::Surroundings;
use crate::error::{ConnectFailure, Late, SshFault};

/// `ssh` gives up opening a connection by itself after so many seconds, as the docker command has
/// it; mostly the limit on connecting ends it before.
const CONNECT_SECONDS: &str = "ConnectTimeout=30";
/// The master ends by itself so many seconds after its last connection, should nobody end it.
const PERSIST: &str = "ControlPersist=60";
/// The longest folder for the master's socket: `ssh` adds 17 bytes to the socket's name while it
/// makes it, and an address holds 103.
const LONGEST_FOLDER: usize = 80;

/// How to call `ssh`, and the master.
pub(super) struct Ssh {
    program: PathBuf,
    /// User and port, where they are said.
    options: Vec<OsString>,
    host: String,
    /// What runs on the other side.
    command: String,
    /// `None` where there is no place for its socket: each connection is then one of its own.
    master: Option<Arc<Master>>,
    /// Held by who starts the master.
    starting: tokio::sync::Mutex<()>,
}

impl Ssh {
    /// Get ready; none for another kind of address.
    pub(super) fn new(host: &Host, around: &Surroundings) -> Result<Option<Ssh>, Late> {
        let Host::Ssh { user, host, port, path } = host else { return Ok(None) };
        let program = around.program("ssh").ok_or(Late::Ssh(SshFault::NoProgram))?;
        let mut options = Vec::new();
        if let Some(user) = user {
            options.extend(["-l".into(), user.into()]);
        }
        if let Some(port) = port {
            options.extend(["-p".into(), port.to_string().into()]);
        }
        Ok(Some(Ssh {
            program,
            options,
            host: host.clone(),
            command: command(path.as_deref()),
            master: Master::new(around).map(Arc::new),
            starting: tokio::sync::Mutex::new(()),
        }))
    }

    /// Open a connection: a process here, and one on the other side.
    pub(super) async fn dial(&self) -> Result<Session, ConnectFailure> {
        if let Some(master) = &self.master {
            let _one = self.starting.lock().await;
            if tokio::net::UnixStream::connect(master.socket()).await.is_err() {
                self.start(master).await?;
            }
        }
        let mut ssh = self.ssh(["ControlMaster=no"]);
        ssh.args(["--", &self.host, &self.command]);
        Session::start(ssh, self.master.clone()).map_err(ConnectFailure::Io)
    }

    /// Start the master: the process that we see ends once the connection stands, and what goes on
    /// in the background is the master.
    async fn start(&self, master: &Master) -> Result<(), ConnectFailure> {
        // One that was killed leaves its socket behind.
        let _ = std::fs::remove_file(master.socket());
        let mut ssh = self.ssh(["ControlMaster=yes", PERSIST, "ServerAliveInterval=15"]);
        ssh.args(["-f", "-N", "--", &self.host]);
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = ssh.spawn().map_err(ConnectFailure::Io)?;
        let mut said = Tail::new(child.stderr.take());
        // Not until its standard error ends: the master may hold that open.
        let status = said.until(child.wait()).await.map_err(ConnectFailure::Io)?;
        match status.success() {
            true => Ok(()),
            false => Err(ConnectFailure::Ssh(ended(Some(status), &said))),
        }
    }

    /// Begin a command line. What the user's configuration has for sessions at a terminal is left
    /// out.
    fn ssh<const N: usize>(&self, settings: [&str; N]) -> Command {
        let mut ssh = Command::new(&self.program);
        ssh.args(["-T", "-o", "BatchMode=yes", "-o", CONNECT_SECONDS]);
        ssh.args(["-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes"]);
        match &self.master {
            Some(master) => {
                for setting in settings {
                    ssh.args(["-o", setting]);
                }
                let mut path = OsString::from("ControlPath=");
                path.push(master.socket());
                ssh.arg("-o").arg(path)
            }
            None => ssh.args(["-o", "ControlPath=none"]),
        };
        ssh.args(&self.options).process_group(0);
        ssh
    }
}

/// What the shell on the other side is given.
fn command(path: Option<&str>) -> String {
    let Some(path) = path else { return "docker system dial-stdio".to_owned() };
    format!("docker --host {} system dial-stdio", quoted(&format!("unix://{path}")))
}

/// One word of a POSIX shell.
fn quoted(word: &str) -> String {
    match word.chars().all(|c| c.is_ascii_alphanumeric() || "/:._-".contains(c)) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The folder of our own in which the master listens. Whoever holds this may connect through it;
/// the last to let go ends the master.
pub(super) struct Master {
    folder: PathBuf,
}

impl Master {
    fn new(around: &Surroundings) -> Option<Master> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let places = around.runtime_dir().into_iter().chain([std::env::temp_dir(), "/tmp".into()]);
        for place in places {
            for _ in 0..8 {
                let n = NEXT.fetch_add(1, Ordering::Relaxed);
                let folder = place.join(format!("bowline-ssh-{}-{n}", std::process::id()));
                if !fits(&folder) {
                    break;
                }
                // A folder that is there already is somebody else's, whatever is in it.
                match DirBuilder::new().mode(0o700).create(&folder) {
                    Ok(()) => return Some(Master { folder }),
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                    Err(_) => break,
                }
            }
        }
        None
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("m")
    }

    /// End the master, by two messages of the protocol that `ssh` speaks on its socket
    /// (PROTOCOL.mux): hello in version 4, and an end to everything.
    fn end(&self) -> std::io::Result<()> {
        let mut socket = UnixStream::connect(self.socket())?;
        let limit = Some(Duration::from_millis(200));
        socket.set_read_timeout(limit)?;
        socket.set_write_timeout(limit)?;
        let hello = [8_u32, 1, 4];
        let terminate = [8_u32, 0x1000_0005, 0];
        let message: Vec<u8> =
            hello.iter().chain(&terminate).flat_map(|n| n.to_be_bytes()).collect();
        socket.write_all(&message)?;
        // It says hello and yes, and is gone.
        socket.read_to_end(&mut Vec::new()).map(drop)
    }
}

/// In an address, and in `ssh`'s configuration, where `%` and blanks mean something.
fn fits(folder: &Path) -> bool {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+".contains(b);
    let bytes = folder.as_os_str().as_encoded_bytes();
    folder.is_absolute() && bytes.len() <= LONGEST_FOLDER && bytes.iter().all(legal)
}

impl Drop for Master {
    fn drop(&mut self) {
        // None was started, or it ends by itself a little later.
        let _ = self.end();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_gets_one_word_for_the_path() {
        assert_eq!(command(None), "docker system dial-stdio");
        for path in ["/run/d.sock", "/run/a b;c", "/run/$(id)`x`'\"", "/it's/é"] {
            let command = command(Some(path));
            let shell = std::process::Command::new("sh")
                .args(["-c", &format!("docker() {{ printf '<%s>' \"$@\"; }}; {command}")])
                .output()
                .unwrap();
            let said = String::from_utf8(shell.stdout).unwrap();
            assert_eq!(said, format!("<--host><unix://{path}><system><dial-stdio>"));
        }
        assert_eq!(
            command(Some("/run/d.sock")),
            "docker --host unix:///run/d.sock system dial-stdio"
        );
    }

    #[test]
    fn the_master_listens_where_only_we_can() {
        use std::os::unix::fs::PermissionsExt;
        let long = format!("/{}", "l".repeat(100));
        let around = Surroundings::of(&[("XDG_RUNTIME_DIR", long.as_ref())]);
        let master = Master::new(&around).unwrap();
        let mode = std::fs::metadata(&master.folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let folder = master.folder.clone();
        assert!(fits(&folder));
        drop(master);
        assert!(!folder.exists());
        for unfit in ["relative", "/a b", "/a%h", "/a\"b", "/a$b"] {
            assert!(!fits(Path::new(unfit)), "{unfit}");
        }
    }

    #[test]
    fn the_command_line_is_the_docker_commands() {
        let around = Surroundings::of(&[("PATH", "/usr/bin:/bin".as_ref())]);
        let host = "ssh://ada@[::1]:2222/run/d.sock".parse().unwrap();
        let mut ssh = Ssh::new(&host, &around).unwrap().unwrap();
        ssh.master = None;
        let mut line = ssh.ssh([]);
        line.args(["--", &ssh.host, &ssh.command]);
        let args: Vec<_> =
            line.as_std().get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        insta::assert_snapshot!(args.join(" "), @"-T -o BatchMode=yes -o ConnectTimeout=30 -o RemoteCommand=none -o ClearAllForwardings=yes -o ControlPath=none -l ada -p 2222 -- ::1 docker --host unix:///run/d.sock system dial-stdio");
        let none = Surroundings::of(&[("PATH", "/nonexistent:.".as_ref())]);
        assert!(matches!(Ssh::new(&host, &none), Err(Late::Ssh(SshFault::NoProgram))));
    }
}
