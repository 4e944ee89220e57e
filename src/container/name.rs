//! Names of containers, and what may stand for one in a look-up.

use std::fmt;
use std::str::FromStr;

use super::id::ContainerId;
use crate::error::Error;

/// A container's name, by the engine's rule: two or more ASCII letters, digits, `_`, `.` and `-`,
/// the first a letter or digit.
///
/// ```
/// use bowline::ContainerName;
///
/// let name: ContainerName = "web-1".parse()?;
/// assert_eq!(name.as_str(), "web-1");
/// assert!("../images/x".parse::<ContainerName>().is_err());
/// # Ok::<(), bowline::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName(String);

/// Engines set no limit; beyond this a text is a mistake, not a name.
const LONGEST: usize = 255;

impl ContainerName {
    /// Return the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContainerName {
    type Err = Error;

    /// Check a name. The slash that the engine puts before names is dropped.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] names the value and the rule.
    fn from_str(text: &str) -> Result<ContainerName, Error> {
        let name = text.strip_prefix('/').unwrap_or(text);
        whole("container name", name).map(|name| ContainerName(name.to_owned()))
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ContainerName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Which container is meant: a handle, an id, the beginning of one, or a name.
///
/// What can be no name is refused when the verb it was given to is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRef(String);

impl ContainerRef {
    /// Return the name or id.
    pub(crate) fn checked(&self) -> Result<&str, Error> {
        name_or_id(&self.0)
    }
}

impl From<&str> for ContainerRef {
    fn from(name_or_id: &str) -> ContainerRef {
        ContainerRef(name_or_id.to_owned())
    }
}

impl From<String> for ContainerRef {
    fn from(name_or_id: String) -> ContainerRef {
        ContainerRef(name_or_id)
    }
}

impl From<&ContainerId> for ContainerRef {
    fn from(id: &ContainerId) -> ContainerRef {
        ContainerRef(id.into())
    }
}

impl From<&ContainerName> for ContainerRef {
    fn from(name: &ContainerName) -> ContainerRef {
        ContainerRef(name.0.clone())
    }
}

/// Check what a look-up is given: a name, an id, or the beginning of an id, which may be a single
/// digit.
pub(super) fn name_or_id(text: &str) -> Result<&str, Error> {
    let name = text.strip_prefix('/').unwrap_or(text);
    check("container name or id", name).map(|()| name)
}

/// Check a name that something is to be given.
pub(super) fn whole<'a>(what: &'static str, name: &'a str) -> Result<&'a str, Error> {
    check(what, name)?;
    match name.len() {
        0 | 1 => Err(Error::invalid(what, name, "must have two characters or more")),
        _ => Ok(name),
    }
}

fn check(what: &'static str, name: &str) -> Result<(), Error> {
    let rule = if name.is_empty() {
        "must not be empty"
    } else if name.len() > LONGEST {
        "must not be longer than 255 characters"
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "must begin with an ASCII letter or digit"
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)) {
        "must consist of ASCII letters, digits, '_', '.' and '-'"
    } else {
        return Ok(());
    };
    Err(Error::invalid(what, name, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_the_engines_rule() {
        for good in ["ab", "/web", "a_b.c-d", "0x", "A.", &"n".repeat(255)] {
            let name: ContainerName = good.parse().unwrap();
            assert_eq!(name.as_str(), good.trim_start_matches('/'));
        }
        for (bad, rule) in [
            ("", "must not be empty"),
            ("/", "must not be empty"),
            ("a", "two characters"),
            ("-a", "begin with"),
            (".a", "begin with"),
            ("..", "begin with"),
            ("//ab", "begin with"),
            ("%2e%2e", "begin with"),
            ("a/b", "consist of"),
            ("a/../b", "consist of"),
            ("a%2fb", "consist of"),
            ("a?force=1", "consist of"),
            ("a#b", "consist of"),
            ("a\0", "consist of"),
            ("a\n", "consist of"),
            ("a b", "consist of"),
            ("bücher", "consist of"),
            (&"n".repeat(256), "longer than 255"),
        ] {
            let error = bad.parse::<ContainerName>().unwrap_err().to_string();
            assert!(error.contains(rule), "{bad:?}: {error}");
        }
    }

    #[test]
    fn a_look_up_takes_the_beginning_of_an_id() {
        assert_eq!(name_or_id("1").unwrap(), "1");
        assert_eq!(name_or_id("/web").unwrap(), "web");
        assert!(name_or_id("").is_err() && name_or_id("..").is_err());
    }
}
