//! Clients written by hand over a socket: as little as will do, and what others are measured by.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::Deserialize;

/// One kept connection, blocking. Its buffers are kept as well.
pub(crate) struct Raw {
    socket: UnixStream,
    request: Vec<u8>,
    input: Vec<u8>,
    have: usize,
    body: Vec<u8>,
}

/// What a head says that a client must know.
struct Head {
    status: u16,
    length: usize,
    body: Framing,
}

enum Framing {
    Length(usize),
    Chunked,
}

fn head(input: &[u8]) -> Option<Head> {
    let length = input.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&input[..length]).expect("a head is ASCII");
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|l| l.get(9..12)?.parse().ok()).expect("a status");
    let mut body = Framing::Length(0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = Framing::Length(value.trim().parse().expect("a length"));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Framing::Chunked;
        }
    }
    Some(Head { status, length, body })
}

impl Raw {
    pub(crate) fn connect(path: &Path) -> Raw {
        let socket = UnixStream::connect(path).expect("somebody listens");
        Raw { socket, request: Vec::new(), input: vec![0; 256 << 10], have: 0, body: Vec::new() }
    }

    fn more(&mut self) {
        match self.socket.read(&mut self.input[self.have..]) {
            Ok(n) if n > 0 => self.have += n,
            other => panic!("the connection broke: {other:?}"),
        }
    }

    fn take(&mut self, used: usize) {
        self.input.copy_within(used..self.have, 0);
        self.have -= used;
    }

    /// Send and read the whole answer: its status and its body.
    pub(crate) fn call(&mut self, line: std::fmt::Arguments<'_>, body: &str) -> (u16, &[u8]) {
        self.request.clear();
        let _ = write!(self.request, "{line} HTTP/1.1\r\nHost: docker\r\n");
        if body.is_empty() {
            self.request.extend(b"\r\n");
        } else {
            let _ = write!(
                self.request,
                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
        self.socket.write_all(&self.request).expect("it is sent");
        let head = loop {
            self.more();
            if let Some(head) = head(&self.input[..self.have]) {
                break head;
            }
        };
        self.take(head.length);
        self.body.clear();
        match head.body {
            Framing::Length(length) => self.copy(length),
            Framing::Chunked => loop {
                let line = self.line();
                let size = std::str::from_utf8(&self.input[..line]).expect("ASCII");
                let size = usize::from_str_radix(size, 16).expect("a chunk's size");
                self.take(line + 2);
                self.copy(size);
                let end = self.line();
                self.take(end + 2);
                if size == 0 {
                    break;
                }
            },
        }
        (head.status, &self.body)
    }

    /// Where the first line ends.
    fn line(&mut self) -> usize {
        loop {
            let found = self.input[..self.have].windows(2).position(|w| w == b"\r\n");
            match found {
                Some(at) => return at,
                None => self.more(),
            }
        }
    }

    /// Move `left` bytes of input to the body.
    fn copy(&mut self, mut left: usize) {
        self.body.reserve(left);
        while left > 0 {
            if self.have == 0 {
                self.more();
            }
            let n = left.min(self.have);
            self.body.extend_from_slice(&self.input[..n]);
            self.take(n);
            left -= n;
        }
    }

    pub(crate) fn ping(&mut self) {
        assert_eq!(self.call(format_args!("HEAD /_ping"), "").0, 200);
    }

    pub(crate) fn inspect(&mut self, id: &str) -> Details {
        let (status, body) = self.call(format_args!("GET /v1.41/containers/{id}/json"), "");
        assert_eq!(status, 200);
        serde_json::from_slice(body).expect("an inspect answer")
    }

    pub(crate) fn list(&mut self) -> Vec<Row> {
        let (status, body) = self.call(format_args!("GET /v1.41/containers/json?all=1"), "");
        assert_eq!(status, 200);
        serde_json::from_slice(body).expect("a list")
    }

    /// Create, start, wait, read the logs, remove: five calls.
    pub(crate) fn life(&mut self) {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            id: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Waited {
            status_code: i64,
        }
        let spec = r#"{"Image":"busybox","Cmd":["echo","hello"]}"#;
        let (status, body) = self.call(format_args!("POST /v1.41/containers/create"), spec);
        assert_eq!(status, 201);
        let Created { id } = serde_json::from_slice(body).expect("an id");
        assert_eq!(self.call(format_args!("POST /v1.41/containers/{id}/start"), "").0, 204);
        let wait = format_args!("POST /v1.41/containers/{id}/wait?condition=not-running");
        let waited: Waited = serde_json::from_slice(self.call(wait, "").1).expect("a code");
        assert_eq!(waited.status_code, 0);
        let logs = format_args!("GET /v1.41/containers/{id}/logs?stdout=1&stderr=1");
        let (mut out, mut frames) = (Vec::new(), self.call(logs, "").1);
        while let Some((frame, rest)) = frames.split_at_checked(8) {
            let n = u32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]) as usize;
            out.extend_from_slice(&rest[..n]);
            frames = &rest[n..];
        }
        assert_eq!(out, b"hello\n");
        assert_eq!(self.call(format_args!("DELETE /v1.41/containers/{id}"), "").0, 204);
    }
}

