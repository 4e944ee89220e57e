//! Clearing away what nobody uses: the build cache, or everything.

use serde::Deserialize;

use crate::container::spec::{ByteSize, Checks};
use crate::container::{self, ContainerId};
use crate::error::Error;
use crate::image::{PruneImages, RemovedImage};
use crate::network::PruneNetworks;
use crate::transport::Transport;
use crate::verb::{verb, within};
use crate::volume::PruneVolumes;
use crate::wire::{ApiVersion, Call, Filters, Patience, null_default};

/// The verb behind [`Docker::prune_build_cache`](crate::Docker::prune_build_cache).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct PruneBuildCache {
    transport: Transport,
    all: bool,
    reserved: Option<i64>,
    most: Option<i64>,
    free: Option<i64>,
    filters: Filters,
    checks: Checks,
}

/// What a prune of the build cache removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PrunedBuildCache {
    /// The ids of the records.
    #[serde(rename = "CachesDeleted", deserialize_with = "null_default")]
    pub caches: Vec<String>,
    /// The bytes of disk that came free.
    #[serde(deserialize_with = "null_default")]
    pub space_reclaimed: u64,
}

impl PruneBuildCache {
    pub(crate) fn new(transport: Transport) -> PruneBuildCache {
        let (filters, checks) = (Filters::default(), Checks::default());
        let (reserved, most, free) = (None, None, None);
        PruneBuildCache { transport, all: false, reserved, most, free, filters, checks }
    }

    /// Take what builds share with images and what is internal too: `--all`.
    pub fn all(mut self) -> PruneBuildCache {
        self.all = true;
        self
    }

    /// Leave this much, such as "2g": `--reserved-space`, and before API 1.48 `--keep-storage`.
    pub fn reserved_space(mut self, size: impl Into<ByteSize>) -> PruneBuildCache {
        self.reserved = self.checks.take(size.into().bytes("reserved space"));
        self
    }

    /// Take until no more than this is left, such as "10g": `--max-used-space`. API 1.48.
    pub fn max_used_space(mut self, size: impl Into<ByteSize>) -> PruneBuildCache {
        self.checks.since(48, "a most for the build cache");
        self.most = self.checks.take(size.into().bytes("max used space"));
        self
    }

    /// Take until this much of the disk is free, such as "20g": `--min-free-space`. API 1.48.
    pub fn min_free_space(mut self, size: impl Into<ByteSize>) -> PruneBuildCache {
        self.checks.since(48, "a least for the free disk");
        self.free = self.checks.take(size.into().bytes("min free space"));
        self
    }

    /// Spare what was used within this time: "24h".
    pub fn until(mut self, until: impl Into<String>) -> PruneBuildCache {
        self.filters.add("until", until);
        self
    }

    /// Take the record of this id alone.
    pub fn id(mut self, id: impl Into<String>) -> PruneBuildCache {
        self.filters.add("id", id);
        self
    }

    /// Take records of this kind alone: "regular", "source.local", "exec.cachemount".
    pub fn kind(mut self, kind: impl Into<String>) -> PruneBuildCache {
        self.filters.add("type", kind);
        self
    }

    fn call(&self) -> Result<Call, Error> {
        self.checks.fault()?;
        let renamed = self.transport.version() >= ApiVersion::new(1, 48);
        let call = Call::post(&["build", "prune"])
            .flag("all", self.all)
            .maybe(if renamed { "reserved-space" } else { "keep-storage" }, self.reserved)
            .maybe("max-used-space", self.most)
            .maybe("min-free-space", self.free)
            .maybe("filters", self.filters.to_json())
            .patience(Patience::Endless);
        Ok(self.checks.mark(call))
    }

    async fn run(self) -> Result<PrunedBuildCache, Error> {
        self.transport.json(&self.call()?).await
    }
}

verb!(PruneBuildCache, transport => Result<PrunedBuildCache, Error>);

/// The verb behind [`Docker::prune`](crate::Docker::prune).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct PruneSystem {
    transport: Transport,
    all: bool,
    volumes: bool,
    until: Option<String>,
    labels: Vec<String>,
    without_labels: Vec<String>,
}

/// What a prune of everything removed.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct PrunedSystem {
    /// The containers.
    pub containers: Vec<ContainerId>,
    /// The names of the networks.
    pub networks: Vec<String>,
    /// The names of the volumes, where they were asked for.
    pub volumes: Vec<String>,
    /// The images, and their names.
    pub images: RemovedImage,
    /// The ids of the build cache's records.
    pub build_cache: Vec<String>,
    /// The bytes of disk that came free, as far as the engine says.
    pub space_reclaimed: u64,
    /// What could not be done: each error names the call. The rest was done all the same.
    pub failed: Vec<Error>,
}

impl PruneSystem {
    pub(crate) fn new(transport: Transport) -> PruneSystem {
        PruneSystem {
            transport,
            all: false,
            volumes: false,
            until: None,
            labels: Vec::new(),
            without_labels: Vec::new(),
        }
    }

