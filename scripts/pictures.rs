//! Draws the README's pictures: runs tutorials at a terminal, and writes what the screen shows, from
//! moment to moment, as pictures that move by themselves. `scripts/pictures` calls it.

#[path = "../tests/support/registry.rs"]
#[allow(unreachable_pub, dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod registry;

use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bowline::{BuildContext, Docker};
use pty_process::{Command, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout_at};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: pictures FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    pull(&folder.join("pull.svg")).await?;
    stats(&folder.join("stats.svg")).await
}

/// The bars of a pull, from a registry that is as slow as one far away.
async fn pull(to: &Path) -> Outcome<()> {
    let docker = Docker::connect().await?;
    let registry = registry::Registry::open();
    let far = slow(registry.host()).await?;
    let name = format!("localhost:{far}/knots:v1");

    let mut seed = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    let mut context = BuildContext::new();
    let mut dockerfile = "FROM busybox\n".to_owned();
    for (n, size) in [900_000, 4_200_000, 2_000_000, 6_500_000, 300_000].into_iter().enumerate() {
        // Bytes that do not compress, and that no engine has seen.
        let noise = std::iter::repeat_with(|| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as u8
        });
        context = context.file(format!("part{n}"), noise.take(size).collect::<Vec<u8>>());
        writeln!(dockerfile, "COPY part{n} /")?;
    }
    let built = docker.build(context.file("Dockerfile", dockerfile)).tag(name.as_str()).await?;
    docker.image(name.as_str())?.push().await?;
    built.image.remove().force().await?;

    // What other images there are is not for a picture.
    let end = End::At("\r\n$ docker images");
    let film = Film::of("pull", &[&name], (10, 92), end).await;
    docker.image(name.as_str())?.remove().await?;
    std::fs::write(to, film?.svg(Duration::ZERO, 4.0))?;
    Ok(())
}

/// The screen of `stats`, once its lines are full.
async fn stats(to: &Path) -> Outcome<()> {
    let (from, until) = (Duration::from_secs(36), Duration::from_secs(45));
    let film = Film::of("stats", &[], (29, 100), End::After(until)).await?;
    std::fs::write(to, film.svg(from, 0.0))?;
    Ok(())
}

/// Open a port that leads to an address, and hands on what comes from there at a measured pace.
async fn slow(to: String) -> Outcome<u16> {
    // The port that registries have in examples, if it is free.
    let listener = match TcpListener::bind("127.0.0.1:5000").await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await?,
    };
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let far = TcpStream::connect(to).await?;
                let (mut near_in, mut near_out) = near.into_split();
                let (mut far_in, mut far_out) = far.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut near_in, &mut far_out).await });
                let mut piece = vec![0; 32 << 10];
                loop {
                    let n = far_in.read(&mut piece).await?;
                    let Some(piece) = piece.get(..n).filter(|piece| !piece.is_empty()) else {
                        return near_out.shutdown().await;
                    };
                    near_out.write_all(piece).await?;
                    sleep(Duration::from_millis(25)).await;
                }
            });
        }
    });
    Ok(port)
}

/// What a screen showed, each time with its moment.
struct Film {
    frames: Vec<(Duration, Vec<String>)>,
    size: (u16, u16),
    title: String,
}

