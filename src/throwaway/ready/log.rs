//! What a container prints: a text or a pattern, so many times.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use super::failure::Note;
use super::life::{Life, Stop};
use super::until::Subject;
use crate::container::Logs;
use crate::error::Error;
use crate::stream::StdStream;
use crate::throwaway::ready::failure::NotReadyCause;
use crate::throwaway::story::Tail;

/// What is looked for in the logs.
#[derive(Debug, Clone)]
pub(super) struct LogWait {
    wanted: Wanted,
    pub(super) times: u32,
    pub(super) stream: Option<StdStream>,
}

#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Text(String),
    Regex(regex_lite::Regex),
}

/// A pattern sees no more than this of a line at once.
const LONGEST_LINE: usize = 64 << 10;
/// So long after the container's end its logs are read on, to their end.
const GRACE: Duration = Duration::from_millis(150);
/// Logs that have ended, of a container that has not, are asked for again.
const AGAIN: Duration = Duration::from_millis(250);
/// Of the logs, the last lines and bytes are kept, to be seen.
const SEEN: (usize, usize) = (8, 1500);

impl fmt::Display for LogWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted {
            Wanted::Text(text) => write!(f, "log {text:?}"),
            Wanted::Regex(regex) => write!(f, "log /{}/", regex.as_str()),
        }?;
        if self.times != 1 {
            write!(f, ", {} times", self.times)?;
        }
        match self.stream {
            Some(StdStream::Out) => f.write_str(", on stdout"),
            Some(StdStream::Err) => f.write_str(", on stderr"),
            None => Ok(()),
        }
    }
}

/// What came of reading the logs.
struct Read {
    found: bool,
}

impl LogWait {
    pub(super) fn new(wanted: Wanted) -> LogWait {
        LogWait { wanted, times: 1, stream: None }
    }

    /// Wait until it is printed, or until the logs of a container that has ended have too.
    pub(super) async fn until(
        &self,
        on: &Subject<'_>,
        life: &Life,
        note: &Note,
    ) -> Result<(), Stop> {
        loop {
            let mut reading = pin!(self.read(on, note));
            let read = match life.or_end(reading.as_mut()).await {
                Ok(read) => read,
                Err(end) => match tokio::time::timeout(GRACE, reading).await {
                    Ok(Ok(Read { found: true })) => return Ok(()),
                    _ => return Err(end),
                },
            };
            match read {
                Ok(Read { found: true }) => return Ok(()),
                Ok(Read { found: false }) => life.or_end(tokio::time::sleep(AGAIN)).await?,
                Err(error) => {
                    let stop = Stop(NotReadyCause::Engine(error.into()));
                    return Err(life.rather_end(stop).await);
                }
            }
        }
    }

    /// Read the logs from their beginning until it has been found, or to their end.
    async fn read(&self, on: &Subject<'_>, note: &Note) -> Result<Read, Error> {
        let logs = on.container().logs().follow();
        let logs = match self.stream {
            Some(StdStream::Out) => logs.stdout(),
            Some(StdStream::Err) => logs.stderr(),
            None => logs,
        };
        let mut count = Count { wanted: self.times, have: 0, tail: Tail::new(SEEN.0, SEEN.1) };
        match &self.wanted {
            Wanted::Text(text) => Self::read_text(logs, text, &mut count, note).await,
            Wanted::Regex(regex) => Self::read_lines(logs, regex, &mut count, note).await,
        }
    }

    async fn read_text(
        logs: Logs,
        text: &str,
        count: &mut Count,
        note: &Note,
    ) -> Result<Read, Error> {
        let (mut out, mut err) = (Finder::new(text.as_bytes()), Finder::new(text.as_bytes()));
        let mut logs = logs.await?;
        while let Some(chunk) = logs.next().await.transpose()? {
            let finder = match chunk.stream {
                StdStream::Out => &mut out,
                StdStream::Err => &mut err,
            };
            if count.add(finder.feed(&chunk.data), &chunk.data, note) {
                return Ok(Read { found: true });
            }
        }
        Ok(Read { found: false })
    }

