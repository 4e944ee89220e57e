//! Tar archives, read as they come.
//!
//! What is read was written by somebody else, and may be written to do harm. So the reader takes
//! the formats that engines write (ustar, PAX records, GNU's long names) and refuses what two
//! readers could understand in two ways. It reserves nothing because a header says so, and knows
//! nothing of files: it is handed bytes, in whatever pieces, and hands out entries.

use bytes::{Buf, Bytes};

use super::{UNIT, padding};

/// Of the records and names that go before an entry, this much is kept.
const RECORDS: u64 = 1 << 20;
/// No system knows longer paths.
const PATH: usize = 4096;
/// So much may follow the end: archives are filled up to whole tape records.
const AFTER: u64 = 1 << 20;

/// The head of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// As it is in the archive; not empty, and without a NUL.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: FoundKind,
    /// Permission bits, and setuid, setgid, sticky.
    pub(crate) mode: u32,
    /// Seconds since 1970, and nanoseconds.
    pub(crate) modified: (i64, u32),
    /// Bytes of content that follow. Of files only.
    pub(crate) size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FoundKind {
    File,
    Folder,
    /// A symbolic link, and where it leads.
    Link(Vec<u8>),
    /// Another name of a file that came before, by its path in the archive.
    Same(Vec<u8>),
    Device,
    Pipe,
}

/// What the reader hands out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Entry(Found),
    /// A piece of the last entry's content.
    Data(Bytes),
}

/// An archive being read.
#[derive(Debug)]
pub(crate) struct Reader {
    at: At,
    /// The beginning of something that has not come whole.
    part: Vec<u8>,
    before: Before,
    zeros: bool,
    after: u64,
}

/// Where in the archive the reader is.
#[derive(Debug, Clone, Copy)]
enum At {
    Header,
    /// What goes before an entry: this much of it, and the flag that says what it is.
    Records(u64, u8),
    Content(u64, usize),
    /// Bytes that mean nothing.
    Skip(u64),
    End,
}

/// What came before an entry and is about it.
#[derive(Debug, Default)]
struct Before {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<(i64, u32)>,
    /// The flags of the headers that said so.
    flags: Vec<u8>,
}

impl Reader {
    pub(crate) fn new() -> Reader {
        let (part, before) = Default::default();
        Reader { at: At::Header, part, before, zeros: false, after: 0 }
    }

