//! A scripted daemon on a Unix socket.
//!
//! Two layers. The raw one hands each connection to a closure that may write any bytes, close or
//! stall. The comfortable one maps requests to replies. Both write down what they read.
//!
//! A fake lives on the runtime it was made on, so that paused time works with it; one made
//! `apart` lives on a thread of its own and serves any number of runtimes.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline::Docker;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

/// A request as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// On which connection, counted from 0.
    pub connection: usize,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// Method and path without the version and the query: "POST /containers/x/start".
    pub fn route(&self) -> String {
        let path = self.path();
        let bare = match path.split('/').nth(1) {
            Some(v) if v.starts_with("v1.") => &path[v.len() + 1..],
            _ => path,
        };
        format!("{} {bare}", self.method)
    }

    /// The path as it was sent.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// Its segments, still encoded.
    pub fn segments(&self) -> Vec<&str> {
        self.path().split('/').skip(1).collect()
    }

    /// Keys and values of the query, still encoded.
    pub fn query(&self) -> Vec<(&str, &str)> {
        let Some((_, query)) = self.target.split_once('?') else { return Vec::new() };
        query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn is_ping(&self) -> bool {
        self.target == "/_ping"
    }
}

#[derive(Default)]
struct Log {
    requests: Vec<Seen>,
    connections: usize,
    open: usize,
}

struct Shared {
    log: Mutex<Log>,
    /// Something was written down.
    news: Notify,
    api: Mutex<Option<String>>,
}

impl Shared {
    fn note<T>(&self, write: impl FnOnce(&mut Log) -> T) -> T {
        let out = write(&mut self.log.lock().unwrap());
        self.news.notify_waiters();
        out
    }
}

/// One connection, on the daemon's side.
pub struct Peer {
    pub stream: UnixStream,
    /// Counted from 0.
    pub nth: usize,
    shared: Arc<Shared>,
    read: Vec<u8>,
}

impl Peer {
    /// Read a request, head and body, and write it down. `None` once the client has hung up.
    pub async fn request(&mut self) -> Option<Seen> {
        let mut seen = self.head().await?;
        if seen.header("transfer-encoding") == Some("chunked") {
            seen.body = self.chunks().await?;
        } else {
            let length = seen.header("content-length").map_or(0, |l| l.parse().unwrap());
            while self.read.len() < length {
                self.more().await?;
            }
            seen.body = self.read.drain(..length).collect();
        }
        self.shared.note(|log| log.requests.push(seen.clone()));
        Some(seen)
    }

    /// Read the head of a request alone, and leave its body where it is.
    pub async fn head(&mut self) -> Option<Seen> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let mut words = lines.next().unwrap().split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Some(Seen { connection: self.nth, method, target, headers, body: Vec::new() })
    }

    /// Read a body in chunks.
    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match self.read.windows(2).position(|w| w == b"\r\n") {
                    Some(at) => break at,
                    None => self.more().await?,
                }
            };
            let size = std::str::from_utf8(&self.read[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            let whole = end + 2 + size + 2;
            while self.read.len() < whole {
                self.more().await?;
            }
            body.extend(&self.read[end + 2..whole - 2]);
            self.read.drain(..whole);
            if size == 0 {
                return Some(body);
            }
        }
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(n) if n > 0 => Some(()),
            _ => None,
        }
    }

    /// Write bytes as they are. A client that is gone is its own business.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Wait until the client hangs up.
    pub async fn stall(&mut self) {
        while self.more().await.is_some() {
            self.read.clear();
        }
    }

    /// Answer a ping as an engine of this version does, and go on.
    pub async fn pong(&mut self, api: &str) -> bool {
        self.write(format!(
            "HTTP/1.1 200 OK\r\nApi-Version: {api}\r\nOstype: linux\r\nContent-Length: 0\r\n\r\n"
        ))
        .await
    }
}

/// A reply of the comfortable layer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    content: Content,
    then: Then,
}

#[derive(Debug, Clone)]
enum Content {
    Whole(Vec<u8>),
    Chunks(Vec<Vec<u8>>),
    Upgrade(Vec<u8>),
    Raw(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    GoOn,
    Close,
    Stall,
}

impl Reply {
    fn of(status: u16, content: Content) -> Reply {
        Reply { status, headers: Vec::new(), content, then: Then::GoOn }
    }

