//! The local terminal for a process in a container: `docker run -it`, `exec -it`, `attach` and
//! `start -ai` (feature `terminal`).
//!
//! Four verbs have an `on_terminal`, which gives the process this program's standard input and
//! output until it ends or its user leaves it:
//!
//! ```no_run
//! # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
//! use bowline::ContainerSpec;
//!
//! // docker run -it --rm busybox sh
//! let shell = ContainerSpec::new("busybox").cmd(["sh"]).interactive().tty().rm();
//! docker.run(shell).on_terminal().await?;
//!
//! // docker exec -it web sh
//! let web = docker.container("web").await?.running()?;
//! web.exec(["sh"]).tty().on_terminal().await?;
//!
//! // docker attach web
//! web.attach().on_terminal().await?;
//!
//! // docker start -ai web
//! let web = web.stop().await?;
//! web.start().on_terminal().await?;
//! # Ok(()) }
//! ```
//!
//! # With a terminal at both ends
//!
//! Where the process has a terminal ([`tty`](crate::ContainerSpec::tty)) and an open input, and
//! standard input is a terminal, that one is put into raw mode: every key goes to the process as it
//! is typed, Ctrl-C too. The process is told how large the window is, at first and whenever that
//! changes.
//!
//! The terminal is given back as it was before: on return, on an error, when the future is dropped,
//! on a panic (before it is reported, so also where a panic aborts), on SIGHUP, SIGINT, SIGQUIT,
//! SIGTERM and SIGTSTP from outside. Nothing can be done about SIGKILL, nor about
//! [`std::process::exit`] in the midst of a session: drop the future first.
//!
//! - A signal that the program handles or ignores when its first session begins is left to it.
//!   Whoever handles SIGTERM drops the session's future, and has the terminal back. (Only Linux
//!   tells what is handled. Elsewhere the five are taken, and do what they do by default.)
//! - The others end or stop the program as before. That they pass through a handler of this crate
//!   from the first session on cannot be taken back: a program that is to handle one of them later
//!   must set its handler up before that.
//! - What is typed after the end is not read, and is there for who reads next.
//! - One session at a time can have the terminal; a second one is refused.
//!
//! # With none
//!
//! Otherwise nothing is set. Standard input goes to the process as it is, and its end is the end of
//! the process's input; for a process with a terminal, which has no such end, Ctrl-D is sent. A
//! process without a terminal writes to standard output and standard error apart, as it does by
//! itself. All bytes pass, text or not, each piece as soon as it comes.
//!
//! # Leaving it
//!
//! The detach keys, `ctrl-p,ctrl-q` unless [`detach_keys`](OnTerminal::detach_keys) or the docker
//! command's `config.json` (`detachKeys`) say otherwise, end the session and leave the process
//! running. They are looked for here, as the docker command does, and not by the engine: Docker
//! 20.10 ends an exec by them, an engine sees them only where each arrives by itself, and its end
//! of the stream would look like the process's. It is told of keys that are not its own, so that
//! its own mean nothing any more.
//!
//! Tested on Linux; made for every Unix.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use signal_hook::consts::SIGCONT;
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::attach::End;
use super::resize::Resize;
use super::scrap::Scrap;
use super::wait::{self, Condition};
use super::{
    Attach, AttachOutput, Attached, Container, Exec, ExecHandle, ExitStatus, Run, Start, Unknown,
    details,
};
use crate::error::Error;
use crate::stream::{AttachInput, StdStream, Stdin};
use crate::transport::Surroundings;
use crate::tty::{self, DetachKeys, Input, RawMode, terminal_error};
use crate::verb::{awaitable, within};
use crate::wire::ApiVersion;

/// How a session on the local terminal ended.
#[derive(Debug)]
#[must_use]
pub enum Ended {
    /// The process has ended.
    Exited(ExitStatus),
    /// The detach keys were typed. The process ran on when that was seen; this is the container it
    /// runs in.
    Detached(Container<Unknown>),
}

/// The verb behind `on_terminal`: see [`terminal`](self).
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct OnTerminal {
    verb: Verb,
    detach_keys: Option<String>,
    no_stdin: bool,
}

#[derive(Debug)]
enum Verb {
    Run(Box<Run>),
    Start(Start),
    Attach(Attach),
    Exec(Exec),
}