    async fn read_lines(
        logs: Logs,
        regex: &regex_lite::Regex,
        count: &mut Count,
        note: &Note,
    ) -> Result<Read, Error> {
        let mut lines = logs.lines().max_line(LONGEST_LINE).await?;
        while let Some(line) = lines.next().await.transpose()? {
            let found = regex.find_iter(&line.text_lossy()).count();
            let mut shown = line.data.to_vec();
            shown.push(b'\n');
            if count.add(found, &shown, note) {
                return Ok(Read { found: true });
            }
        }
        Ok(Read { found: false })
    }
}

/// How often it was found.
struct Count {
    wanted: u32,
    have: usize,
    tail: Tail,
}

impl Count {
    /// Add what was found in a piece of the logs. Says whether that is enough.
    fn add(&mut self, found: usize, piece: &[u8], note: &Note) -> bool {
        self.have += found;
        let enough = usize::try_from(self.wanted).is_ok_and(|wanted| self.have >= wanted);
        if !enough {
            self.tail.feed(piece);
            note.see(format!(
                "{} of {} times; the log ends in\n{}",
                self.have,
                self.wanted,
                self.tail.text()
            ));
        }
        enough
    }
}

/// Counts a text in a stream of bytes that comes in pieces. It keeps none of them: where it is in
/// the text says all (Knuth, Morris and Pratt).
#[derive(Debug)]
pub(super) struct Finder<'t> {
    text: &'t [u8],
    /// For each beginning of the text: the longest shorter one that it ends in.
    back: Vec<usize>,
    at: usize,
}

impl<'t> Finder<'t> {
    pub(super) fn new(text: &'t [u8]) -> Finder<'t> {
        let mut finder = Finder { text, back: vec![0; text.len() + 1], at: 0 };
        for (n, byte) in text.iter().enumerate().skip(1) {
            finder.step(*byte);
            if let Some(back) = finder.back.get_mut(n + 1) {
                *back = finder.at;
            }
        }
        finder.at = 0;
        finder
    }

    fn step(&mut self, byte: u8) {
        loop {
            match self.text.get(self.at) {
                Some(next) if *next == byte => {
                    self.at += 1;
                    return;
                }
                _ if self.at == 0 => return,
                _ => self.at = self.back.get(self.at).copied().unwrap_or(0),
            }
        }
    }

    /// Take the next piece. Returns how often the text ends in it; two that overlap are one.
    pub(super) fn feed(&mut self, piece: &[u8]) -> usize {
        if self.text.is_empty() {
            return 0;
        }
        let mut found = 0;
        for byte in piece {
            self.step(*byte);
            if self.at == self.text.len() {
                found += 1;
                self.at = 0;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_begins_like_itself() {
        let count = |text: &str, pieces: &[&str]| {
            let mut finder = Finder::new(text.as_bytes());
            pieces.iter().map(|piece| finder.feed(piece.as_bytes())).sum::<usize>()
        };
        assert_eq!(count("aab", &["aaab"]), 1);
        assert_eq!(count("ababc", &["ab", "ababc", "x"]), 1);
        assert_eq!(count("aa", &["aaa", "aa"]), 2, "not overlapping");
        assert_eq!(count("ready to accept", &["ready to ", "accept"]), 1);
        assert_eq!(count("x", &["yyy", ""]), 0);
        assert_eq!(count("", &["yyy"]), 0);
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            text in "[ab]{1,5}",
            stream in "[ab]{0,60}",
            cuts in prop::collection::vec(0usize..60, 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
            cuts.sort_unstable();
            let mut finder = Finder::new(text.as_bytes());
            let (mut found, mut from) = (0, 0);
            for cut in cuts {
                found += finder.feed(&stream.as_bytes()[from..cut]);
                from = cut;
            }
            found += finder.feed(&stream.as_bytes()[from..]);
            prop_assert_eq!(found, stream.matches(&text).count());
        }
    }
}