    pub fn empty(status: u16) -> Reply {
        Reply::of(status, Content::Whole(Vec::new()))
    }

    pub fn json(status: u16, body: Value) -> Reply {
        Reply::of_type(status, "application/json", body.to_string())
    }

    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply::of_type(status, "text/plain; charset=utf-8", body)
    }

    /// A body that is said to be of this kind.
    pub fn of_type(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply::of(status, Content::Whole(body.into())).header("Content-Type", kind)
    }

    /// A body in chunks; not closed by the last chunk if it stalls or closes after it.
    pub fn chunks<B: Into<Vec<u8>>>(status: u16, chunks: impl IntoIterator<Item = B>) -> Reply {
        Reply::of(status, Content::Chunks(chunks.into_iter().map(Into::into).collect()))
    }

    /// 101, these bytes, and the end.
    pub fn upgrade(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply::of(101, Content::Upgrade(bytes.into())).close()
    }

    /// Any bytes, head and all.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply::of(0, Content::Raw(bytes.into()))
    }

    /// Never answer.
    pub fn silence() -> Reply {
        Reply::raw("").stall()
    }

    pub fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Hang up after it.
    pub fn close(mut self) -> Reply {
        self.then = Then::Close;
        self
    }

    /// Say nothing more after it, until the client hangs up.
    pub fn stall(mut self) -> Reply {
        self.then = Then::Stall;
        self
    }

    async fn write(self, peer: &mut Peer, head_only: bool) -> bool {
        let mut out = Vec::new();
        if !matches!(self.content, Content::Raw(_)) {
            out.extend(format!("HTTP/1.1 {} Scripted\r\n", self.status).into_bytes());
            for (name, value) in &self.headers {
                out.extend(format!("{name}: {value}\r\n").into_bytes());
            }
        }
        match self.content {
            Content::Raw(bytes) => out.extend(bytes),
            Content::Whole(body) => {
                if self.status != 204 && self.status != 304 {
                    out.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
                }
                out.extend(b"\r\n");
                if !head_only {
                    out.extend(body);
                }
            }
            Content::Chunks(chunks) => {
                out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in chunks {
                    out.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    out.extend(chunk);
                    out.extend(b"\r\n");
                }
                if self.then == Then::GoOn {
                    out.extend(b"0\r\n\r\n");
                }
            }
            Content::Upgrade(bytes) => {
                out.extend(b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
                out.extend(bytes);
            }
        }
        if !peer.write(out).await {
            return false;
        }
        if self.then == Then::Stall {
            peer.stall().await;
        }
        self.then == Then::GoOn
    }
}

type Serve = dyn Fn(Peer) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// A scripted daemon. Dropped, it is gone and its socket file with it.
pub struct Fake {
    dir: TempDir,
    shared: Arc<Shared>,
    /// Dropped with the fake: the end of a fake that lives apart.
    _life: tokio::sync::oneshot::Sender<()>,
}

impl Fake {
    /// Serve each connection by `serve`.
    pub fn raw<F>(serve: impl Fn(Peer) -> F + Send + Sync + 'static) -> Fake
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Fake::start(Arc::new(move |peer| Box::pin(serve(peer))), false)
    }

    /// As [`raw`](Fake::raw), on a thread and runtime of its own.
    pub fn raw_apart<F>(serve: impl Fn(Peer) -> F + Send + Sync + 'static) -> Fake
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Fake::start(Arc::new(move |peer| Box::pin(serve(peer))), true)
    }

    /// Answer each request but pings, which are answered already (API 1.41 unless
    /// [`api`](Fake::api) says otherwise).
    pub fn new(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
        Fake::start(comfortable(answer), false)
    }

    /// As [`new`](Fake::new), on a thread and runtime of its own.
    pub fn apart(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
        Fake::start(comfortable(answer), true)
    }

    /// An engine that knows nothing but pings.
    pub fn idle() -> Fake {
        Fake::new(|seen| Reply::json(404, serde_json::json!({"message": seen.route()})))
    }