impl Run {
    /// Run it on the local terminal: `docker run`, with `-i` and `-t` as the spec says
    /// ([`interactive`](crate::ContainerSpec::interactive), [`tty`](crate::ContainerSpec::tty)).
    ///
    /// A session that was left by the detach keys goes on in its container; in any other case that
    /// has no exit status to show, the container is removed.
    ///
    /// # Errors
    /// As [`output`](Run::output); the local terminal fails ([`Error::Terminal`]).
    pub fn on_terminal(self) -> OnTerminal {
        OnTerminal::new(Verb::Run(Box::new(self)))
    }
}

impl Start {
    /// Start it on the local terminal: `docker start --attach --interactive`. Its input is part of
    /// that where the container has it open.
    ///
    /// # Errors
    /// As the start itself; the connection breaks before the end; the local terminal fails
    /// ([`Error::Terminal`]).
    pub fn on_terminal(self) -> OnTerminal {
        OnTerminal::new(Verb::Start(self))
    }
}

impl Attach {
    /// Attach the local terminal: `docker attach`. The process's input is part of that where the
    /// container has it open.
    ///
    /// # Errors
    /// The container does not run ([`Error::State`]); the connection breaks before the end; the
    /// local terminal fails ([`Error::Terminal`]).
    pub fn on_terminal(self) -> OnTerminal {
        OnTerminal::new(Verb::Attach(self))
    }
}

impl Exec {
    /// Run it on the local terminal: `docker exec --interactive`, and with a terminal of its own
    /// where [`tty`](Exec::tty) is said.
    ///
    /// # Errors
    /// As [`Container::exec`]; the local terminal fails ([`Error::Terminal`]).
    pub fn on_terminal(self) -> OnTerminal {
        OnTerminal::new(Verb::Exec(self))
    }
}

impl OnTerminal {
    fn new(verb: Verb) -> OnTerminal {
        OnTerminal { verb, detach_keys: None, no_stdin: false }
    }

    /// Set the keys that leave the process running, where it has a terminal: `--detach-keys`. A
    /// character, or `ctrl-` and one of `a` to `z`, `@`, `[`, `\`, `]`, `^`, `_`; several with
    /// commas between.
    pub fn detach_keys(mut self, keys: impl Into<String>) -> OnTerminal {
        self.detach_keys = Some(keys.into());
        self
    }

    /// Leave standard input alone, and show the output only: `--no-stdin`, and what `docker exec`
    /// and `docker start --attach` do without `--interactive`. The terminal is not put into raw mode
    /// then, and there are no detach keys.
    pub fn no_stdin(mut self) -> OnTerminal {
        self.no_stdin = true;
        self
    }

    async fn run(self) -> Result<Ended, Error> {
        let around = Surroundings::from_process();
        let keys = DetachKeys::choose(self.detach_keys.as_deref(), &around)?;
        let read = !self.no_stdin;
        match self.verb {
            Verb::Run(run) => {
                let mut scrap = Scrap::none();
                let done = ran(*run, keys, read, &mut scrap).await;
                scrap.settle(done).await
            }
            Verb::Start(start) => started(start, keys, read).await,
            Verb::Attach(mut attach) => {
                // What does not run is refused: nobody is here to start it.
                attach.runs = true;
                let session = Session::of(attached(attach, &keys, read).await?);
                Session { redraw: true, ..session }.drive(keys).await
            }
            Verb::Exec(exec) => within("exec", exec.limit, executed(exec, keys, read)).await,
        }
    }
}

awaitable!(OnTerminal => Result<Ended, Error>);

async fn ran(run: Run, keys: DetachKeys, read: bool, scrap: &mut Scrap) -> Result<Ended, Error> {
    let on = run.create(scrap).await?;
    let ended = started(Start::new(on.clone()), keys, read).await?;
    if matches!(ended, Ended::Exited(_)) && on.traits.auto_remove {
        // As for any run: what is left of it is gone when this returns.
        let _ = wait::wait(&on, Condition::Removed).await;
    }
    Ok(ended)
}

async fn started(start: Start, keys: DetachKeys, read: bool) -> Result<Ended, Error> {
    let attached = attached(Attach::new(start.on.clone(), false), &keys, read).await?;
    let session = Session::of(attached);
    let _running = start.await?;
    session.drive(keys).await
}

/// Attach with the input, where there is one and it is to be read.
async fn attached(mut attach: Attach, keys: &DetachKeys, read: bool) -> Result<Attached, Error> {
    if attach.on.traits.stdin.is_none() {
        attach.on.traits = details::see(&attach.on).await?.traits();
    }
    attach.stdin = read && attach.on.traits.stdin != Some(Stdin::Absent);
    attach.detach_keys = keys.for_engine().filter(|_| attach.on.traits.tty == Some(true));
    attach.await
}

