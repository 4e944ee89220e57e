//! A small web server on loopback, for what an engine fetches by itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub authorization: String,
    pub body: String,
}

/// What is answered: a status, further headers with their line ends, and the body.
pub type Answer = (u16, String, Vec<u8>);

pub fn answer(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    (status, format!("Content-Type: {kind}\r\n"), body.into())
}

/// The server; dropped, it takes no more connections.
pub struct Web {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<Mutex<bool>>,
}

impl Web {
    /// Answer every request, which is told the server's own host and port.
    pub fn new(answer: impl Fn(&str, &Asked) -> Answer + Send + Sync + 'static) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let (log, end, answer) = (asked.clone(), over.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if *end.lock().unwrap() {
                    return;
                }
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &address.to_string(), &log, &*answer));
            }
        });
        Web { address, asked, over }
    }

    /// "127.0.0.1:" and the port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        *self.over.lock().unwrap() = true;
        // Wakes the one who waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

/// One request for each connection.
fn serve(
    mut stream: TcpStream,
    host: &str,
    log: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&str, &Asked) -> Answer,
) -> Option<()> {
    let mut read = Vec::new();
    let more = |read: &mut Vec<u8>, stream: &mut TcpStream| {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).ok().filter(|n| *n > 0)?;
        read.extend(&piece[..n]);
        Some(())
    };
    // An engine tries TLS first.
    more(&mut read, &mut stream)?;
    if !read[0].is_ascii_alphabetic() {
        return stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
    }
    let end = loop {
        match read.windows(4).position(|w| w == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(&mut read, &mut stream)?,
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let header = |name: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
        let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    while read.len() < end + length {
        more(&mut read, &mut stream)?;
    }
    let mut words = head.split(' ').map(str::to_owned);
    let asked = Asked {
        method: words.next()?,
        target: words.next()?,
        authorization: header("authorization"),
        body: String::from_utf8_lossy(&read[end..]).into_owned(),
    };
    let (status, headers, body) = answer(host, &asked);
    log.lock().unwrap().push(asked.clone());
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Served\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    match &*asked.method {
        "HEAD" => Some(()),
        _ => stream.write_all(&body).ok(),
    }
}
