//! Platforms, as newer calls take them.

use serde::Serialize;

use crate::error::Error;
use crate::wire::{ApiVersion, Call};

/// A platform to limit a call to, if any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Platforms(Option<String>);

#[derive(Serialize)]
struct Platform<'a> {
    os: &'a str,
    architecture: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
}

impl Platforms {
    pub(super) fn set(&mut self, platform: String) {
        self.0 = Some(platform);
    }

    /// Say it in the call, which has it from API 1.`minor`.
    pub(super) fn apply(&self, call: Call, minor: u16, what: &'static str) -> Result<Call, Error> {
        match &self.0 {
            Some(text) => {
                Ok(call.arg("platform", json(text)?).since(ApiVersion::new(1, minor), what))
            }
            None => Ok(call),
        }
    }
}

fn json(text: &str) -> Result<String, Error> {
    let mut parts = text.split('/');
    let platform = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(os), Some(architecture), variant, None)
            if !os.is_empty() && !architecture.is_empty() && variant != Some("") =>
        {
            Platform { os, architecture, variant }
        }
        _ => return Err(Error::invalid("platform", text, "must be OS/ARCH or OS/ARCH/VARIANT")),
    };
    serde_json::to_string(&platform).map_err(|e| Error::invalid("platform", text, e.to_string()))
}
