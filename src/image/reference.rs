//! Image references: parse, normalise, print. Pure; the one place where an image's name is taken
//! apart.

mod grammar;
mod name;

use std::fmt;
use std::str::FromStr;

use grammar::{HUB, OFFICIAL, check_digest, check_tag, is_domain, is_hex};
pub(super) use name::sealed;
pub use name::{ImageId, ImageName, IntoImageName, IntoImageRef};

use crate::error::{Error, excerpt};

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

    fn split(&self) -> (&str, &str) {
        // A registry has no slash, and every name has a registry.
        self.name.split_once('/').unwrap_or(("", &self.name))
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

/// A text that names no image, and the rule it breaks. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageRefError {
    /// What the text was meant to be: "image reference", "image id", "tag", "digest".
    pub what: &'static str,
    /// The text, escaped and cut to a readable length.
    pub text: String,
    /// The rule: "must not be empty".
    pub rule: &'static str,
}

impl ImageRefError {
    fn new(what: &'static str, text: &str, rule: &'static str) -> ImageRefError {
        ImageRefError { what, text: excerpt(text, 80), rule }
    }
}

impl fmt::Display for ImageRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\" {}", self.what, self.text, self.rule)
    }
}

impl std::error::Error for ImageRefError {}

impl From<ImageRefError> for Error {
    fn from(e: ImageRefError) -> Error {
        Error::ImageRef(e)
    }
}
