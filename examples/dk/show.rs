//! Tables, ages, sizes and progress, as people read them.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use bowline::Timestamp;
use bowline::image::LayerProgress;
use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use crate::fault::Fault;

/// How a list is to be printed.
#[derive(Args)]
pub(crate) struct Style {
    /// Show the ids alone
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Cut nothing off
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Print each row so: "{{.ID}} {{.Name}}", "table {{.ID}}\t{{.Name}}", "json"
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) format: Option<String>,
}

impl Style {
    /// The first digits of an id, unless all of it is wanted.
    pub(crate) fn id<'a>(&self, id: &'a str) -> &'a str {
        if self.no_trunc {
            return id;
        }
        let id = id.strip_prefix("sha256:").unwrap_or(id);
        id.get(..12).unwrap_or(id)
    }

    /// The beginning of a text, unless all of it is wanted.
    pub(crate) fn cut(&self, text: &str, length: usize) -> String {
        if self.no_trunc || text.chars().count() <= length {
            return text.to_owned();
        }
        text.chars().take(length - 1).chain(['…']).collect()
    }
}

/// Rows under headings. Each column has a name, by which a template calls it, and a heading.
pub(crate) struct Table {
    columns: Vec<(&'static str, &'static str)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, &'static str)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Print it; where ids alone are wanted, the column of that name.
    pub(crate) fn print(&self, style: &Style, id: &str) -> Result<(), Fault> {
        let columns = self.columns.iter().map(|(name, _)| format!("{{{{.{name}}}}}"));
        let whole = format!("table {}", columns.collect::<Vec<_>>().join("\t"));
        let ids = format!("{{{{.{id}}}}}");
        let template = match (&style.format, style.quiet) {
            (Some(format), _) => format,
            (None, true) => &ids,
            (None, false) => &whole,
        };
        let named = |cells: Vec<&str>| -> Value {
            let cell = |((name, _), cell): (&(&str, &str), &str)| (name.to_string(), cell.into());
            self.columns.iter().zip(cells).map(cell).collect::<Map<_, _>>().into()
        };
        let rows = self.rows.iter().map(|row| named(row.iter().map(String::as_str).collect()));
        match template.strip_prefix("table ") {
            Some(template) => {
                let headings = named(self.columns.iter().map(|(_, heading)| *heading).collect());
                let lines = std::iter::once(headings).chain(rows);
                let lines: Result<Vec<_>, _> = lines.map(|row| filled(template, &row)).collect();
                aligned(&lines?, 10)
            }
            None => {
                let lines: Result<String, Fault> =
                    rows.map(|row| Ok(filled(template, &row)? + "\n")).collect();
                say(&lines?)
            }
        }
    }
}

/// Print lines so that what stands between tabs stands below one another.
pub(crate) fn aligned(lines: &[String], least: usize) -> Result<(), Fault> {
    let cells: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &cells {
        widths.resize(widths.len().max(row.len()), least);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count() + 3);
        }
    }
    let mut out = String::new();
    for row in cells {
        let (last, before) = row.split_last().unwrap_or((&"", &[]));
        for (cell, width) in before.iter().zip(&widths) {
            out += &format!("{cell:<width$}");
        }
        out = out + last + "\n";
    }
    say(&out)
}

/// Print, to a reader that may have seen enough.
pub(crate) fn say(text: &str) -> Result<(), Fault> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Fill a template such as "{{.State.Status}} {{json .Config}}": the part of Go's that is used day
/// by day. "json" alone is all of it.
pub(crate) fn filled(template: &str, value: &Value) -> Result<String, Fault> {
    if template == "json" {
        return Ok(value.to_string());
    }
    let template = template.replace("\\t", "\t").replace("\\n", "\n");
    let mut out = String::new();
    let mut rest = template.as_str();
    while let Some((before, inside)) = rest.split_once("{{") {
        let (path, behind) = inside.split_once("}}").ok_or("template: unclosed action")?;
        let (json, path) = match path.trim().strip_prefix("json ") {
            Some(path) => (true, path.trim()),
            None => (false, path.trim()),
        };
        let keys = path.strip_prefix('.').filter(|path| !path.contains(' '));
        let keys = keys.ok_or_else(|| format!("template: only paths and json: {path}"))?;
        let mut found = value;
        for key in keys.split('.').filter(|key| !key.is_empty()) {
            found = found.get(key).ok_or_else(|| format!("template: no entry for {path}"))?;
        }
        out += before;
        out += &match found {
            Value::String(text) if !json => text.clone(),
            other => other.to_string(),
        };
        rest = behind;
    }
    Ok(out + rest)
}

