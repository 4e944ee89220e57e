//! Tar archives, written as they are sent.
//!
//! The format is ustar, with a PAX record wherever a value does not fit: what the engine's own
//! clients write. An archive is made block by block and never held whole; what a file's header
//! promised is what follows it, or the archive breaks off with an error.

mod read;

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

#[cfg(unix)]
pub(crate) use read::Found;
pub(crate) use read::{FoundKind, Item, Reader, is_plain};

/// The unit of the format: headers are of this size, and contents are filled up to it.
const UNIT: usize = 512;

/// As much is read at once, and handed on as one piece.
const PIECE: usize = 64 << 10;

/// Contents in memory are copied into a piece with others if they are no longer than this.
const SMALL: usize = 8 << 10;

/// One file, folder or link of an archive.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Relative, in bytes as the file system has them, without a slash at its end.
    pub(crate) path: Vec<u8>,
    /// Permission bits, and setuid, setgid, sticky.
    pub(crate) mode: u32,
    /// In seconds since 1970.
    pub(crate) modified: i64,
    /// User and group, by number.
    pub(crate) owner: (u64, u64),
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Folder,
    /// A symbolic link, and where it leads.
    Link(Vec<u8>),
    File(Content),
}

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Content {
    Memory(Bytes),
    /// As many bytes of an open file; the path is for errors.
    Disk(File, u64, PathBuf),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::Disk(_, size, _) => *size,
        }
    }
}

/// A local file that could not be read, by name. The cause is its source.
#[derive(Debug)]
struct Unreadable(PathBuf, io::Error);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}", self.0.display())
    }
}

impl Error for Unreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.1)
    }
}

/// Give an error the name of the file it befell.
pub(crate) fn unreadable(path: &Path, cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), Unreadable(path.to_owned(), cause))
}

/// An archive under way: takes entries, gives pieces.
#[derive(Debug)]
pub(crate) struct Archive<I> {
    entries: I,
    content: Option<Content>,
    /// Bytes that fill the content up.
    padding: usize,
    /// All is made, or an error came.
    over: bool,
    /// Whether the archive gets its end. Without it another can follow.
    ends: bool,
}

impl<I: Iterator<Item = io::Result<Entry>>> Archive<I> {
    /// Begin an archive of these entries.
    pub(crate) fn new(entries: I) -> Archive<I> {
        Archive { entries, content: None, padding: 0, over: false, ends: true }
    }

    /// Leave out the end: another archive follows.
    pub(crate) fn without_end(mut self) -> Archive<I> {
        self.ends = false;
        self
    }

    /// Where the entries come from.
    pub(crate) fn entries_mut(&mut self) -> &mut I {
        &mut self.entries
    }

    /// Fill one piece; an empty one is the end.
    fn piece(&mut self) -> io::Result<Bytes> {
        // Headers may go over the limit by a little.
        let mut piece = Vec::with_capacity(PIECE + 4 * UNIT);
        while piece.len() < PIECE {
            match self.content.take() {
                Some(Content::Memory(bytes)) if bytes.len() > SMALL => {
                    if piece.is_empty() {
                        return Ok(bytes);
                    }
                    self.content = Some(Content::Memory(bytes));
                    break;
                }
                Some(Content::Memory(bytes)) => piece.extend_from_slice(&bytes),
                Some(Content::Disk(file, left, path)) => {
                    let room = left.min((PIECE - piece.len()) as u64);
                    // Straight into the piece, which has the room: not even zeroed before.
                    let got = (&file).take(room).read_to_end(&mut piece);
                    let got = got.map_err(|e| unreadable(&path, e))? as u64;
                    if got < room {
                        let missing = left - got;
                        let cause = format!("it lost its last {missing} bytes while it was sent");
                        let cause = io::Error::new(io::ErrorKind::UnexpectedEof, cause);
                        return Err(unreadable(&path, cause));
                    }
                    if got < left {
                        self.content = Some(Content::Disk(file, left - got, path));
                    }
                }
                None => {
                    piece.resize(piece.len() + std::mem::take(&mut self.padding), 0);
                    let Some(entry) = self.entries.next() else {
                        self.over = true;
                        if self.ends {
                            piece.resize(piece.len() + 2 * UNIT, 0);
                        }
                        break;
                    };
                    let entry = entry?;
                    entry.header(&mut piece);
                    if let Kind::File(content) = entry.kind {
                        self.padding = padding(content.size());
                        self.content = Some(content);
                    }
                }
            }
        }
        Ok(piece.into())
    }
}

