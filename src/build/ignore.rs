//! `.dockerignore`: what of a folder stays at home.
//!
//! The rules are Docker's, which are not Git's. A pattern names a path from the context's root:
//! `.env` is the one in the root and no other. Where a pattern names a folder, all in it is meant.
//! `*` and `?` stay within one name, `**` spans any number of folders, none too. A line that begins
//! with `!` takes back what a line above it ignored, and the last line that speaks of a path
//! decides.
//!
//! Two oddities of Docker's are errors here, instead of a match that nobody meant: `*` or `?` in
//! brackets (Docker writes a regular expression of its own into the brackets), and named classes
//! such as `[[:alpha:]]`. And a backslash takes any character for what it is, where Docker reads
//! `\d` as a digit and `\w` as a letter.

use std::iter::once;

use crate::error::Error;

/// As many bytes a line may have. Docker's own reader gives up there.
const LONGEST_LINE: usize = 64 << 10;

/// The rules of one ignore file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ignore(Vec<Rule>);

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    /// The line began with `!`.
    keeps: bool,
    glob: Glob,
}

/// A pattern, as plain as it can be compared.
#[derive(Debug, Clone, PartialEq)]
enum Glob {
    Exact(Vec<u8>),
    /// `dir/**`
    Begin(Vec<u8>),
    /// `**/name`
    End(Vec<u8>),
    Parts(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Name,
    /// `**` and the slash after it: any number of folders.
    Folders,
    /// `**` at the end.
    Rest,
    /// `^` outside of brackets. Docker leaves it to its regular expressions, where it stands for
    /// the beginning: a pattern that has one further on matches nothing.
    Start,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// What the rules say of one path. A folder's verdict is asked for again by all that lies in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    pub(crate) ignored: bool,
    /// Which rules named the path or a folder above it; empty for the root.
    hits: Vec<bool>,
}

impl Ignore {
    /// Parse the ignore file `file`, whose name errors repeat.
    pub(crate) fn parse(file: &str, text: &[u8]) -> Result<Ignore, Error> {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut rules = Vec::new();
        for (n, line) in text.split(|&b| b == b'\n').enumerate() {
            match parse_line(line) {
                Ok(rule) => rules.extend(rule),
                Err(rule) => {
                    return Err(Error::invalid(
                        "ignore pattern",
                        String::from_utf8_lossy(trim(line)),
                        format!("{rule} (line {} of {file})", n + 1),
                    ));
                }
            }
        }
        Ok(Ignore(rules))
    }

    /// Judge `path`, which is relative to the root and lies in a folder judged before.
    ///
    /// A rule is asked only where it could turn the verdict, and what is not asked does not count
    /// for what lies below. So `!a` below `*/c` does not save `a/c`; the engine's own builders
    /// hold it so.
    pub(crate) fn judge(&self, path: &[u8], folder: &Verdict) -> Verdict {
        let chars = decode(path);
        let mut ignored = false;
        let mut judge = |(n, rule): (usize, &Rule)| {
            let hit = folder.hits.get(n).copied().unwrap_or_default()
                || (rule.keeps == ignored && rule.glob.matches(path, &chars));
            if hit {
                ignored = !rule.keeps;
            }
            hit
        };
        let hits = self.0.iter().enumerate().map(&mut judge).collect();
        Verdict { ignored, hits }
    }

