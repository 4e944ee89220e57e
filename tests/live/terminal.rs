//! The local terminal for a process in a container: each test sits at one, at which this program
//! is run once more.

use std::path::PathBuf;
use std::process::Stdio;

use bowline::container::terminal::{Ended, OnTerminal};
use bowline::{Container, Docker, Error, Lookup, Running, Status};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

use crate::support::engine::Own;
use crate::support::proxy::Direction::Up;
use crate::support::proxy::Proxy;
use crate::support::pty::{Desk, LATE};

const TASK: &str = "BOWLINE_TEST_TERMINAL";
const ON: &str = "BOWLINE_TEST_CONTAINER";
const ARGS: [&str; 3] = ["terminal::here", "--exact", "--nocapture"];

/// What the child does; nothing in the parent. The task is the verb, and what else happens.
#[tokio::test]
async fn here() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (verb, more) = task.split_once(' ').unwrap_or((&task, ""));
    let mut usr1 = signal(SignalKind::user_defined1()).unwrap();
    let mut term = (more == "handles TERM").then(|| signal(SignalKind::terminate()).unwrap());
    if more == "aborts" {
        // As a program that is built so: the process ends right after the hook.
        std::panic::set_hook(Box::new(|_| std::process::abort()));
    }
    let session = async {
        let ended = begin(verb, more).await?.await?;
        println!(
            "<<{}>>",
            match ended {
                Ended::Exited(status) => format!("exited {}", status.code()),
                Ended::Detached(left) => format!("detached {}", left.id()),
            }
        );
        Ok::<_, Error>(())
    };
    let terminated = async {
        match &mut term {
            Some(term) => _ = term.recv().await,
            None => std::future::pending().await,
        }
    };
    // It outlives the choice below, so that a panic comes in the midst of it.
    let mut session = Box::pin(session);
    tokio::select! {
        ended = &mut session => if let Err(error) = ended {
            println!("<<{error}>>");
        },
        _ = usr1.recv() => match more {
            "panics" | "aborts" => panic!("as asked"),
            _ => {
                drop(session);
                println!("<<dropped>>");
            }
        },
        () = terminated => {
            drop(session);
            println!("<<terminated>>");
        }
    }
    if more == "reads on" {
        // Not by what the session used, and on the terminal as it was.
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        println!("<<read {}>>", line.trim_end());
    }
}

async fn begin(verb: &str, more: &str) -> Result<OnTerminal, Error> {
    let docker = Docker::connect().await?;
    let on = docker.container(std::env::var(ON).unwrap()).await?;
    let verb = match verb {
        "start" => match on {
            Lookup::Exited(on) => on.start().on_terminal(),
            on => on.created()?.start().on_terminal(),
        },
        "attach" => on.running()?.attach().on_terminal(),
        "attach-created" => on.created()?.attach().on_terminal(),
        "exec" => on.running()?.exec(["sh"]).tty().on_terminal(),
        "exec-no-stdin" => on.running()?.exec(["cat"]).on_terminal().no_stdin(),
        "attach-no-stdin" => on.running()?.attach().on_terminal().no_stdin(),
        "exec-plain" => on.running()?.exec(["sh", "-c", "cat; echo err >&2; exit 9"]).on_terminal(),
        other => panic!("{other}"),
    };
    Ok(match more.strip_prefix("keys ") {
        Some(keys) => verb.detach_keys(keys),
        None => verb,
    })
}

fn sit(task: &str, on: &str) -> Desk {
    sit_before(task, on, None)
}

fn sit_before(task: &str, on: &str, docker: Option<&Proxy>) -> Desk {
    let host = docker.map(|proxy| format!("unix://{}", proxy.path().display()));
    let mut env = vec![(TASK, task), (ON, on)];
    env.extend(host.as_deref().map(|host| ("DOCKER_HOST", host)));
    Desk::start(std::env::current_exe().unwrap(), &ARGS, &env)
}

/// A shell that somebody could sit at, not started.
async fn shell(own: &Own) -> String {
    own.docker.create(own.spec(["sh"]).interactive().tty()).await.unwrap().id().to_string()
}

/// One at which somebody sits.
async fn at_a_shell(own: &Own, more: &str) -> (Desk, String) {
    let id = shell(own).await;
    let mut desk = sit(&format!("start {more}"), &id);
    desk.until("/ # ").await;
    assert!(desk.is_raw());
    (desk, id)
}

async fn running(own: &Own, id: &str) -> Container<Running> {
    own.docker.container(id).await.unwrap().running().unwrap()
}

/// Wait until a process with these words runs in the container.
async fn runs(c: &Container<Running>, words: &str) {
    while !format!("{:?}", c.top().await.unwrap()).contains(words) {}
}

