//! What a container prints: a text or a pattern, so many times.

use std::fmt;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use super::failure::{NotReadyCause, Note};
use super::life::{Life, Stop};
use super::until::Subject;
use crate::container::Logs;
use crate::error::Error;
use crate::stream::{Chunk, StdStream};
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
/// Reading the logs of a container that has ended may take so long; mostly it is milliseconds.
const GRACE: Duration = Duration::from_secs(2);
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

/// Read to the end, in vain.
const NOTHING: Result<Read, Error> = Ok(Read { found: false });

impl LogWait {
    pub(super) fn new(wanted: Wanted) -> LogWait {
        LogWait { wanted, times: 1, stream: None }
    }

    /// Wait until it is printed, or until the logs of a container that has ended have it not.
    pub(super) async fn until(
        &self,
        on: &Subject<'_>,
        life: &Life,
        note: &Note,
    ) -> Result<(), Stop> {
        let stop = match life.or_end(self.follow(on, note)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => life.rather_end(Stop(NotReadyCause::Engine(error.into()))).await,
            Err(end) => end,
        };
        if matches!(stop.0, NotReadyCause::Engine(_)) {
            return Err(stop);
        }
        // Logs that are followed may lack what came last. By word of the end they are complete.
        let whole = self.read_logs(on, note, false);
        match tokio::time::timeout(GRACE, whole).await {
            Ok(Ok(Read { found: true })) => Ok(()),
            _ => Err(stop),
        }
    }

    /// Follow what is printed until it has been found. Streams that end by themselves are opened
    /// again.
    async fn follow(&self, on: &Subject<'_>, note: &Note) -> Result<(), Error> {
        while !self.read(on, note).await?.found {
            tokio::time::sleep(AGAIN).await;
        }
        Ok(())
    }

    /// Read the logs from their beginning, and what is printed meanwhile, until it has been found
    /// or both have ended.
    async fn read(&self, on: &Subject<'_>, note: &Note) -> Result<Read, Error> {
        let mut logs = pin!(self.read_logs(on, note, true));
        let Wanted::Text(text) = &self.wanted else { return logs.await };
        let mut live = pin!(self.read_live(on, text));
        let (mut live_ended, mut no_logs) = (false, false);
        std::future::poll_fn(|cx| {
            if !live_ended {
                match live.as_mut().poll(cx) {
                    Poll::Ready(Ok(Read { found: true })) => {
                        return Poll::Ready(Ok(Read { found: true }));
                    }
                    Poll::Ready(_) => live_ended = true,
                    Poll::Pending => {}
                }
            }
            if no_logs {
                return if live_ended { Poll::Ready(NOTHING) } else { Poll::Pending };
            }
            match ready!(logs.as_mut().poll(cx)) {
                // The driver cannot be read; what is printed from now on can.
                Err(error) if error.status() == Some(501) && !live_ended => {
                    note.see(format!("{error}; what was printed before is not seen"));
                    no_logs = true;
                    Poll::Pending
                }
                read => Poll::Ready(read),
            }
        })
        .await
    }

    /// Read what is printed from now on, as it is printed. The logs have a line only once it has
    /// ended.
    async fn read_live(&self, on: &Subject<'_>, text: &str) -> Result<Read, Error> {
        let attach = on.container().attach();
        let mut attached = match self.stream {
            Some(StdStream::Out) => attach.stdout().await?,
            Some(StdStream::Err) => attach.stderr().await?,
            None => attach.await?,
        };
        let (mut texts, mut have) = (Both::new(text), 0);
        while let Some(chunk) = attached.next().await.transpose()? {
            have += texts.feed(&chunk);
            if usize::try_from(self.times).is_ok_and(|wanted| have >= wanted) {
                return Ok(Read { found: true });
            }
        }
        NOTHING
    }

    async fn read_logs(&self, on: &Subject<'_>, note: &Note, follow: bool) -> Result<Read, Error> {
        let logs = on.container().logs();
        let logs = if follow { logs.follow() } else { logs };
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
        let mut texts = Both::new(text);
        let mut logs = logs.await?;
        while let Some(chunk) = logs.next().await.transpose()? {
            if count.add(texts.feed(&chunk), &chunk.data, note) {
                return Ok(Read { found: true });
            }
        }
        NOTHING
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
        NOTHING
    }
}

/// A text that may come on each of both streams.
struct Both<'t> {
    out: Finder<'t>,
    err: Finder<'t>,
}

impl<'t> Both<'t> {
    fn new(text: &'t str) -> Both<'t> {
        Both { out: Finder::new(text.as_bytes()), err: Finder::new(text.as_bytes()) }
    }

    fn feed(&mut self, chunk: &Chunk) -> usize {
        match chunk.stream {
            StdStream::Out => self.out.feed(&chunk.data),
            StdStream::Err => self.err.feed(&chunk.data),
        }
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