    fn start(serve: Arc<Serve>, apart: bool) -> Fake {
        let dir = TempDir::new().unwrap();
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            news: Notify::new(),
            api: Mutex::new(Some("1.41".into())),
        });
        let listener = std::os::unix::net::UnixListener::bind(dir.path().join("d.sock")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (life, death) = tokio::sync::oneshot::channel();
        let accepting = accept(listener, serve, shared.clone());
        let living = async move {
            tokio::select! { _ = accepting => {}, _ = death => {} }
        };
        if apart {
            std::thread::spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(living);
            });
        } else {
            tokio::spawn(living);
        }
        Fake { dir, shared, _life: life }
    }

    /// Say this in answer to pings; `None` says no version at all.
    pub fn api(self, version: impl Into<Option<&'static str>>) -> Fake {
        self.set_api(version);
        self
    }

    /// As [`api`](Fake::api), later.
    pub fn set_api(&self, version: impl Into<Option<&'static str>>) {
        *self.shared.api.lock().unwrap() = version.into().map(str::to_owned);
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("d.sock")
    }

    pub fn url(&self) -> String {
        url(&self.path())
    }

    /// Connect to it. That is one ping.
    pub async fn docker(&self) -> Docker {
        Docker::connect().host(self.url()).await.unwrap()
    }

    /// All requests so far, pings too.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.log.lock().unwrap().requests.clone()
    }

    /// The requests after the first `seen`.
    pub fn requests_after(&self, seen: usize) -> Vec<Seen> {
        self.shared.log.lock().unwrap().requests[seen..].to_vec()
    }

    /// The routes of all requests but pings.
    pub fn routes(&self) -> Vec<String> {
        self.requests().iter().filter(|seen| !seen.is_ping()).map(Seen::route).collect()
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.shared.log.lock().unwrap().connections
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.shared.log.lock().unwrap().open
    }

    /// Wait until `so`, which is asked anew whenever something was written down.
    pub async fn until(&self, what: &str, so: impl Fn(&Fake) -> bool) {
        let waiting = async {
            loop {
                let mut news = std::pin::pin!(self.shared.news.notified());
                news.as_mut().enable();
                if so(self) {
                    return;
                }
                news.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(60), waiting).await.is_err() {
            panic!("never came: {what}; seen: {:#?}", self.requests());
        }
    }
}

pub fn url(path: &Path) -> String {
    format!("unix://{}", path.display())
}

fn comfortable(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Arc<Serve> {
    let answer = Arc::new(answer);
    Arc::new(move |mut peer: Peer| {
        let answer = answer.clone();
        Box::pin(async move {
            while let Some(seen) = peer.request().await {
                let reply = match seen.is_ping() {
                    true => {
                        let reply = Reply::text(200, "OK");
                        match &*peer.shared.api.lock().unwrap() {
                            Some(api) => reply.header("Api-Version", api),
                            None => reply,
                        }
                    }
                    false => answer(&seen),
                };
                if !reply.write(&mut peer, seen.method == "HEAD").await {
                    return;
                }
            }
        })
    })
}

/// Says that a connection is served no longer, however that came about.
struct Served(Arc<Shared>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.note(|log| log.open -= 1);
    }
}

async fn accept(
    listener: std::os::unix::net::UnixListener,
    serve: Arc<Serve>,
    shared: Arc<Shared>,
) {
    let listener = UnixListener::from_std(listener).unwrap();
    // Dropped with this future: no connection outlives the fake.
    let mut serving = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let nth = shared.note(|log| {
            log.open += 1;
            log.connections += 1;
            log.connections - 1
        });
        let served = Served(shared.clone());
        let serving_one = serve(Peer { stream, nth, shared: shared.clone(), read: Vec::new() });
        serving.spawn(async move {
            serving_one.await;
            drop(served);
        });
        while serving.try_join_next().is_some() {}
    }
}

/// A frame of a multiplexed stream: 1 is stdout, 2 stderr, 3 the engine's own error.
pub fn frame(stream: u8, data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    let mut out = vec![stream, 0, 0, 0];
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(data);
    out
}