/// Pieces of about 64 KiB, until the end or the first error.
impl<I: Iterator<Item = io::Result<Entry>>> Iterator for Archive<I> {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.over {
            return None;
        }
        let piece = self.piece();
        self.over |= piece.is_err();
        piece.map(|p| (!p.is_empty()).then_some(p)).transpose()
    }
}

/// How much fills `size` bytes up to whole units.
fn padding(size: u64) -> usize {
    (size.wrapping_neg() % UNIT as u64) as usize
}

impl Entry {
    /// Write the header, and the PAX header before it if one is needed.
    fn header(&self, out: &mut Vec<u8>) {
        let mut path = self.path.clone();
        let (flag, target, size): (u8, &[u8], u64) = match &self.kind {
            Kind::Folder => {
                path.push(b'/');
                (b'5', b"", 0)
            }
            Kind::Link(target) => (b'2', target, 0),
            Kind::File(content) => (b'0', b"", content.size()),
        };
        let (uid, gid) = self.owner;
        let modified = u64::try_from(self.modified).ok();

        let mut records = Vec::new();
        let mut record = |key: &str, value: &[u8]| pax_record(&mut records, key, value);
        // Names that are no UTF-8 go as they are, as Go's writer sends them: the engine takes
        // them for bytes.
        if !fits_name(&path) {
            record("path", &path);
        }
        if !fits_name(target) {
            record("linkpath", target);
        }
        for (key, number, digits) in [("size", size, 11), ("uid", uid, 7), ("gid", gid, 7)] {
            if !fits_octal(number, digits) {
                record(key, number.to_string().as_bytes());
            }
        }
        if !modified.is_some_and(|m| fits_octal(m, 11)) {
            record("mtime", self.modified.to_string().as_bytes());
        }

        if !records.is_empty() {
            let mut header = Header::new(b'x', b"PaxHeaders/entry", b"");
            header.number(100..108, 0o644);
            header.number(124..136, records.len() as u64);
            header.finish(out);
            out.extend_from_slice(&records);
            out.resize(out.len() + padding(records.len() as u64), 0);
        }
        let mut header = Header::new(flag, &path, target);
        header.number(100..108, u64::from(self.mode & 0o7777));
        header.number(108..116, uid);
        header.number(116..124, gid);
        header.number(124..136, size);
        header.number(136..148, modified.unwrap_or(0));
        header.finish(out);
    }
}

fn fits_name(name: &[u8]) -> bool {
    name.len() <= 100 && name.is_ascii()
}

fn fits_octal(number: u64, digits: u32) -> bool {
    number >> (3 * digits) == 0
}

/// Append "length key=value\n"; the length counts itself.
fn pax_record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    length = rest + length.to_string().len();
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// One unit of ustar.
struct Header([u8; UNIT]);

impl Header {
    fn new(flag: u8, name: &[u8], target: &[u8]) -> Header {
        let mut header = Header([0; UNIT]);
        header.put(0..100, name);
        header.put(156..157, &[flag]);
        header.put(157..257, target);
        header.put(257..265, b"ustar\x0000");
        for field in [100..108, 108..116, 116..124, 124..136, 136..148, 329..337, 337..345] {
            header.number(field, 0);
        }
        header
    }

    /// Write what of `value` has room.
    fn put(&mut self, field: std::ops::Range<usize>, value: &[u8]) {
        let field = self.0.get_mut(field).unwrap_or_default();
        field.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
    }

