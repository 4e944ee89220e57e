//! Listing images.

use serde::Deserialize;

use crate::error::Error;
use crate::labels::Labels;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{ApiVersion, Call, Filters, null_default};

/// The verb behind [`Docker::images`](crate::Docker::images).
///
/// Of several filters all must hold; of several values of one filter any, and of labels all.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ListImages {
    transport: Transport,
    all: bool,
    shared_size: bool,
    filters: Filters,
}

impl ListImages {
    pub(crate) fn new(transport: Transport) -> ListImages {
        ListImages { transport, all: false, shared_size: false, filters: Filters::default() }
    }

    /// List the nameless images too that others were made from: `--all`.
    pub fn all(mut self) -> ListImages {
        self.all = true;
        self
    }

    /// Ask how much of each image others share. That takes the engine time. API 1.42.
    pub fn shared_size(mut self) -> ListImages {
        self.shared_size = true;
        self
    }

    /// List those without a name (`true`), or those with one: `--filter dangling=`.
    pub fn dangling(mut self, dangling: bool) -> ListImages {
        self.filters.add("dangling", dangling.to_string());
        self
    }

    /// List those whose name matches a pattern such as "busybox", "app:*", "*/app":
    /// `--filter reference=`.
    pub fn reference(mut self, pattern: impl Into<String>) -> ListImages {
        self.filters.add("reference", pattern);
        self
    }

    /// List those with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> ListImages {
        self.filters.add("label", label);
        self
    }

    /// List those created before this image, by its name or id.
    pub fn before(mut self, image: impl Into<String>) -> ListImages {
        self.filters.add("before", image);
        self
    }

    /// List those created after this image, by its name or id.
    pub fn since(mut self, image: impl Into<String>) -> ListImages {
        self.filters.add("since", image);
        self
    }

    /// List those that this filter lets through, by its name and value in the engine's words:
    /// `--filter NAME=VALUE`. The other setters are the filters known here.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> ListImages {
        self.filters.add(name.into(), value);
        self
    }

    pub(super) fn call(&self) -> Call {
        let call = Call::get(&["images", "json"])
            .flag("all", self.all)
            .flag("shared-size", self.shared_size)
            .maybe("filters", self.filters.to_json());
        match self.shared_size {
            true => call.since(ApiVersion::new(1, 42), "the shared size of images"),
            false => call,
        }
    }

    async fn run(self) -> Result<Vec<ImageSummary>, Error> {
        self.transport.json(&self.call()).await
    }
}

verb!(ListImages, transport => Result<Vec<ImageSummary>, Error>);

/// An image in a list: `docker images` prints a line for each of its tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ImageSummary {
    /// The full id: "sha256:" and 64 digits.
    #[serde(deserialize_with = "null_default")]
    pub id: String,
    /// The id of the image it was made from, where the engine knows.
    #[serde(deserialize_with = "null_default")]
    pub parent_id: String,
    /// Its names with tags: "busybox:latest". None for a dangling image.
    #[serde(deserialize_with = "names")]
    pub repo_tags: Vec<String>,
    /// Its names with the digests that registries know it by.
    #[serde(deserialize_with = "names")]
    pub repo_digests: Vec<String>,
    /// When it was made.
    #[serde(deserialize_with = "time::lenient")]
    pub created: Option<Timestamp>,
    /// Bytes on disk, with what it shares with others.
    #[serde(deserialize_with = "null_default")]
    pub size: i64,
    /// Bytes that others use too; only with [`shared_size`](ListImages::shared_size).
    #[serde(deserialize_with = "counted")]
    pub shared_size: Option<u64>,
    /// How many containers use it, where the engine has counted.
    #[serde(deserialize_with = "counted")]
    pub containers: Option<u64>,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
}

/// Before API 1.43 engines name what has no name `<none>`.
pub(super) fn names<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let names = Option::<Vec<String>>::deserialize(d)?.unwrap_or_default();
    Ok(names.into_iter().filter(|name| !name.starts_with("<none>")).collect())
}

/// -1 stands for what was not counted.
fn counted<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<i64>::deserialize(d)?.and_then(|n| u64::try_from(n).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn rows_of_old_and_new_engines() {
        let rows: Vec<ImageSummary> = wire::from_slice(
            br#"[{"Id":"sha256:a","RepoTags":["<none>:<none>"],"RepoDigests":["<none>@<none>"],
                  "Created":5,"Size":7,"SharedSize":-1,"Containers":-1,"Labels":null},
                 {"Id":"sha256:b","RepoTags":null,"RepoDigests":[],"SharedSize":3,"Containers":2},
                 {"Id":"sha256:c","RepoTags":["b:1"],"Size":"big","Manifests":[]}]"#,
        )
        .unwrap();
        let [a, b, c] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((a.repo_tags.len(), a.repo_digests.len(), a.shared_size), (0, 0, None));
        assert_eq!((a.created, a.size), (Some(Timestamp::from_secs(5)), 7));
        assert_eq!((b.shared_size, b.containers), (Some(3), Some(2)));
        assert_eq!((c.repo_tags.as_slice(), c.size), (&["b:1".to_owned()][..], 0));
    }
}
