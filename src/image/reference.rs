//! Image references: parse, normalise, print. Pure; the one place where an image's name is taken
//! apart.

mod grammar;
mod name;

use std::fmt;
use std::str::FromStr;

use grammar::{HUB, OFFICIAL, check_digest, check_domain, check_tag, is_domain, is_hex};
pub(super) use name::sealed;
pub use name::{ImageId, ImageName, IntoImageName, IntoImageRef};

pub use crate::error::ImageRefError;

use crate::error::Error;

/// The name of an image: `[registry/]path[:tag][@digest]`.
///
/// What a user leaves out is filled in: `ubuntu` is `docker.io/library/ubuntu`. `Display` prints
/// the familiar form, which engines show too; [`canonical`](ImageRef::canonical) prints all of it.
/// Two references are equal if they mean the same, however they were written. No tag is made up:
/// see [`or_latest`](ImageRef::or_latest).
///
/// ```
/// use bowline::ImageRef;
///
/// let image: ImageRef = "ubuntu:22.04".parse()?;
/// assert_eq!(image.domain(), "docker.io");
/// assert_eq!(image.path(), "library/ubuntu");
/// assert_eq!(image.tag(), Some("22.04"));
/// assert_eq!(image.to_string(), "ubuntu:22.04");
/// assert_eq!(image.canonical(), "docker.io/library/ubuntu:22.04");
///
/// let image: ImageRef = "localhost:5000/team/app".parse()?;
/// assert_eq!(image.domain(), "localhost:5000");
/// assert_eq!(image.with_tag("v1")?.to_string(), "localhost:5000/team/app:v1");
///
/// let error = "team/App".parse::<ImageRef>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "image reference \"team/App\" must have a repository name in lower case"
/// );
/// # Ok::<(), bowline::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    /// Registry and path: "docker.io/library/ubuntu".
    name: Box<str>,
    tag: Option<Box<str>>,
    digest: Option<Box<str>>,
}

impl ImageRef {
    /// Return the registry's host, with its port if it was given: "docker.io", "localhost:5000".
    /// Empty where the name begins with what looks like a host and is none, such as
    /// "my_host.io/app": that is a path on no registry, and such an image is only on the engine.
    pub fn domain(&self) -> &str {
        self.split().0
    }

    /// Return the repository's path within the registry: "library/ubuntu".
    pub fn path(&self) -> &str {
        self.split().1
    }

    /// Return the tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Return the digest, if one was given: "sha256:" and 64 hexadecimal digits, or sha384 or
    /// sha512. It says exactly which image; a tag beside it is for the reader only.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Return the name without tag and digest, as briefly as it can be said: "ubuntu", "team/app",
    /// "localhost:5000/app".
    pub fn familiar_name(&self) -> &str {
        let (domain, path) = self.split();
        if domain != HUB {
            return &self.name;
        }
        match path.strip_prefix(OFFICIAL) {
            // Alone, it would be taken for an id.
            Some(word) if is_hex(word, 64) => &self.name,
            Some(word) if !word.contains('/') => word,
            // Without its registry, "docker.io/a.b/c" would be a path on the host a.b.
            _ if path.split_once('/').is_some_and(|(first, _)| is_domain(first)) => &self.name,
            _ => path,
        }
    }

    /// Return the name in full: "docker.io/library/ubuntu:22.04".
    pub fn canonical(&self) -> String {
        Parts { name: &self.name, of: self }.to_string()
    }

    /// Return the image of this name with another tag. A digest is dropped: engines would heed it
    /// and not the tag.
    ///
    /// # Errors
    /// The text is no tag.
    pub fn with_tag(&self, tag: &str) -> Result<ImageRef, ImageRefError> {
        check_tag(tag).map_err(|rule| ImageRefError::new("tag", tag, rule))?;
        Ok(ImageRef { name: self.name.clone(), tag: Some(tag.into()), digest: None })
    }

