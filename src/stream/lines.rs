//! Lines of logs, put together from whatever pieces they come in.
//!
//! An engine sends a line of more than 16 KiB in several frames, each of which begins with the
//! moment and the attributes where these are asked for, and only the last of which ends in a line
//! break. A terminal's lines come without frames.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};
use percent_encoding::percent_decode_str;

use super::StdStream;
use crate::time::Timestamp;

/// A line that a container has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// Where it came from.
    pub stream: StdStream,
    /// When it was printed, by the engine's clock; `None` where that was not asked for.
    pub time: Option<Timestamp>,
    /// The attributes that the logging driver keeps with it; empty where they were not asked for.
    pub attributes: BTreeMap<String, String>,
    /// The line, without its line break; a terminal's is of two bytes.
    pub data: Bytes,
    /// The line is longer than the limit, and goes on in the next of this stream.
    pub partial: bool,
}

impl LogLine {
    /// Return the line as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }
}

/// A moment is shorter than this, and attributes than that.
const LONGEST_MOMENT: usize = 64;
const LONGEST_ATTRIBUTES: usize = 64 << 10;
/// Into pieces of this size the engine cuts what is longer.
const PIECE: usize = 16 << 10;

/// What is asked for at the beginning of each line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Prefix {
    pub(crate) timestamps: bool,
    pub(crate) details: bool,
}

impl Prefix {
    fn any(self) -> bool {
        self.timestamps || self.details
    }
}

/// Puts lines together.
#[derive(Debug)]
pub(crate) struct Lines {
    prefix: Prefix,
    raw: bool,
    limit: usize,
    out: Half,
    err: Half,
}

/// One stream's line under way.
#[derive(Debug, Default)]
struct Half {
    at: At,
    /// What has come of a prefix, or of a seam.
    head: Vec<u8>,
    /// The line has begun: its prefix is known, or that it has none.
    begun: bool,
    time: Option<Timestamp>,
    attributes: BTreeMap<String, String>,
    /// A terminal's line: its prefix as it came, to know it again at a seam.
    mark: Vec<u8>,
    data: BytesMut,
    /// How much of the line has come, handed on or not.
    length: usize,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum At {
    /// A line, or a piece of one.
    #[default]
    Start,
    /// A piece of a terminal's long line, perhaps: the prefix may come once more.
    Seam,
    /// The line itself.
    Data,
}

impl Lines {
    /// `raw` is a terminal's output. No line, or part of one, will be longer than `limit`.
    pub(crate) fn new(prefix: Prefix, raw: bool, limit: usize) -> Lines {
        Lines { prefix, raw, limit: limit.max(1), out: Half::default(), err: Half::default() }
    }

    /// Forget what has begun: it will come again.
    pub(crate) fn clear(&mut self) {
        (self.out, self.err) = (Half::default(), Half::default());
    }

    /// The moment of the earliest line under way.
    pub(crate) fn pending(&self) -> Option<Timestamp> {
        [self.out.time, self.err.time].into_iter().flatten().min()
    }

    /// A frame begins, and with it a line or a further piece of one.
    pub(crate) fn frame(&mut self, stream: StdStream) {
        let half = self.half(stream);
        half.give_up();
        half.at = At::Start;
    }

    fn half(&mut self, stream: StdStream) -> &mut Half {
        match stream {
            StdStream::Out => &mut self.out,
            StdStream::Err => &mut self.err,
        }
    }

    /// Take the next line off the front of `input`. `None` asks for more input.
    pub(crate) fn next(&mut self, stream: StdStream, input: &mut Bytes) -> Option<LogLine> {
        let Lines { prefix, raw, limit, .. } = *self;
        let half = self.half(stream);
        while !input.is_empty() {
            match half.at {
                At::Start if prefix.any() => half.start(prefix, raw, input),
                At::Seam => half.seam(input),
                At::Start | At::Data => {
                    (half.at, half.begun) = (At::Data, true);
                    let (have, next) = (half.data.len(), input.first().copied());
                    // A terminal's line break is two bytes, neither of which counts.
                    let returned = raw && have == limit + 1 && half.data.ends_with(b"\r");
                    if raw && have == limit && next == Some(b'\r') {
                        half.push(&input.split_to(1));
                        continue;
                    }
                    if have >= limit && !(next == Some(b'\n') && (have == limit || returned)) {
                        return Some(half.part(stream, limit));
                    }
                    // A seam can only be where a piece is full.
                    let seams = !half.mark.is_empty();
                    let seam = if seams { PIECE - half.length % PIECE } else { usize::MAX };
                    // One more than there is room for may be the line break.
                    let room = limit.saturating_sub(have);
                    let window = input.len().min(room + 1);
                    let end = input.iter().take(window).position(|b| *b == b'\n');
                    match end.filter(|end| *end <= seam) {
                        Some(end) => {
                            let mut tail = input.split_to(end);
                            input.advance(1);
                            if raw && tail.last() == Some(&b'\r') {
                                tail.truncate(tail.len() - 1);
                            } else if raw && end == 0 && half.data.last() == Some(&b'\r') {
                                half.data.truncate(half.data.len() - 1);
                            }
                            return Some(half.line(stream, tail));
                        }
                        None => {
                            let n = input.len().min(room).min(seam);
                            half.push(&input.split_to(n));
                        }
                    }
                }
            }
        }
        None
    }