#[tokio::test]
async fn commands_are_typed_and_the_screen_is_read() {
    let own = Own::new().await;
    let (mut desk, id) = at_a_shell(&own, "reads on").await;
    desk.types("echo $((6 * 7))\n").await;
    // Echoed by the terminal in the container, and by none here.
    assert_eq!(desk.reads("42\r\n/ # ").await.matches("echo").count(), 1);
    desk.types("sleep 1000\n").await;
    runs(&running(&own, &id).await, "sleep 1000").await;
    desk.types("\x03").await;
    desk.until("^C\r\n/ # ").await;
    desk.types("echo $?; exit 42\n").await;
    desk.until("130\r\n").await;
    // No key is needed to come back, and the next one is for who reads next.
    desk.until("<<exited 42>>").await;
    desk.assert_as_before();
    desk.types("left over\n").await;
    desk.until("<<read left over>>").await;
    assert_eq!(desk.ends().await, Ok(0));
}

#[tokio::test]
async fn the_process_knows_the_windows_size() {
    let own = Own::new().await;
    let script = "trap 'exit 130' INT; while :; do stty size; sleep 0.05; done";
    let c = own.docker.create(own.spec(["sh", "-c", script]).interactive().tty()).await.unwrap();
    let mut desk = sit("start", c.id().as_str());
    desk.until("31 101\r\n").await;
    for (rows, cols) in [(40, 120), (2, 2), (25, 80)] {
        desk.resize(rows, cols);
        desk.until(format!("\n{rows} {cols}\r\n")).await;
    }
    desk.types("\x03").await;
    desk.until("<<exited 130>>").await;
}

#[tokio::test]
async fn an_exec_has_a_terminal_of_its_own() {
    let own = Own::new().await;
    let c = own.running().await;
    let mut desk = sit("exec", c.id().as_str());
    desk.until("/ # ").await;
    desk.types("while :; do stty size; sleep 0.05; done\n").await;
    desk.until("31 101\r\n").await;
    desk.resize(40, 120);
    desk.until("40 120\r\n").await;
    desk.types("\x03").await;
    desk.until("/ # ").await;
    desk.types("exec sleep 1000\n").await;
    runs(&c, "sleep 1000").await;
    desk.types("\x10\x11").await;
    let left = format!("<<detached {}>>", c.id());
    desk.until(&left).await;
    desk.assert_as_before();
    runs(&c, "sleep 1000").await;

    let mut desk = sit("exec", c.id().as_str());
    desk.until("/ # ").await;
    desk.types("exit 5\n").await;
    desk.until("<<exited 5>>").await;
    desk.assert_as_before();
}

#[tokio::test]
async fn it_is_left_by_its_keys_and_come_back_to() {
    let own = Own::new().await;
    let (mut desk, id) = at_a_shell(&own, "reads on").await;
    desk.types("x=kept\n").await;
    desk.until("/ # ").await;
    // What is typed right after them is not the session's.
    desk.types("\x10\x11behind them\n").await;
    desk.until(format!("<<detached {id}>>")).await;
    desk.assert_as_before();
    desk.until("<<read behind them>>").await;
    assert_eq!(desk.ends().await, Ok(0));
    assert_eq!(own.state(running(&own, &id).await.id()).await, "running");

    // Other keys; the engine's own mean nothing then, and a beginning is passed on.
    let mut desk = sit("attach keys ctrl-x,y", &id);
    // The shell draws its prompt anew, although nobody has typed.
    desk.until("/ # ").await;
    desk.comes("raw mode", Desk::is_raw).await;
    desk.types("\x10\x11\x18\x15echo $x\n").await;
    desk.until("kept\r\n/ # ").await;
    desk.types("\x18").await;
    desk.types("y").await;
    desk.until("<<detached").await;
    desk.assert_as_before();

    let mut desk = sit("attach", &id);
    desk.comes("raw mode", Desk::is_raw).await;
    desk.types("exit 7\n").await;
    desk.until("<<exited 7>>").await;
    desk.assert_as_before();

    // `docker start --attach --interactive`, of what has ended.
    let mut desk = sit("start", &id);
    desk.until("/ # ").await;
    desk.types("exit 8\n").await;
    desk.until("<<exited 8>>").await;
    let found = own.docker.container(&*id).await.unwrap();
    assert_eq!(found.exited().unwrap().status().code(), 8);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_nothing_is_set() {
    let own = Own::new().await;
    let id = shell(&own).await;
    let mut desk = sit("attach-created", &id);
    desk.until("is created, not running>>").await;
    desk.assert_as_before();
    let mut desk = sit("start keys zzz", &id);
    desk.until("<<detach keys \"zzz\" must be").await;
    assert_eq!(own.docker.container(&*id).await.unwrap().state(), Status::Created);
}

#[tokio::test]
async fn every_byte_passes() {
    let own = Own::new().await;
    // A terminal that changes nothing; then all there is, in both directions.
    let script = "stty raw -echo; echo ready; head -c 5000 >/typed; cat /typed; echo end";
    let c = own.docker.create(own.spec(["sh", "-c", script]).interactive().tty()).await.unwrap();
    let mut desk = sit("start", c.id().as_str());
    desk.until("ready\n").await;
    let typed: Vec<u8> = (0..5000u32).map(|n| (n * 7) as u8).collect();
    desk.types(&typed).await;
    let shown = desk.until("end\n").await;
    assert!(shown.starts_with(&typed), "{} bytes", shown.len());
    desk.until("<<exited 0>>").await;
    assert!(c.read_file("/typed").await.unwrap() == typed);
}

#[tokio::test]
async fn a_signal_from_outside_ends_the_program_and_not_the_terminal() {
    let own = Own::new().await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let (mut desk, id) = at_a_shell(&own, "").await;
        desk.kill(signal);
        assert_eq!(desk.ends().await, Err(signal.as_raw()));
        desk.assert_as_before();
        assert_eq!(own.state(running(&own, &id).await.id()).await, "running");
    }
    // So it is after the session.
    let (mut desk, _) = at_a_shell(&own, "reads on").await;
    desk.types("exit\n").await;
    desk.until("<<exited 0>>").await;
    desk.types("\x03").await;
    assert_eq!(desk.ends().await, Err(Signal::INT.as_raw()));
    // And not where the program sees to it.
    let (mut desk, _) = at_a_shell(&own, "handles TERM").await;
    desk.kill(Signal::TERM);
    desk.until("<<terminated>>").await;
    desk.assert_as_before();
    assert_eq!(desk.ends().await, Ok(0));
}