    /// Say whether something in the ignored folder `path` may be taken back.
    ///
    /// The old builder's client asks only whether a pattern after `!` begins with the folder's
    /// name, and so loses `!**/*.md` in an ignored folder. BuildKit does not, nor do we.
    pub(crate) fn may_keep_below(&self, path: &[u8]) -> bool {
        let path = [path, b"/"].concat();
        let chars = decode(&path);
        self.0.iter().any(|rule| rule.keeps && rule.glob.may_go_on(&path, &chars))
    }
}

/// Parse a line: nothing, a rule, or the rule it breaks.
fn parse_line(line: &[u8]) -> Result<Option<Rule>, String> {
    if line.len() >= LONGEST_LINE {
        return Err(format!("must be shorter than {LONGEST_LINE} bytes"));
    }
    if line.starts_with(b"#") {
        return Ok(None);
    }
    // Docker cleans a line as it reads it, and the pattern again as it takes the `!` off. What
    // that makes of odd lines (`/!a` takes back, `/ a` is `a`) is kept by doing the same.
    let line = trim(line);
    let line = match line.strip_prefix(b"!") {
        Some(pattern) => [b"!", &*from_root(trim(pattern))].concat(),
        None => from_root(line),
    };
    let line = trim(&line);
    if line.is_empty() {
        return Ok(None);
    }
    let line = clean(line);
    let (keeps, pattern) = match line.strip_prefix(b"!") {
        Some(b"") => return Err("must have a pattern after its \"!\"".into()),
        Some(pattern) => (true, pattern),
        None => (false, &*line),
    };
    Ok(Some(Rule { keeps, glob: Glob::parse(pattern)? }))
}

fn trim(line: &[u8]) -> &[u8] {
    match std::str::from_utf8(line) {
        Ok(line) => line.trim().as_bytes(),
        Err(_) => line.trim_ascii(),
    }
}

/// Clean a pattern, and drop the slash it may begin with: all are from the root.
fn from_root(pattern: &[u8]) -> Vec<u8> {
    if pattern.is_empty() {
        return Vec::new();
    }
    let pattern = clean(pattern);
    match pattern.strip_prefix(b"/") {
        None | Some(b"") => pattern,
        Some(relative) => relative.to_vec(),
    }
}

/// Shorten a path by its own text, as Go's `filepath.Clean` does: no empty part, no `.`, and no
/// `..` but at the beginning. What is left of nothing is ".".
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&b| b == b'/') {
        match (part, parts.last()) {
            (b"" | b".", _) => {}
            (b"..", Some(&last)) if last != b".." => {
                parts.pop();
            }
            (b"..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    let path = parts.join(&b'/');
    match (rooted, path.is_empty()) {
        (true, _) => [b"/", &*path].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => path,
    }
}

/// The characters of a path; a byte that belongs to none is U+FFFD, as it is to Go.
fn decode(path: &[u8]) -> Vec<char> {
    let mut chars = Vec::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        chars.extend(chunk.valid().chars());
        chars.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    chars
}

impl Glob {
    fn parse(pattern: &[u8]) -> Result<Glob, String> {
        /// How the pattern may be compared, by what was read of it so far.
        #[derive(PartialEq)]
        enum As {
            Exact,
            Begin,
            End,
            Parts,
        }
        let chars = decode(pattern);
        let mut rest = &*chars;
        let mut parts = Vec::new();
        let mut kind = As::Exact;
        while let [first, after @ ..] = rest {
            rest = after;
            let part = match first {
                '*' => match rest {
                    ['*', after @ ..] => {
                        rest = after.strip_prefix(&['/']).unwrap_or(after);
                        let part = if rest.is_empty() { Part::Rest } else { Part::Folders };
                        kind = match (parts.is_empty(), rest.is_empty()) {
                            // Also `**name`: whatever ends so, in whichever folder.
                            (true, _) => As::End,
                            (false, true) if kind == As::Exact => As::Begin,
                            _ => As::Parts,
                        };
                        parts.push(part);
                        continue;
                    }
                    _ => Part::Name,
                },
                '?' => Part::Any,
                '^' => {
                    parts.push(Part::Start);
                    continue;
                }
                '\\' => {
                    let [escaped, after @ ..] = rest else {
                        return Err("must not end in a single backslash".into());
                    };
                    rest = after;
                    Part::Char(*escaped)
                }
                '[' => {
                    let (class, after) = parse_class(rest)?;
                    rest = after;
                    class
                }
                ']' => Part::Char(']'),
                c => {
                    parts.push(Part::Char(*c));
                    continue;
                }
            };
            kind = As::Parts;
            parts.push(part);
        }
        Ok(match kind {
            As::Exact => Glob::Exact(pattern.to_vec()),
            As::Begin => Glob::Begin(pattern.strip_suffix(b"**").unwrap_or(pattern).to_vec()),
            As::End => Glob::End(pattern.strip_prefix(b"**").unwrap_or(pattern).to_vec()),
            As::Parts => Glob::Parts(parts),
        })
    }

    fn matches(&self, path: &[u8], chars: &[char]) -> bool {
        match self {
            Glob::Exact(whole) => path == whole,
            Glob::Begin(begin) => path.starts_with(begin),
            Glob::End(end) => path.ends_with(end) || end.strip_prefix(b"/") == Some(path),
            Glob::Parts(parts) => follow(parts, chars).0,
        }
    }

    /// Say whether a path that begins with `path`, and is longer, may match.
    fn may_go_on(&self, path: &[u8], chars: &[char]) -> bool {
        match self {
            Glob::Exact(whole) => whole.starts_with(path),
            Glob::Begin(begin) => begin.starts_with(path) || path.starts_with(begin),
            Glob::End(_) => true,
            Glob::Parts(parts) => follow(parts, chars).1,
        }
    }
}

/// Parse what follows an opening bracket; return the class, and what is after it.
fn parse_class(chars: &[char]) -> Result<(Part, &[char]), String> {
    const UNCLOSED: &str = "must close its bracket";
    let (negated, mut rest) = match chars {
        ['^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        if let ([']', after @ ..], false) = (rest, ranges.is_empty()) {
            return Ok((Part::Class { negated, ranges }, after));
        }
        let (from, after) = class_char(rest)?;
        let (to, after) = match after {
            ['-', after @ ..] => class_char(after)?,
            after => (from, after),
        };
        if from > to {
            return Err(format!("must not have the range {from}-{to}, which runs backwards"));
        }
        ranges.push((from, to));
        rest = after;
        if rest.is_empty() {
            return Err(UNCLOSED.into());
        }
    }
    /// One end of a range.
    fn class_char(chars: &[char]) -> Result<(char, &[char]), String> {
        match chars {
            [] | ['\\'] => Err(UNCLOSED.into()),
            ['\\', c, rest @ ..] => Ok((*c, rest)),
            [']', ..] => Err("must have a character in its brackets; write \\] for one".into()),
            ['-', ..] => Err("must have a range between two characters; write \\- for one".into()),
            [c @ ('*' | '?'), ..] => {
                Err(format!("must not have {c} in brackets; write \\{c} for the character"))
            }
            ['[', ':', rest @ ..] if rest.windows(2).any(|w| w == [':', ']']) => {
                Err("must not have a named class; write the characters".into())
            }
            [c, rest @ ..] => Ok((*c, rest)),
        }
    }
}

/// Match `text` against `parts`; also say whether a longer text might match.
///
/// All places of the text that the parts so far can lead to are followed at once. So the work is
/// the two lengths multiplied, whatever the pattern.
fn follow(parts: &[Part], text: &[char]) -> (bool, bool) {
    // One more than the text has characters: true where the parts so far can end.
    let mut at: Vec<bool> = once(true).chain(text.iter().map(|_| false)).collect();
    let mut next = Vec::with_capacity(at.len());
    let mut to_the_end = false;
    for part in parts {
        part.step(&at, text, &mut next);
        std::mem::swap(&mut at, &mut next);
        to_the_end |= at.last() == Some(&true);
        if !at.contains(&true) {
            return (false, to_the_end);
        }
    }
    (at.last() == Some(&true), to_the_end)
}

impl Part {
    /// From the places `at`, find those which this part leads to.
    fn step(&self, at: &[bool], text: &[char], next: &mut Vec<bool>) {
        next.clear();
        // Each place, with the character before it.
        let places = at.iter().copied().zip(once(None).chain(text.iter().copied().map(Some)));
        let mut on = false;
        match self {
            Part::Name => next.extend(places.map(|(here, before)| {
                on = here || (on && before != Some('/'));
                on
            })),
            // Neither of Docker's two expressions for `**` spans a line feed.
            Part::Rest => next.extend(places.map(|(here, before)| {
                on = here || (on && before != Some('\n'));
                on
            })),
            Part::Folders => next.extend(places.map(|(here, before)| {
                on &= before != Some('\n');
                let there = here || (on && before == Some('/'));
                on |= here;
                there
            })),
            Part::Start => next.extend(places.map(|(here, before)| here && before.is_none())),
            one => {
                let chars = at.iter().zip(text).map(|(&here, &c)| here && one.takes(c));
                next.extend(once(false).chain(chars));
            }
        }
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Part::Char(this) => c == *this,
            Part::Any => c != '/',
            Part::Class { negated, ranges } => {
                ranges.iter().any(|&(from, to)| (from..=to).contains(&c)) != *negated
            }
            Part::Name | Part::Folders | Part::Rest | Part::Start => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    /// Judge a path from the root down, as a walk does.
    fn ignored(ignore: &Ignore, path: &str) -> bool {
        let mut verdict = Verdict::default();
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            verdict = ignore.judge(&path.as_bytes()[..end], &verdict);
        }
        verdict.ignored
    }

    fn parse(text: &str) -> Ignore {
        Ignore::parse(".dockerignore", text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(text: &str, ignores: &[&str], keeps: &[&str]) {
        let ignore = parse(text);
        for path in ignores {
            assert!(ignored(&ignore, path), "{text:?} does not ignore {path:?}");
        }
        for path in keeps {
            assert!(!ignored(&ignore, path), "{text:?} ignores {path:?}");
        }
    }

    #[test]
    fn a_pattern_is_a_path_from_the_root() {
        check(".env", &[".env", ".env/x"], &["a/.env", ".envx", "x.env"]);
        check("a/b", &["a/b", "a/b/c/d"], &["a", "b", "x/a/b"]);
        check("/a", &["a", "a/b"], &["x/a"]);
        check("//a/", &["a"], &["x/a"]);
        check("./a//b/../c", &["a/c"], &["a/b"]);
        check("a/..", &[], &["a"]);
        check("../a", &[], &["a"]);
        check("/../a", &["a"], &[]);
        check(".\n/\n..\n", &[], &["a", "a/b"]);
    }

    #[test]
    fn comments_blanks_and_line_ends() {
        check("\u{feff}#a\nb", &["b"], &["a", "#a"]);
        check("\u{feff}a", &["a"], &[]);
        check("# a\n #b\n\n \t\n", &["#b"], &["a", " #b", "# a"]);
        check("  a \t\r\nb\r\n", &["a", "b"], &["  a", "a \t"]);
        check("\u{a0}a\u{2003}", &["a"], &[]);
        check("a b", &["a b"], &["a", "b"]);
        check("a\n#", &["a"], &["#"]);
    }

    #[test]
    fn stars_stay_within_a_name() {
        check("*.o", &["a.o", ".o", "a.o/x"], &["a/b.o", "a.oo"]);
        check("a/*/c", &["a/b/c", "a/b/c/d"], &["a/c", "a/b/b/c"]);
        check("?", &["a", "é", "a/b"], &["ab"]);
        check("a?b", &["axb"], &["a/b", "ab"]);
        check("*", &["a", "a/b", ".a"], &[]);
        check("*/*", &["a/b", "a/b/c"], &["a"]);
    }

    #[test]
    fn two_stars_span_folders() {
        check("**", &["a", "a/b"], &[]);
        check("**/a", &["a", "x/a", "x/y/a", "x/a/b"], &["xa", "x/ya"]);
        check("**a", &["a", "xa", "x/ya"], &["ax"]);
        check("a/**", &["a/b", "a/b/c"], &["a", "ab"]);
        check("a**", &["a", "ab", "ab/c"], &["ba"]);
        check("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb", "b"]);
        check("**/*.o", &["a.o", "x/a.o", "x/y/.o"], &["a.oo"]);
        check("**/a/**", &["a/b", "x/a/b", "x/a/b/c"], &["a", "x/a"]);
        check("**/a/*/b", &["a/x/b", "y/a/x/b"], &["a/b"]);
        check("***", &["a", "a/b"], &[]);
        check("a/***", &["a/b", "a/b/c"], &["a"]);
        check("*/**", &["a/b"], &["a"]);
        check("a**b", &["ab", "ax/b"], &["axb"]);
    }

    #[test]
    fn brackets() {
        check("[a-c]x", &["ax", "cx"], &["dx", "-x"]);
        check("[^a-c]x", &["dx", "éx"], &["ax", "x"]);
        check("[!a]x", &["!x", "ax"], &["bx"]);
        check("[a^]", &["a", "^"], &["b"]);
        check(r"[\]\-\[]", &["]", "-", "["], &["\\"]);
        check("[.$+(){}|]", &[".", "$", "|", "{"], &["a"]);
        check("a[^b]c", &["a/c", "axc"], &["abc"]);
        check("a[/]c", &["a/c"], &["axc"]);
        check("[α-ω]", &["λ"], &["a"]);
        check("a]", &["a]"], &["a"]);
    }

    #[test]
    fn the_rest_is_plain() {
        check(r"\*", &["*"], &["a"]);
        check(r"\!a", &["!a"], &["a"]);
        check(r"a\/b", &["a/b"], &[]);
        check("a.b+(c){2}|$", &["a.b+(c){2}|$"], &["axb"]);
        check("a.?", &["a.b"], &["axb"]);
        check("^a", &["^a"], &["a"]);
        check("^a*", &["ab"], &["^ab"]);
        check("a^*", &[], &["a^b", "a"]);
    }

    #[test]
    fn the_last_line_decides() {
        check("*\n!a", &["b"], &["a", "a/b"]);
        check("!a\n*", &["a", "b"], &[]);
        check("*.md\n!README*.md\nREADME-secret.md", &["x.md", "README-secret.md"], &["README.md"]);
        check("*.md\nREADME-secret.md\n!README*.md", &["x.md"], &["README-secret.md"]);
        check("a\n!a/b\na/b/c", &["a", "a/x", "a/b/c"], &["a/b", "a/b/x"]);
        check("**\n!**/x.md", &["a", "a/b"], &["x.md", "a/b/x.md"]);
        check(" ! a \n", &[], &["a"]);
        check("*\n!/a\n! /b", &["c"], &["a", "b"]);
        check("!!a", &[], &["!a"]);
        check("*\n!!a", &["a"], &["!a"]);
        check("*\n/!a", &["b"], &["a"]);
    }

    #[test]
    fn a_rule_that_was_not_asked_of_a_folder_is_not_asked_for_it_below() {
        check("*/c\n!a", &["a/c"], &["a", "a/x"]);
        check("a\n!a", &[], &["a", "a/x"]);
        check("a/c\n!a", &["a/c"], &["a"]);
    }

    #[test]
    fn names_that_are_no_text() {
        let ignore = Ignore::parse("f", b"\xff\nb\xfe*\n").unwrap();
        let judge = |path: &[u8]| ignore.judge(path, &Verdict::default()).ignored;
        assert!(judge(b"\xff") && judge(b"b\xfex"));
        assert!(!judge(b"\xfe") && !judge(b"bx"));
        check("**/x*\na/**/y", &["x", "a/y"], &["l\nf/x", "a/l\nf/y"]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_rule() {
        for (pattern, rule) in [
            ("!", "pattern after"),
            ("! ", "pattern after"),
            ("!/", "pattern after"),
            ("[a", "close its bracket"),
            ("[", "close its bracket"),
            (r"[a\", "close its bracket"),
            ("a/[b", "close its bracket"),
            ("[]a]", "character in its brackets"),
            ("[^]", "character in its brackets"),
            ("[-a]", "range"),
            ("[a-]", "character in its brackets"),
            ("[a-b-c]", "range"),
            ("[z-a]", "backwards"),
            ("[*]", r"write \*"),
            ("[a?]", r"write \?"),
            ("[[:alpha:]]", "named class"),
            (r"a\", "backslash"),
        ] {
            let text = format!("# a\n\n{pattern}\n");
            let error = Ignore::parse("x/.dockerignore", text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(rule), "{pattern}: {error}");
            assert!(error.ends_with("(line 3 of x/.dockerignore)"), "{error}");
        }
        let long = vec![b'a'; LONGEST_LINE];
        assert!(Ignore::parse("f", &long).is_err() && Ignore::parse("f", &long[1..]).is_ok());
        let error = Ignore::parse("f", b"a\n[x-").unwrap_err().to_string();
        assert_eq!(error, r#"ignore pattern "[x-" must close its bracket (line 2 of f)"#);
    }

    #[test]
    fn folders_that_nothing_can_be_saved_from_are_known() {
        for (text, walked, pruned) in [
            ("*", &[][..], &["a", "a/b"][..]),
            ("*\n!a/b", &["a"], &["b", "ab", "a/b", "a/c"]),
            ("*\n!a/b/**", &["a", "a/b", "a/b/c"], &["b", "a/c"]),
            ("*\n!**/x", &["a", "a/b"], &[]),
            ("*\n!a/*/c", &["a", "a/b"], &["b", "a/b/c"]),
            ("*\n!a/**/c", &["a", "a/b", "a/b/c"], &["b"]),
            ("*\n!?/b", &["a"], &["ab", "a/b"]),
            ("*\n!a*/**", &["a", "ab/c"], &["b"]),
            ("*\n!a^b*", &[], &["a"]),
        ] {
            let ignore = parse(text);
            for folder in walked {
                assert!(ignore.may_keep_below(folder.as_bytes()), "{text:?} prunes {folder}");
            }
            for folder in pruned {
                assert!(!ignore.may_keep_below(folder.as_bytes()), "{text:?} walks {folder}");
            }
        }
    }

    #[test]
    fn no_pattern_is_slow() {
        let path = "a".repeat(4_000);
        let began = Instant::now();
        for stars in ["*a", "**a", "?*", "*?a*", "**/a*"] {
            let ignore = parse(&format!("{}b\n", stars.repeat(200)));
            assert!(!ignored(&ignore, &path));
        }
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    }

    /// The pattern by the letter of its rules: slow, and plain to see.
    fn by_the_letter(parts: &[Part], text: &[char]) -> bool {
        let Some((part, parts)) = parts.split_first() else { return text.is_empty() };
        let go_on = |n: usize| by_the_letter(parts, &text[n..]);
        match part {
            Part::Name => (0..=text.len()).take_while(|&n| !text[..n].contains(&'/')).any(go_on),
            Part::Rest => (0..=text.len()).any(go_on),
            Part::Folders => go_on(0) || (1..=text.len()).any(|n| text[n - 1] == '/' && go_on(n)),
            Part::Start => false,
            one => text.first().is_some_and(|&c| one.takes(c)) && go_on(1),
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            text in prop::collection::vec(any::<u8>(), 0..200),
            path in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            if let Ok(ignore) = Ignore::parse("f", &text) {
                let folder = ignore.judge(&path, &Verdict::default());
                ignore.judge(&path, &folder);
                ignore.may_keep_below(&path);
            }
        }

        #[test]
        fn no_pattern_makes_it_panic(text in "[]!*?a/.\\\\\n#^b \\[-]{0,40}", path in "[ab/]{0,12}") {
            if let Ok(ignore) = Ignore::parse("f", text.as_bytes()) {
                ignored(&ignore, &path);
            }
        }

        #[test]
        fn all_ways_at_once_are_each_way_by_itself(pattern in "[ab/*?]{1,10}", path in "[ab/]{0,10}") {
            if let Glob::Parts(parts) = Glob::parse(pattern.as_bytes()).unwrap() {
                let text: Vec<char> = path.chars().collect();
                prop_assert_eq!(follow(&parts, &text).0, by_the_letter(&parts, &text));
            }
        }

        #[test]
        fn no_folder_is_left_out_that_holds_something_saved(
            text in "[ab*!?\n]{0,8}\n![ab*?/]{1,8}",
            path in "[ab](/[ab]){1,4}",
        ) {
            if let Ok(ignore) = Ignore::parse("f", text.as_bytes()) {
                let mut above = Vec::new();
                for (end, _) in path.match_indices('/') {
                    above.push(&path[..end]);
                }
                if !ignored(&ignore, &path) {
                    for folder in above {
                        let walked = !ignored(&ignore, folder)
                            || ignore.may_keep_below(folder.as_bytes());
                        prop_assert!(walked, "{} is not walked", folder);
                    }
                }
            }
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(path in "[a./]{0,12}") {
            let once = clean(path.as_bytes());
            prop_assert_eq!(clean(&once), once);
        }
    }
}