    /// Nothing more will come: take what is left, line by line. `cut` says that more was due.
    pub(crate) fn finish(&mut self, cut: bool) -> Option<LogLine> {
        let limit = self.limit;
        for stream in [StdStream::Out, StdStream::Err] {
            let half = self.half(stream);
            half.give_up();
            if half.data.len() > limit {
                return Some(half.part(stream, limit));
            }
            // With nothing left of it this closes a line that was handed on in parts.
            if half.length > 0 && !(cut && half.data.is_empty()) {
                let mut line = half.line(stream, Bytes::new());
                line.partial = cut;
                return Some(line);
            }
        }
        None
    }
}

impl Half {
    fn push(&mut self, data: &[u8]) {
        self.data.extend_from_slice(data);
        self.length += data.len();
        if !self.mark.is_empty() && self.length % PIECE == 0 {
            self.at = At::Seam;
        }
    }

    /// What looked like a prefix is none, or not all of one: it is part of the line.
    fn give_up(&mut self) {
        if !self.head.is_empty() {
            self.length += self.head.len();
            self.data.extend_from_slice(&self.head);
            self.head.clear();
            (self.at, self.begun) = (At::Data, true);
        }
    }

    /// Read a prefix.
    fn start(&mut self, wanted: Prefix, raw: bool, input: &mut Bytes) {
        let blank = input.iter().position(|b| matches!(b, b' ' | b'\n'));
        let n = blank.map_or(input.len(), |at| at + 1);
        self.head.extend_from_slice(&input.split_to(n));
        let (length, time, attributes) = match read(&self.head, wanted) {
            Read::More => return,
            Read::End { length, time, attributes } => (length, time, attributes),
        };
        let rest = self.head.split_off(length);
        if !rest.is_empty() {
            *input = [&rest, &input[..]].concat().into();
        }
        if !self.begun {
            (self.time, self.attributes) = (time, attributes);
            if raw {
                self.mark = std::mem::take(&mut self.head);
            }
        }
        self.head.clear();
        (self.at, self.begun) = (At::Data, true);
    }

    /// Leave out a terminal's prefix where it comes once more.
    fn seam(&mut self, input: &mut Bytes) {
        while let Some(due) = self.mark.get(self.head.len()) {
            match input.first() {
                None => return,
                Some(byte) if byte == due => {
                    self.head.push(*byte);
                    input.advance(1);
                }
                Some(_) => {
                    *input = [&self.head, &input[..]].concat().into();
                    break;
                }
            }
        }
        self.head.clear();
        self.at = At::Data;
    }

    /// Hand on a part of a line that is too long.
    fn part(&mut self, stream: StdStream, limit: usize) -> LogLine {
        let data = self.data.split_to(limit.min(self.data.len())).freeze();
        let (time, attributes) = (self.time, self.attributes.clone());
        LogLine { stream, time, attributes, data, partial: true }
    }

    /// Hand on the line, which ends with `tail`.
    fn line(&mut self, stream: StdStream, tail: Bytes) -> LogLine {
        let Half { time, attributes, mut data, .. } = std::mem::take(self);
        let data = match data.is_empty() {
            true => tail,
            false => {
                data.extend_from_slice(&tail);
                data.freeze()
            }
        };
        LogLine { stream, time, attributes, data, partial: false }
    }
}

enum Read {
    More,
    /// So much of it is a prefix.
    End {
        length: usize,
        time: Option<Timestamp>,
        attributes: BTreeMap<String, String>,
    },
}

fn read(head: &[u8], wanted: Prefix) -> Read {
    let end = |length, time, attributes| Read::End { length, time, attributes };
    let (mut length, mut time) = (0, None);
    if wanted.timestamps {
        let Some(word) = word(head) else {
            let broken = head.ends_with(b"\n") || head.len() > LONGEST_MOMENT;
            return if broken { end(0, None, BTreeMap::new()) } else { Read::More };
        };
        time = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        if time.is_none() {
            return end(0, None, BTreeMap::new());
        }
        length = word.len() + 1;
    }
    if wanted.details {
        let rest = head.get(length..).unwrap_or_default();
        let Some(word) = word(rest) else {
            let broken = rest.ends_with(b"\n") || rest.len() > LONGEST_ATTRIBUTES;
            return if broken { end(length, time, BTreeMap::new()) } else { Read::More };
        };
        // Podman is asked in vain: what stands there is the line.
        if let Some(attributes) = attributes(word) {
            return end(length + word.len() + 1, time, attributes);
        }
    }
    end(length, time, BTreeMap::new())
}

fn word(text: &[u8]) -> Option<&[u8]> {
    text.get(..text.iter().position(|b| *b == b' ')?)
}

/// Read "key=value,key=value", encoded as the query of a URL. `None` where it is none of that.
fn attributes(word: &[u8]) -> Option<BTreeMap<String, String>> {
    let word = std::str::from_utf8(word).ok()?;
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = word.split(',').filter(|_| !word.is_empty());
    pairs.map(|pair| pair.split_once('=').map(|(k, v)| (decoded(k), decoded(v)))).collect()
}

#[cfg(test)]
mod tests;
