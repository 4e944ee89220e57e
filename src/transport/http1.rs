//! HTTP/1.1, as far as an engine's answers need it: what a head says, and where a body ends.
//!
//! Nothing is read or written here. Bytes go in as they came, in whatever pieces; of a body, slices
//! of them come out. All that is not the body itself has a limit, and nothing is reserved because
//! a length says so.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

/// A head may be this large.
const LARGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;
/// What is no body between the chunks of one, together.
const LARGEST_EXTRA: usize = 16 << 10;

/// The head of an answer.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Decoder,
}

/// Finds the head of an answer in what has come so far.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    /// So far the end has been looked for.
    looked: usize,
}

impl HeadReader {
    /// Take a head off the front of `input`, and those that only say that it will come. `None`
    /// asks for more input. The request must be one whose answer has a body: no `HEAD`.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Head>, String> {
        loop {
            // Who speaks something else may never send the end of a head.
            let begin = input.len().min(b"HTTP/1.".len());
            if input.get(..begin) != b"HTTP/1.".get(..begin) {
                return Err("what answers does not speak HTTP/1.1".into());
            }
            let Some(end) = self.end(input) else {
                self.looked = input.len();
                return match input.len() > LARGEST_HEAD {
                    true => Err("the head of the answer has no end".into()),
                    false => Ok(None),
                };
            };
            self.looked = 0;
            if end > LARGEST_HEAD {
                return Err("the head of the answer is too large".into());
            }
            let head = parse(input.split_to(end).freeze())?;
            if head.status >= 200 || head.status == 101 {
                return Ok(Some(head));
            }
        }
    }

    /// Where the first empty line ends.
    fn end(&self, input: &[u8]) -> Option<usize> {
        let from = self.looked.saturating_sub(2);
        let fresh = input.get(from..).unwrap_or_default();
        let breaks = fresh.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let mut ends = breaks.filter_map(|(at, _)| match fresh.get(at + 1..) {
            Some([b'\n', ..]) => Some(from + at + 2),
            Some([b'\r', b'\n', ..]) => Some(from + at + 3),
            _ => None,
        });
        ends.next()
    }
}

fn parse(bytes: Bytes) -> Result<Head, String> {
    let mut room = [MaybeUninit::uninit(); MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        &bytes,
        &mut room,
    );
    let whole = parsed.map_err(|e| format!("the head of the answer is malformed: {e}"))?;
    let (true, Some(status @ 100..)) =
        (whole == httparse::Status::Complete(bytes.len()), response.code)
    else {
        return Err("the head of the answer is malformed".into());
    };
    let mut headers = HeaderMap::with_capacity(response.headers.len());
    for line in response.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|e| e.to_string())?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value));
        headers.append(name, value.map_err(|e| e.to_string())?);
    }
    let old = response.version == Some(0);
    let body = match status < 200 || status == 204 || status == 304 {
        true => Decoder::Length(0),
        false => Decoder::new(&headers, old)?,
    };
    Ok(Head { status, headers, body })
}

/// Takes a body out of what comes on a connection.
#[derive(Debug)]
pub(super) enum Decoder {
    /// So much of it is still to come.
    Length(u64),
    Chunked(Chunks),
    /// It ends with the connection.
    Close,
}

impl Decoder {
    fn new(headers: &HeaderMap, old: bool) -> Result<Decoder, String> {
        let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
        if let Some(coding) = codings.next() {
            if old
                || codings.next().is_some()
                || !coding.as_bytes().eq_ignore_ascii_case(b"chunked")
            {
                return Err(format!("the answer has a transfer encoding of {coding:?}"));
            }
            return Ok(Decoder::Chunked(Chunks::default()));
        }
        let mut length = None;
        for value in headers.get_all(header::CONTENT_LENGTH) {
            let text = value.to_str().ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
            let this = text.and_then(|text| text.parse().ok());
            let (Some(this), true) = (this, length.is_none_or(|length| Some(length) == this))
            else {
                return Err(format!("the answer has a length of {value:?}"));
            };
            length = Some(this);
        }
        Ok(length.map_or(Decoder::Close, Decoder::Length))
    }