/// Where a film ends.
enum End {
    /// Before this is written.
    At(&'static str),
    /// So long after its beginning.
    After(Duration),
}

/// The width and height of a character, and the space around them all.
const CELL: (f64, f64) = (8.4, 18.0);
const EDGE: f64 = 14.0;
const BAR: f64 = 30.0;
/// How often the screen is looked at.
const BEAT: Duration = Duration::from_millis(100);
/// How long the last frame stands.
const REST: Duration = Duration::from_millis(3000);

const STYLE: &str = "text{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;\
    fill:#cdd6f4;white-space:pre}.b{font-weight:bold}.d{opacity:.55}path{fill:#cdd6f4}\
    .l{fill:none;stroke:#cdd6f4;opacity:.4}.e{opacity:.18}\
    .c1{fill:#f38ba8}.c2{fill:#a6e3a1}.c3{fill:#f9e2af}.c4{fill:#89b4fa}.c5{fill:#cba6f7}\
    .c6{fill:#74c7ec}";

impl Film {
    /// Run an example at a terminal of so many rows and columns, and look at its screen.
    async fn of(example: &str, args: &[&str], size: (u16, u16), end: End) -> Outcome<Film> {
        let own = std::env::current_exe()?;
        let program = own.with_file_name(example);
        let (mut pty, pts) = pty_process::open()?;
        pty.resize(Size::new(size.0, size.1))?;
        let mut child = Command::new(&program).args(args).kill_on_drop(true).spawn(pts)?;
        let cells = |n: u16| NonZeroU16::new(n).ok_or("a screen of no size");
        let mut screen = vt100::Parser::new(cells(size.0)?, cells(size.1)?, 0);
        let start = Instant::now();
        let mut beat = start;
        let mut frames: Vec<(Duration, Vec<String>)> = Vec::new();
        let mut seen = Vec::new();
        let mut over = false;
        while !over {
            let mut piece = [0; 8192];
            match timeout_at(beat, pty.read(&mut piece)).await {
                Ok(n) => {
                    let shown = seen.len();
                    seen.extend_from_slice(piece.get(..n?).unwrap_or_default());
                    if let End::At(mark) = end {
                        let at = seen.windows(mark.len()).position(|part| part == mark.as_bytes());
                        over = at.is_some();
                        seen.truncate(at.unwrap_or(seen.len()));
                    }
                    screen.process(seen.get(shown..).unwrap_or_default());
                }
                Err(_) => {
                    beat += BEAT;
                    over = matches!(end, End::After(time) if start.elapsed() > time);
                    let rows = draw(screen.screen(), size);
                    if frames.last().is_none_or(|(_, last)| *last != rows) {
                        frames.push((start.elapsed(), rows));
                    }
                }
            }
        }
        frames.push((start.elapsed(), draw(screen.screen(), size)));
        // What it has begun it may end; of what is drawn on the whole screen that is by its key.
        if screen.screen().alternate_screen() {
            pty.write_all(b"q").await?;
        }
        let drain = tokio::spawn(async move {
            let mut rest = [0; 8192];
            while pty.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        });
        child.wait().await?;
        drain.abort();
        let title = format!("cargo run --example {example}");
        Ok(Film { frames, size, title })
    }

    /// Write it as a picture that begins at this moment, and over again at its end; with so much
    /// between two rows.
    fn svg(&self, from: Duration, leading: f64) -> String {
        // The screen as it was at the beginning, and all that came after.
        let first = self.frames.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
        let frames = self.frames.get(first..).unwrap_or_default();
        let time = |at: Duration| at.saturating_sub(from).as_secs_f64();
        let whole = frames.last().map_or(0.0, |(at, _)| time(*at)) + REST.as_secs_f64();

        let (rows, cols) = (f64::from(self.size.0), f64::from(self.size.1));
        let (width, height) = (cols * CELL.0 + 2.0 * EDGE, rows * (CELL.1 + leading) + EDGE + BAR);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\">\n<style>{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e1e2e\"/>\n\
             <text x=\"50%\" y=\"20\" text-anchor=\"middle\" class=\"d\">{}</text>\n",
            escape(&self.title)
        );
        for n in 0..usize::from(self.size.0) {
            // A row is drawn once for as long as it stays the same.
            let mut spans: Vec<(f64, &str)> = Vec::new();
            for (at, rows) in frames {
                let row = rows.get(n).map_or("", String::as_str);
                if spans.last().is_none_or(|(_, last)| *last != row) {
                    spans.push((time(*at) / whole, row));
                }
            }
            let y = BAR + n as f64 * (CELL.1 + leading);
            for (k, (begin, row)) in spans.iter().enumerate() {
                if row.is_empty() {
                    continue;
                }
                // Where pictures do not move, the last moment is seen.
                let end = spans.get(k + 1).map(|(end, _)| *end);
                let hidden = if end.is_some() { " visibility=\"hidden\"" } else { "" };
                let _ = write!(svg, "<g transform=\"translate({EDGE} {y})\"{hidden}>");
                let (values, times) = match end {
                    Some(end) if *begin == 0.0 => ("visible;hidden", format!("0;{end:.4}")),
                    Some(end) => ("hidden;visible;hidden", format!("0;{begin:.4};{end:.4}")),
                    None => ("hidden;visible", format!("0;{begin:.4}")),
                };
                if spans.len() > 1 {
                    let _ = write!(
                        svg,
                        "<animate attributeName=\"visibility\" calcMode=\"discrete\" \
                         repeatCount=\"indefinite\" dur=\"{whole:.2}s\" values=\"{values}\" \
                         keyTimes=\"{times}\"/>"
                    );
                }
                let _ = writeln!(svg, "{row}</g>");
            }
        }
        svg + "</svg>\n"
    }
}

