//! Filters of lists and prunes.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Filters as the engine takes them: for each key, values of which one must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filters(BTreeMap<Cow<'static, str>, Vec<String>>);

impl Filters {
    pub(crate) fn add(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.0.entry(key.into()).or_default().push(value.into());
    }

    pub(crate) fn to_json(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        // A map of strings always serialises.
        serde_json::to_string(&self.0).ok()
    }
}
