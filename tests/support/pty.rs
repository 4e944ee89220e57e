//! A terminal to sit at: types at a program, reads its screen, and looks after the terminal's
//! modes.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use pty_process::{Command, Pts, Pty, Size};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Termios, tcgetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

/// Longer than anything here takes, and no test waits for it to pass.
pub const LATE: Duration = Duration::from_secs(20);

pub struct Desk {
    pty: Pty,
    /// Kept, so that the terminal outlives the program and can be looked at.
    _pts: Pts,
    child: Child,
    seen: Vec<u8>,
    screen: vt100::Parser,
    before: String,
}

/// Rows and columns.
const SIZE: (u16, u16) = (31, 101);

impl Desk {
    /// Start a program at a terminal of 31 rows and 101 columns. It begins with no signal ignored,
    /// whatever started the tests.
    pub fn start(
        program: impl AsRef<std::path::Path>,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Desk {
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(Size::new(SIZE.0, SIZE.1)).unwrap();
        let before = modes(&tcgetattr(&pty).unwrap());
        let child = Command::new("env")
            .arg("--default-signal=HUP,INT,QUIT,TERM,TSTP")
            .arg(program.as_ref())
            .args(args)
            .envs(env.iter().copied())
            .env("RUST_BACKTRACE", "0")
            .kill_on_drop(true)
            .spawn_borrowed(&pts)
            .unwrap();
        let screen = vt100::Parser::new(cells(SIZE.0), cells(SIZE.1), 0);
        Desk { pty, _pts: pts, child, seen: Vec::new(), screen, before }
    }

    /// Type.
    pub async fn types(&mut self, keys: impl AsRef<[u8]>) {
        let written = tokio::time::timeout(LATE, self.pty.write_all(keys.as_ref())).await;
        written.expect("nobody reads what is typed").unwrap();
    }

    /// Read until this has come; all that came before it, and it.
    pub async fn until(&mut self, end: impl AsRef<[u8]>) -> Vec<u8> {
        let end = end.as_ref();
        let limit = tokio::time::Instant::now() + LATE;
        loop {
            if let Some(at) = self.seen.windows(end.len()).position(|part| part == end) {
                return self.seen.drain(..at + end.len()).collect();
            }
            if !self.read(limit).await {
                panic!("{:?} never came:\n{}", text(end), text(&self.seen));
            }
        }
    }

    /// Read until the screen, as all that was written has left it, is like this; its text.
    pub async fn shows(&mut self, what: &str, like: impl Fn(&vt100::Screen) -> bool) -> String {
        let limit = tokio::time::Instant::now() + LATE;
        loop {
            let screen = self.screen.screen();
            if like(screen) {
                // By rows: one that is full is not taken for one that goes on in the next.
                let rows: Vec<_> = screen.rows(0, screen.size().1.get()).collect();
                return rows.join("\n");
            }
            if !self.read(limit).await {
                panic!("never seen: {what}\n{}", self.screen.screen().contents());
            }
        }
    }

    /// Read a piece; false if none comes before the limit.
    async fn read(&mut self, limit: tokio::time::Instant) -> bool {
        let mut piece = [0; 4096];
        let Ok(read) = tokio::time::timeout_at(limit, self.pty.read(&mut piece)).await else {
            return false;
        };
        let piece = &piece[..read.unwrap()];
        self.seen.extend_from_slice(piece);
        self.screen.process(piece);
        true
    }

    /// The same as text.
    pub async fn reads(&mut self, end: &str) -> String {
        text(&self.until(end).await)
    }

    /// Change the size of the window.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        self.pty.resize(Size::new(rows, cols)).unwrap();
        self.screen.set_size(cells(rows), cells(cols));
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    pub fn kill(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid() as i32).unwrap(), signal).unwrap();
    }

    /// Say whether keys go through as they are typed.
    pub fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.pty).unwrap();
        let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        !modes.local_modes.intersects(cooked)
    }

    /// Hold that the terminal is as it was before the program was started.
    #[track_caller]
    pub fn assert_as_before(&self) {
        assert_eq!(modes(&tcgetattr(&self.pty).unwrap()), self.before);
    }

    /// Wait for the program's end: its code, or the signal it died of.
    pub async fn ends(&mut self) -> Result<i32, i32> {
        let status = tokio::time::timeout(LATE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it never ended:\n{}", text(&self.seen)));
        let status = status.unwrap();
        status.code().ok_or_else(|| status.signal().unwrap())
    }

    /// Close the terminal, and leave the program to itself.
    pub async fn hang_up(self) {
        let Desk { pty, _pts, mut child, .. } = self;
        drop((pty, _pts));
        let ended = tokio::time::timeout(LATE, child.wait()).await;
        ended.expect("it outlives its terminal").unwrap();
    }

    /// Wait for what nobody tells of.
    pub async fn comes(&self, what: &str, true_now: impl Fn(&Desk) -> bool) {
        let from = Instant::now();
        while !true_now(self) {
            assert!(from.elapsed() < LATE, "never came: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn cells(n: u16) -> std::num::NonZeroU16 {
    n.try_into().unwrap()
}

fn modes(modes: &Termios) -> String {
    format!("{modes:?}")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