    /// Return the image of this name that has exactly this digest, such as `sha256:…`. A tag is
    /// kept, for the reader.
    ///
    /// # Errors
    /// The text is no digest.
    pub fn with_digest(&self, digest: &str) -> Result<ImageRef, ImageRefError> {
        check_digest(digest).map_err(|rule| ImageRefError::new("digest", digest, rule))?;
        Ok(ImageRef { digest: Some(digest.into()), ..self.clone() })
    }

    /// Return the same reference with the tag "latest" if it has neither tag nor digest: what
    /// engines take it to mean.
    pub fn or_latest(mut self) -> ImageRef {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".into());
        }
        self
    }

    /// The name and the tag to give an image.
    pub(crate) fn to_give(&self) -> Result<(&str, &str), Error> {
        if let Some(digest) = self.digest() {
            let rule = "has a digest, which only the engine can give an image";
            return Err(Error::invalid("image name", digest, rule));
        }
        Ok((self.familiar_name(), self.tag().unwrap_or("latest")))
    }

    /// The registry to fetch it from, or to bring it to.
    pub(crate) fn registry(&self) -> Result<&str, Error> {
        match self.domain() {
            "" => {
                let rule = "must begin with a registry's host to be pulled or pushed, or with none";
                Err(ImageRefError::new("image reference", &self.to_string(), rule).into())
            }
            domain => Ok(domain),
        }
    }

    fn split(&self) -> (&str, &str) {
        // A registry has no slash.
        match self.name.split_once('/') {
            Some((domain, path)) if check_domain(domain).is_ok() => (domain, path),
            _ => ("", &self.name),
        }
    }
}

/// A reference's text, by the name that is to stand in it.
struct Parts<'a> {
    name: &'a str,
    of: &'a ImageRef,
}

impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(tag) = self.of.tag() {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.of.digest() {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The familiar form: "ubuntu:22.04".
impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = Parts { name: self.familiar_name(), of: self };
        // An image called "sha256" whose tag has the look of a digest: briefly, it would be an id.
        if self.digest.is_none() && check_digest(&short.to_string()).is_ok() {
            return Parts { name: &self.name, of: self }.fmt(f);
        }
        short.fmt(f)
    }
}