#[tokio::test]
async fn a_stop_gives_the_terminal_back_until_it_goes_on() {
    let own = Own::new().await;
    let (mut desk, _) = at_a_shell(&own, "").await;
    let stopped = |desk: &Desk| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", desk.pid())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
    };
    desk.kill(Signal::TSTP);
    desk.comes("the stop", stopped).await;
    desk.assert_as_before();
    // Meanwhile the window changes.
    desk.resize(44, 99);
    desk.kill(Signal::CONT);
    desk.comes("raw mode", Desk::is_raw).await;
    desk.types("while :; do stty size; sleep 0.05; done\n").await;
    desk.until("44 99\r\n").await;
    desk.types("\x03").await;
    desk.until("/ # ").await;
    desk.types("exit 6\n").await;
    desk.until("<<exited 6>>").await;
    desk.assert_as_before();
}

#[tokio::test]
async fn a_panic_is_reported_on_a_terminal_that_is_as_it_was() {
    let own = Own::new().await;
    let (mut desk, _) = at_a_shell(&own, "panics").await;
    desk.kill(Signal::USR1);
    // A terminal in raw mode would not begin a new line at its left.
    desk.until("as asked\r\n").await;
    assert_eq!(desk.ends().await, Ok(101));
    desk.assert_as_before();

    let (mut desk, _) = at_a_shell(&own, "aborts").await;
    desk.kill(Signal::USR1);
    assert_eq!(desk.ends().await, Err(Signal::ABORT.as_raw()));
    desk.assert_as_before();
}

#[tokio::test]
async fn a_dropped_session_gives_the_terminal_back() {
    let own = Own::new().await;
    let (mut desk, id) = at_a_shell(&own, "reads on").await;
    desk.kill(Signal::USR1);
    desk.until("<<dropped>>").await;
    desk.assert_as_before();
    desk.types("left over\n").await;
    desk.until("<<read left over>>").await;
    assert_eq!(own.state(running(&own, &id).await.id()).await, "running");
}

#[tokio::test]
async fn an_engine_that_is_cut_off_is_an_error() {
    let own = Own::new().await;
    let proxy = Proxy::new(own.docker.host().socket_path().expect("a Unix socket"));
    let id = shell(&own).await;
    let mut desk = sit_before("start", &id, Some(&proxy));
    desk.until("/ # ").await;
    proxy.poison(Up, []).await;
    desk.until("the stream broke off before its end>>").await;
    desk.assert_as_before();
    assert_eq!(desk.ends().await, Ok(0));
}

#[tokio::test]
async fn a_closed_terminal_ends_the_session() {
    let own = Own::new().await;
    let (desk, id) = at_a_shell(&own, "").await;
    desk.hang_up().await;
    assert_eq!(own.state(running(&own, &id).await.id()).await, "running");
}

