//! An engine that answers from memory, in a process of its own, so that its time is not ours.
//!
//! It knows no HTTP library: it looks at the request's first line and length, and writes bytes
//! that a Docker 20.10 engine sent once.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The id and the name under which the recorded container is known.
pub(crate) const ID: &str = "0199453ffe7fb33e834a0f15b2ee726479710bfe424115dad4e31e52547bb366";

/// The word that makes this program the server.
const SERVE: &str = "--serve-replay";

pub(crate) struct Replay {
    server: Child,
    folder: tempfile::TempDir,
}

impl Replay {
    /// Start the server: this very program, in its other part.
    pub(crate) fn start() -> Replay {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let server = Command::new(std::env::current_exe().expect("this program"))
            .arg(SERVE)
            .arg(folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut replay = Replay { server, folder };
        // One byte says that both sockets listen.
        let mut ready = [0];
        replay.server.stdout.take().expect("a pipe").read_exact(&mut ready).expect("it listens");
        replay
    }

    /// For few connections: a blocking thread each, the quickest there is.
    pub(crate) fn few(&self) -> PathBuf {
        self.folder.path().join("few.sock")
    }

    /// For many connections at once: one thread with an event loop.
    pub(crate) fn many(&self) -> PathBuf {
        self.folder.path().join("many.sock")
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Be the server, if that is what the arguments ask for.
pub(crate) fn serve_if_asked() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|a| a == SERVE) {
        let folder = PathBuf::from(args.next().expect("a folder"));
        serve(&folder);
        std::process::exit(0);
    }
}

fn serve(folder: &Path) {
    let answers: &'static Answers = Box::leak(Box::new(Answers::new()));
    let few = UnixListener::bind(folder.join("few.sock")).expect("a socket");
    let many = UnixListener::bind(folder.join("many.sock")).expect("a socket");
    many.set_nonblocking(true).expect("a socket that does not block");
    std::thread::spawn(move || {
        for stream in few.incoming().flatten() {
            std::thread::spawn(move || one(stream, answers));
        }
    });
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let many = tokio::net::UnixListener::from_std(many).expect("a socket");
            while let Ok((stream, _)) = many.accept().await {
                tokio::spawn(one_of_many(stream, answers));
            }
        });
    });
    let mut out = std::io::stdout();
    let _ = out.write_all(b"!").and_then(|()| out.flush());
    // Our parent holds the other end: when it is gone, so are we.
    let _ = std::io::stdin().read(&mut [0]);
}

fn one(mut stream: UnixStream, answers: &Answers) {
    let mut input = vec![0; 64 << 10];
    let mut have = 0;
    loop {
        match stream.read(&mut input[have..]) {
            Ok(0) | Err(_) => return,
            Ok(n) => have += n,
        }
        loop {
            let used = match super::streams::serve(&mut stream, &input[..have]) {
                Some(used) => used,
                None => match answers.find(&input[..have]) {
                    Some((answer, used)) if stream.write_all(answer).is_ok() => used,
                    Some(_) => return,
                    None => break,
                },
            };
            input.copy_within(used..have, 0);
            have -= used;
        }
    }
}

async fn one_of_many(mut stream: tokio::net::UnixStream, answers: &Answers) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut input = vec![0; 16 << 10];
    let mut have = 0;
    loop {
        match stream.read(&mut input[have..]).await {
            Ok(0) | Err(_) => return,
            Ok(n) => have += n,
        }
        while let Some((answer, used)) = answers.find(&input[..have]) {
            input.copy_within(used..have, 0);
            have -= used;
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

struct Answers {
    ping: Vec<u8>,
    inspect: Vec<u8>,
    list: Vec<u8>,
    create: Vec<u8>,
    done: Vec<u8>,
    wait: Vec<u8>,
    logs: Vec<u8>,
}

const HEAD: &str = "Api-Version: 1.41\r\n\
    Docker-Experimental: false\r\n\
    Ostype: linux\r\n\
    Server: Docker/20.10.24 (linux)\r\n\
    Date: Tue, 24 Nov 2026 23:00:26 GMT\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// One chunk of any length and the last one, as Go's server writes what it is given at once.
fn chunked(extra: &str, body: &[u8]) -> Vec<u8> {
    let mut out =
        format!("HTTP/1.1 200 OK\r\n{HEAD}{extra}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    out.extend(format!("{:x}\r\n", body.len()).into_bytes());
    out.extend(body);
    out.extend(b"\r\n0\r\n\r\n");
    out
}

impl Answers {
    fn new() -> Answers {
        let ping = format!(
            "HTTP/1.1 200 OK\r\n{HEAD}Cache-Control: no-cache, no-store, must-revalidate\r\n\
             Content-Length: 0\r\nContent-Type: text/plain; charset=utf-8\r\nPragma: no-cache\r\n\r\n"
        );
        let row = include_str!("data/row.json").trim();
        let rows: Vec<String> =
            (0..1000).map(|n| row.replace("NNNN", &format!("{n:04}"))).collect();
        let created = format!("{{\"Id\":\"{ID}\",\"Warnings\":[]}}\n");
        let create = format!(
            "HTTP/1.1 201 Created\r\n{HEAD}{JSON}Content-Length: {}\r\n\r\n{created}",
            created.len()
        );
        Answers {
            ping: ping.into_bytes(),
            inspect: chunked(JSON, include_bytes!("data/inspect.json")),
            list: chunked(JSON, format!("[{}]\n", rows.join(",")).as_bytes()),
            create: create.into_bytes(),
            done: format!("HTTP/1.1 204 No Content\r\n{HEAD}\r\n").into_bytes(),
            wait: chunked(JSON, b"{\"Error\":null,\"StatusCode\":0}\n"),
            logs: chunked("", b"\x01\0\0\0\0\0\0\x06hello\n"),
        }
    }

    /// The answer to the first request in `input`, and where that request ends.
    fn find(&self, input: &[u8]) -> Option<(&[u8], usize)> {
        let head = input.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
        let text = std::str::from_utf8(&input[..head]).expect("a head is ASCII");
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, n)| n.trim().parse().expect("a length"));
        if input.len() < head + length {
            return None;
        }
        let line = text.lines().next().expect("a first line");
        let has = |part: &str| line.contains(part);
        let answer = match line.split(' ').next() {
            Some("HEAD") if has("/_ping ") => &self.ping,
            Some("GET") if has("/containers/json") => &self.list,
            Some("GET") if has("/json") => &self.inspect,
            Some("GET") if has("/logs?") => &self.logs,
            Some("POST") if has("/create") => &self.create,
            Some("POST") if has("/start ") => &self.done,
            Some("POST") if has("/wait?") => &self.wait,
            Some("DELETE") => &self.done,
            _ => panic!("nothing was recorded for {line}"),
        };
        Some((answer, head + length))
    }
}