impl fmt::Debug for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    /// Read a reference as `docker pull` does.
    ///
    /// # Errors
    /// [`ImageRefError`] names the text and the rule that it breaks.
    fn from_str(text: &str) -> Result<ImageRef, ImageRefError> {
        grammar::parse(text).map_err(|rule| ImageRefError::new("image reference", text, rule))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> ImageRef {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn another_tag_or_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let plain = read("app");
        let tagged = plain.with_tag("v1").unwrap();
        assert_eq!(tagged, read("app:v1"));
        let pinned = tagged.with_digest(&digest).unwrap();
        assert_eq!(pinned, read(&format!("app:v1@{digest}")));
        assert_eq!(pinned.digest(), Some(&*digest));
        assert_eq!(pinned.with_tag("v2").unwrap(), read("app:v2"));
        assert_eq!(
            plain.with_tag("a/b").unwrap_err().to_string(),
            "tag \"a/b\" must have a tag of ASCII letters, digits, '_', '.' and '-'"
        );
        assert!(plain.with_tag("").is_err() && plain.with_digest("").is_err());
        assert_eq!(plain.clone().or_latest(), read("app:latest"));
        assert_eq!(tagged.clone().or_latest(), tagged);
        assert_eq!(plain.with_digest(&digest).unwrap().or_latest().tag(), None);
    }

    #[test]
    fn names_to_give_have_a_tag_and_no_digest() {
        assert_eq!(read("docker.io/library/app").to_give().unwrap(), ("app", "latest"));
        assert_eq!(read("reg.io/app:v1").to_give().unwrap(), ("reg.io/app", "v1"));
        let pinned = read(&format!("app@sha256:{}", "a".repeat(64)));
        assert!(pinned.to_give().unwrap_err().to_string().contains("only the engine can give"));
    }

    #[test]
    fn a_path_on_no_registry_can_be_given_and_not_fetched() {
        let odd = read("my_host.io/app:v1");
        assert_eq!((odd.domain(), odd.path()), ("", "my_host.io/app"));
        assert_eq!(odd.to_give().unwrap(), ("my_host.io/app", "v1"));
        assert_eq!(
            odd.registry().unwrap_err().to_string(),
            "image reference \"my_host.io/app:v1\" must begin with a registry's host to be pulled \
             or pushed, or with none"
        );
        assert_eq!(read("app").registry().unwrap(), "docker.io");
    }

    #[test]
    fn errors_escape_and_cut_the_text() {
        let error = format!("a\n{}", "b".repeat(200)).parse::<ImageRef>().unwrap_err();
        assert!(error.to_string().starts_with("image reference \"a\\nbbb"), "{error}");
        assert!(error.text.chars().count() < 90 && error.text.ends_with('…'));
    }

    /// References, in all the ways in which they can be written.
    fn reference() -> impl Strategy<Value = String> {
        let word = "[a-z0-9]{1,8}((_|__|-{1,3})[a-z0-9]{1,8}){0,2}";
        let part = "[a-z0-9]{1,8}((\\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}";
        let host = "localhost|(index\\.)?docker\\.io|[A-Za-z0-9]([A-Z-]{0,6}[a-z])?\\.[a-z]{2,3}\
                    |\\[::[0-9a-f:]{0,9}\\]";
        let tag = ":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
        let digest = "@(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})";
        let path = format!("(({host})(:[0-9]{{1,5}})?/({part}/){{0,3}}|{word}/({part}/){{0,2}})?");
        let regex = format!("{path}{part}({tag})?({digest})?");
        proptest::string::string_regex(&regex).unwrap()
    }

    /// Pieces of references in any order: some are references, and of a kind nobody thinks of.
    fn pieces() -> impl Strategy<Value = String> {
        let hex = "0a".repeat(32);
        let digest = format!("sha256:{hex}");
        let hubs = ["", "docker.io/", "index.docker.io/", "library/", "docker.io/library/"];
        let marks = ["localhost", "sha256", "a", "B", "/", ":", "@", ".", "_", "-", "é", " "];
        let pieces = marks.into_iter().map(str::to_owned).chain([digest, hex]);
        let piece = proptest::sample::select(pieces.collect::<Vec<_>>());
        (proptest::sample::select(hubs.to_vec()), proptest::collection::vec(piece, 0..5))
            .prop_map(|(hub, pieces)| hub.to_owned() + &pieces.concat())
    }

    fn comes_back(text: &str) {
        let Ok(parsed) = text.parse::<ImageRef>() else { return };
        assert_eq!(read(&parsed.to_string()), parsed, "{text}: the familiar form");
        assert_eq!(read(&parsed.canonical()), parsed, "{text}: the canonical form");
        let name = format!("{}/{}", parsed.domain(), parsed.path());
        assert!(parsed.canonical().starts_with(name.trim_start_matches('/')));
        assert_eq!(parsed.registry().is_err(), parsed.domain().is_empty());
        let bare = read(parsed.familiar_name());
        assert_eq!((bare.domain(), bare.path()), (parsed.domain(), parsed.path()), "{text}");
        // Whatever is a reference stays one beside an id: its text is never taken for another's.
        let name: ImageName = parsed.to_string().parse().unwrap();
        assert_eq!(name, ImageName::Ref(parsed), "{text}");
    }

    proptest! {
        #[test]
        fn what_follows_the_grammar_is_a_reference(text in reference()) {
            prop_assert!(text.parse::<ImageRef>().is_ok(), "{:?}", text.parse::<ImageRef>());
            comes_back(&text);
        }

        #[test]
        fn what_is_accepted_comes_back_as_it_was(text in pieces()) {
            comes_back(&text);
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>(), tag in any::<String>()) {
            comes_back(&text);
            let _ = text.parse::<ImageName>();
            if let Ok(tagged) = read("a").with_tag(&tag) {
                comes_back(&tagged.to_string());
            }
        }
    }
}
