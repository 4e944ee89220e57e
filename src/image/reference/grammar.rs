//! The grammar of image references that engines share: the `distribution` project's.

use super::ImageRef;

/// The registry that is meant where none is named.
pub(super) const HUB: &str = "docker.io";
/// An old name of it.
const OLD_HUB: &str = "index.docker.io";
/// Where the Hub keeps the images that are named by one word.
pub(super) const OFFICIAL: &str = "library/";
const LONGEST_PATH: usize = 255;
const TOO_LONG: &str = "must have a repository path of at most 255 characters";
const LONGEST_TAG: usize = 128;

/// Read a reference, or say which rule it breaks. The first checks could be left out: what they refuse, a later one would refuse with a less helpful rule.
pub(super) fn parse(text: &str) -> Result<ImageRef, &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("must not contain white space or control characters");
    }
    if !text.is_ascii() {
        return Err("must consist of ASCII characters");
    }
    if text.contains("://") {
        return Err("must not begin with a scheme such as \"http://\"");
    }
    if is_hex(text, 64) {
        return Err("must be a name; 64 hexadecimal digits are an image's id");
    }
    let (domain, rest) = match text.split_once('/') {
        Some((OLD_HUB, rest)) => (HUB, rest),
        Some((first, rest)) if is_domain(first) => (first, rest),
        _ => (HUB, text),
    };
    let (rest, digest) = part(rest, '@');
    let (path, tag) = part(rest, ':');
    let host = check_domain(domain);
    check_path(path)?;
    if let Err(rule) = host {
        // Engines take what is no host for the beginning of a path, on no registry at all: an
        // image can be called so, and cannot be pulled or pushed.
        check_path(domain).map_err(|_| rule)?;
        if domain.len() + 1 + path.len() > LONGEST_PATH {
            return Err(TOO_LONG);
        }
    }
    let official = domain == HUB && !path.contains('/');
    let prefix = if official { OFFICIAL } else { "" };
    if prefix.len() + path.len() > LONGEST_PATH {
        return Err(TOO_LONG);
    }
    tag.map_or(Ok(()), check_tag)?;
    digest.map_or(Ok(()), check_digest)?;
    Ok(ImageRef {
        name: format!("{domain}/{prefix}{path}").into(),
        tag: tag.map(Into::into),
        digest: digest.map(Into::into),
    })
}

/// What stands before `mark`, and after it if it is there.
fn part(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether the part before the first slash is meant for a registry. Anything else is a namespace
/// on the Hub.
pub(super) fn is_domain(first: &str) -> bool {
    first == "localhost" || first.contains(|c: char| c == '.' || c == ':' || c.is_ascii_uppercase())
}

pub(super) fn check_domain(domain: &str) -> Result<(), &'static str> {
    let (host, port) = match domain.strip_prefix('[') {
        Some(inner) => {
            let Some((address, after)) = inner.split_once(']') else {
                return Err("must close the bracket of the registry's IPv6 address");
            };
            let hex = |b: u8| b.is_ascii_hexdigit() || b == b':';
            if address.is_empty() || !address.bytes().all(hex) {
                return Err("must have a plain IPv6 address in the registry's brackets, no zone");
            }
            match part(after, ':') {
                ("", port) => (None, port),
                _ => return Err("must have nothing but a port after the registry's IPv6 address"),
            }
        }
        None => {
            let (host, port) = part(domain, ':');
            (Some(host), port)
        }
    };
    for label in host.into_iter().flat_map(|h| h.split('.')) {
        if label.is_empty() {
            return Err("must have a registry host without empty parts between its dots");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err("must have a registry host of ASCII letters, digits, '-' and '.'");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("must have a registry host whose parts neither begin nor end with '-'");
        }
    }
    match port {
        Some(port) if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) => {
            Err("must have a number for the registry's port")
        }
        _ => Ok(()),
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("must have a repository name");
    }
    if path.contains(|c: char| c.is_ascii_uppercase()) {
        return Err("must have a repository name in lower case");
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    for component in path.split('/') {
        if component.is_empty() {
            return Err("must have no empty part before, between or after slashes");
        }
        if !component.chars().all(|c| inner(c) || "._-".contains(c)) {
            return Err("must have a repository name of a-z, 0-9, '.', '_', '-' and '/'");
        }
        if !component.starts_with(inner) || !component.ends_with(inner) {
            return Err("must have a letter or digit at both ends of each part of its name");
        }
        // What stands between the letters and digits.
        for mark in component.split(inner) {
            if !matches!(mark, "" | "." | "_" | "__") && mark.contains(['.', '_']) {
                return Err("must join words by one '.', one or two '_', or by '-'");
            }
        }
    }
    Ok(())
}

