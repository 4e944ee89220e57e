//! Lines, in whatever pieces they come.

use super::*;
use StdStream::{Err, Out};

const BOTH: Prefix = Prefix { timestamps: true, details: true };
const STAMPS: Prefix = Prefix { timestamps: true, details: false };
const NONE: Prefix = Prefix { timestamps: false, details: false };
const T1: &str = "2026-01-01T00:00:01.000000001Z";
const T2: &str = "2026-01-01T00:00:02.500000000Z";

/// Frames, or what a terminal printed, cut anew every `step` bytes.
fn run(mut lines: Lines, frames: &[(StdStream, &[u8])], step: usize) -> Vec<LogLine> {
    let mut out = Vec::new();
    for (stream, frame) in frames {
        if !lines.raw {
            lines.frame(*stream);
        }
        for piece in frame.chunks(step) {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(line) = lines.next(*stream, &mut input) {
                out.push(line);
            }
            assert!(input.is_empty());
        }
    }
    while let Some(line) = lines.finish(false) {
        out.push(line);
    }
    out
}

/// What each line says, at every way to cut its frames.
fn say(prefix: Prefix, raw: bool, limit: usize, frames: &[(StdStream, &[u8])]) -> Vec<String> {
    let longest = frames.iter().map(|(_, frame)| frame.len()).max().unwrap();
    let whole = run(Lines::new(prefix, raw, limit), frames, longest);
    for step in 1..longest.min(70) {
        assert_eq!(run(Lines::new(prefix, raw, limit), frames, step), whole, "pieces of {step}");
    }
    let say = |line: &LogLine| {
        let stream = if line.stream == Out { "" } else { "err " };
        let time = line.time.map_or(String::new(), |t| format!("@{} ", t.secs() % 60));
        let attributes: String = line.attributes.iter().map(|(k, v)| format!("{k}={v};")).collect();
        let more = if line.partial { "…" } else { "" };
        format!("{stream}{time}{attributes}{}{more}", line.text_lossy())
    };
    whole.iter().map(say).collect()
}

#[test]
fn lines_of_two_streams() {
    let frames: &[(StdStream, &[u8])] =
        &[(Out, b"a\nb"), (Err, b"x"), (Out, b"c\r\n\n"), (Err, b"y\nlast"), (Out, b"\xff\n")];
    assert_eq!(
        say(NONE, false, 99, frames),
        ["a", "bc\r", "", "xy", "\u{fffd}", "err last"].map(|s| if s == "xy" {
            "err xy"
        } else {
            s
        })
    );
}

#[test]
fn moments_and_attributes() {
    let a = format!("{T1} a=b+c,d%2Ce=f%3D one two\n");
    let b = format!("{T2}  no attributes\n");
    let c = format!("{T2} word of an engine that ignores details\n");
    let d = format!("{T2} x=1 \n");
    let frames: Vec<(StdStream, &[u8])> =
        [&a, &b, &c, &d].into_iter().map(|s| (Err, s.as_bytes())).collect();
    assert_eq!(
        say(BOTH, false, 99, &frames),
        [
            "err @1 a=b c;d,e=f=;one two",
            "err @2 no attributes",
            "err @2 word of an engine that ignores details",
            "err @2 x=1;",
        ]
    );
    // What has no moment is kept as it is.
    let odd: &[(StdStream, &[u8])] = &[(Out, b"\nno moment\nx\n"), (Out, b"2026"), (Out, b"\n")];
    assert_eq!(say(STAMPS, false, 99, odd), ["", "no moment", "x", "2026"]);
}