/// Draw each row of a screen. Blocks and lines are drawn as such: fonts leave gaps between them.
fn draw(screen: &vt100::Screen, size: (u16, u16)) -> Vec<String> {
    (0..size.0).map(|row| draw_row(screen, row, size.1)).collect()
}

fn draw_row(screen: &vt100::Screen, row: u16, cols: u16) -> String {
    let mut out = String::new();
    let mut paths = std::collections::BTreeMap::<String, String>::new();
    let mut col = 0;
    while col < cols {
        let Some(cell) = screen.cell(row, col) else { break };
        let glyph = cell.contents().to_owned();
        let class = class(cell);
        // As many as look the same: of text those in one style, of others those of one kind.
        let drawn = shape(&glyph, 0.0);
        let mut text = String::new();
        let mut last = col;
        while let Some(next) = screen.cell(row, last) {
            let same = if drawn.is_some() {
                next.contents() == glyph
            } else {
                shape(next.contents(), 0.0).is_none()
            };
            if last == cols || !same || self::class(next) != class {
                break;
            }
            text += if next.has_contents() { next.contents() } else { " " };
            last += 1;
        }
        let (x, width) = (f64::from(col) * CELL.0, f64::from(last - col) * CELL.0);
        if let Some((kind, path)) = shape(&glyph, width) {
            let paths = paths.entry(format!("{class}{kind}")).or_default();
            let _ = write!(paths, "M{x:.1} 0{path}");
        } else if !text.trim().is_empty() {
            let blank = text.len() - text.trim_start().len();
            let text = text.trim();
            let x = x + blank as f64 * CELL.0;
            let length = text.chars().count() as f64 * CELL.0;
            let class = class.trim_end();
            let _ = write!(
                out,
                "<text x=\"{x:.1}\" y=\"13\" textLength=\"{length:.1}\" class=\"{class}\">{}</text>",
                escape(text)
            );
        }
        col = last.max(col + 1);
    }
    for (class, path) in paths {
        let _ = write!(out, "<path class=\"{}\" d=\"{path}\"/>", class.trim_end());
    }
    out
}

/// The path of a glyph that is no text, so and so wide, from the cell's upper left corner; and the
/// class of how it is painted.
fn shape(glyph: &str, width: f64) -> Option<(&'static str, String)> {
    let (w, h) = (CELL.0 / 2.0, CELL.1 / 2.0);
    let eighths = "▁▂▃▄▅▆▇█".chars().position(|c| glyph.starts_with(c));
    if let Some(eighths) = eighths {
        let height = CELL.1 * (eighths + 1) as f64 / 8.0;
        let top = CELL.1 - height;
        return Some(("", format!("m0 {top:.1}h{width:.1}v{height:.1}h-{width:.1}z")));
    }
    let line = match glyph {
        "░" => return Some(("e", format!("h{width:.1}v{:.1}h-{width:.1}z", CELL.1))),
        "─" => format!("m0 {h}h{width:.1}"),
        "│" => format!("m{w} 0v{}", CELL.1),
        "┌" => format!("m{} {h}h-{w}v{h}", CELL.0),
        "┐" => format!("m0 {h}h{w}v{h}"),
        "└" => format!("m{w} 0v{h}h{w}"),
        "┘" => format!("m{w} 0v{h}h-{w}"),
        _ => return None,
    };
    Some(("l", line))
}

fn class(cell: &vt100::Cell) -> String {
    let mut class = String::new();
    if let vt100::Color::Idx(n) = cell.fgcolor() {
        let _ = write!(class, "c{} ", n % 8);
    }
    if cell.bold() {
        class += "b ";
    }
    if cell.dim() {
        class += "d ";
    }
    class
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