/// Run the child without a terminal; what it wrote to standard output and error.
async fn piped(task: &str, on: &str, input: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(ARGS)
        .env(TASK, task)
        .env(ON, on)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut out, input) = (Vec::new(), input.to_vec());
    let writing = tokio::spawn(async move { stdin.write_all(&input).await });
    let read = tokio::time::timeout(LATE, stdout.read_to_end(&mut out)).await;
    read.unwrap_or_else(|_| panic!("{task} never ended: {} bytes", out.len())).unwrap();
    let rest = child.wait_with_output().await.unwrap();
    // Whoever ends first leaves the rest unread.
    let _ = writing.await.unwrap();
    (out, rest.stderr)
}

fn holds(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn without_a_terminal_it_is_a_pipe() {
    let own = Own::new().await;
    let data: Vec<u8> = (0..1_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let spec = own.spec(["sh", "-c", "cat; echo err >&2; exit 9"]).interactive();
    let c = own.docker.create(spec).await.unwrap();
    for (verb, on) in [("start", c.id().clone()), ("exec-plain", own.running().await.id().clone())]
    {
        let (out, err) = piped(verb, on.as_str(), &data).await;
        assert!(holds(&out, &data), "{verb}: {} bytes came back", out.len());
        assert!(holds(&out, b"<<exited 9>>"), "{verb}");
        assert_eq!(String::from_utf8_lossy(&err), "err\n", "{verb}");
    }
    // A terminal there and none here: its input has no end but Ctrl-D.
    for input in ["echo $((6 * 7))\nexit 3\n", "echo $((6 * 7)); (exit 3)\n"] {
        let (out, _) = piped("start", &shell(&own).await, input.as_bytes()).await;
        let out = String::from_utf8_lossy(&out);
        assert!(out.contains("42\r\n") && out.contains("<<exited 3>>"), "{out}");
    }
    // Within a line it takes two.
    let spec = own.spec(["cat"]).interactive().tty();
    let c = own.docker.create(spec).await.unwrap();
    let (out, _) = piped("start", c.id().as_str(), b"half a line").await;
    assert!(holds(&out, b"half a line") && holds(&out, b"<<exited 0>>"));
    // What was never opened is not read.
    let c = own.docker.create(own.spec(["echo", "no input"])).await.unwrap();
    let (out, _) = piped("start", c.id().as_str(), b"unread").await;
    assert!(holds(&out, b"no input\n") && holds(&out, b"<<exited 0>>"));
}

/// The example, as it is built now.
async fn example() -> PathBuf {
    let mut cargo = tokio::process::Command::new(env!("CARGO"));
    let cargo = cargo
        .args(["build", "--quiet", "--features", "terminal", "--example", "shell"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let out = cargo.output().await.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let artifacts = String::from_utf8(out.stdout).unwrap();
    let built = artifacts.lines().find_map(|line| {
        let artifact: serde_json::Value = serde_json::from_str(line).unwrap();
        artifact["executable"].as_str().map(PathBuf::from)
    });
    built.expect("an executable")
}

#[tokio::test]
async fn the_example_is_a_shell() {
    let own = Own::new().await;
    let mut desk = Desk::start(example().await, &[], &[]);
    desk.until("/ # ").await;
    desk.types("echo id=`hostname`.\n").await;
    desk.until("\r\nid=").await;
    let id = desk.reads(".\r\n").await.replace(".\r\n", "");
    desk.types("exit 42\n").await;
    let ended = desk.ends().await;
    desk.assert_as_before();
    assert_eq!(ended, Ok(42));
    assert!(own.docker.container(&*id).await.unwrap_err().is_not_found(), "{id} is still there");

    let mut desk = Desk::start(example().await, &[], &[]);
    desk.until("/ # ").await;
    desk.types("\x10\x11").await;
    desk.until("read escape sequence; it goes on as ").await;
    let id = desk.reads("\r\n").await;
    assert_eq!(desk.ends().await, Ok(0));
    let c = running(&own, id.trim()).await;
    c.remove().force().await.unwrap();
    desk.assert_as_before();
}

#[tokio::test]
async fn the_input_can_be_left_alone() {
    let own = Own::new().await;
    let c = own.running().await;
    let mut desk = sit("exec-no-stdin reads on", c.id().as_str());
    // It sees no input at all, so it is through with it; the line is for who reads next.
    desk.until("<<exited 0>>").await;
    assert!(!desk.is_raw());
    desk.types("left over\n").await;
    desk.until("<<read left over>>").await;

    let ticks = own.spec(["sh", "-c", "while :; do echo tick; sleep 0.05; done"]);
    let c = own.docker.run(ticks.interactive().tty()).spawn().await.unwrap();
    let mut desk = sit("attach-no-stdin reads on", c.id().as_str());
    desk.until("tick").await;
    assert!(!desk.is_raw());
    desk.types("left over\n").await;
    let _killed = c.kill().await.unwrap();
    desk.until("<<exited 137>>").await;
    desk.until("<<read left over>>").await;
}
