//! What streams cost, beside a hand-written reader on the same sockets.
//!
//! ```text
//! cargo bench --bench streams                     the table
//! cargo bench --bench streams -- --check          fails where a goal is missed by more than 25 %
//! cargo bench --bench streams -- --quick          a few seconds: does it still work?
//! cargo bench --bench streams -- --only logs      rows whose name holds this
//! cargo bench --bench streams -- --backpressure 10GiB   a slow consumer, and the memory it takes
//! cargo bench --bench streams -- --profile 100    logs of 32 bytes alone, for a profiler
//! ```
//!
//! Time and CPU are as in the bench of plain calls; a unit of work is a whole stream, opening it
//! included. Allocations are those of a unit: a stream of any length has as many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bowline::container::ExecSession;
use bowline::{Container, ContainerSpec, Docker, Running, Unknown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

use support::args::Args;
use support::count::Counting;
use support::measure::{self, Contender, Effort, Goal};
use support::replay::{self, Replay};
use support::streams::{ARCHIVE, write_chunk};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that go there and back in one exchange.
const ECHO: usize = 16 << 10;
/// What a slow consumer takes a second.
const SLOW: u64 = 10_000_000;
/// What it may take beside that.
const ROOM: u64 = 16 << 20;

#[derive(Clone, Copy)]
enum Work {
    /// Frames of 32 bytes or of a kilobyte, so many.
    Logs {
        small: bool,
        frames: u64,
    },
    Down,
    Up,
}

#[derive(Clone)]
struct Ours {
    container: Container<Unknown>,
}

impl Ours {
    async fn connect(socket: PathBuf) -> Ours {
        let docker = Docker::connect().host(format!("unix://{}", socket.display())).await.unwrap();
        let container = docker.container(replay::ID).await.unwrap().any().unwrap();
        Ours { container }
    }

    async fn run(self, work: Work, n: u32) {
        for _ in 0..n {
            match work {
                Work::Logs { small, frames } => {
                    let logs = self.container.logs().tail(frames);
                    let mut logs = if small { logs.stdout() } else { logs }.await.unwrap();
                    let mut bytes = 0;
                    while let Some(chunk) = logs.next().await {
                        bytes += chunk.unwrap().data.len() as u64;
                    }
                    assert_eq!(bytes, frames * size(small) as u64);
                }
                Work::Down => {
                    let mut archive = self.container.archive("/data").await.unwrap();
                    let mut bytes = 0;
                    while let Some(piece) = archive.next().await {
                        bytes += piece.unwrap().len();
                    }
                    assert_eq!(bytes, ARCHIVE);
                }
                Work::Up => {
                    let zeros = tokio::io::repeat(0).take(ARCHIVE as u64);
                    self.container.put_archive("/data", zeros).await.unwrap();
                }
            }
        }
    }
}

fn size(small: bool) -> usize {
    if small { 32 } else { 1 << 10 }
}

/// A blocking reader: one buffer, and nothing moved but what a read has cut apart.
struct Raw {
    socket: UnixStream,
    input: Vec<u8>,
    at: usize,
    have: usize,
}

impl Raw {
    fn connect(path: &Path) -> Raw {
        let socket = UnixStream::connect(path).expect("somebody listens");
        Raw { socket, input: vec![0; 256 << 10], at: 0, have: 0 }
    }

    fn ask(&mut self, line: std::fmt::Arguments<'_>) {
        let request = format!("{line} HTTP/1.1\r\nHost: docker\r\n\r\n");
        self.socket.write_all(request.as_bytes()).unwrap();
    }

    fn more(&mut self) {
        self.input.copy_within(self.at..self.have, 0);
        self.have -= self.at;
        self.at = 0;
        match self.socket.read(&mut self.input[self.have..]) {
            Ok(n) if n > 0 => self.have += n,
            other => panic!("the connection broke: {other:?}"),
        }
    }

    fn line(&mut self) -> std::ops::Range<usize> {
        loop {
            let fresh = &self.input[self.at..self.have];
            if let Some(end) = fresh.iter().position(|b| *b == b'\n') {
                let line = self.at..self.at + end - 1;
                self.at += end + 1;
                return line;
            }
            self.more();
        }
    }

    fn head(&mut self) {
        while !self.line().is_empty() {}
    }

    /// The next chunk's size.
    fn chunk(&mut self) -> usize {
        let line = self.line();
        let digits = self.input[line].iter();
        digits.fold(0, |n, b| n * 16 + char::from(*b).to_digit(16).unwrap() as usize)
    }

    fn logs(&mut self, small: bool, frames: u64) {
        let err = if small { "" } else { "&stderr=1" };
        let id = replay::ID;
        self.ask(format_args!("GET /v1.41/containers/{id}/logs?stdout=1{err}&tail={frames}"));
        self.head();
        let mut bytes = 0;
        loop {
            let n = self.chunk();
            while self.have - self.at < n + 2 {
                self.more();
            }
            if n == 0 {
                self.at += 2;
                break;
            }
            let mut chunk = &self.input[self.at..self.at + n];
            while let [_, _, _, _, a, b, c, d, rest @ ..] = chunk {
                let n = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                bytes += std::hint::black_box(&rest[..n]).len() as u64;
                chunk = &rest[n..];
            }
            self.at += n + 2;
        }
        assert_eq!(bytes, frames * size(small) as u64);
    }

    fn down(&mut self) {
        self.ask(format_args!("GET /v1.41/containers/{}/archive?path=%2Fdata", replay::ID));
        self.head();
        let mut bytes = 0;
        loop {
            let mut left = self.chunk();
            if left == 0 {
                break;
            }
            while left > 0 {
                if self.at == self.have {
                    self.more();
                }
                let n = left.min(self.have - self.at);
                bytes += std::hint::black_box(&self.input[self.at..self.at + n]).len();
                self.at += n;
                left -= n;
            }
            self.line();
        }
        self.line();
        assert_eq!(bytes, ARCHIVE);
    }

    fn up(&mut self) {
        let line = format!("PUT /v1.41/containers/{}/archive?path=%2Fdata", replay::ID);
        let headers = "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked";
        self.ask(format_args!("{line} HTTP/1.1\r\nHost: docker\r\n{headers}\r\nX: x"));
        let mut piece = vec![0; 64 << 10];
        let size = format!("{:x}\r\n", piece.len());
        for _ in 0..ARCHIVE / piece.len() {
            // It is made as it is sent.
            std::io::repeat(0).read_exact(&mut piece).unwrap();
            write_chunk(&mut self.socket, size.as_bytes(), &piece).unwrap();
        }
        self.socket.write_all(b"0\r\n\r\n").unwrap();
        self.head();
    }

    fn exec(&mut self) {
        self.ask(format_args!("POST /v1.41/exec/e1/start"));
        self.head();
    }

    fn echo(&mut self, data: &[u8]) {
        self.socket.write_all(data).unwrap();
        let mut left = data.len();
        while left > 0 {
            while self.have - self.at < 8 {
                self.more();
            }
            let header = &self.input[self.at + 4..self.at + 8];
            let n = u32::from_be_bytes(header.try_into().unwrap()) as usize;
            while self.have - self.at < 8 + n {
                self.more();
            }
            self.at += 8 + n;
            left -= n;
        }
    }
}

async fn exec(socket: PathBuf) -> ExecSession {
    let docker = Docker::connect().host(format!("unix://{}", socket.display())).await.unwrap();
    let made = docker.create(ContainerSpec::new("busybox")).await.unwrap();
    let running: Container<Running> = made.start().await.unwrap();
    running.exec(["cat"]).session().interactive().await.unwrap()
}

async fn echo(exec: &mut ExecSession, data: &[u8]) {
    exec.stdin().write_all(data).await.unwrap();
    let mut left = data.len();
    while left > 0 {
        left -= exec.next().await.unwrap().unwrap().data.len();
    }
}

struct Bench {
    root: Runtime,
    task: Runtime,
    socket: PathBuf,
    effort: Effort,
}

impl Bench {
    fn row(&self, what: &str, goal: Goal, work: Work) -> bool {
        let mut raw = Raw::connect(&self.socket);
        let raw = move |n| {
            for _ in 0..n {
                match work {
                    Work::Logs { small, frames } => raw.logs(small, frames),
                    Work::Down => raw.down(),
                    Work::Up => raw.up(),
                }
            }
        };
        let root = self.root.block_on(Ours::connect(self.socket.clone()));
        let task = self.task.block_on(Ours::connect(self.socket.clone()));
        let mut contenders = [
            Contender::other("raw", raw),
            Contender::ours("bowline, root", move |n| {
                self.root.block_on(root.clone().run(work, n));
            }),
            Contender::ours("bowline, task", move |n| {
                self.task.block_on(self.task.spawn(task.clone().run(work, n))).unwrap();
            }),
        ];
        measure::row(what, goal, self.effort, &mut contenders)
    }

    fn echo(&self, goal: Goal) -> bool {
        let data = vec![b'x'; ECHO];
        let mut raw = Raw::connect(&self.socket);
        raw.exec();
        let mut root = self.root.block_on(exec(self.socket.clone()));
        let mut task = Some(self.task.block_on(exec(self.socket.clone())));
        let mut contenders = [
            Contender::other("raw", |n| (0..n).for_each(|_| raw.echo(&data))),
            Contender::ours("bowline, root", |n| {
                self.root.block_on(async {
                    for _ in 0..n {
                        echo(&mut root, &data).await;
                    }
                });
            }),
            Contender::ours("bowline, task", |n| {
                let mut session = task.take().unwrap();
                let data = data.clone();
                let work = async move {
                    for _ in 0..n {
                        echo(&mut session, &data).await;
                    }
                    session
                };
                task = Some(self.task.block_on(self.task.spawn(work)).unwrap());
            }),
        ];
        measure::row("exec echo, 16 KiB", goal, self.effort, &mut contenders)
    }

    /// So many bytes of logs through a consumer that takes its time. Returns whether it took more
    /// memory than it may.
    fn slow(&self, bytes: u64) -> bool {
        self.root.block_on(async {
            let ours = Ours::connect(self.socket.clone()).await;
            let mut logs = ours.container.logs().tail(bytes >> 10).await.unwrap();
            let (idle, begun) = (resident(), Instant::now());
            let (mut came, mut peak) = (0, idle);
            while let Some(chunk) = logs.next().await {
                came += chunk.unwrap().data.len() as u64;
                if came % (64 << 10) == 0 {
                    peak = peak.max(resident());
                    let due = Duration::from_secs_f64(came as f64 / SLOW as f64);
                    tokio::time::sleep_until((begun + due).into()).await;
                }
            }
            assert_eq!(came, bytes >> 10 << 10);
            println!(
                "{} MiB of logs at {:.1} MB/s: {} KiB at most above {} KiB before",
                came >> 20,
                came as f64 / begun.elapsed().as_secs_f64() / 1e6,
                (peak - idle) >> 10,
                idle >> 10,
            );
            peak - idle > ROOM
        })
    }
}

/// What this process has in memory now.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn bytes(text: &str) -> u64 {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "GiB" => 30,
        "MiB" | "" => 20,
        other => panic!("MiB or GiB, not {other}"),
    };
    number.parse::<u64>().expect("a number of MiB or GiB") << shift
}