async fn executed(mut exec: Exec, keys: DetachKeys, read: bool) -> Result<Ended, Error> {
    exec.limit = None;
    exec.request.attach_stdin = read;
    if exec.request.tty {
        exec.request.detach_keys = keys.for_engine();
        // Before 1.42 the session tells it, a moment later.
        let knows = exec.on.transport.version() >= ApiVersion::new(1, 42);
        exec.request.console_size = tty::size().filter(|_| knows);
    }
    Session::of(exec.open().await?.attached).drive(keys).await
}

/// A process's streams, to be joined with the local ones.
struct Session {
    input: AttachInput,
    output: AttachOutput,
    tty: bool,
    terminal: Terminal,
    /// What it shows was drawn for somebody else: let the process draw it anew.
    redraw: bool,
}

/// Whose terminal is to be resized.
enum Terminal {
    Container(Container<Unknown>),
    Exec(ExecHandle),
}

impl Terminal {
    fn resize(&self, rows: u16, cols: u16) -> Resize {
        match self {
            Terminal::Container(on) => on.resize_to(rows, cols),
            Terminal::Exec(exec) => exec.resize(rows, cols),
        }
    }
}

impl Session {
    fn of(attached: Attached) -> Session {
        let (input, output) = attached.split();
        let (tty, terminal) = match &output.end {
            End::Container(_) => {
                let on = &output.on;
                (on.traits.tty == Some(true), Terminal::Container(on.clone()))
            }
            End::Exec(exec) => (exec.tty, Terminal::Exec(exec.clone())),
        };
        Session { input, output, tty, terminal, redraw: false }
    }

    /// Join them until the process has ended or is left.
    async fn drive(self, keys: DetachKeys) -> Result<Ended, Error> {
        let Session { input, mut output, tty, terminal, redraw } = self;
        let local = match input.stdin() {
            Stdin::Absent => None,
            Stdin::Ends | Stdin::Stays => Some(Input::open()?),
        };
        let raw = match &local {
            Some(local) if tty && local.is_terminal() => Some(RawMode::enter()?),
            _ => None,
        };
        let resized = tty.then(Resized::watch).transpose()?;
        let detached = {
            let keys = tty.then_some(keys);
            let mut feed = local.map(|from| Feed::new(from, input, keys, raw.as_ref()));
            let mut shown = pin!(show(&mut output));
            let mut told = pin!(tell_size(&terminal, resized, redraw));
            std::future::poll_fn(|cx| {
                // First, so that no key is read for a process that is known to have ended.
                if let Poll::Ready(shown) = shown.as_mut().poll(cx) {
                    return Poll::Ready(shown.map(|()| false));
                }
                // Never ready.
                let _ = told.as_mut().poll(cx);
                match &mut feed {
                    Some(feed) => feed.poll(cx).map_ok(|()| true),
                    None => Poll::Pending,
                }
            })
            .await?
        };
        // A process may close its terminal long before its end: that is waited for with ours given
        // back.
        drop(raw);
        match detached {
            true => Ok(Ended::Detached(output.on)),
            false => Ok(Ended::Exited(output.end.status().await?)),
        }
    }
}

/// Write to the local streams what the process prints, to its end.
async fn show(output: &mut AttachOutput) -> Result<(), Error> {
    const WRITE: &str = "write the output";
    let (mut stdout, mut stderr) = (tokio::io::stdout(), tokio::io::stderr());
    while let Some(chunk) = output.next().await.transpose()? {
        let written = match chunk.stream {
            StdStream::Out => write(&mut stdout, &chunk.data).await,
            StdStream::Err => write(&mut stderr, &chunk.data).await,
        };
        written.map_err(terminal_error(WRITE))?;
    }
    Ok(())
}

