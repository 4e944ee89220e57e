//! The process that outlives this one, and cleans up.
//!
//! It is this program once more ([`hook`]), in a session of its own and no child of ours: signals
//! to our process group, a terminal that closes, and whoever kills a tree of processes do not meet
//! it. It holds the other end of a pair of sockets and reads what it is told of the [`Ways`] to
//! engines. However our process ends, be it by `SIGKILL`, the kernel closes our end; then it removes
//! what the record says.

mod hook;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::runtime::Builder;

use super::clean;
use super::record::Record;
use super::ways::Ways;

/// A process that has not said that it holds the record by now never will.
const START: Duration = Duration::from_secs(10);
/// An engine that cannot be reached for so long is left to the next sweep.
const CLEAN: Duration = Duration::from_secs(60);

/// Our end of it: to hold this is to live.
#[derive(Debug)]
pub(super) struct Lease {
    socket: UnixStream,
}

impl Lease {
    /// Start the process. When this returns it holds the record, and no signal to us can end it.
    pub(super) fn start(record: &Path) -> io::Result<Lease> {
        if !hook::ran() {
            return Err(io::Error::new(
                ErrorKind::Unsupported,
                "this program runs no code before main",
            ));
        }
        let (mut ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(START))?;
        let mut child = again(record)?
            .env(hook::HOLD, record)
            .stdin(OwnedFd::from(theirs))
            .process_group(0)
            .spawn()?;
        let mut word = [0];
        let heard = ours.read_exact(&mut word);
        if heard.is_err() {
            let _ = child.kill();
        }
        // It has done its part, which was to start the other. Who reaps all children of the process
        // may have been faster.
        let _ = child.wait();
        heard.map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => io::Error::other("it ended at once"),
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => e,
        })?;
        ours.set_write_timeout(Some(START))?;
        ours.set_nonblocking(true)?;
        Ok(Lease { socket: ours })
    }

    /// Hand over what it needs to reach engines. Once this returns it has that, whatever becomes of
    /// this process.
    pub(super) fn tell(&self, ways: &Ways) -> io::Result<()> {
        self.socket.set_nonblocking(false)?;
        let told = ways.send(&self.socket);
        self.socket.set_nonblocking(true)?;
        told
    }

    /// Say whether the process is still there.
    pub(super) fn is_alive(&self) -> bool {
        let read = (&self.socket).read(&mut [0]);
        matches!(read, Err(e) if e.kind() == ErrorKind::WouldBlock)
    }
}

/// This program once more, apart from the terminal and the folder that this process is in.
fn again(record: &Path) -> io::Result<Command> {
    // The path may lead to another program by now, this link does not.
    let program = match cfg!(target_os = "linux") {
        true => PathBuf::from("/proc/self/exe"),
        false => std::env::current_exe()?,
    };
    let mut command = Command::new(program);
    // For who lists processes.
    command.arg0("bowline-lease").arg(record);
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

/// Be the process: hold the record until the other end is closed, then clean up. Returns whether
/// all was done.
fn hold(record: PathBuf) -> bool {
    let held = || {
        if rustix::process::setsid().is_err() {
            // A leader of a process group cannot begin a session; its child can. And that is no
            // child of the user's program, which may wait for all of its own.
            again(&record)?.stdin(Stdio::inherit()).spawn()?;
            return Ok(true);
        }
        let record = Record::join(record)?;
        let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        socket.write_all(b"\n")?;
        let ways = Ways::receive(&socket);
        let told = record.read()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let clean = runtime.block_on(clean::settle(record.session(), &told, &ways, CLEAN));
        if clean {
            record.close();
        }
        Ok(clean)
    };
    let held: io::Result<bool> = held();
    held.unwrap_or(false)
}