/// Print JSON as `docker inspect` does.
pub(crate) fn pretty(value: &Value) -> Result<(), Fault> {
    let mut out = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, form);
    serde::Serialize::serialize(value, &mut writer).map_err(|error| error.to_string())?;
    say(&(String::from_utf8_lossy(&out) + "\n"))
}

/// How long ago it was, in words.
pub(crate) fn ago(moment: Option<Timestamp>) -> String {
    let now = Timestamp::from(SystemTime::now());
    moment.map_or_else(|| "N/A".to_owned(), |then| format!("{} ago", words(now.since(then))))
}

fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 => format!("{minutes} minutes"),
        _ => match hours {
            0..=1 => "About an hour".to_owned(),
            2..48 => format!("{hours} hours"),
            48..336 => format!("{} days", hours / 24),
            336..1440 => format!("{} weeks", hours / 24 / 7),
            1440..17520 => format!("{} months", hours / 24 / 30),
            _ => format!("{} years", hours / 24 / 365),
        },
    }
}

/// A size in thousands, of so many digits: "12.3MB".
pub(crate) fn size(bytes: f64, digits: usize) -> String {
    scaled(bytes, 1000.0, digits, &["B", "kB", "MB", "GB", "TB", "PB"])
}

/// A size in steps of 1024: "12.34MiB".
pub(crate) fn memory(bytes: f64) -> String {
    scaled(bytes, 1024.0, 4, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

fn scaled(mut amount: f64, step: f64, digits: usize, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next();
    while amount >= step && units.len() > 0 {
        amount /= step;
        unit = units.next();
    }
    let whole = if amount < 1.0 { 1 } else { amount.log10() as usize + 1 };
    let text = format!("{amount:.*}", digits.saturating_sub(whole));
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{}", unit.unwrap_or(&""))
}

/// Where the layers of an image are: a bar for each at a terminal, a line for each change elsewhere.
pub(crate) struct Layers {
    bars: Option<MultiProgress>,
    of: HashMap<String, ProgressBar>,
    errors: bool,
    quiet: bool,
}

impl Layers {
    /// Show them on standard output; for a run, whose output that is, on standard error.
    pub(crate) fn new(quiet: bool, errors: bool) -> Layers {
        let terminal = match errors {
            true => std::io::stderr().is_terminal(),
            false => std::io::stdout().is_terminal(),
        };
        Layers { bars: terminal.then(MultiProgress::new), of: HashMap::new(), errors, quiet }
    }

    /// Print a line that is about no layer.
    pub(crate) fn line(&self, line: &str) {
        match &self.bars {
            _ if self.quiet => {}
            Some(bars) => _ = bars.println(line),
            None if self.errors => eprintln!("{line}"),
            None => println!("{line}"),
        }
    }

    pub(crate) fn take(&mut self, report: LayerProgress) {
        let LayerProgress { id, status, current, total, .. } = report;
        if self.quiet {
            return;
        }
        let (Some(bars), Some(id)) = (&self.bars, &id) else {
            // Bytes on their way are for who looks on.
            if current.is_none() || total.is_none() {
                self.line(&id.map_or_else(|| status.clone(), |id| format!("{id}: {status}")));
            }
            return;
        };
        let bar = self.of.entry(id.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{prefix}: {msg} {bytes}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(ProgressBar::new(1).with_style(style).with_prefix(id.clone()))
        });
        bar.set_message(status);
        bar.set_length(total.unwrap_or(1));
        bar.set_position(current.unwrap_or(0));
    }

    /// Leave them as they are.
    pub(crate) fn done(&self) {
        self.of.values().for_each(ProgressBar::abandon);
    }
}