/// What `docker ps` prints, and no more.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "read to be there, as a program would have them")]
pub(crate) struct Row {
    id: String,
    names: Vec<String>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    command: String,
    created: i64,
    state: String,
    status: String,
    ports: Vec<Port>,
    labels: std::collections::HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
struct Port {
    #[serde(rename = "IP")]
    ip: Option<std::net::IpAddr>,
    private_port: u16,
    public_port: Option<u16>,
    #[serde(rename = "Type")]
    kind: String,
}

/// What a program asks an inspect for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
pub(crate) struct Details {
    id: String,
    name: String,
    created: String,
    image: String,
    path: String,
    args: Vec<String>,
    state: State,
    config: Config,
    network_settings: Networks,
    mounts: Vec<Mount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
struct State {
    status: String,
    pid: i64,
    exit_code: i64,
    started_at: String,
    finished_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
struct Config {
    image: String,
    env: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    labels: Option<std::collections::HashMap<String, String>>,
    tty: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
struct Networks {
    networks: std::collections::HashMap<String, End>,
    ports: std::collections::HashMap<String, Option<Vec<Binding>>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "as above")]
struct End {
    #[serde(rename = "IPAddress")]
    ip_address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
struct Binding {
    host_ip: String,
    host_port: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "as above")]
struct Mount {
    source: String,
    destination: String,
}

/// One kept connection in tokio, for pings alone.
pub(crate) struct RawAsync {
    socket: tokio::net::UnixStream,
    input: Vec<u8>,
}

impl RawAsync {
    pub(crate) async fn connect(path: &Path) -> RawAsync {
        let socket = tokio::net::UnixStream::connect(path).await.expect("somebody listens");
        RawAsync { socket, input: vec![0; 4 << 10] }
    }

    pub(crate) async fn ping(&mut self) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let request = b"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
        self.socket.write_all(request).await.expect("it is sent");
        let mut have = 0;
        loop {
            match self.socket.read(&mut self.input[have..]).await {
                Ok(n) if n > 0 => have += n,
                other => panic!("the connection broke: {other:?}"),
            }
            if let Some(head) = head(&self.input[..have]) {
                assert_eq!((head.status, head.length), (200, have));
                return;
            }
        }
    }
}

/// Hyper as its guide uses it, and nothing around it: no pool, no limits, no errors.
pub(crate) struct RawHyper {
    sender: hyper::client::conn::http1::SendRequest<Empty>,
}

type Empty = http_body_util::Full<bytes::Bytes>;

impl RawHyper {
    pub(crate) async fn connect(path: &Path) -> RawHyper {
        let socket = tokio::net::UnixStream::connect(path).await.expect("somebody listens");
        let io = hyper_util::rt::TokioIo::new(socket);
        let (sender, connection) =
            hyper::client::conn::http1::handshake(io).await.expect("a connection");
        tokio::spawn(connection);
        RawHyper { sender }
    }

    pub(crate) async fn ping(&mut self) {
        self.sender.ready().await.expect("it is kept");
        let request = hyper::Request::head("/_ping").header("host", "docker");
        let request = request.body(Empty::default()).expect("a request");
        let response = self.sender.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), 200);
    }
}