    /// How long the body is, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Decoder::Length(left) => Some(*left),
            _ => None,
        }
    }

    /// Say whether the body has come to its end.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        match self {
            Decoder::Length(left) => *left == 0,
            Decoder::Chunked(chunks) => chunks.at == At::Over,
            Decoder::Close => false,
        }
    }

    /// Say whether the connection may end here.
    pub(super) fn may_end(&self) -> bool {
        self.is_over() || matches!(self, Decoder::Close)
    }

    /// Take the next piece off the front of `input`. `None` asks for more of it, unless the body
    /// is over.
    #[inline]
    pub(super) fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, &'static str> {
        match self {
            Decoder::Length(left) => Ok(take(left, input)),
            Decoder::Close => Ok(Some(std::mem::take(input)).filter(|piece| !piece.is_empty())),
            Decoder::Chunked(chunks) => {
                if chunks.at != At::Data {
                    let used = match chunks.plain(input) {
                        Some(used) => used,
                        None => chunks.scan(input)?,
                    };
                    input.advance(used);
                }
                if chunks.at != At::Data {
                    return Ok(None);
                }
                let piece = take(&mut chunks.left, input);
                if chunks.left == 0 {
                    chunks.at = At::DataEnd;
                }
                Ok(piece)
            }
        }
    }
}

#[inline]
fn take(left: &mut u64, input: &mut Bytes) -> Option<Bytes> {
    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    *left -= n as u64;
    (n > 0).then(|| input.split_to(n))
}

/// A body in chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// How much of the chunk is still to come; while its size is read, what that is so far.
    left: u64,
    digits: u8,
    extra: usize,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum At {
    /// A chunk's size, and blanks behind it.
    #[default]
    Size,
    Blank,
    /// What else stands on that line, which nobody uses.
    Extension,
    /// The second half of its end.
    SizeEnd,
    Data,
    /// The line break behind it.
    DataEnd,
    DataEndEnd,
    /// A line behind the last chunk.
    Line,
    Trailer,
    TrailerEnd,
    /// The second half of the last line break of all.
    End,
    Over,
}

