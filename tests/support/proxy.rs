//! A proxy on a Unix socket that spoils what passes through it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline::Docker;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

/// What befalls the bytes of one direction. Positions count from the connection's beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Toxic {
    /// Each piece comes so much later.
    Delay(Duration),
    /// One byte at a time, with this pause between two.
    Drip(Duration),
    /// Pieces of so many bytes, each written by itself.
    Split(usize),
    /// After so many bytes both directions are closed.
    Cut(usize),
    /// After so many bytes both directions are closed with something unread in them, so that the
    /// sender of this direction is told of a reset.
    Reset(usize),
    /// After so many bytes this direction ends; the other goes on.
    HalfClose(usize),
    /// The bits of this byte are turned over.
    Corrupt(usize),
    /// After so many bytes nothing more comes, and nothing is closed.
    Stall(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Direction {
    /// From the client to the engine.
    Up,
    /// From the engine to the client.
    Down,
}

/// The toxics of both directions.
#[derive(Default, Clone)]
struct Poison {
    up: Vec<Toxic>,
    down: Vec<Toxic>,
}

/// A proxy between the crate and an engine, real or scripted.
pub struct Proxy {
    dir: TempDir,
    poison: Arc<Mutex<Poison>>,
    /// Asks the proxy to hang up on everybody, and to say when it has.
    hang_up: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

impl Proxy {
    /// Stand before the engine that listens at `upstream`. Harmless at first.
    pub fn new(upstream: impl Into<PathBuf>) -> Proxy {
        let upstream = upstream.into();
        let dir = TempDir::new().unwrap();
        let listener = UnixListener::bind(dir.path().join("p.sock")).unwrap();
        let poison = Arc::<Mutex<Poison>>::default();
        let (hang_up, asked) = mpsc::unbounded_channel();
        tokio::spawn(accept(listener, upstream, poison.clone(), asked));
        Proxy { dir, poison, hang_up }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("p.sock")
    }

    /// Connect through it.
    pub async fn docker(&self) -> Docker {
        Docker::connect().host(super::fake::url(&self.path())).await.unwrap()
    }

    /// Spoil connections opened from now on by these and no others; those that are open are
    /// closed, and so is what a client keeps.
    pub async fn poison(&self, direction: Direction, toxics: impl IntoIterator<Item = Toxic>) {
        let toxics = toxics.into_iter().collect();
        *self.poison.lock().unwrap() = match direction {
            Direction::Up => Poison { up: toxics, down: Vec::new() },
            Direction::Down => Poison { up: Vec::new(), down: toxics },
        };
        let (done, when_done) = oneshot::channel();
        self.hang_up.send(done).unwrap();
        when_done.await.unwrap();
    }

    /// Spoil nothing any more.
    pub async fn heal(&self) {
        self.poison(Direction::Up, []).await;
    }
}

async fn accept(
    listener: UnixListener,
    upstream: PathBuf,
    poison: Arc<Mutex<Poison>>,
    mut asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
) {
    let mut passing = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            done = asked.recv() => match done {
                Some(done) => {
                    passing.shutdown().await;
                    let _ = done.send(());
                }
                None => return,
            },
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                let poison = poison.lock().unwrap().clone();
                passing.spawn(pass(client, upstream.clone(), poison));
            }
        }
    }
}

async fn pass(client: UnixStream, upstream: impl AsRef<Path>, poison: Poison) {
    let Ok(engine) = UnixStream::connect(upstream).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_engine, to_engine) = engine.into_split();
    let up = pump(from_client, to_engine, poison.up);
    let down = pump(from_engine, to_client, poison.down);
    tokio::pin!(up, down);
    // A direction that ends by itself leaves the other open; a cut takes both.
    let (ended, other_is_up) = tokio::select! {
        ended = &mut up => (ended, false),
        ended = &mut down => (ended, true),
    };
    if matches!(ended, End::Whole) {
        match other_is_up {
            true => drop(up.await),
            false => drop(down.await),
        }
    }
}

enum End {
    /// This direction alone.
    Whole,
    /// All of the connection, of which the halves are held until now: what is unread in them
    /// makes a close a reset.
    Both(#[allow(dead_code)] OwnedReadHalf, #[allow(dead_code)] OwnedWriteHalf),
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, toxics: Vec<Toxic>) -> End {
    let limit = toxics.iter().find_map(|toxic| match *toxic {
        Toxic::Cut(n) | Toxic::Reset(n) | Toxic::HalfClose(n) | Toxic::Stall(n) => {
            Some((n, *toxic))
        }
        _ => None,
    });
    let piece = toxics.iter().find_map(|toxic| match *toxic {
        Toxic::Drip(pause) => Some((1, pause)),
        Toxic::Split(n) => Some((n, Duration::ZERO)),
        _ => None,
    });
    let mut passed = 0;
    let mut buffer = vec![0; 32 << 10];
    loop {
        let room = limit.map_or(buffer.len(), |(n, _)| (n - passed).min(buffer.len()));
        if room == 0 {
            match limit {
                Some((_, Toxic::HalfClose(_))) => {
                    let _ = to.shutdown().await;
                    // Read on, so that the sender does not stall.
                    while !matches!(from.read(&mut buffer).await, Ok(0) | Err(_)) {}
                    return End::Whole;
                }
                Some((_, Toxic::Stall(_))) => std::future::pending().await,
                Some((_, Toxic::Reset(_))) => {
                    let _ = from.readable().await;
                    return End::Both(from, to);
                }
                _ => return End::Both(from, to),
            }
        }
        let n = match from.read(&mut buffer[..room]).await {
            Ok(n) if n > 0 => n,
            _ => {
                let _ = to.shutdown().await;
                return End::Whole;
            }
        };
        for toxic in &toxics {
            match *toxic {
                Toxic::Delay(time) => tokio::time::sleep(time).await,
                Toxic::Corrupt(at) if (passed..passed + n).contains(&at) => {
                    buffer[at - passed] ^= 0xff;
                }
                _ => {}
            }
        }
        passed += n;
        let (size, pause) = piece.unwrap_or((n, Duration::ZERO));
        for part in buffer[..n].chunks(size) {
            if to.write_all(part).await.is_err() {
                return End::Both(from, to);
            }
            match pause.is_zero() {
                // Let the reader take this piece before the next one is written.
                true if size < n => tokio::task::yield_now().await,
                true => {}
                false => tokio::time::sleep(pause).await,
            }
        }
    }
}