    /// Read on in `input`, as far as the next item. `None`: all of it is read, and more must come.
    ///
    /// # Errors
    /// What is wrong with the archive. Nothing can be read after it.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Result<Option<Item>, String> {
        while !input.is_empty() {
            match self.at {
                At::Header => {
                    if !self.gather(input, UNIT) {
                        return Ok(None);
                    }
                    let unit = std::mem::take(&mut self.part);
                    if let Some(found) = self.header(&Header(&unit))? {
                        return Ok(Some(Item::Entry(found)));
                    }
                }
                At::Records(size, flag) => {
                    if !self.gather(input, size as usize) {
                        return Ok(None);
                    }
                    let text = std::mem::take(&mut self.part);
                    self.at = At::Skip(padding(size) as u64);
                    self.before.take(flag, text)?;
                }
                At::Content(left, fill) => {
                    let piece = input.split_to(input.len().min(clamp(left)));
                    let left = left - piece.len() as u64;
                    self.at =
                        if left == 0 { At::Skip(fill as u64) } else { At::Content(left, fill) };
                    return Ok(Some(Item::Data(piece)));
                }
                At::Skip(left) => {
                    let skipped = input.len().min(clamp(left));
                    input.advance(skipped);
                    let left = left - skipped as u64;
                    self.at = if left == 0 { At::Header } else { At::Skip(left) };
                }
                At::End => {
                    self.after += input.len() as u64;
                    input.clear();
                    if self.after > AFTER {
                        return Err("it goes on after its end".to_owned());
                    }
                }
            }
            // What is filled up by nothing is done with, also where no byte follows.
            if let At::Skip(0) = self.at {
                self.at = At::Header;
            }
        }
        Ok(None)
    }

    /// Say whether the archive has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.at, At::End)
    }

    /// Collect `size` bytes in `part`. False: more must come.
    fn gather(&mut self, input: &mut Bytes, size: usize) -> bool {
        let wanted = size.saturating_sub(self.part.len()).min(input.len());
        self.part.extend_from_slice(&input.split_to(wanted));
        self.part.len() >= size
    }

    fn header(&mut self, header: &Header<'_>) -> Result<Option<Found>, String> {
        if header.0.iter().all(|b| *b == 0) {
            if !self.before.flags.is_empty() {
                return Err("it ends between an entry's records and the entry".to_owned());
            }
            // Two of them are the end.
            if std::mem::replace(&mut self.zeros, true) {
                self.at = At::End;
            }
            return Ok(None);
        }
        if self.zeros {
            return Err("it goes on after half an end".to_owned());
        }
        header.check()?;
        let flag = header.flag();
        let size = header.number(124..136, "size")?;
        let size = u64::try_from(size).map_err(|_| "a size is less than nothing".to_owned())?;
        match flag {
            b'x' | b'L' | b'K' => {
                if size == 0 || size > RECORDS {
                    return Err(format!("the records of an entry have {size} bytes"));
                }
                self.before.announce(flag)?;
                self.at = At::Records(size, flag);
                return Ok(None);
            }
            // Records for the whole archive: comments, as engines' archives have none.
            b'g' => {
                if size > RECORDS {
                    return Err(format!("the records of the archive have {size} bytes"));
                }
                if !self.before.flags.is_empty() {
                    return Err("records follow upon records".to_owned());
                }
                self.at = At::Skip(size + padding(size) as u64);
                return Ok(None);
            }
            _ => {}
        }
        let found = self.entry(header, flag, size)?;
        self.at = At::Content(found.size, padding(found.size));
        if found.size == 0 {
            self.at = At::Header;
        }
        Ok(Some(found))
    }

    fn entry(&mut self, header: &Header<'_>, flag: u8, size: u64) -> Result<Found, String> {
        let before = std::mem::take(&mut self.before);
        let path = before.path.unwrap_or_else(|| header.path());
        let shown = shown(&path);
        if path.is_empty() {
            return Err("an entry has no name".to_owned());
        }
        let link = before.link.unwrap_or_else(|| header.text(157..257).to_vec());
        if path.len() > PATH || link.len() > PATH {
            return Err(format!("the path {shown} is too long"));
        }
        let size = before.size.unwrap_or(size);
        let kind = match flag {
            // Before there were flags, a slash said it.
            b'0' | 0 | b'7' if flag == 0 && path.ends_with(b"/") => FoundKind::Folder,
            b'0' | 0 | b'7' => FoundKind::File,
            b'1' => FoundKind::Same(link),
            b'2' => FoundKind::Link(link),
            b'3' | b'4' => FoundKind::Device,
            b'5' => FoundKind::Folder,
            b'6' => FoundKind::Pipe,
            b'S' => return Err(format!("{shown} is in GNU's form for files with holes")),
            other => return Err(format!("{shown} is of unknown kind {:?}", char::from(other))),
        };
        if kind != FoundKind::File && size > 0 {
            // Some readers take what follows for its content, and some for the next entry.
            return Err(format!("{shown} claims contents, and is no file"));
        }
        if i64::try_from(size).is_err() {
            return Err(format!("{shown} claims {size} bytes"));
        }
        if matches!(&kind, FoundKind::Link(to) | FoundKind::Same(to) if to.is_empty()) {
            return Err(format!("{shown} leads nowhere"));
        }
        let mode = (header.number(100..108, "mode")? & 0o7777) as u32;
        let modified = match before.modified {
            Some(modified) => modified,
            None => (header.number(136..148, "time")?, 0),
        };
        Ok(Found { path, kind, mode, modified, size })
    }
}

/// A path for an error's text.
fn shown(path: &[u8]) -> String {
    format!("\"{}\"", crate::error::excerpt(&String::from_utf8_lossy(path), 200))
}