    /// Write a number in octal digits and a NUL. One that does not fit is 0 here, and has a record.
    fn number(&mut self, field: std::ops::Range<usize>, number: u64) {
        let digits = field.len() - 1;
        let number = if fits_octal(number, digits as u32) { number } else { 0 };
        self.put(field, format!("{number:0digits$o}\0").as_bytes());
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        // The sum is taken as if its own field held blanks.
        self.put(148..156, b"        ");
        let sum: u64 = self.0.iter().map(|&b| u64::from(b)).sum();
        self.put(148..156, format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    fn file(path: &[u8], data: impl Into<Bytes>) -> Entry {
        Entry {
            path: path.to_vec(),
            mode: 0o644,
            modified: 1_700_000_000,
            owner: (0, 0),
            kind: Kind::File(Content::Memory(data.into())),
        }
    }

    fn archive(entries: Vec<Entry>) -> Vec<u8> {
        let pieces: io::Result<Vec<Bytes>> = Archive::new(entries.into_iter().map(Ok)).collect();
        pieces.unwrap().concat()
    }

    /// A file on disk that says it holds `size` bytes.
    fn on_disk(data: &[u8], size: u64) -> Content {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(data).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        Content::Disk(file, size, "/some/file".into())
    }

    /// Everything in the archive, in one line each, as the `tar` crate reads it.
    fn read_back(archive: &[u8]) -> String {
        let mut out = String::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut data = String::new();
            entry.read_to_string(&mut data).unwrap();
            let header = entry.header();
            out += &format!(
                "{:?} {} {:o} {}:{} {} {:?} {data:?}\n",
                header.entry_type(),
                entry.path_bytes().escape_ascii(),
                header.mode().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap(),
                entry.link_name_bytes().map(|l| l.escape_ascii().to_string()),
            );
        }
        out
    }

    fn sample() -> Vec<Entry> {
        let mut entries = vec![
            file(b"Dockerfile", "FROM busybox\n"),
            file(b"empty", ""),
            file(b"exact", "x".repeat(4)),
            file(&[b'l'; 100], "100"),
            file(&[b'm'; 101], "101"),
            file(&[&[b'd'; 90][..], b"/", &[b'f'; 255]].concat(), "long"),
            file("é".as_bytes(), "utf8"),
            file(b"\xff\xfe", "bytes"),
            file(b"two\nlines =1", "odd"),
        ];
        entries.push(Entry { kind: Kind::Folder, mode: 0o41777, ..file(b"dir", "") });
        entries.push(Entry { kind: Kind::Folder, ..file(&[b'd'; 100], "") });
        entries.push(Entry { kind: Kind::Link(b"/etc/passwd".into()), ..file(b"link", "") });
        entries.push(Entry { kind: Kind::Link([b't'; 300].into()), ..file(b"far", "") });
        entries.push(Entry { modified: -631_152_000, ..file(b"old", "1950") });
        entries.push(Entry { modified: 10_413_792_000, ..file(b"new", "2300") });
        entries.push(Entry { owner: (3_000_000, u64::from(u32::MAX)), ..file(b"ids", "") });
        entries
    }

    #[test]
    fn what_is_written_is_read_back() {
        let l = |c: char, n: usize| c.to_string().repeat(n);
        let text = read_back(&archive(sample()));
        let lines = [
            "Regular Dockerfile 644 0:0 1700000000 None \"FROM busybox\\n\"".to_owned(),
            "Regular empty 644 0:0 1700000000 None \"\"".to_owned(),
            "Regular exact 644 0:0 1700000000 None \"xxxx\"".to_owned(),
            format!("Regular {} 644 0:0 1700000000 None \"100\"", l('l', 100)),
            format!("Regular {} 644 0:0 1700000000 None \"101\"", l('m', 101)),
            format!("Regular {}/{} 644 0:0 1700000000 None \"long\"", l('d', 90), l('f', 255)),
            "Regular \\xc3\\xa9 644 0:0 1700000000 None \"utf8\"".to_owned(),
            "Regular \\xff\\xfe 644 0:0 1700000000 None \"bytes\"".to_owned(),
            "Regular two\\nlines =1 644 0:0 1700000000 None \"odd\"".to_owned(),
            "Directory dir/ 1777 0:0 1700000000 None \"\"".to_owned(),
            format!("Directory {}/ 644 0:0 1700000000 None \"\"", l('d', 100)),
            "Symlink link 644 0:0 1700000000 Some(\"/etc/passwd\") \"\"".to_owned(),
            format!("Symlink far 644 0:0 1700000000 Some(\"{}\") \"\"", l('t', 300)),
            // This reader has no times before 1970 and leaves PAX times alone.
            "Regular old 644 0:0 0 None \"1950\"".to_owned(),
            "Regular new 644 0:0 0 None \"2300\"".to_owned(),
            "Regular ids 644 3000000:4294967295 1700000000 None \"\"".to_owned(),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }

    /// GNU tar is what people look into archives with.
    #[test]
    fn gnu_tar_reads_it_too() {
        let mut child = Command::new("tar")
            .args(["--utc", "--full-time", "--numeric-owner", "-tvf", "-"])
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs `tar` on the PATH");
        let mut entries = sample();
        entries.push(file(&[b"long\n", &[b'n'; 120][..]].concat(), "a line feed in a record"));
        child.stdin.take().unwrap().write_all(&archive(entries)).unwrap();
        let out = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
        let text = String::from_utf8(out.stdout).unwrap();
        let words = |l: &str| l.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = text.lines().map(words).collect();
        assert_eq!(lines.len(), 17, "{text}");
        for line in [
            "-rw-r--r-- 0/0 13 2023-11-14 22:13:20 Dockerfile",
            "-rw-r--r-- 0/0 4 2023-11-14 22:13:20 \\303\\251",
            "-rw-r--r-- 0/0 5 2023-11-14 22:13:20 \\377\\376",
            "-rw-r--r-- 0/0 3 2023-11-14 22:13:20 two\\nlines =1",
            "drwxrwxrwt 0/0 0 2023-11-14 22:13:20 dir/",
            "lrw-r--r-- 0/0 0 2023-11-14 22:13:20 link -> /etc/passwd",
            "-rw-r--r-- 0/0 4 1950-01-01 00:00:00 old",
            "-rw-r--r-- 0/0 4 2300-01-01 00:00:00 new",
            "-rw-r--r-- 3000000/4294967295 0 2023-11-14 22:13:20 ids",
        ] {
            assert!(lines.iter().any(|l| l == line), "no {line:?} in\n{text}");
        }
        for end in [format!("far -> {}", "t".repeat(300)), format!("long\\n{}", "n".repeat(120))] {
            assert!(lines.iter().any(|l| l.ends_with(&end)), "no {end:?} in\n{text}");
        }
    }

    #[test]
    fn eight_gibibytes_and_more_have_a_record() {
        for (size, field, record) in [
            ((8 << 30) - 1, b"77777777777\0", None),
            (8 << 30, b"00000000000\0", Some("19 size=8589934592\n")),
        ] {
            let mut header = Vec::new();
            let kind = Kind::File(Content::Disk(tempfile::tempfile().unwrap(), size, "f".into()));
            Entry { kind, ..file(b"f", "") }.header(&mut header);
            let last = &header[header.len() - UNIT..];
            assert_eq!(&last[124..136], field);
            let found = (header.len() > UNIT).then(|| {
                std::str::from_utf8(&header[UNIT..]).unwrap().split_inclusive('\n').next().unwrap()
            });
            assert_eq!(found, record);
        }
    }

    /// Readers take bytes in the old field for whatever encoding they please.
    #[test]
    fn names_beyond_ascii_have_a_record() {
        for (name, has) in [("e", false), ("\u{e9}", true)] {
            let header = archive(vec![file(name.as_bytes(), "")]);
            assert_eq!(header[156] == b'x', has, "{name}");
        }
    }

    #[test]
    fn a_record_counts_itself() {
        for length in 0..1100 {
            let mut record = Vec::new();
            pax_record(&mut record, "path", &vec![b'x'; length]);
            let digits = record.split(|&b| b == b' ').next().unwrap();
            assert_eq!(std::str::from_utf8(digits).unwrap(), record.len().to_string());
        }
    }

    #[test]
    fn pieces_are_of_one_size_and_contents_in_memory_are_not_copied() {
        let data = Bytes::from(vec![7; 1 << 20]);
        let disk = Entry { kind: Kind::File(on_disk(&data, 1 << 20)), ..file(b"disk", "") };
        let entries = vec![disk, file(b"memory", data.clone()), file(b"small", "x")];
        let pieces: Vec<Bytes> =
            Archive::new(entries.into_iter().map(Ok)).map(Result::unwrap).collect();
        let (whole, other): (Vec<&Bytes>, Vec<&Bytes>) =
            pieces.iter().partition(|p| p.len() == PIECE);
        assert_eq!(whole.len(), 16);
        assert!(other.iter().any(|p| p.as_ptr() == data.as_ptr()), "the payload was copied");
        let whole = pieces.concat();
        assert_eq!(whole.len(), 2 * (1 << 20) + UNIT * (3 + 1 + 2));
        assert_eq!(tar::Archive::new(&*whole).entries().unwrap().count(), 3);
    }

    #[test]
    fn a_file_that_shrinks_breaks_the_archive() {
        for (has, says) in [(0, 1), (99, 100), (PIECE * 2, PIECE as u64 * 3)] {
            let kind = Kind::File(on_disk(&vec![1; has], says));
            let entries = vec![Ok(Entry { kind, ..file(b"f", "") }), Ok(file(b"after", "x"))];
            let mut archive = Archive::new(entries.into_iter());
            let error = archive.find_map(Result::err).unwrap();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(error.to_string(), "cannot read /some/file");
            let cause = error.get_ref().unwrap().source().unwrap().to_string();
            let missing = says - has as u64;
            assert_eq!(cause, format!("it lost its last {missing} bytes while it was sent"));
            assert!(archive.next().is_none(), "nothing follows: not the next file, not an end");
        }
    }

    #[test]
    fn a_file_that_grows_is_sent_as_it_was() {
        let kind = Kind::File(on_disk(b"0123456789", 4));
        let entries = vec![Entry { kind, ..file(b"f", "") }, file(b"after", "x")];
        let text = read_back(&archive(entries));
        assert!(text.contains("\"0123\"") && text.contains("after"), "{text}");
    }

    #[test]
    fn an_archive_without_end_goes_before_another() {
        let first = Archive::new(vec![Ok(file(b"first", "1"))].into_iter()).without_end();
        let mut whole = first.map(Result::unwrap).collect::<Vec<_>>().concat();
        whole.extend(archive(vec![file(b"second", "2")]));
        let text = read_back(&whole);
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_tree_is_read_back(
            entries in prop::collection::vec(
                (prop::collection::vec(1..=255_u8, 1..300), prop::collection::vec(any::<u8>(), 0..2_000)),
                0..6,
            ),
        ) {
            // The reader at hand takes a line feed in a PAX record for the record's end.
            let plain = |b: &u8| if b"/\n".contains(b) { b'_' } else { *b };
            let entry = |(path, data): &(Vec<u8>, Vec<u8>)| {
                file(&path.iter().map(plain).collect::<Vec<u8>>(), data.repeat(40))
            };
            let whole = archive(entries.iter().map(entry).collect());
            prop_assert_eq!(whole.len() % UNIT, 0);
            let mut read = Vec::new();
            for found in tar::Archive::new(&*whole).entries().unwrap() {
                let mut found = found.unwrap();
                let mut data = Vec::new();
                found.read_to_end(&mut data).unwrap();
                read.push((found.path_bytes().into_owned(), data));
            }
            let paths = entries.iter().map(|e| entry(e).path);
            let wanted: Vec<_> = paths.zip(entries.iter().map(|e| e.1.repeat(40))).collect();
            prop_assert!(read == wanted);
        }
    }
}
