//! The house rules that a reader of text can hold: imports point down, dependencies stay behind
//! their doors, and files are of a size to be read.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Modules and their layer; for what is not listed, that of the module around it. A module
/// imports from its own layer and those below.
const LAYERS: &[(&str, u8)] = &[
    // Words that all the others use.
    ("wire", 0),
    ("error", 0),
    ("text", 0),
    ("labels", 0),
    ("local", 0),
    ("options", 0),
    ("time", 0),
    // The way to the engine, what comes back on it, and what every verb has.
    ("transport", 1),
    ("trace", 1),
    ("stream", 1),
    ("pieces", 1),
    ("registry", 1),
    ("config", 1),
    ("tar", 1),
    ("verb", 1),
    ("guard", 1),
    ("several", 1),
    ("aside", 1),
    ("tty", 1),
    // Values.
    ("container::spec", 2),
    ("container::id", 2),
    ("container::name", 2),
    ("container::status", 2),
    ("network::spec", 2),
    ("volume::spec", 2),
    ("image::reference", 2),
    ("image::platform", 2),
    ("image::instruction", 2),
    ("build", 2),
    // Handles and verbs.
    ("container", 3),
    ("image", 3),
    ("system", 3),
    ("raw", 3),
    ("plugin", 3),
    ("network", 3),
    ("volume", 3),
    ("events", 3),
    ("swarm", 3),
    // The doors to them, and what is made of public names alone.
    ("docker", 4),
    ("throwaway", 5),
    ("blocking", 5),
    ("guide", 5),
    ("", 5),
];

/// What a signature may name besides `std`: types that their crates have promised to keep, and
/// that users hold already.
const VOCABULARY: &[&str] =
    &["Bytes", "AsyncRead", "AsyncWrite", "Stream", "Value", "Serialize", "DeserializeOwned"];

/// Lines in a file, its tests not counted.
const LONGEST: usize = 600;
/// One type with a setter for each flag of `docker run`.
const LONGER: &[&str] = &["container::spec"];

struct File {
    /// "container::spec".
    module: String,
    text: String,
    /// Without comments, and without the tests at the end.
    code: String,
}

fn files() -> Vec<File> {
    fn walk(folder: &Path, out: &mut Vec<File>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
                let module = path.strip_prefix(src).unwrap().with_extension("");
                let module = module.to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "::");
                let module = if module == "lib" { String::new() } else { module };
                out.push(File { code: uncommented(&untested(&text)), module, text });
            }
        }
    }
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut out);
    assert!(out.len() > 40, "where are the sources?");
    out.sort_by(|a, b| a.module.cmp(&b.module));
    out
}

/// Tests may look anywhere.
fn is_test(file: &File) -> bool {
    file.module.rsplit("::").next() == Some("tests")
}

/// Leave out what is under `#[cfg(test)]`: it ends at the first brace in its column.
fn untested(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with('{')) {
            lines.by_ref().find(|line| *line == "}");
        } else {
            out.extend([line, "\n"]);
        }
    }
    out
}

fn uncommented(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).flat_map(|l| [l, "\n"]).collect()
}

/// The paths in the import that `text` begins with, after its first segment: `{error::{A, B}, c};`
/// is "error::A", "error::B" and "c".
fn expand(text: &str) -> Vec<String> {
    fn tree<'a>(prefix: &str, mut text: &'a str, out: &mut Vec<String>) -> &'a str {
        let stop = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        let end = text.find(stop).unwrap_or(text.len());
        let path = format!("{prefix}{}", &text[..end]);
        text = text[end..].trim_start();
        let Some(mut rest) = text.strip_prefix('{') else {
            out.push(path);
            return text
                .strip_prefix("as ")
                .map_or(text, |name| name.trim_start_matches(|c| !stop(c)));
        };
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            match rest.strip_prefix('}') {
                Some(after) => return after,
                None if rest.is_empty() => return rest,
                None => rest = tree(&path, rest, out),
            }
        }
    }
    let mut out = Vec::new();
    tree("", text, &mut out);
    out
}

/// Every path of the crate that the file names, from the crate's root.
fn named(file: &File) -> Vec<String> {
    let code = file.code.replace("pub(in crate::", "pub(in ");
    let mut out = Vec::new();
    for (at, word) in code.match_indices("crate::") {
        out.extend(expand(&code[at + word.len()..]));
    }
    for (at, word) in file.code.match_indices("use super::") {
        let mut around = file.module.as_str();
        let mut rest = &file.code[at + word.len() - "super::".len()..];
        while let Some(inner) = rest.strip_prefix("super::") {
            around = around.rsplit_once("::").map_or("", |(around, _)| around);
            rest = inner;
        }
        let around = if around.is_empty() { String::new() } else { format!("{around}::") };
        out.extend(expand(rest).into_iter().map(|path| format!("{around}{path}")));
    }
    out
}