impl Chunks {
    /// Read what is between pieces of the body, where that is all there and as plain as it mostly
    /// is: a size and no more. Returns how many bytes that took.
    #[inline]
    fn plain(&mut self, input: &[u8]) -> Option<usize> {
        let (line, mut used) = match (self.at, input) {
            (At::DataEnd, [b'\r', b'\n', line @ ..]) => (line, 2),
            (At::Size, line) if self.digits == 0 => (line, 0),
            _ => return None,
        };
        let mut size = 0;
        for (at, byte) in line.iter().take(8).enumerate() {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'\r' if size > 0 && line.get(at + 1) == Some(&b'\n') => {
                    used += at + 2;
                    (self.at, self.left) = (At::Data, size);
                    return Some(used);
                }
                _ => return None,
            };
            size = size << 4 | u64::from(digit);
        }
        None
    }

    /// The same, whatever it is and wherever it is cut.
    fn scan(&mut self, input: &[u8]) -> Result<usize, &'static str> {
        for (at, byte) in input.iter().enumerate() {
            if self.at == At::Over {
                return Ok(at);
            }
            self.at = match (self.at, *byte) {
                (At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                    if self.digits == 16 {
                        return Err("a chunk's size is beyond measure");
                    }
                    self.digits += 1;
                    let digit = char::from(*byte).to_digit(16).unwrap_or_default();
                    self.left = self.left << 4 | u64::from(digit);
                    At::Size
                }
                (At::Size, _) if self.digits == 0 => return Err("a chunk has no size"),
                (At::Size | At::Blank | At::Extension, b'\r') => At::SizeEnd,
                (At::Size | At::Blank, b' ' | b'\t') => self.extra(At::Blank)?,
                (At::Size | At::Blank, b';') => self.extra(At::Extension)?,
                (At::Extension, b'\t' | b' '..=b'~' | 0x80..) => self.extra(At::Extension)?,
                (At::SizeEnd, b'\n') if self.left > 0 => {
                    self.at = At::Data;
                    return Ok(at + 1);
                }
                (At::SizeEnd | At::TrailerEnd, b'\n') => At::Line,
                (At::DataEnd, b'\r') => At::DataEndEnd,
                (At::DataEndEnd, b'\n') => {
                    (self.left, self.digits) = (0, 0);
                    At::Size
                }
                (At::Line, b'\r') => At::End,
                (At::Trailer, b'\r') => At::TrailerEnd,
                (At::Line | At::Trailer, b'\t' | b' '..=b'~' | 0x80..) => {
                    self.extra(At::Trailer)?
                }
                (At::End, b'\n') => At::Over,
                (At::DataEnd | At::DataEndEnd, _) => return Err("a chunk is longer than it says"),
                _ => return Err("the chunks of the answer are malformed"),
            };
        }
        Ok(input.len())
    }

    fn extra(&mut self, at: At) -> Result<At, &'static str> {
        self.extra += 1;
        match self.extra > LARGEST_EXTRA {
            true => Err("there is too much around the chunks of the answer"),
            false => Ok(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(bytes: &[u8]) -> Result<Option<Head>, String> {
        HeadReader::default().next(&mut BytesMut::from(bytes))
    }

    /// The body in `pieces`, and how it ended.
    fn run(mut decoder: Decoder, pieces: &[&[u8]]) -> (Vec<u8>, Result<bool, &'static str>, usize) {
        let (mut body, mut rest) = (Vec::new(), 0);
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            loop {
                match decoder.next(&mut input) {
                    Ok(Some(piece)) => body.extend(&piece),
                    Ok(None) => break,
                    Err(why) => return (body, Err(why), 0),
                }
            }
            rest += input.len();
            assert!(input.is_empty() || decoder.is_over());
        }
        (body, Ok(decoder.may_end()), rest)
    }

    fn chunked(pieces: &[&[u8]]) -> (Vec<u8>, Result<bool, &'static str>, usize) {
        run(Decoder::Chunked(Chunks::default()), pieces)
    }

    const WIRE: &[u8] =
        b"5\r\nhello\r\n00A ;a=\"b\";c\r\n, world\r\n!\r\n0\r\nTrailer: x\r\nOther:\r\n\r\nnext";

    #[test]
    fn every_split_gives_the_same() {
        let whole = chunked(&[WIRE]);
        assert_eq!(whole, (b"hello, world\r\n!".to_vec(), Ok(true), 4));
        for at in 0..=WIRE.len() {
            for to in at..=WIRE.len() {
                assert_eq!(chunked(&[&WIRE[..at], &WIRE[at..to], &WIRE[to..]]), whole);
            }
        }
    }

    #[test]
    fn a_cut_is_told_at_every_byte() {
        for at in 0..WIRE.len() - 4 {
            assert_eq!(chunked(&[&WIRE[..at]]).1, Ok(false), "at {at}");
            assert_eq!(run(Decoder::Length(at as u64 + 1), &[&WIRE[..at]]).1, Ok(false));
        }
        assert_eq!(run(Decoder::Close, &[b"a", b"b"]), (b"ab".to_vec(), Ok(true), 0));
        assert_eq!(run(Decoder::Length(2), &[b"a", b"bc"]), (b"ab".to_vec(), Ok(true), 1));
    }

    #[test]
    fn what_is_no_chunk_is_told() {
        let long = [&b"5;"[..], &[b'x'; LARGEST_EXTRA + 1]].concat();
        let trailer = [&b"0\r\n"[..], &b"A: b\r\n".repeat(LARGEST_EXTRA / 3)].concat();
        for (wire, words) in [
            (&b"\r\n"[..], "no size"),
            (b";x\r\n", "no size"),
            (b" 5\r\n", "no size"),
            (b"-1\r\n", "no size"),
            (b"x\r\n", "no size"),
            (b"5x\r\n", "malformed"),
            (b"5 5\r\n", "malformed"),
            (b"0x5\r\n", "malformed"),
            (b"5\nhello\r\n", "malformed"),
            (b"5\rhello", "malformed"),
            (b"5;a\nhello", "malformed"),
            (b"5;a\0\r\n", "malformed"),
            (b"10000000000000000\r\n", "beyond measure"),
            (b"00000000000000005\r\n", "beyond measure"),
            (b"5\r\nhello!\r\n", "longer than it says"),
            (b"5\r\nhello\n", "longer than it says"),
            (b"5\r\nhello\rx", "longer than it says"),
            (b"0\r\nA: b\n", "malformed"),
            (b"0\r\nA\0: b\r\n", "malformed"),
            (b"0\r\n\rx", "malformed"),
            (&long, "too much around"),
            (&trailer, "too much around"),
        ] {
            let end = chunked(&[wire]).1;
            let shown = String::from_utf8_lossy(&wire[..wire.len().min(20)]);
            assert!(end.is_err_and(|why| why.contains(words)), "{shown:?}: {end:?}");
        }
        // The largest size there is reserves nothing.
        assert_eq!(chunked(&[b"ffffffffffffffff\r\nx"]), (b"x".to_vec(), Ok(false), 0));
    }

    #[test]
    fn heads_of_every_kind() {
        let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\nLink: x\n\nHTTP/1.1 200 OK\r\nContent-Length:  3 \r\nContent-Length: 3\r\n\r\nabc";
        for at in 0..=wire.len() {
            let (mut reader, mut input) = (HeadReader::default(), BytesMut::from(&wire[..at]));
            let first = reader.next(&mut input).unwrap();
            assert_eq!(first.is_some(), at >= wire.len() - 3, "cut at {at}");
            input.extend_from_slice(&wire[at..]);
            let head = first.or_else(|| reader.next(&mut input).unwrap()).unwrap();
            assert_eq!((head.status, head.body.length()), (200, Some(3)));
            assert_eq!(&input[..], b"abc");
        }
        let kind = |text: &str| {
            let head = head(format!("HTTP/1.{text}\r\n\r\n").as_bytes());
            head.map(|head| head.map(|head| format!("{:?}", head.body)))
        };
        let is = |body: &str| Ok(Some(body.to_owned()));
        assert_eq!(kind("1 200 OK"), is("Close"));
        assert_eq!(kind("1 204 No\r\nContent-Length: 9"), is("Length(0)"));
        assert_eq!(kind("1 304 Same"), is("Length(0)"));
        assert_eq!(kind("1 101 UPGRADED\r\nConnection: Upgrade"), is("Length(0)"));
        assert_eq!(kind("1 200\r\nContent-Length: 1\r\nConnection: a, Close"), is("Length(1)"));
        assert_eq!(kind("0 200 OK\r\nContent-Length: 1"), is("Length(1)"));
        let chunked = kind("1 200 OK\r\nTransfer-Encoding: Chunked").unwrap().unwrap();
        assert!(chunked.starts_with("Chunked"));
        let both = kind("1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1");
        assert!(both.unwrap().unwrap().starts_with("Chunked"));
        for bad in [
            "1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2",
            "1 200 OK\r\nContent-Length: 1, 1",
            "1 200 OK\r\nContent-Length: +1",
            "1 200 OK\r\nContent-Length:",
            "1 200 OK\r\nContent-Length: 18446744073709551616",
            "1 200 OK\r\nTransfer-Encoding: gzip, chunked",
            "1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "0 200 OK\r\nTransfer-Encoding: chunked",
            "1 99 Low",
            "1 099 Low",
            "2 200 OK",
            "1 200 OK\r\nA: b\r\n c",
            "1 200 OK\r\nA b",
        ] {
            assert!(kind(bad).is_err(), "{bad}");
        }
        for bad in [&b"SSH-2.0"[..], b"\0", b"HTTP/2", b"\r\nHTTP/1.1 200 OK\r\n\r\n"] {
            assert!(head(bad).is_err());
        }
        let line = b"A: b\r\n";
        for (headers, fits) in [(line.repeat(100), true), (line.repeat(101), false)] {
            let wire = [b"HTTP/1.1 200 OK\r\n", &headers[..], b"\r\n"].concat();
            assert_eq!(head(&wire).is_ok(), fits);
        }
        let endless = [b"HTTP/1.1 200 OK\r\nA: ", &[b'x'; LARGEST_HEAD][..]].concat();
        assert!(head(&endless).is_err());
        assert!(head(&[&endless[..], b"\r\n\r\n"].concat()).is_err());
    }

    /// What hyper makes of an answer's body; `None` where it is an error.
    fn hyper_reads(wire: Vec<u8>) -> Option<Vec<u8>> {
        use http_body_util::{BodyExt, Empty};
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(wire.len() + 4096);
            let io = hyper_util::rt::TokioIo::new(ours);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            let request = hyper::Request::new(Empty::<Bytes>::new());
            let talk = async {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                theirs.read_u8().await.unwrap();
                theirs.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
                theirs.write_all(&wire).await.unwrap();
                drop(theirs);
            };
            let read = async {
                let response = sender.send_request(request).await.ok()?;
                Some(response.into_body().collect().await.ok()?.to_bytes().to_vec())
            };
            let all = async { tokio::join!(talk, read).1 };
            tokio::select! { biased; body = all => body, _ = async { let _ = connection.await; std::future::pending::<()>().await } => None }
        })
    }

    proptest! {
        #[test]
        fn bodies_are_read_as_hyper_reads_them(
            chunks in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..300), 0..4u8, any::<bool>()), 0..12),
            trailers in 0..3usize,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            spoil in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut wire = Vec::new();
            let mut wanted = Vec::new();
            for (data, zeros, extension) in &chunks {
                wire.extend("0".repeat(usize::from(*zeros)).bytes());
                wire.extend(format!("{:X}", data.len()).bytes());
                wire.extend(if *extension { &b";name=value"[..] } else { b"" });
                wire.extend(b"\r\n");
                wire.extend(data);
                wire.extend(b"\r\n");
                wanted.extend(data);
            }
            let chunks = wire.len();
            wire.extend(b"0\r\n");
            wire.extend(b"A: b\r\n".repeat(trailers));
            wire.extend(b"\r\n");
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len())).collect();
            at.extend([0, wire.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|w| &wire[w[0]..w[1]]).collect();
            prop_assert_eq!(chunked(&pieces), (wanted.clone(), Ok(true), 0));
            prop_assert_eq!(hyper_reads(wire.clone()), Some(wanted));
            for end in at {
                if end < wire.len() {
                    prop_assert_eq!(chunked(&[&wire[..end]]).1, Ok(false));
                }
            }
            // Where a byte is another, we take nothing that hyper refuses. Trailers aside: they
            // are skipped, and not read.
            if let Some((at, byte)) = spoil {
                let at = at.index(chunks + 1);
                wire[at] = byte;
                let (ours, end, _) = chunked(&[&wire]);
                if end == Ok(true) {
                    prop_assert_eq!(hyper_reads(wire), Some(ours));
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"0123456789af\r\n ;:xHTP/1."[..]), 0..40), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = chunked(&pieces);
            let _ = head(&pieces.concat());
        }
    }
}
