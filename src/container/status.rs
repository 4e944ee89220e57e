//! The states an engine reports, and how a process ended.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The state of a container, as the engine reports it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Status {
    /// Made, and never started with success.
    Created,
    /// Its process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It has ended and its restart policy will start it again.
    Restarting,
    /// It is being removed.
    Removing,
    /// Its process has ended.
    Exited,
    /// Its removal failed half-way: it can only be removed.
    Dead,
    /// A state this crate does not know.
    Other(String),
    /// The engine did not say.
    #[default]
    Unknown,
}

impl Status {
    /// Return the engine's word for it: "running".
    pub fn as_str(&self) -> &str {
        match self {
            Status::Created => "created",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Restarting => "restarting",
            Status::Removing => "removing",
            Status::Exited => "exited",
            Status::Dead => "dead",
            Status::Other(word) => word,
            Status::Unknown => "unknown",
        }
    }

    /// Whether a process is there, moving or not. What this crate does not know may have one.
    pub(crate) fn has_process(&self) -> bool {
        !matches!(self, Status::Created | Status::Exited | Status::Dead | Status::Removing)
    }
}

impl From<&str> for Status {
    fn from(word: &str) -> Status {
        match word {
            "created" | "configured" => Status::Created,
            "running" => Status::Running,
            "paused" => Status::Paused,
            "restarting" => Status::Restarting,
            "removing" => Status::Removing,
            // Podman's word for a process that has ended and is not yet cleaned up.
            "exited" | "stopped" => Status::Exited,
            "dead" => Status::Dead,
            "" => Status::Unknown,
            other => Status::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Status, D::Error> {
        struct Word;
        impl serde::de::Visitor<'_> for Word {
            type Value = Status;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a state")
            }
            fn visit_str<E>(self, s: &str) -> Result<Status, E> {
                Ok(Status::from(s))
            }
            fn visit_unit<E>(self) -> Result<Status, E> {
                Ok(Status::Unknown)
            }
        }
        d.deserialize_any(Word)
    }
}

/// How a process ended. A value, never an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExitStatus {
    code: i64,
}

impl ExitStatus {
    pub(crate) fn new(code: i64) -> ExitStatus {
        ExitStatus { code }
    }

    /// Say whether the process ended with code 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }

    /// Return the exit code: 0 to 255; -1 where the engine did not say. 125 and above have meanings of their own: 126 and 127 say
    /// that the command could not be run or was not found, 128 + n that signal n ended it.
    pub fn code(&self) -> i64 {
        self.code
    }

    /// Say whether the command could not be run, found or not: code 126. Engines say so of an exec
    /// whose command is not found too; a program that ends with 126 by itself looks the same.
    pub fn cannot_run(&self) -> bool {
        self.code == 126
    }

    /// Say whether the command was not found: code 127. A shell ends with it too, where it does
    /// not find what it is to run.
    pub fn not_found(&self) -> bool {
        self.code == 127
    }

    /// Return the signal that ended the process, where the code says so (128 + n).
    pub fn signal(&self) -> Option<i32> {
        i32::try_from(self.code.saturating_sub(128)).ok().filter(|n| (1..=64).contains(n))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit status {}", self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_kept() {
        let read = |s: &str| serde_json::from_str::<Status>(s).unwrap();
        assert_eq!(read("\"stopping\""), Status::Other("stopping".into()));
        assert_eq!(read("\"stopped\""), Status::Exited);
        assert_eq!(read("null"), Status::Unknown);
        assert_eq!(ExitStatus::new(137).signal(), Some(9));
        assert_eq!(ExitStatus::new(127).signal(), None);
        assert_eq!(ExitStatus::new(i64::MIN).signal(), None);
    }
}