fn clamp(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

impl Before {
    /// Another header's worth of records is to come.
    fn announce(&mut self, flag: u8) -> Result<(), String> {
        // PAX and GNU say the same in two ways; which holds, readers disagree on.
        if self.flags.iter().any(|f| *f == flag || *f == b'x' || flag == b'x') {
            return Err("an entry has its records twice".to_owned());
        }
        self.flags.push(flag);
        Ok(())
    }

    fn take(&mut self, flag: u8, mut text: Vec<u8>) -> Result<(), String> {
        if flag == b'x' {
            return self.records(&text);
        }
        // GNU ends the name with a NUL, and counts it.
        if text.last() == Some(&0) {
            text.pop();
        }
        let name = Some(whole(&text)?);
        if flag == b'L' {
            self.path = name
        } else {
            self.link = name
        }
        Ok(())
    }

    /// Read "length key=value\n" until all is read.
    fn records(&mut self, mut text: &[u8]) -> Result<(), String> {
        let broken = || "a PAX record is malformed".to_owned();
        while !text.is_empty() {
            let blank = text.iter().position(|b| *b == b' ').ok_or_else(broken)?;
            let (length, _) = text.split_at(blank);
            let length = decimal(length).ok_or_else(broken)?;
            let length = usize::try_from(length).map_err(|_| broken())?;
            let record = text.get(blank + 1..length).ok_or_else(broken)?;
            text = text.get(length..).ok_or_else(broken)?;
            let record = record.strip_suffix(b"\n").ok_or_else(broken)?;
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(broken)?;
            let (key, value) = (record.get(..equals), record.get(equals + 1..));
            let (key, value) = (key.ok_or_else(broken)?, value.ok_or_else(broken)?);
            match key {
                b"" => return Err(broken()),
                b"path" => once(&mut self.path, whole(value)?)?,
                b"linkpath" => once(&mut self.link, whole(value)?)?,
                b"size" => once(&mut self.size, decimal(value).ok_or_else(broken)?)?,
                b"mtime" => once(&mut self.modified, moment(value).ok_or_else(broken)?)?,
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err("a file is in GNU's form for files with holes".to_owned());
                }
                // Owners, other times, extended attributes: nobody here asks for them.
                _ => {}
            }
        }
        Ok(())
    }
}

/// Set what may be said once: of two, readers disagree on which holds.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err("a PAX record is there twice".to_owned()),
    }
}

/// A name of which nothing is cut off where others end their texts.
fn whole(name: &[u8]) -> Result<Vec<u8>, String> {
    if name.contains(&0) {
        return Err(format!("a name has a NUL in it: {}", shown(name)));
    }
    Ok(name.to_vec())
}