#[test]
fn the_pieces_of_a_long_line_are_joined() {
    let first = format!("{T1} {}", "x".repeat(100));
    let between = format!("{T2} other\n");
    let last = format!("{T1} end\n");
    let frames: &[(StdStream, &[u8])] = &[
        (Out, first.as_bytes()),
        (Err, between.as_bytes()),
        (Out, first.as_bytes()),
        (Out, last.as_bytes()),
    ];
    let long = format!("@1 {}end", "x".repeat(200));
    assert_eq!(say(STAMPS, false, 999, frames), ["err @2 other", &long]);
    // And handed on in parts where they are too long: a limit that is just kept is kept.
    assert_eq!(say(STAMPS, false, 203, frames), ["err @2 other", &long]);
    let (a, b) = (format!("@1 {}…", "x".repeat(150)), format!("@1 {}end", "x".repeat(50)));
    assert_eq!(say(STAMPS, false, 150, frames), ["err @2 other", &a, &b]);
    assert_eq!(
        say(NONE, false, 2, &[(Out, b"abcd\n"), (Out, b"ef\n"), (Out, b"ghi")]),
        ["ab…", "cd", "ef", "gh…", "i"]
    );
}

#[test]
fn a_terminals_lines_and_their_seams() {
    let long = "x".repeat(PIECE);
    let wire = format!("{T1} {long}{T1} {long}{T1} y\r\n{T2} {long}{T2} \r\n{T2} z");
    let frames: &[(StdStream, &[u8])] = &[(Out, wire.as_bytes())];
    let lines = say(STAMPS, true, 1 << 20, frames);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], format!("@1 {long}{long}y"));
    assert_eq!(lines[1], format!("@2 {long}"));
    assert_eq!(lines[2], "@2 z");
    // A line that is so long and goes on with nearly its own prefix.
    let near = T1.replace("1Z", "2Z");
    let wire = format!("{T1} {long}{near} y\n");
    let lines = say(STAMPS, true, 1 << 20, &[(Out, wire.as_bytes())]);
    assert_eq!(lines, [format!("@1 {long}{near} y")]);
    assert_eq!(say(NONE, true, 99, &[(Out, b"$ ls\r\n\x1b[0m\r\n$ ")]), ["$ ls", "\x1b[0m", "$ "]);
}

#[test]
fn a_terminals_line_that_is_just_not_too_long() {
    for (wire, lines) in [
        (&b"abc\r\nd"[..], &["abc", "d"][..]),
        (b"abc\rd\r\n", &["abc…", "\rd"]),
        (b"abcdef\r\n", &["abc…", "def"]),
        (b"abc\r\r\n", &["abc…", "\r"]),
        (b"abc\r", &["abc…", "\r"]),
    ] {
        assert_eq!(say(NONE, true, 3, &[(Out, wire)]), lines);
        let wire = [T1.as_bytes(), b" ", wire].concat();
        assert_eq!(say(STAMPS, true, 3, &[(Out, &wire)])[0], format!("@1 {}", lines[0]));
    }
}

#[test]
fn what_is_cut_is_said_to_be() {
    let mut lines = Lines::new(STAMPS, false, 99);
    lines.frame(Out);
    let mut input = Bytes::from(format!("{T1} ab"));
    assert_eq!(lines.next(Out, &mut input), None);
    assert_eq!(lines.pending(), Some(T1.parse().unwrap()));
    let line = lines.finish(true).unwrap();
    assert_eq!((&line.data[..], line.partial), (&b"ab"[..], true));
    assert_eq!((lines.finish(true), lines.pending()), (None, None));
}

proptest::proptest! {
    #[test]
    fn nothing_is_lost(text in "[ab \n=,]{0,200}", limit in 1usize..40, step in 1usize..40, timestamps: bool) {
        let prefix = Prefix { timestamps, details: false };
        let lines = run(Lines::new(prefix, false, limit), &[(Out, text.as_bytes())], step);
        let mut again = String::new();
        for line in &lines {
            again.push_str(&line.text_lossy());
            if !line.partial {
                again.push('\n');
            }
            proptest::prop_assert!(line.data.len() <= limit);
        }
        let ended = text.is_empty() || text.ends_with('\n');
        proptest::prop_assert_eq!(again, if ended { text } else { text + "\n" });
    }
}
