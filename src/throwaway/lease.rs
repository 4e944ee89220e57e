//! The process that outlives this one, and cleans up.
//!
//! It is this program once more ([`hook`]), in a session of its own and no child of ours: signals
//! to our process group, a terminal that closes, and whoever kills a tree of processes do not meet
//! it. It holds the other end of a pair of sockets and reads what it is told of the [`Ways`] to
//! engines. However our process ends, be it by `SIGKILL`, the kernel closes our end; then it removes
//! what the record says.

mod hook;
mod shares;

pub(super) use hook::at_exit;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use super::clean;
use super::record::Record;
use super::ways::Ways;
use shares::Shares;

/// A process that has not said that it holds the record by now never will.
const START: Duration = Duration::from_secs(10);
/// An engine that cannot be reached for so long is left to the next sweep.
const CLEAN: Duration = Duration::from_secs(60);

/// What is said to it: that there is more to read in the record, or that ways follow; and its yes.
const AGAIN: u8 = b'r';
const WAYS: u8 = b'w';
const YES: u8 = b'\n';

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

    /// Have it read the record again, and hold what that says is shared.
    pub(super) fn read_again(&self) -> io::Result<()> {
        self.ask(|mut socket| socket.write_all(&[AGAIN]))
    }

    /// Hand over what it needs to reach engines. Once this returns it has that, whatever becomes of
    /// this process.
    pub(super) fn tell(&self, ways: &Ways) -> io::Result<()> {
        self.ask(|mut socket| {
            socket.write_all(&[WAYS])?;
            ways.send(socket)
        })
    }

    fn ask(&self, say: impl FnOnce(&UnixStream) -> io::Result<()>) -> io::Result<()> {
        self.socket.set_nonblocking(false)?;
        let mut word = [0];
        let heard = say(&self.socket).and_then(|()| (&self.socket).read_exact(&mut word));
        self.socket.set_nonblocking(true)?;
        match heard.map(|()| word) {
            Ok([YES]) => Ok(()),
            Ok(_) => Err(io::Error::other("it cannot do so")),
            Err(e) => Err(e),
        }
    }

    /// Say whether the process is still there.
    pub(super) fn is_alive(&self) -> bool {
        match (&self.socket).read(&mut [0]) {
            // An answer that came too late.
            Ok(n) => n > 0,
            Err(e) => e.kind() == ErrorKind::WouldBlock,
        }
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
        let mut shares = Shares::default();
        // This may be one in another's place.
        shares.join(&record)?;
        socket.write_all(&[YES])?;
        let ways = wait_for_end(&mut socket, || shares.join(&record));
        let ended = Instant::now();
        let told = record.read()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            let shared = tokio::spawn(shares.leave(ended, ways.clone()));
            let clean = clean::settle(record.session(), &told, &ways, CLEAN).await;
            if clean {
                record.close();
            }
            clean & shared.await.unwrap_or(false)
        }))
    };
    let held: io::Result<bool> = held();
    held.unwrap_or(false)
}

/// Do what is asked until there is nobody to ask. An error is an end as well.
fn wait_for_end(socket: &mut UnixStream, mut read_again: impl FnMut() -> io::Result<()>) -> Ways {
    let (mut ways, mut word) = (Ways::default(), [0]);
    while socket.read(&mut word).is_ok_and(|n| n > 0) {
        let done = match word {
            [WAYS] => ways.hear(&mut *socket),
            _ => read_again(),
        };
        let _ = socket.write_all(if done.is_ok() { &[YES] } else { b"!" });
    }
    ways
}