pub(super) fn check_tag(tag: &str) -> Result<(), &'static str> {
    if tag.is_empty() {
        Err("must have a tag after ':'")
    } else if tag.contains(':') {
        Err("must have no more than one tag")
    } else if tag.len() > LONGEST_TAG {
        Err("must have a tag of at most 128 characters")
    } else if tag.starts_with(['.', '-']) {
        Err("must have a tag that begins with a letter, a digit or '_'")
    } else if !tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)) {
        Err("must have a tag of ASCII letters, digits, '_', '.' and '-'")
    } else {
        Ok(())
    }
}

pub(super) fn check_digest(digest: &str) -> Result<(), &'static str> {
    let Some((algorithm, digits)) = digest.split_once(':') else {
        return Err("must have a digest such as \"sha256:\" and 64 hexadecimal digits");
    };
    let (length, rule) = match algorithm {
        "sha256" => (64, "must have 64 hexadecimal digits in a sha256 digest"),
        "sha384" => (96, "must have 96 hexadecimal digits in a sha384 digest"),
        "sha512" => (128, "must have 128 hexadecimal digits in a sha512 digest"),
        _ => return Err("must have a digest by sha256, sha384 or sha512"),
    };
    if digits.contains(':') {
        Err("must have the tag before the digest")
    } else if digits.contains(|c: char| c.is_ascii_uppercase()) {
        Err("must have a digest in lower case")
    } else if !is_hex(digits, length) {
        Err(rule)
    } else {
        Ok(())
    }
}

pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each reference, and what it is taken to mean: the familiar form and the full one.
    #[test]
    fn accepts_what_engines_accept() {
        let hex64 = "0123456789abcdef".repeat(4);
        let hex128 = hex64.repeat(2);
        let long_tag = "t".repeat(128);
        let (a63, a255) = ("a".repeat(63), "a".repeat(255));
        let hub = |name: &str| format!("docker.io/library/{name}");
        let same = |name: &str| (name.to_owned(), name.to_owned(), name.to_owned());
        let official = |name: &str| (name.to_owned(), name.to_owned(), hub(name));
        let mut n = 0;
        for (text, familiar, canonical) in [
            official("ubuntu"),
            official("ubuntu:22.04"),
            ("docker.io/ubuntu".into(), "ubuntu".into(), hub("ubuntu")),
            ("index.docker.io/ubuntu".into(), "ubuntu".into(), hub("ubuntu")),
            ("docker/cli".into(), "docker/cli".into(), "docker.io/docker/cli".into()),
            ("foo/bar/baz".into(), "foo/bar/baz".into(), "docker.io/foo/bar/baz".into()),
            same("localhost/img"),
            same("localhost:5000/img"),
            official("localhost:5000"),
            official("example.com"),
            same("127.0.0.1/img:t"),
            same("[::1]:5000/img"),
            same("Foo/img"),
            same("FOO.com/img:Tag"),
            official(&format!("img:t@sha256:{hex64}")),
            official(&format!("img@sha512:{hex128}")),
            official("a__b"),
            official("a---------b"),
            official("img:_t"),
            official(&format!("img:{long_tag}")),
            official(&a63),
            // As a reference; as the name of an image it is an id.
            (
                format!("sha256:{hex64}"),
                hub(&format!("sha256:{hex64}")),
                hub(&format!("sha256:{hex64}")),
            ),
            ("host_name/img".into(), "host_name/img".into(), "docker.io/host_name/img".into()),
            same(&format!("reg.io/{a255}")),
            // More than the numbered examples.
            official("localhost"),
            official("c51f86c28340"),
            official(&format!("{hex64}0")),
            ("docker.io/library/ubuntu:1".into(), "ubuntu:1".into(), hub("ubuntu:1")),
            ("library/ubuntu".into(), "ubuntu".into(), hub("ubuntu")),
            (format!("library/{hex64}"), hub(&hex64), hub(&hex64)),
            same("docker.io/a.b/c"),
            same("docker.io/localhost/c"),
            ("docker.io/a_b/c".into(), "a_b/c".into(), "docker.io/a_b/c".into()),
            ("library/a/b".into(), "library/a/b".into(), "docker.io/library/a/b".into()),
            official(&format!("img@sha384:{}", "0".repeat(96))),
            same("reg.io:80/a.b_c__d-e--f/0:1.0-rc_1"),
            same("my_host.io/img:t"),
            same("a.b_c/d/e"),
        ] {
            n += 1;
            let parsed = parse(&text).unwrap_or_else(|rule| panic!("{n}: {text} {rule}"));
            assert_eq!(parsed.to_string(), familiar, "{n}: {text}");
            assert_eq!(parsed.canonical(), canonical, "{n}: {text}");
        }
    }

    #[test]
    fn refuses_what_engines_refuse_and_says_why() {
        let hex64 = "0123456789abcdef".repeat(4);
        for (n, text, rule) in [
            (25, "a___b", "one or two '_'"),
            (26, "a..b", "one '.'"),
            (27, "a._b", "one '.', one or two '_'"),
            (28, "-a", "at both ends"),
            (28, "a-", "at both ends"),
            (28, "_a", "at both ends"),
            (28, "a/-b", "at both ends"),
            (29, "a//b", "no empty part"),
            (29, "/a", "no empty part"),
            (29, "a/", "no empty part"),
            (30, "UPPER", "in lower case"),
            (30, "foo/UPPER", "name in lower case"),
            (31, "img:", "a tag after ':'"),
            (31, "img:-t", "tag that begins"),
            (31, "img:.t", "tag that begins"),
            (32, &format!("img:{}", "t".repeat(129)), "at most 128"),
            (33, "img@sha256:abc", "64 hexadecimal digits in a sha256"),
            (33, &format!("img@sha256:{}", "A".repeat(64)), "digest in lower case"),
            (33, &format!("img@md5:{}", "a".repeat(32)), "by sha256, sha384 or sha512"),
            (34, &format!("img@sha256:{hex64}:t"), "the tag before the digest"),
            (35, &hex64, "are an image's id"),
            (36, "", "must not be empty"),
            (37, &format!("library/{}", "a".repeat(255)), "at most 255"),
            (38, "reg.io:80a/img", "number for the registry's port"),
            (38, "reg-.io/img", "neither begin nor end"),
            (38, "reg.io./img", "without empty parts"),
            (38, "host_name:80/img", "registry host of"),
            (38, "[fe80::1%eth0]/img", "no zone"),
            (39, "http://reg.io/img", "a scheme"),
            (40, "img name", "white space"),
            (40, "img:t:u", "no more than one tag"),
            (40, "bücher/img", "ASCII"),
            // More than the numbered examples: the last is a Cyrillic "а".
            (41, &"a".repeat(248), "at most 255"),
            (42, &format!("img@{hex64}"), "a digest such as"),
            (42, "img@", "a digest such as"),
            (42, &format!("img@sha256:{}", "g".repeat(64)), "64 hexadecimal digits"),
            (42, &format!("img@SHA256:{hex64}"), "by sha256, sha384 or sha512"),
            (43, "reg.io:/img", "number for the registry's port"),
            (43, "reg.io:80:80/img", "number for the registry's port"),
            (43, "img:t/x", "number for the registry's port"),
            (43, "[::1/img", "close the bracket"),
            (43, "[]:80/img", "no zone"),
            (43, "[::1]x/img", "nothing but a port"),
            (43, ".io/img", "without empty parts"),
            (44, "img:t g", "white space"),
            (44, "img:t\n", "white space"),
            (44, "img\0", "control"),
            (44, "img:t?u", "tag of ASCII"),
            (44, "img?x=1", "name of a-z"),
            (44, "../img", "without empty parts"),
            (44, "a/../img", "at both ends"),
            (44, "a%2fb", "name of a-z"),
            (44, "docker.io/", "a repository name"),
            (44, ":t", "a repository name"),
            (44, "@", "a repository name"),
            (44, "my_host.io./img", "registry host of"),
            (44, &format!("my_host.io/{}", "a".repeat(245)), "at most 255"),
            (45, "ubunt\u{ff55}", "ASCII"),
            (45, "\u{430}lpine", "ASCII"),
        ] {
            let error = text.parse::<ImageRef>().expect_err(text);
            assert!(error.rule.contains(rule), "{n}: {error}");
        }
    }

    #[test]
    fn the_longest_path_counts_what_was_filled_in() {
        assert!(parse(&"a".repeat(247)).is_ok());
        assert!(parse(&format!("library/{}", "a".repeat(247))).is_ok());
        assert!(parse(&format!("reg.io/{}", "a".repeat(256))).is_err());
    }
}