fn main() -> ExitCode {
    replay::serve_if_asked();
    let args = Args::here();
    let (quick, effort) = (args.quick(), args.effort(150));
    let replay = Replay::start();
    let bench = Bench {
        root: Builder::new_current_thread().enable_all().build().unwrap(),
        task: Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        socket: replay.few(),
        effort,
    };
    let small = Work::Logs { small: true, frames: if quick { 1_000 } else { 100_000 } };
    let large = Work::Logs { small: false, frames: if quick { 1_000 } else { 20_000 } };
    if let Some(n) = args.after("--profile") {
        let ours = bench.root.block_on(Ours::connect(replay.few()));
        bench.root.block_on(ours.run(small, n.parse().unwrap()));
        return ExitCode::SUCCESS;
    }
    if let Some(size) = args.after("--backpressure") {
        return ExitCode::from(u8::from(bench.slow(bytes(size))));
    }

    let only = args.after("--only").unwrap_or_default();
    // Opening a stream takes some; its frames none.
    let logs = |ratio| Goal { time: Some(ratio), allocations: Some(60), ..Goal::default() };
    let time = |ratio| Goal { time: Some(ratio), ..Goal::default() };
    let mut missed = false;
    measure::header();
    for (what, goal, work) in [
        ("logs, 32 bytes a frame and chunk", logs(4.0), small),
        ("logs, 1 KiB a frame and chunk", logs(2.0), large),
        ("archive down, 64 MiB", time(1.1), Work::Down),
        ("archive up, 64 MiB", time(1.1), Work::Up),
    ] {
        if what.contains(only) {
            missed |= bench.row(what, goal, work);
        }
    }
    if "exec echo".contains(only) {
        missed |= bench.echo(time(1.1));
    }
    if "backpressure".contains(only) {
        missed |= bench.slow(if quick { 1 << 20 } else { 64 << 20 });
    }
    ExitCode::from(u8::from(missed && args.has("--check")))
}
