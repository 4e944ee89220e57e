//! What throwaway containers cost over the engine's own time, which a hand-written client shows.
//!
//! ```text
//! cargo bench --bench throwaway                  the table
//! cargo bench --bench throwaway -- --check       fails where a goal is missed by more than 25 %
//! cargo bench --bench throwaway -- --quick       a few seconds: does it still work?
//! ```
//!
//! Needs an engine on a Unix socket, found as `Docker::connect` finds it; without one it says so. An
//! engine takes hundreds of milliseconds for a start, and now a few more than then: so both clients do
//! the same work in turns, and what counts is the median of the differences between neighbours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fmt::Arguments;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use bowline::{ContainerSpec, Docker, Throwaway};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use support::args::Args;
use support::measure::over;
use support::raw::Raw;
use support::replay::{self, Replay};

const IMAGE: &str = "busybox";
const SLEEP: [&str; 2] = ["sleep", "600"];

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Deserialize)]
struct Ended {
    #[serde(rename = "ExitCode")]
    exit_code: i64,
}

/// The engine's socket, and a client that does no more than it must.
struct Plain {
    socket: PathBuf,
    raw: Raw,
}

impl Plain {
    fn connect(socket: &Path) -> Plain {
        Plain { socket: socket.to_owned(), raw: Raw::connect(socket) }
    }

    fn make(&mut self, line: Arguments<'_>, body: &str) -> String {
        let (status, body) = self.raw.call(line, body);
        assert_eq!(status, 201);
        serde_json::from_slice::<Made>(body).expect("an id").id
    }

    /// Create, start, inspect; the removal is not timed.
    fn start(&mut self) -> Duration {
        let spec = format!(r#"{{"Image":"{IMAGE}","Cmd":["{}","{}"]}}"#, SLEEP[0], SLEEP[1]);
        let begun = Instant::now();
        let id = self.make(format_args!("POST /v1.41/containers/create"), &spec);
        let start = format_args!("POST /v1.41/containers/{id}/start");
        assert_eq!(self.raw.call(start, "").0, 204);
        drop(self.raw.inspect(&id));
        let took = begun.elapsed();
        let remove = format_args!("DELETE /v1.41/containers/{id}?force=1&v=1");
        assert_eq!(self.raw.call(remove, "").0, 204);
        took
    }

    /// Create an exec of `true`, start it and read to its end, ask for its exit code.
    fn exec(&mut self, container: &str) -> Duration {
        let spec = r#"{"AttachStdout":true,"AttachStderr":true,"Cmd":["true"]}"#;
        let begun = Instant::now();
        let exec = self.make(format_args!("POST /v1.41/containers/{container}/exec"), spec);
        let (mut stream, body) = (UnixStream::connect(&self.socket).unwrap(), "{}");
        write!(
            stream,
            "POST /v1.41/exec/{exec}/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        let (_, body) = self.raw.call(format_args!("GET /v1.41/exec/{exec}/json"), "");
        assert_eq!(serde_json::from_slice::<Ended>(body).expect("a code").exit_code, 0);
        begun.elapsed()
    }
}

struct Ours {
    runtime: Runtime,
    docker: Docker,
}

impl Ours {
    fn hold(&self) -> Throwaway {
        let spec = ContainerSpec::new(IMAGE).cmd(SLEEP);
        self.runtime.block_on(self.docker.throwaway(spec).into_future()).unwrap()
    }

    fn start(&self) -> Duration {
        let begun = Instant::now();
        let held = self.hold();
        let took = begun.elapsed();
        self.runtime.block_on(held.close()).unwrap();
        took
    }

    fn exec(&self, held: &Throwaway) -> Duration {
        let begun = Instant::now();
        let output = self.runtime.block_on(held.exec(["true"]).into_future()).unwrap();
        assert!(output.status.success());
        begun.elapsed()
    }
}

/// The word for this program once more, which measures on an engine that answers from memory.
const ALONE: &str = "--alone";

/// What a start takes where the engine takes nothing, and so nothing but ours is measured. In a
/// process of its own, whose records nobody else reads: what is made here cannot be cleaned up.
fn alone(times: usize) -> ExitCode {
    let replay = Replay::start();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let docker = Docker::connect().host(format!("unix://{}", replay.few().display()));
    let docker = runtime.block_on(docker.into_future()).unwrap();
    let (mut plain, ours) = (Plain::connect(&replay.few()), Ours { runtime, docker });
    let kept = || {
        let begun = Instant::now();
        let held = ours.hold();
        let took = begun.elapsed();
        let _ = held.keep().unwrap();
        took
    };
    let what = "the same, on an engine that takes no time";
    let missed = over(what, 2.0, times * 10, || plain.start(), kept);
    ExitCode::from(u8::from(missed))
}

fn in_a_process_of_its_own(args: &Args) -> bool {
    let state = tempfile::tempdir().unwrap();
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.arg(ALONE).args((!args.quick()).then_some("--bench"));
    this.env("XDG_STATE_HOME", state.path()).env("BOWLINE_LEASE", "off");
    !this.status().unwrap().success()
}

fn main() -> ExitCode {
    replay::serve_if_asked();
    let args = Args::here();
    let times = if args.quick() { 3 } else { 40 };
    if args.has(ALONE) {
        return alone(times);
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let docker = match runtime.block_on(Docker::connect().into_future()) {
        Ok(docker) => docker,
        Err(error) => {
            println!("nothing is measured: {error}");
            return ExitCode::SUCCESS;
        }
    };
    let Some(socket) = docker.host().socket_path().map(ToOwned::to_owned) else {
        println!("nothing is measured: {} is no Unix socket", docker.host());
        return ExitCode::SUCCESS;
    };
    let mut plain = Plain::connect(&socket);
    let ours = Ours { runtime, docker };
    let first = ours.start();
    println!(
        "the first start of this process, with its lease: {:.1} ms",
        first.as_secs_f64() * 1e3
    );
    let what = "start, over create + start + inspect";
    let mut missed = over(what, 10.0, times, || plain.start(), || ours.start());
    missed |= in_a_process_of_its_own(&args);
    let held = ours.hold();
    let what = "exec of `true`, over the same three calls";
    missed |= over(what, 15.0, times * 2, || plain.exec(held.id().as_str()), || ours.exec(&held));
    ours.runtime.block_on(held.close()).unwrap();
    ExitCode::from(u8::from(missed && args.has("--check")))
}
