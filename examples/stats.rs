//! Statistics: a live screen of what containers use.
//!
//! You learn: how to follow the records of several containers at once, what can be read out of them,
//! and how to draw them: a line of bars for each container's processor, memory and network.
//!
//! It is `docker stats`. Name containers to watch those; without a name it starts three of its own.
//! `q` ends it. Where standard output is no terminal it prints a few rows, and ends.
//!
//! ```text
//! scripts/with-engine cargo run --example stats
//! ```

use std::collections::VecDeque;
use std::error::Error;
use std::io::IsTerminal;

use bowline::container::stats::{Stats, StatsStream};
use bowline::{Container, ContainerSpec, Docker, Running, Throwaway};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Sparkline};
use ratatui::{DefaultTerminal, Frame};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let docker = Docker::connect().await?;
    let mut watched = Vec::new();
    for name in std::env::args().skip(1) {
        watched.push(docker.container(name).await?.running()?);
    }
    // They are gone when this program is, however it ends: see the tutorial `harness`.
    let own = if watched.is_empty() { demonstration(&docker).await? } else { Vec::new() };
    let mut gauges = Vec::new();
    for container in watched.iter().chain(own.iter().map(|throwaway| &**throwaway)) {
        gauges.push(Gauge::of(container).await?);
    }
    let outcome = if std::io::stdout().is_terminal() {
        // From here the screen is this program's. It is given back after the next line, and by a
        // panic before it is reported.
        let mut terminal = ratatui::try_init()?;
        let outcome = watch(&mut terminal, gauges).await;
        ratatui::try_restore()?;
        outcome
    } else {
        print(gauges).await
    };
    for throwaway in own {
        throwaway.close().await?;
    }
    outcome
}

/// Start three containers: one uses the processor, one memory, one the network, each in waves.
async fn demonstration(docker: &Docker) -> Result<Vec<Throwaway>, Box<dyn Error>> {
    let spin = "while :; do end=$(($(date +%s) + 3)); \
                while [ $(date +%s) -lt $end ]; do :; done; sleep 2; done";
    let hoard = "while :; do for n in 1 2 3 4 5 6; do \
                 dd if=/dev/zero of=/dev/shm/$n bs=1M count=4; sleep 1; done; \
                 rm /dev/shm/*; done 2>/dev/null";
    let talk = "host=$(ip route | awk '/default/ { print $3 }'); \
                while :; do ping -q -c 30 -i 0.05 -s 1400 $host; sleep 2; done >/dev/null";
    let mut started = Vec::new();
    for (name, script) in [("spinner", spin), ("hoarder", hoard), ("talker", talk)] {
        // A fifth of a processor is enough to be seen.
        let spec = ContainerSpec::new("busybox")
            .name(format!("{name}-{}", std::process::id()))
            .cmd(["sh", "-c", script])
            .init(true)
            .cpus(0.2);
        started.push(docker.throwaway(spec).await?);
    }
    Ok(started)
}

/// A container, and what its records say.
struct Gauge {
    name: String,
    stream: Option<StatsStream>,
    last: Option<Stats>,
    cpu: Wave,
    memory: Wave,
    network: Wave,
}

impl Gauge {
    async fn of(container: &Container<Running>) -> Result<Gauge, bowline::Error> {
        Ok(Gauge {
            name: container.inspect().await?.name,
            stream: Some(container.stats().await?),
            last: None,
            cpu: Wave::default(),
            memory: Wave::default(),
            network: Wave::default(),
        })
    }

    fn take(&mut self, record: Stats) {
        // The first record has none before it that it could be compared with.
        if let Some(percent) = record.cpu_percent() {
            self.cpu.push(percent);
        }
        self.memory.push(record.memory_usage().unwrap_or(0) as f64);
        if let Some(last) = &self.last {
            // Records are a second apart.
            let bytes = |of: &Stats| of.network_io().received + of.network_io().sent;
            self.network.push(bytes(&record).saturating_sub(bytes(last)) as f64);
        }
        self.last = Some(record);
    }
}

/// The last values, the newest first.
#[derive(Default)]
struct Wave(VecDeque<f64>);

impl Wave {
    fn push(&mut self, value: f64) {
        self.0.push_front(value);
        self.0.truncate(200);
    }

    fn now(&self) -> f64 {
        self.0.front().copied().unwrap_or(0.0)
    }
}

