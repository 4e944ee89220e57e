//! What a registry has by a name.

use serde::Deserialize;

use super::pull::AUTH;
use super::reference::{ImageRef, ImageRefError};
use crate::error::Error;
use crate::registry::{AuthChoice, Credentials};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Docker::distribution`](crate::Docker::distribution).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct InspectDistribution {
    transport: Transport,
    image: Result<ImageRef, ImageRefError>,
    auth: AuthChoice,
}

/// What a registry has by a name, found out without fetching it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Distribution {
    /// The manifest.
    #[serde(deserialize_with = "null_default")]
    pub descriptor: Descriptor,
    /// The platforms that there are images for.
    #[serde(deserialize_with = "null_default")]
    pub platforms: Vec<PlatformDetails>,
}

/// A manifest, by its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Descriptor {
    /// Its kind: "application/vnd.oci.image.index.v1+json".
    #[serde(rename = "mediaType", deserialize_with = "null_default")]
    pub media_type: String,
    /// Its digest: "sha256:…".
    #[serde(deserialize_with = "null_default")]
    pub digest: String,
    /// Its bytes.
    #[serde(deserialize_with = "null_default")]
    pub size: u64,
}

/// A platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PlatformDetails {
    /// The operating system: "linux".
    #[serde(deserialize_with = "null_default")]
    pub os: String,
    /// The architecture, as Go names it: "arm64".
    #[serde(deserialize_with = "null_default")]
    pub architecture: String,
    /// The architecture's variant: "v8".
    #[serde(deserialize_with = "null_default")]
    pub variant: String,
}

impl InspectDistribution {
    pub(crate) fn new(
        transport: Transport,
        image: Result<ImageRef, ImageRefError>,
    ) -> InspectDistribution {
        InspectDistribution { transport, image, auth: AuthChoice::default() }
    }

    /// Send these credentials, instead of those that the docker command would.
    pub fn credentials(mut self, credentials: Credentials) -> InspectDistribution {
        self.auth = AuthChoice::Given(credentials);
        self
    }

    /// Send no credentials.
    pub fn anonymous(mut self) -> InspectDistribution {
        self.auth = AuthChoice::Anonymous;
        self
    }

    pub(super) fn call(image: &ImageRef) -> Call {
        Call::get(&["distribution", &image.to_string(), "json"])
    }

    async fn run(self) -> Result<Distribution, Error> {
        let image = self.image?.or_latest();
        let auth = self.auth.header(image.registry()?).await?;
        self.transport.json(&InspectDistribution::call(&image).header(AUTH, auth)).await
    }
}

verb!(InspectDistribution, transport => Result<Distribution, Error>);