    /// Take images with names too, and all of the build cache: `--all`.
    pub fn all(mut self) -> PruneSystem {
        self.all = true;
        self
    }

    /// Take anonymous volumes too: `--volumes`.
    pub fn volumes(mut self) -> PruneSystem {
        self.volumes = true;
        self
    }

    /// Spare what is younger than this moment or age: "10m", "2024-01-31T10:00:00". Not together
    /// with volumes, which have no such filter.
    pub fn until(mut self, until: impl Into<String>) -> PruneSystem {
        self.until = Some(until.into());
        self
    }

    /// Take only what has this label: "key" or "key=value". The build cache has none, and stays.
    pub fn label(mut self, label: impl Into<String>) -> PruneSystem {
        self.labels.push(label.into());
        self
    }

    /// Spare what has this label: "key" or "key=value". The build cache has none, and stays.
    pub fn without_label(mut self, label: impl Into<String>) -> PruneSystem {
        self.without_labels.push(label.into());
        self
    }

    async fn run(self) -> Result<PrunedSystem, Error> {
        if let (true, Some(until)) = (self.volumes, &self.until) {
            let rule = "must not be set where volumes are pruned: they have no such filter";
            return Err(Error::invalid("until", until.as_str(), rule));
        }
        within("POST /containers/prune and others", self.transport.own_limit(), self.each()).await
    }

    async fn each(&self) -> Result<PrunedSystem, Error> {
        // The same filters for each kind; what they are is in the setters.
        macro_rules! filtered {
            ($prune:expr) => {{
                let prune = self.labels.iter().fold($prune, |p, label| p.label(label));
                self.without_labels.iter().fold(prune, |p, label| p.without_label(label))
            }};
        }
        macro_rules! timed {
            ($prune:expr) => {
                self.until.iter().fold($prune, |p, until| p.until(until))
            };
        }
        let on = || self.transport.clone();
        let mut out = PrunedSystem::default();
        let containers = timed!(filtered!(container::Prune::new(on()))).await;
        if let Some(done) = out.take(containers)? {
            (out.containers, out.space_reclaimed) = (done.containers, done.space_reclaimed);
        }
        let networks = timed!(filtered!(PruneNetworks::new(on()))).await;
        if let Some(done) = out.take(networks)? {
            out.networks = done.networks;
        }
        if self.volumes {
            let volumes = filtered!(PruneVolumes::new(on())).await;
            if let Some(done) = out.take(volumes)? {
                out.volumes = done.volumes;
                out.space_reclaimed += done.space_reclaimed.unwrap_or(0);
            }
        }
        let images = timed!(filtered!(PruneImages::new(on())));
        let images = if self.all { images.all() } else { images };
        if let Some(done) = out.take(images.await)? {
            out.images = done.images;
            out.space_reclaimed += done.space_reclaimed;
        }
        if self.labels.is_empty() && self.without_labels.is_empty() {
            let cache = timed!(PruneBuildCache::new(on()));
            let cache = if self.all { cache.all() } else { cache };
            if let Some(done) = out.take(cache.await)? {
                out.build_cache = done.caches;
                out.space_reclaimed += done.space_reclaimed;
            }
        }
        Ok(out)
    }
}

impl PrunedSystem {
    /// Write a failure down and go on, unless there is no engine to go on with.
    fn take<T>(&mut self, done: Result<T, Error>) -> Result<Option<T>, Error> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error @ Error::Connect(_)) => Err(error),
            Err(error) => {
                self.failed.push(error);
                Ok(None)
            }
        }
    }
}

verb!(PruneSystem, transport => Result<PrunedSystem, Error>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let transport = Transport::nowhere();
        let prune = PruneBuildCache::new(transport.clone());
        let some = prune.clone().all().reserved_space("1k").until("24h").id("x").kind("regular");
        let older = [prune.call().unwrap().to_string(), some.call().unwrap().to_string()];
        transport.negotiate(ApiVersion::new(1, 48));
        let newer = some.max_used_space(7).min_free_space(8).call().unwrap();
        let calls = [older.join("\n"), newer.to_string()];
        insta::assert_snapshot!(calls.join("\n"), @r"
        POST /build/prune
        POST /build/prune?all=1&keep-storage=1024&filters=%7B%22id%22%3A%5B%22x%22%5D%2C%22type%22%3A%5B%22regular%22%5D%2C%22until%22%3A%5B%2224h%22%5D%7D
        POST /build/prune?all=1&reserved-space=1024&max-used-space=7&min-free-space=8&filters=%7B%22id%22%3A%5B%22x%22%5D%2C%22type%22%3A%5B%22regular%22%5D%2C%22until%22%3A%5B%2224h%22%5D%7D
        ");
        assert_eq!(newer.needs.map(|n| n.0), Some(ApiVersion::new(1, 48)));
        assert!(prune.reserved_space("much").call().is_err());
    }
}