fn layer(path: &str) -> u8 {
    let mut module = path;
    loop {
        if let Some((_, layer)) = LAYERS.iter().find(|(name, _)| *name == module) {
            return *layer;
        }
        match module.rsplit_once("::") {
            Some((around, _)) => module = around,
            None => panic!("{path} has no layer: give it one in tests/tidy.rs and in the docs"),
        }
    }
}

fn hold(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn imports_point_down() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for file in files().iter().filter(|file| !is_test(file)) {
        let own = layer(&file.module);
        for path in named(file) {
            seen += 1;
            // A macro of the crate's root, or an item of it.
            let known = LAYERS.iter().any(|(name, _)| path.split("::").next() == Some(name));
            if !known || layer(&path) > own {
                broken.push(format!("{} ({own}) names {path}", file.module));
            }
        }
    }
    assert!(seen > 200, "only {seen} imports: are they read?");
    hold("imports point down", broken);
}

#[test]
fn wire_imports_nothing_of_the_crate() {
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| file.module.split("::").next() == Some("wire")) {
        let strange = named(file).into_iter().filter(|path| !path.starts_with("wire::"));
        broken.extend(strange.map(|path| format!("{} names {path}", file.module)));
    }
    hold("wire imports nothing of the crate", broken);
}

#[test]
fn hyper_stays_behind_the_transport() {
    let inside = ["transport", "wire"];
    // It talks HTTP to what runs in a container, and never to an engine.
    let elsewhere = "throwaway::ready::http";
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| file.module != elsewhere) {
        let top = file.module.split("::").next().unwrap();
        for word in ["hyper::", "hyper_util::", "http_body_util::", "socket2::"] {
            if file.code.contains(word) && !inside.contains(&top) {
                broken.push(format!("{} names {word}", file.module));
            }
        }
    }
    hold("only the transport, and the wire for its words, know hyper", broken);
}

/// As far as text can tell: by the lines that begin with `pub`, or say what is made `From` what.
#[test]
fn no_dependencys_type_is_public() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    let dependencies: Vec<_> = dependencies
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .map(|line| line.split([' ', '=', '.']).next().unwrap().replace('-', "_"))
        .collect();
    assert!(dependencies.iter().any(|name| name == "hyper"), "{dependencies:?}");

    let files = files();
    let imports = |code: &str, how: &str| -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        // A module of ours may be called as a dependency is.
        for name in dependencies.iter().filter(|name| !code.contains(&format!("mod {name};"))) {
            let import = format!("{how} {name}::");
            for (at, _) in code.match_indices(&import) {
                let paths = expand(&code[at + import.len()..]);
                out.extend(paths.iter().map(|path| path.rsplit("::").next().unwrap().to_owned()));
            }
        }
        out
    };
    let handed_on: BTreeSet<_> =
        files.iter().flat_map(|file| imports(&file.code, "pub(crate) use")).collect();
    assert!(handed_on.contains("HeaderValue"), "{handed_on:?}");

    let mut broken = Vec::new();
    for file in files.iter().filter(|file| !is_test(file)) {
        let top = file.module.split("::").next().unwrap();
        if ["error", "wire", "transport"].contains(&top) {
            continue;
        }
        let foreign = &imports(&file.code, "use") | &handed_on;
        for line in file.code.lines().map(str::trim_start) {
            let public = line.starts_with("pub ") && !line.starts_with("pub use ");
            if !(public || line.starts_with("impl") && line.contains("From<")) {
                continue;
            }
            // The field of a tuple is private unless it says otherwise.
            let private = line.starts_with("pub struct") && !line.contains("(pub ");
            let seen = if private { line.split('(').next().unwrap() } else { line };
            let mut words = seen.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let bad = words.find(|word| {
                let last = word.rsplit("::").next().unwrap();
                let whole = dependencies.iter().any(|name| word.starts_with(&format!("{name}::")));
                (whole || foreign.contains(*word)) && !VOCABULARY.contains(&last)
            });
            broken.extend(bad.map(|word| format!("{}: {word} in `{line}`", file.module)));
        }
    }
    hold("no dependency's type is public", broken);
}

#[test]
fn files_say_what_they_are_and_are_no_longer_than_can_be_read() {
    let mut broken = Vec::new();
    for file in files() {
        let File { module, text, .. } = &file;
        if !text.starts_with("//! ") {
            broken.push(format!("{module} does not begin with `//! ` and what it is"));
        }
        let lines = untested(text).lines().count();
        if lines > LONGEST && !is_test(&file) && !LONGER.contains(&module.as_str()) {
            broken.push(format!("{module} has {lines} lines"));
        }
        for word in ["TODO", "FIXME", "XXX", "todo!", "unimplemented!", "//! stub"] {
            if text.contains(word) {
                broken.push(format!("{module} is not finished: {word}"));
            }
        }
    }
    hold("a file says what it is, and is no longer than can be read", broken);
}
