//! What a bench is told on its command line.

use std::time::Duration;

use super::measure::Effort;

pub(crate) struct Args(Vec<String>);

impl Args {
    pub(crate) fn here() -> Args {
        Args(std::env::args().skip(1).collect())
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|arg| arg == flag)
    }

    /// The word behind a flag.
    pub(crate) fn after(&self, flag: &str) -> Option<&str> {
        let at = self.0.iter().position(|arg| arg == flag)?;
        self.0.get(at + 1).map(String::as_str)
    }

    /// The last word of all.
    pub(crate) fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// `cargo bench` says so; `cargo test --benches` does not, and only wants to see it work.
    pub(crate) fn quick(&self) -> bool {
        self.has("--quick") || self.has("--test") || !self.has("--bench")
    }

    /// How hard to measure, with so many milliseconds for each repetition.
    pub(crate) fn effort(&self, slice: u64) -> Effort {
        match self.quick() {
            true => Effort { repetitions: 3, slice: Duration::from_millis(5) },
            false => Effort { repetitions: 15, slice: Duration::from_millis(slice) },
        }
    }
}
