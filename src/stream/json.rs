//! JSON values one after the other: how the engine reports progress and events.
//!
//! Engines end each with a line break, or two characters of one, or an RS before it; none of that
//! is asked for. Where a value ends is seen from its brackets, in one pass over the bytes.

use std::marker::PhantomData;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use serde::de::DeserializeOwned;

use crate::error::{Error, StreamError, StreamFault, excerpt};
use crate::transport::Body;
use crate::wire;

/// The largest value that is read: beyond it, nobody means to report progress.
const LARGEST: usize = 16 << 20;
/// Of a value that cannot be read, this much is quoted.
const QUOTED: usize = 80;

/// Finds the end of a value, in whatever pieces it comes.
#[derive(Debug, Default)]
struct Scan {
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Take `input` in. Returns how many bytes belong to the value if it ends in there.
    fn end(&mut self, input: &[u8]) -> Option<usize> {
        for (at, byte) in input.iter().enumerate() {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                match byte {
                    b'"' => self.in_string = false,
                    b'\\' => self.escaped = true,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// Cuts a stream of bytes into values.
#[derive(Debug, Default)]
struct Cutter {
    scan: Scan,
    /// The beginning of a value whose end has not come yet.
    carry: BytesMut,
}

impl Cutter {
    /// Take the next value off the front of `input`, and read it. `None` asks for more input.
    fn next<T: DeserializeOwned>(&mut self, input: &mut Bytes) -> Option<Result<T, StreamFault>> {
        if self.carry.is_empty() {
            let between = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x1e);
            let skip = input.iter().take_while(between).count();
            input.advance(skip);
            match input.first() {
                None => return None,
                Some(b'{' | b'[') => {}
                Some(_) => return Some(Err(unreadable(input))),
            }
        }
        let Some(end) = self.scan.end(input) else {
            if self.carry.len() + input.len() > LARGEST {
                return Some(Err(StreamFault::TooLarge(LARGEST)));
            }
            self.carry.extend_from_slice(input);
            input.clear();
            return None;
        };
        let tail = input.split_to(end);
        let read = if self.carry.is_empty() {
            read(&tail)
        } else {
            self.carry.extend_from_slice(&tail);
            let read = read(&self.carry);
            self.carry.clear();
            read
        };
        Some(read)
    }

    /// Say whether the stream may end here.
    fn finish(&self) -> Result<(), StreamFault> {
        if self.carry.is_empty() { Ok(()) } else { Err(StreamFault::Cut) }
    }
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, StreamFault> {
    wire::from_slice(value).map_err(|_| unreadable(value))
}

fn unreadable(value: &[u8]) -> StreamFault {
    let head = value.get(..value.len().min(4 * QUOTED)).unwrap_or_default();
    let head = excerpt(&String::from_utf8_lossy(head), QUOTED);
    StreamFault::Protocol(format!("no JSON of the kind expected: {head}"))
}

/// The values of an answer's body, as they arrive.
pub(crate) struct JsonValues<T> {
    body: Body,
    input: Bytes,
    cutter: Cutter,
    over: bool,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonValues<T> {
    pub(crate) fn new(body: Body) -> JsonValues<T> {
        JsonValues {
            body,
            input: Bytes::new(),
            cutter: Cutter::default(),
            over: false,
            kind: PhantomData,
        }
    }

    /// Hand nothing on any more.
    pub(crate) fn stop(&mut self) {
        self.over = true;
    }

    /// The call that is answered, as errors name it.
    pub(crate) fn call(&self) -> &str {
        self.body.call()
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if self.over {
                return Poll::Ready(None);
            }
            if let Some(value) = self.cutter.next(&mut self.input) {
                return Poll::Ready(Some(value.map_err(|fault| self.end(fault))));
            }
            // Even an empty slice would keep the buffer from being used again.
            self.input = Bytes::new();
            match ready!(self.body.poll_next(cx)) {
                Some(Ok(input)) => self.input = input,
                Some(Err(error)) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => match self.cutter.finish() {
                    Ok(()) => self.over = true,
                    Err(fault) => return Poll::Ready(Some(Err(self.end(fault)))),
                },
            }
        }
    }

    fn end(&mut self, fault: StreamFault) -> Error {
        self.over = true;
        Error::Stream(StreamError { call: self.call().to_owned(), fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize, PartialEq, Clone)]
    #[serde(default)]
    struct Item {
        status: String,
        id: Option<String>,
    }

    fn run(pieces: &[&[u8]]) -> (Vec<Item>, Result<(), StreamFault>) {
        let mut cutter = Cutter::default();
        let mut items = Vec::new();
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(item) = cutter.next(&mut input) {
                match item {
                    Ok(item) => items.push(item),
                    Err(fault) => return (items, Err(fault)),
                }
            }
            assert!(input.is_empty());
        }
        (items, cutter.finish())
    }

    const WIRE: &[u8] = b"{\"status\":\"a }\\\" {\",\"id\":\"1\"}\r\n\x1e{\"status\":\"b\"}{\"x\":{\"y\":[1,\"]\"]}}\n\n";

    #[test]
    fn every_split_gives_the_same() {
        let whole = run(&[WIRE]);
        assert_eq!((whole.0.len(), &whole.1), (3, &Ok(())));
        assert_eq!(whole.0[0].status, "a }\" {");
        for at in 0..=WIRE.len() {
            for to in at..=WIRE.len() {
                assert_eq!(run(&[&WIRE[..at], &WIRE[at..to], &WIRE[to..]]), whole);
            }
        }
    }

    #[test]
    fn a_cut_within_a_value_is_told_at_every_byte() {
        let mut wire = Vec::new();
        let mut spans = Vec::new();
        for (value, after) in [("{\"id\":\"}\"}", "\r\n\x1e"), ("{}", ""), ("[{}]", "\n")] {
            spans.push(wire.len()..wire.len() + value.len());
            wire.extend([value, after].concat().bytes());
        }
        for at in 0..=wire.len() {
            let mut cutter = Cutter::default();
            let mut input = Bytes::copy_from_slice(&wire[..at]);
            let mut came = 0;
            while let Some(value) = cutter.next::<serde_json::Value>(&mut input) {
                value.unwrap();
                came += 1;
            }
            assert_eq!(came, spans.iter().filter(|s| s.end <= at).count(), "cut at {at}");
            let inside = spans.iter().any(|s| s.start < at && at < s.end);
            assert_eq!(cutter.finish().is_err(), inside, "cut at {at}");
        }
    }

    #[test]
    fn a_misfit_value_costs_itself_and_broken_json_ends() {
        assert_eq!(run(&[br#"{"status":7,"id":"x"}"#]).0[0].id.as_deref(), Some("x"));
        for broken in ["<html>", "x{}", "{\"a\":}", "7"] {
            let (items, end) = run(&[b"{\"status\":\"first\"}", broken.as_bytes()]);
            assert_eq!(items.len(), 1);
            assert!(matches!(&end, Err(StreamFault::Protocol(m)) if m.contains("JSON")), "{end:?}");
        }
    }

    #[test]
    fn a_value_without_end_is_too_large() {
        let piece = vec![b'['; 1 << 20];
        let pieces: Vec<&[u8]> = (0..17).map(|_| &piece[..]).collect();
        assert_eq!(run(&pieces).1, Err(StreamFault::TooLarge(LARGEST)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = run(&pieces);
        }
    }
}
