//! The grammar of image references that engines share: the `distribution` project's.

use super::ImageRef;

/// The registry that is meant where none is named.
pub(super) const HUB: &str = "docker.io";
/// An old name of it.
const OLD_HUB: &str = "index.docker.io";
/// Where the Hub keeps the images that are named by one word.
pub(super) const OFFICIAL: &str = "library/";
const LONGEST_PATH: usize = 255;
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
    check_domain(domain)?;
    check_path(path)?;
    let official = domain == HUB && !path.contains('/');
    let prefix = if official { OFFICIAL } else { "" };
    if prefix.len() + path.len() > LONGEST_PATH {
        return Err("must have a repository path of at most 255 characters");
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

fn check_domain(domain: &str) -> Result<(), &'static str> {
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