fn decimal(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    // `parse` takes a plus.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// "-12.5": seconds since 1970.
fn moment(text: &[u8]) -> Option<(i64, u32)> {
    let (minus, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut halves = text.splitn(2, |b| *b == b'.');
    let secs = i64::try_from(decimal(halves.next()?)?).ok()?;
    let mut nanos = 0;
    let mut weight = 100_000_000;
    for digit in halves.next().unwrap_or_default() {
        nanos += u32::from((*digit as char).to_digit(10)? as u8) * weight;
        weight /= 10;
    }
    Some(match (minus, nanos) {
        (false, nanos) => (secs, nanos),
        (true, 0) => (-secs, 0),
        (true, nanos) => (-secs - 1, 1_000_000_000 - nanos),
    })
}

/// One unit that is an entry's head.
struct Header<'a>(&'a [u8]);

impl Header<'_> {
    fn field(&self, field: std::ops::Range<usize>) -> &[u8] {
        self.0.get(field).unwrap_or_default()
    }

    /// A field up to its NUL.
    fn text(&self, field: std::ops::Range<usize>) -> &[u8] {
        self.field(field).split(|b| *b == 0).next().unwrap_or_default()
    }

    fn flag(&self) -> u8 {
        self.field(156..157).first().copied().unwrap_or_default()
    }

    fn path(&self) -> Vec<u8> {
        let name = self.text(0..100);
        // GNU uses the place of the prefix for other things.
        let prefix = if self.field(257..263) == b"ustar\0" { self.text(345..500) } else { b"" };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// Octal digits between blanks and NULs, or 0x80 and a number of many bytes.
    fn number(&self, field: std::ops::Range<usize>, what: &str) -> Result<i64, String> {
        let broken = || format!("a header's {what} is no number");
        let digits = self.field(field);
        match digits.split_first() {
            Some((first @ (0x80 | 0xff), rest)) => {
                let start = if *first == 0xff { -1 } else { 0i64 };
                rest.iter().try_fold(start, |number, byte| {
                    number.checked_mul(256)?.checked_add(i64::from(*byte))
                })
            }
            _ => {
                let digits = digits.strip_prefix(b" ").unwrap_or(digits);
                let end = digits.iter().position(|b| matches!(b, 0 | b' '));
                let (digits, rest) = digits.split_at(end.unwrap_or(digits.len()));
                if rest.iter().any(|b| !matches!(b, 0 | b' ')) {
                    return Err(broken());
                }
                digits.iter().try_fold(0i64, |number, digit| {
                    let digit = (*digit as char).to_digit(8)?;
                    number.checked_mul(8)?.checked_add(i64::from(digit))
                })
            }
        }
        .ok_or_else(broken)
    }

    fn check(&self) -> Result<(), String> {
        let told = self.number(148..156, "sum")?;
        let sum = |value: fn(u8) -> i64| -> i64 {
            let field = 148..156;
            let of =
                |(at, byte): (usize, &u8)| value(if field.contains(&at) { b' ' } else { *byte });
            self.0.iter().enumerate().map(of).sum()
        };
        // Some old writers took bytes for signed.
        if told == sum(i64::from) || told == sum(|b| i64::from(b as i8)) {
            Ok(())
        } else {
            Err("a header's sum is wrong".to_owned())
        }
    }
}

/// Say whether these bytes can be the beginning of a plain archive: a header, or an end.
pub(crate) fn is_plain(start: &[u8]) -> bool {
    let Some(unit) = start.get(..UNIT) else { return start.is_empty() };
    unit.iter().all(|b| *b == 0) || Header(unit).check().is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;
    use crate::tar::{Archive, Content, Entry, Kind};

    /// A header with a right sum.
    fn header(name: &[u8], flag: u8, size: &[u8], spoil: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut unit = vec![0; UNIT];
        unit[..name.len()].copy_from_slice(name);
        unit[100..108].copy_from_slice(b"0000644\0");
        unit[124..124 + size.len()].copy_from_slice(size);
        unit[136..148].copy_from_slice(b"00000000007\0");
        unit[156] = flag;
        unit[257..265].copy_from_slice(b"ustar\x0000");
        spoil(&mut unit);
        unit[148..156].fill(b' ');
        let sum: u32 = unit.iter().map(|b| u32::from(*b)).sum();
        unit[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        unit
    }

    fn with(flag: u8, text: &[u8]) -> Vec<u8> {
        let mut out = header(b"x", flag, format!("{:o}", text.len()).as_bytes(), |_| ());
        out.extend_from_slice(text);
        out.resize(out.len() + padding(text.len() as u64), 0);
        out
    }

    fn record(key: &str, value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        super::super::pax_record(&mut out, key, value.as_bytes());
        out
    }

    fn file(name: &[u8]) -> Vec<u8> {
        header(name, b'0', b"0", |_| ())
    }

    type Contents = Vec<(Found, Vec<u8>)>;

    /// Everything in the archive, read in pieces of `step` bytes; content is joined.
    fn read(archive: &[u8], step: usize) -> Result<(Contents, bool), String> {
        let mut reader = Reader::new();
        let mut out = Contents::new();
        for piece in archive.chunks(step.max(1)) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(item) = reader.next(&mut piece)? {
                match item {
                    Item::Entry(found) => out.push((found, Vec::new())),
                    Item::Data(data) => out.last_mut().unwrap().1.extend_from_slice(&data),
                }
            }
            assert!(piece.is_empty());
        }
        Ok((out, reader.is_over()))
    }

    fn closed(parts: &[Vec<u8>]) -> Vec<u8> {
        [parts.concat(), vec![0; 2 * UNIT]].concat()
    }

    fn fault(parts: &[Vec<u8>]) -> String {
        read(&closed(parts), 4096).unwrap_err()
    }

    #[test]
    fn what_two_readers_could_understand_in_two_ways_is_refused() {
        let pax = |key, value| with(b'x', &record(key, value));
        for (parts, why) in [
            (vec![header(b"a", b'0', b"0", |h| h[0] = 0)], "an entry has no name"),
            (vec![header(b"a", b'5', b"1000", |_| ())], "\"a\" claims contents, and is no file"),
            (
                vec![header(b"a", b'1', b"1000", |h| h[157] = b'f')],
                "\"a\" claims contents, and is no file",
            ),
            (
                vec![pax("size", "512"), header(b"a", b'2', b"0", |h| h[157] = b'f')],
                "\"a\" claims contents, and is no file",
            ),
            (vec![header(b"a", b'2', b"0", |_| ())], "\"a\" leads nowhere"),
            (
                vec![header(
                    b"a",
                    b'0',
                    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    |_| (),
                )],
                "a size is less than nothing",
            ),
            (
                vec![header(b"a", b'0', b"\x80\0\0\0\x80\0\0\0\0\0\0\0", |_| ())],
                "a header's size is no number",
            ),
            (
                vec![pax("size", "9223372036854775808"), file(b"a")],
                "\"a\" claims 9223372036854775808 bytes",
            ),
            (vec![pax("size", "18446744073709551616"), file(b"a")], "a PAX record is malformed"),
            (vec![pax("size", "+5"), file(b"a")], "a PAX record is malformed"),
            (vec![header(b"a", b'0', b"12 34", |_| ())], "a header's size is no number"),
            (vec![header(b"a", b'S', b"0", |_| ())], "\"a\" is in GNU's form for files with holes"),
            (
                vec![pax("GNU.sparse.realsize", "99"), file(b"a")],
                "a file is in GNU's form for files with holes",
            ),
            (vec![header(b"a", b'V', b"0", |_| ())], "\"a\" is of unknown kind 'V'"),
            // A size for the name's own header would move where all else begins.
            (
                vec![pax("size", "0"), with(b'L', b"name\0"), file(b"a")],
                "an entry has its records twice",
            ),
            (
                vec![with(b'L', b"name\0"), pax("path", "b"), file(b"a")],
                "an entry has its records twice",
            ),
            (
                vec![pax("path", "b"), pax("path", "c"), file(b"a")],
                "an entry has its records twice",
            ),
            (
                vec![with(b'L', b"n\0"), with(b'L', b"m\0"), file(b"a")],
                "an entry has its records twice",
            ),
            (
                vec![with(b'x', &[record("path", "b"), record("path", "c")].concat()), file(b"a")],
                "a PAX record is there twice",
            ),
            (vec![pax("path", "b\0/../c"), file(b"a")], "a name has a NUL in it: \"b\\u{0}/../c\""),
            (vec![with(b'L', b"b\0c\0"), file(b"a")], "a name has a NUL in it: \"b\\u{0}c\""),
            (vec![pax("path", ""), file(b"a")], "an entry has no name"),
            (vec![with(b'x', b"99 path=b\n"), file(b"a")], "a PAX record is malformed"),
            (vec![with(b'x', b"9 path=b\n1"), file(b"a")], "a PAX record is malformed"),
            (vec![with(b'x', b"0 path=b\n"), file(b"a")], "a PAX record is malformed"),
            (vec![pax("path", "b")], "it ends between an entry's records and the entry"),
            (vec![file(b"a"), vec![0; UNIT], file(b"b")], "it goes on after half an end"),
            (
                vec![header(b"a", b'x', b"77777777777", |_| ())],
                "the records of an entry have 8589934591 bytes",
            ),
            (
                vec![header(b"a", b'L', b"77777777777", |_| ())],
                "the records of an entry have 8589934591 bytes",
            ),
            (
                vec![header(b"a", b'g', b"77777777777", |_| ())],
                "the records of the archive have 8589934591 bytes",
            ),
            (vec![pax("path", "b"), with(b'g', b"x"), file(b"a")], "records follow upon records"),
            (vec![vec![b'x'; UNIT]], "a header's sum is no number"),
            (
                vec![{
                    let mut h = file(b"a");
                    h[0] = b'b';
                    h
                }],
                "a header's sum is wrong",
            ),
        ] {
            assert_eq!(fault(&parts), why);
        }
        let long = "p/".repeat(PATH / 2) + "p";
        assert!(fault(&[pax("path", &long), file(b"a")]).ends_with("is too long"));
        let mut endless = closed(&[]);
        endless.resize(AFTER as usize + 4 * UNIT, b'x');
        assert_eq!(read(&endless, 4096).unwrap_err(), "it goes on after its end");
    }

    #[test]
    fn gnus_names_are_read_and_other_records_are_not() {
        let parts = [
            with(b'g', &record("comment", "of git")),
            with(b'L', &[&[b'n'; 300][..], b"\0"].concat()),
            with(b'K', b"target\0"),
            header(b"cut", b'2', b"0", |_| ()),
            with(
                b'x',
                &[record("SCHILY.xattr.user.a", "\0\n="), record("mtime", "-1.25")].concat(),
            ),
            header(b"old/", 0, b"", |h| h[257..265].fill(0)),
            header(b"name", b'0', b"0", |h| h[345..348].copy_from_slice(b"pre")),
            header(b"name", b'0', b"0", |h| {
                h[257..265].copy_from_slice(b"ustar  \0");
                h[345] = b'x';
            }),
            header(b"p", b'6', b"0", |_| ()),
            header(b"d", b'3', b"0", |_| ()),
        ];
        let found = read(&closed(&parts), 7).unwrap();
        let brief: Vec<_> =
            found.0.iter().map(|(f, _)| (f.path.as_slice(), f.kind.clone(), f.modified)).collect();
        assert_eq!(
            brief,
            [
                (&[b'n'; 300][..], FoundKind::Link(b"target".to_vec()), (7, 0)),
                (b"old/", FoundKind::Folder, (-2, 750_000_000)),
                (b"pre/name", FoundKind::File, (7, 0)),
                (b"name", FoundKind::File, (7, 0)),
                (b"p", FoundKind::Pipe, (7, 0)),
                (b"d", FoundKind::Device, (7, 0)),
            ]
        );
        assert!(found.1);
    }

    #[test]
    fn a_huge_claim_reserves_nothing() {
        let archive = header(b"a", b'0', b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", |_| ());
        let (found, over) = read(&archive, UNIT).unwrap();
        assert_eq!((found[0].0.size, over), (i64::MAX as u64, false));
        let mut reader = Reader::new();
        reader.next(&mut archive.into()).unwrap();
        assert_eq!(reader.part.capacity(), 0);
    }

    /// Names without line ends, at which the `tar` crate cuts a PAX record off.
    fn entries() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>, u8)>> {
        let name = prop::collection::vec(prop_oneof![Just(b'a'), Just(b'/'), 11..=255u8], 1..300);
        let data = prop::collection::vec(any::<u8>(), 0..1500);
        prop::collection::vec((name, data, 0..3u8), 0..6)
    }

    proptest! {
        /// What our writer writes, this reader and the `tar` crate's read alike, in any pieces.
        #[test]
        fn it_reads_as_others_do(entries in entries(), step in 1..2000usize) {
            let sent = entries.into_iter().map(|(path, data, kind)| Ok(Entry {
                kind: match kind {
                    0 => Kind::Folder,
                    1 => Kind::Link(path.clone()),
                    _ => Kind::File(Content::Memory(data.into())),
                },
                path,
                mode: 0o4755,
                modified: -3,
                owner: (1, 2),
            }));
            let archive = Archive::new(sent).collect::<std::io::Result<Vec<_>>>().unwrap().concat();
            let (found, over) = read(&archive, step).unwrap();
            prop_assert!(over);
            let mut theirs = tar::Archive::new(&*archive);
            let mut count = 0;
            for (entry, (found, data)) in theirs.entries().unwrap().zip(&found) {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                prop_assert_eq!(&*entry.path_bytes(), &*found.path);
                prop_assert_eq!(&content, data);
                prop_assert_eq!(found.modified, (-3, 0));
                prop_assert_eq!(found.mode, 0o4755);
                let link = match &found.kind { FoundKind::Link(to) => Some(to.clone()), _ => None };
                prop_assert_eq!(entry.link_name_bytes().map(|l| l.to_vec()), link);
                count += 1;
            }
            prop_assert_eq!(count, found.len());
            // Cut anywhere, it is not over.
            let cut = &archive[..archive.len() - UNIT - 1];
            prop_assert!(!read(cut, step).unwrap().1);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), step in 1..600usize) {
            let _ = read(&bytes, step);
            let _ = is_plain(&bytes);
        }

        #[test]
        fn no_spoilt_header_makes_it_panic(at in 0..UNIT, bytes in prop::collection::vec(any::<u8>(), 0..40), flag in prop::sample::select(&b"0123456LKxgS\0"[..])) {
            let end = UNIT.min(at + bytes.len());
            let spoilt = header(b"a", flag, b"1000", |h| h[at..end].copy_from_slice(&bytes[..end - at]));
            let _ = read(&closed(&[spoilt, vec![b'1'; UNIT], file(b"b")]), 100);
        }
    }
}