/// Print a few rows: `docker stats --no-stream`, more than once.
async fn print(mut gauges: Vec<Gauge>) -> Result<(), Box<dyn Error>> {
    println!("$ docker stats");
    println!("{:<20} {:>8} {:>22} {:>22}", "NAME", "CPU %", "MEM USAGE / LIMIT", "NET I/O");
    for round in 0..3 {
        for gauge in &mut gauges {
            let Some(stream) = &mut gauge.stream else { continue };
            let Some(record) = stream.next().await.transpose()? else { continue };
            // Of the first, the use of the processor is not known yet.
            if round > 0 {
                let cpu = record.cpu_percent().unwrap_or(0.0);
                let used = bytes(record.memory_usage().unwrap_or(0) as f64);
                let limit = bytes(record.memory.limit.unwrap_or(0) as f64);
                let io = record.network_io();
                let network = format!("{} / {}", bytes(io.received as f64), bytes(io.sent as f64));
                let memory = format!("{used} / {limit}");
                println!("{:<20} {cpu:>7.2}% {memory:>22} {network:>22}", gauge.name);
            }
        }
    }
    Ok(())
}

/// Draw until `q` is typed, a signal says so, or there is nothing left to watch.
async fn watch(
    terminal: &mut DefaultTerminal,
    mut gauges: Vec<Gauge>,
) -> Result<(), Box<dyn Error>> {
    let (records, mut record) = mpsc::channel(16);
    for (n, gauge) in gauges.iter_mut().enumerate() {
        let (records, stream) = (records.clone(), gauge.stream.take());
        tokio::spawn(async move {
            let Some(mut stream) = stream else { return };
            while let Some(record) = stream.next().await {
                if records.send((n, record)).await.is_err() {
                    break;
                }
            }
        });
    }
    // The channel ends with the last stream.
    drop(records);

    let (keys, mut key) = mpsc::channel(16);
    // Reading the keyboard blocks, and there is nothing to wait for at the end: a thread of its own.
    std::thread::spawn(move || while keys.blocking_send(event::read()).is_ok() {});
    // As signals; typed, ctrl-c is a key like others here.
    let mut stops = Vec::new();
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
        stops.push(signal(kind)?);
    }
    let [terminate, hangup, interrupt] = stops.as_mut_slice() else { return Ok(()) };

    loop {
        terminal.draw(|frame| draw(frame, &gauges))?;
        tokio::select! {
            next = record.recv() => match next {
                Some((n, record)) => if let Some(gauge) = gauges.get_mut(n) {
                    gauge.take(record?);
                },
                None => return Ok(()),
            },
            next = key.recv() => match next.transpose()? {
                Some(Event::Key(key)) if key.code == KeyCode::Char('q') => return Ok(()),
                Some(Event::Key(key)) if key.code == KeyCode::Char('c')
                    && key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(()),
                // Among the others is a change of the window's size: it is drawn anew.
                _ => {}
            },
            _ = terminate.recv() => return Ok(()),
            _ = hangup.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
    }
}

fn draw(frame: &mut Frame<'_>, gauges: &[Gauge]) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(frame.area());
    let title = format!(" docker stats: {} containers", gauges.len());
    frame.render_widget(Line::from(title).bold(), head);
    frame.render_widget(Line::from(" q quits").dim(), foot);

    let rows = Layout::vertical(gauges.iter().map(|_| Constraint::Max(9))).split(body);
    for (gauge, area) in gauges.iter().zip(rows.iter()) {
        let block = Block::bordered()
            .border_style(Style::new().dim())
            .title(Line::from(format!(" {} ", gauge.name)).not_dim());
        let inside = block.inner(*area);
        frame.render_widget(block, *area);
        let [cpu, memory, network] =
            Layout::horizontal([Constraint::Fill(1); 3]).spacing(2).areas(inside);
        let used = bytes(gauge.memory.now());
        let limit = gauge.last.as_ref().and_then(|last| last.memory.limit).unwrap_or(0);
        // What a full line of bars means at least: a tenth of a processor, a megabyte, a kilobyte.
        for (area, wave, least, color, title) in [
            (cpu, &gauge.cpu, 10.0, Color::Cyan, format!("CPU {:.2} %", gauge.cpu.now())),
            (
                memory,
                &gauge.memory,
                1e6,
                Color::Magenta,
                format!("memory {used} of {}", bytes(limit as f64)),
            ),
            (
                network,
                &gauge.network,
                1e3,
                Color::Green,
                format!("network {}/s", bytes(gauge.network.now())),
            ),
        ] {
            let most = wave.0.iter().copied().fold(least, f64::max);
            // The newest at the right.
            let line = Sparkline::default()
                .block(Block::new().title(title))
                .data(wave.0.iter().map(|value| (value * 100.0) as u64))
                .max((most * 100.0) as u64)
                .direction(ratatui::widgets::RenderDirection::RightToLeft)
                .style(Style::new().fg(color));
            frame.render_widget(line, area);
        }
    }
}

fn bytes(n: f64) -> String {
    match n {
        n if n < 1e3 => format!("{n:.0} B"),
        n if n < 1e6 => format!("{:.1} kB", n / 1e3),
        n if n < 1e9 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.1} GB", n / 1e9),
    }
}
