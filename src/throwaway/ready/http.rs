//! An HTTP server that answers as it should.

use std::pin::pin;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::log::Finder;
use super::probe::{NotYet, Readiness};
use super::until::Subject;
use crate::throwaway::addr::{ContainerPort, HostPort};

/// An answer to a GET.
#[derive(Debug, Clone)]
pub(super) struct Http {
    port: ContainerPort,
    path: String,
    pub(super) statuses: Vec<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) bodies: Vec<String>,
}

/// More of a body is not read.
const BODY: usize = 1 << 20;
/// So much of it is kept, to be seen.
const SEEN: usize = 200;

impl Http {
    pub(super) fn new(port: ContainerPort, path: String) -> Http {
        Http { port, path, statuses: Vec::new(), headers: Vec::new(), bodies: Vec::new() }
    }

    pub(super) fn fault_of_path(path: &str) -> Option<String> {
        let error = path.parse::<Uri>().err()?;
        Some(format!("the path {path:?} cannot stand in a request: {error}"))
    }

    async fn get(&self, addr: &HostPort) -> Result<(), NotYet> {
        let stream = TcpStream::connect((&*addr.host, addr.port)).await?;
        let (mut sender, conn) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(self.path.as_str())
            .header(HOST, addr.to_string())
            .header(USER_AGENT, concat!("bowline/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        let exchange = async {
            let (head, mut body) = sender.send_request(request).await?.into_parts();
            let mut look = Look::new(&self.bodies);
            while look.wants_more() {
                match body.frame().await.transpose()? {
                    Some(frame) => look.feed(frame.data_ref().map_or(&[], AsRef::as_ref)),
                    None => break,
                }
            }
            self.judge(head.status, &head.headers, &look)
        };
        // Nothing but this moves the connection along, and with this it goes away.
        let (mut exchange, mut conn, mut open) = (pin!(exchange), pin!(conn), true);
        std::future::poll_fn(|cx| {
            if open && conn.as_mut().poll(cx).is_ready() {
                open = false;
            }
            exchange.as_mut().poll(cx)
        })
        .await
    }

    fn judge(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        look: &Look<'_>,
    ) -> Result<(), NotYet> {
        let seen = |what: String| Err(NotYet::new(format!("{what}{}", look.seen())));
        let status = status.as_u16();
        let wanted = match self.statuses.is_empty() {
            true => (200..400).contains(&status),
            false => self.statuses.contains(&status),
        };
        if !wanted {
            return seen(format!("status {status}"));
        }
        for (name, value) in &self.headers {
            let all = headers.get_all(name.as_str());
            if !all.iter().any(|has| has.as_bytes() == value.as_bytes()) {
                let has = all.iter().next().map(|has| String::from_utf8_lossy(has.as_bytes()));
                return seen(match has {
                    Some(has) => format!("status {status}, header {name}: {has}"),
                    None => format!("status {status}, without a header {name}"),
                });
            }
        }
        match look.missing() {
            Some(text) => seen(format!("status {status}, without {text:?} in its body")),
            None => Ok(()),
        }
    }
}

/// A body as it comes.
struct Look<'t> {
    texts: Vec<(&'t str, Finder<'t>, bool)>,
    start: Vec<u8>,
    read: usize,
}

impl<'t> Look<'t> {
    fn new(texts: &'t [String]) -> Look<'t> {
        let of = |text: &'t String| (text.as_str(), Finder::new(text.as_bytes()), text.is_empty());
        Look { texts: texts.iter().map(of).collect(), start: Vec::new(), read: 0 }
    }

    fn wants_more(&self) -> bool {
        self.read < BODY && (self.start.len() < SEEN || self.missing().is_some())
    }

    fn feed(&mut self, piece: &[u8]) {
        let piece = piece.get(..BODY - self.read).unwrap_or(piece);
        self.read += piece.len();
        let room = SEEN - self.start.len();
        self.start.extend_from_slice(piece.get(..room).unwrap_or(piece));
        for (_, finder, found) in &mut self.texts {
            *found = finder.feed(piece) > 0 || *found;
        }
    }

    fn missing(&self) -> Option<&str> {
        self.texts.iter().find(|(_, _, found)| !found).map(|(text, ..)| *text)
    }

    fn seen(&self) -> String {
        let text = String::from_utf8_lossy(&self.start);
        match text.trim() {
            "" => String::new(),
            text => format!("\n{text}"),
        }
    }
}

impl Readiness for Http {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        let addr = on.addr(self.port.clone()).await?;
        let at = |not: NotYet| NotYet { seen: format!("{addr}: {}", not.seen), ..not };
        self.get(&addr).await.map_err(at)
    }

    fn describe(&self) -> String {
        let mut says = format!("GET {} {}", self.port, self.path);
        for status in &self.statuses {
            says.push_str(&format!(", status {status}"));
        }
        for (name, value) in &self.headers {
            says.push_str(&format!(", header {name}: {value}"));
        }
        for text in &self.bodies {
            says.push_str(&format!(", body {text:?}"));
        }
        says
    }
}
