//! What setters find wrong, kept until the call is made: a setter itself never fails.

use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, InvalidInput};
use crate::wire::{ApiVersion, Call};

/// The first value that broke a rule, and the newest API version that something said needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checks {
    fault: Option<InvalidInput>,
    needs: Option<(ApiVersion, &'static str)>,
}

impl Checks {
    /// Take a value that was checked; a fault is kept, and the value is none.
    pub(crate) fn take<T>(&mut self, checked: Result<T, InvalidInput>) -> Option<T> {
        checked.map_err(|fault| self.fault.get_or_insert(fault)).ok()
    }

    /// Keep a fault.
    pub(crate) fn fail(&mut self, what: &'static str, value: impl Into<String>, rule: &str) {
        self.take::<()>(Err(InvalidInput::new(what, value, rule)));
    }

    /// Need API 1.`minor` for `what`.
    pub(crate) fn since(&mut self, minor: u16, what: &'static str) {
        let version = ApiVersion::new(1, minor);
        if self.needs.is_none_or(|(v, _)| v < version) {
            self.needs = Some((version, what));
        }
    }

    /// Take over what a part of the whole has found.
    pub(crate) fn join(&mut self, part: Checks) {
        self.fault = self.fault.take().or(part.fault);
        if let Some((version, what)) = part.needs {
            if self.needs.is_none_or(|(v, _)| v < version) {
                self.needs = Some((version, what));
            }
        }
    }

    /// Say what was found, if anything.
    pub(crate) fn fault(&self) -> Result<(), Error> {
        self.fault.clone().map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Tell the call what it needs.
    pub(crate) fn mark(&self, call: Call) -> Call {
        match self.needs {
            Some((version, what)) => call.since(version, what),
            None => call,
        }
    }

    /// Take a text that must be there and hold no NUL, which ends a text for the kernel.
    pub(crate) fn text(&mut self, what: &'static str, text: impl Into<String>) -> Option<String> {
        self.take(full(what, text.into()))
    }

    /// Check the words of a command.
    pub(crate) fn no_nul(&mut self, what: &'static str, command: &[String]) {
        if let Some(word) = command.iter().find(|word| word.contains('\0')) {
            self.fail(what, word.as_str(), "must not hold a NUL");
        }
    }

    /// Take a key, which must be there, and a value, which may be empty.
    pub(crate) fn pair(
        &mut self,
        what: &'static str,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Option<(String, String)> {
        let (key, value) = (self.text(what, key)?, value.into());
        if value.contains('\0') {
            // The value may be a secret.
            self.fail(what, key, "must not have a NUL in its value");
            return None;
        }
        Some((key, value))
    }

    /// Take a host's name and where it is to be found, as the engine writes them down.
    pub(crate) fn host_at(
        &mut self,
        host: impl Into<String>,
        address: impl fmt::Display,
    ) -> Option<String> {
        let address = address.to_string();
        let host = self.text("host to add", host)?;
        if host.contains(':') {
            self.fail("host to add", host, "must not hold a colon");
        } else if address != "host-gateway" && address.parse::<IpAddr>().is_err() {
            let rule = "must be an IP address, or \"host-gateway\"";
            self.fail("address of a host to add", address, rule);
        } else {
            return Some(format!("{host}:{address}"));
        }
        None
    }

    /// Take an IP address, as a value or as text.
    pub(crate) fn address(
        &mut self,
        what: &'static str,
        address: impl fmt::Display,
        fits: fn(&IpAddr) -> bool,
        rule: &str,
    ) -> Option<String> {
        let text = address.to_string();
        if text.parse().is_ok_and(|ip| fits(&ip)) {
            return Some(text);
        }
        self.fail(what, text, rule);
        None
    }

    /// Take a number between two others, both included.
    pub(crate) fn within<N: PartialOrd + fmt::Display>(
        &mut self,
        what: &'static str,
        number: N,
        (least, most): (N, N),
    ) -> Option<N> {
        if number >= least && number <= most {
            return Some(number);
        }
        self.fail(what, number.to_string(), &format!("must lie between {least} and {most}"));
        None
    }
}

/// Check that a text is there and holds no NUL.
pub(crate) fn full(what: &'static str, text: String) -> Result<String, InvalidInput> {
    if text.is_empty() {
        Err(InvalidInput::new(what, text, "must not be empty"))
    } else if text.contains('\0') {
        Err(InvalidInput::new(what, text, "must not hold a NUL"))
    } else {
        Ok(text)
    }
}

/// Check that a path begins at the root.
pub(crate) fn absolute(what: &'static str, path: String) -> Result<String, InvalidInput> {
    let path = full(what, path)?;
    if !from_root(&path) {
        return Err(InvalidInput::new(what, path, "must be an absolute path"));
    }
    Ok(path)
}

/// Say whether a path begins at the root, or at a drive of Windows.
pub(crate) fn from_root(path: &str) -> bool {
    path.starts_with(['/', '\\']) || has_drive(path)
}

/// Say whether a path begins with a drive of Windows, "C:\" or "C:/".
pub(crate) fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [d, b':', b'/' | b'\\', ..] if d.is_ascii_alphabetic())
}