async fn write(to: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> std::io::Result<()> {
    to.write_all(data).await?;
    to.flush().await
}

/// Rings when the window may have another size: it was changed, or this process was stopped
/// meanwhile.
struct Resized {
    changed: Signal,
    continued: Signal,
}

impl Resized {
    fn watch() -> Result<Resized, Error> {
        const WATCH: &str = "watch its size";
        let changed = signal(SignalKind::window_change()).map_err(terminal_error(WATCH))?;
        let continued = signal(SignalKind::from_raw(SIGCONT)).map_err(terminal_error(WATCH))?;
        Ok(Resized { changed, continued })
    }

    async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let changed = self.changed.poll_recv(cx).is_ready();
            let continued = self.continued.poll_recv(cx).is_ready();
            if changed || continued { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    }
}

/// The process may not be through with its start when it is first told; the docker command asks as
/// often.
const RETRIES: u32 = 10;

/// Tell the process how large the window is, now and whenever that changes.
async fn tell_size(terminal: &Terminal, resized: Option<Resized>, redraw: bool) {
    let Some(mut resized) = resized else { return std::future::pending().await };
    let mut told = None;
    if let (true, Some((rows, cols))) = (redraw, tty::size()) {
        // A process hears of a size only when it is another one, and then draws what it shows. The
        // docker command does the same.
        let _ = terminal.resize(rows.saturating_add(1), cols.saturating_add(1)).await;
    }
    loop {
        for retry in 0..=RETRIES {
            tokio::time::sleep(Duration::from_millis(10) * retry).await;
            let Some(size) = tty::size().filter(|size| told != Some(*size)) else { break };
            let (rows, cols) = size;
            if terminal.resize(rows, cols).await.is_ok() {
                told = Some(size);
            } else if told.is_some() {
                // It has been through with its start, so it is through with its life.
                break;
            }
        }
        // Without it the process goes on with another size: no reason to end the session.
        resized.next().await;
    }
}

/// So much of what was typed waits for the process to take it.
const WAITING: usize = 64 << 10;

/// What is read from a terminal that has no end is ended by this.
const CTRL_D: u8 = 4;

/// Carries the local input to the process.
struct Feed<'a> {
    from: Input,
    to: AttachInput,
    /// For a terminal only.
    keys: Option<DetachKeys>,
    raw: Option<&'a RawMode>,
    waiting: BytesMut,
    /// What was read last ended a line.
    line_over: bool,
    from_over: bool,
    to_over: bool,
}

impl<'a> Feed<'a> {
    fn new(
        from: Input,
        to: AttachInput,
        keys: Option<DetachKeys>,
        raw: Option<&'a RawMode>,
    ) -> Feed<'a> {
        let (waiting, line_over) = (BytesMut::new(), true);
        Feed { from, to, keys, raw, waiting, line_over, from_over: false, to_over: false }
    }

    /// Ready once the detach keys were typed. The end of either side is none of the session: that
    /// is seen by the process's output.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            while !self.from_over && !self.to_over && self.waiting.len() < WAITING {
                match self.poll_read(cx)? {
                    Poll::Ready(true) => {
                        // What was typed before them, as far as it is taken at once.
                        self.write(cx);
                        return Poll::Ready(Ok(()));
                    }
                    Poll::Ready(false) => {}
                    Poll::Pending => break,
                }
            }
            let full = self.waiting.len() >= WAITING;
            self.write(cx);
            if !full || self.waiting.len() >= WAITING {
                return Poll::Pending;
            }
        }
    }

    /// Read a piece, and say whether it ends the detach keys.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let mut piece = [0; 4 << 10];
        let most = self.keys.as_ref().map_or(piece.len(), DetachKeys::missing);
        let mut piece = ReadBuf::new(&mut piece);
        let mut buffer = piece.take(most);
        ready!(self.from.poll_read(cx, &mut buffer))?;
        let read = buffer.filled();
        if let Some(last) = read.last() {
            self.line_over = *last == b'\n';
            if let Some(raw) = self.raw {
                raw.renew();
            }
            return Poll::Ready(Ok(match &mut self.keys {
                Some(keys) => keys.pass(read, &mut self.waiting),
                None => {
                    self.waiting.extend_from_slice(read);
                    false
                }
            }));
        }
        self.from_over = true;
        if self.raw.is_some() {
            return Poll::Ready(Err(tty::hung_up()));
        }
        if let Some(keys) = &mut self.keys {
            keys.finish(&mut self.waiting);
            // Within a line the first one only ends that.
            let times = if self.line_over { 1 } else { 2 };
            self.waiting.put_bytes(CTRL_D, times);
        }
        Poll::Ready(Ok(false))
    }

    /// Write what the process takes.
    fn write(&mut self, cx: &mut Context<'_>) {
        while !self.to_over && !self.waiting.is_empty() {
            match Pin::new(&mut self.to).poll_write(cx, &self.waiting) {
                Poll::Ready(Ok(n)) => self.waiting.advance(n),
                // It reads no more, and mostly is through.
                Poll::Ready(Err(_)) => self.to_over = true,
                Poll::Pending => return,
            }
        }
        if self.from_over && !self.to_over {
            // Refused for an input that is kept, which is then to stay as it is.
            self.to_over = Pin::new(&mut self.to).poll_shutdown(cx).is_ready();
        }
    }
}
