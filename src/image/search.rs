//! Searching Docker Hub for images.

use serde::Deserialize;

use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, null_default};

/// The verb behind [`Docker::search`](crate::Docker::search).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Search {
    transport: Transport,
    term: String,
    limit: Option<u32>,
    filters: Filters,
}

impl Search {
    pub(crate) fn new(transport: Transport, term: String) -> Search {
        Search { transport, term, limit: None, filters: Filters::default() }
    }

    /// Return at most `n` results, 1 to 100: `--limit`.
    pub fn limit(mut self, n: u32) -> Search {
        self.limit = Some(n);
        self
    }

    /// Return official images alone, or the others: `--filter is-official=`.
    pub fn official(mut self, official: bool) -> Search {
        self.filters.add("is-official", official.to_string());
        self
    }

    /// Return those with at least this many stars: `--filter stars=`.
    pub fn stars(mut self, stars: u32) -> Search {
        self.filters.add("stars", stars.to_string());
        self
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        if self.term.trim().is_empty() || self.term.contains(char::is_control) {
            let rule = "must be a word without control characters";
            return Err(Error::invalid("search term", &self.term, rule));
        }
        if self.limit.is_some_and(|n| !(1..=100).contains(&n)) {
            let value = self.limit.unwrap_or_default().to_string();
            return Err(Error::invalid("search limit", value, "must lie between 1 and 100"));
        }
        Ok(Call::get(&["images", "search"])
            .arg("term", &self.term)
            .maybe("limit", self.limit)
            .maybe("filters", self.filters.to_json()))
    }

    async fn run(self) -> Result<Vec<SearchResult>, Error> {
        self.transport.json(&self.call()?).await
    }
}

verb!(Search, transport => Result<Vec<SearchResult>, Error>);

/// An image that a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SearchResult {
    /// Its name: "busybox".
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// What it is.
    #[serde(deserialize_with = "null_default")]
    pub description: String,
    /// How many have starred it.
    #[serde(rename = "star_count", deserialize_with = "null_default")]
    pub stars: u64,
    /// Whether Docker itself publishes it.
    #[serde(rename = "is_official", deserialize_with = "null_default")]
    pub official: bool,
}
