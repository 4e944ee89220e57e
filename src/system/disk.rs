//! What the engine's things take on disk.

use serde::Deserialize;
use serde_json::Value;

use crate::container::{ContainerSummary, Status};
use crate::error::Error;
use crate::image::ImageSummary;
use crate::labels::Labels;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{ApiVersion, Call, Patience, Raw, null_default};

/// The verb behind [`Docker::disk_usage`](crate::Docker::disk_usage).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct MeasureDisk {
    transport: Transport,
    verbose: bool,
    kinds: Vec<&'static str>,
}

impl MeasureDisk {
    pub(crate) fn new(transport: Transport) -> MeasureDisk {
        MeasureDisk { transport, verbose: false, kinds: Vec::new() }
    }

    /// Ask for each single thing too: `--verbose`. Engines before API 1.52 always tell.
    pub fn verbose(mut self) -> MeasureDisk {
        self.verbose = true;
        self
    }

    /// Measure containers; with this, `images`, `volumes` or `build_cache`, nothing that is not
    /// asked for. API 1.42.
    pub fn containers(self) -> MeasureDisk {
        self.kind("container")
    }

    /// Measure images. API 1.42.
    pub fn images(self) -> MeasureDisk {
        self.kind("image")
    }

    /// Measure volumes. API 1.42.
    pub fn volumes(self) -> MeasureDisk {
        self.kind("volume")
    }

    /// Measure the build cache. API 1.42.
    pub fn build_cache(self) -> MeasureDisk {
        self.kind("build-cache")
    }

    fn kind(mut self, kind: &'static str) -> MeasureDisk {
        self.kinds.push(kind);
        self
    }

    fn call(&self) -> Call {
        // Each file of each container may be looked at before the answer comes.
        let mut call = Call::get(&["system", "df"]).patience(Patience::Endless);
        for kind in &self.kinds {
            let since = ApiVersion::new(1, 42);
            call = call.arg("type", kind).since(since, "measuring some kinds of things alone");
        }
        let asks = self.verbose && self.transport.version() >= ApiVersion::new(1, 52);
        call.flag("verbose", asks)
    }

    async fn run(self) -> Result<DiskUsage, Error> {
        let (answer, raw): (Answer, Raw) = self.transport.kept(&self.call()).await?;
        Ok(answer.sum_up(raw))
    }
}

verb!(MeasureDisk, transport => Result<DiskUsage, Error>);

/// What `docker system df` says.
///
/// Engines before API 1.52 list single things, and the sums are made here as the docker command
/// makes them; later ones send the sums.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DiskUsage {
    /// Images. What several share counts once.
    pub images: Usage<ImageSummary>,
    /// Containers: their files that differ from the image's.
    pub containers: Usage<ContainerSummary>,
    /// Volumes of the local driver.
    pub volumes: Usage<VolumeUsage>,
    /// The build cache.
    pub build_cache: Usage<CacheRecord>,
    raw: Raw,
}

impl DiskUsage {
    /// Return the engine's whole answer, as JSON.
    pub fn raw(&self) -> Value {
        self.raw.json()
    }
}

/// What things of one kind take on disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "T: Deserialize<'de>"))]
#[non_exhaustive]
pub struct Usage<T> {
    /// How many there are.
    #[serde(rename = "TotalCount", deserialize_with = "null_default")]
    pub total: u64,
    /// How many of them are in use.
    #[serde(rename = "ActiveCount", deserialize_with = "null_default")]
    pub active: u64,
    /// The bytes they take.
    #[serde(rename = "TotalSize", deserialize_with = "null_default")]
    pub size: u64,
    /// The bytes that a prune of all that is not in use would free.
    #[serde(rename = "Reclaimable", deserialize_with = "null_default")]
    pub reclaimable: u64,
    /// Each of them; from API 1.52 on only with [`verbose`](MeasureDisk::verbose).
    #[serde(rename = "Items", deserialize_with = "null_default")]
    pub items: Vec<T>,
}

impl<T> Default for Usage<T> {
    fn default() -> Usage<T> {
        Usage { total: 0, active: 0, size: 0, reclaimable: 0, items: Vec::new() }
    }
}

/// What a volume takes on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct VolumeUsage {
    /// The name.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// The driver: "local".
    #[serde(deserialize_with = "null_default")]
    pub driver: String,
    /// When it was created, where the driver says.
    #[serde(deserialize_with = "time::lenient")]
    pub created_at: Option<Timestamp>,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
    /// Its size and how often it is used.
    #[serde(deserialize_with = "null_default")]
    pub usage_data: VolumeUsageData,
}

/// A volume's size, and how often it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct VolumeUsageData {
    /// Bytes; -1 where the driver does not say.
    pub size: i64,
    /// How many containers have it; -1 where nobody has counted.
    pub ref_count: i64,
}

impl Default for VolumeUsageData {
    fn default() -> VolumeUsageData {
        VolumeUsageData { size: -1, ref_count: -1 }
    }
}

/// A step of a build that is kept for the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CacheRecord {
    /// The id.
    #[serde(rename = "ID", deserialize_with = "null_default")]
    pub id: String,
    /// The ids of those it was made from.
    #[serde(deserialize_with = "null_default")]
    pub parents: Vec<String>,
    /// The same, from engines before API 1.42: one id, or none.
    #[serde(deserialize_with = "null_default")]
    parent: String,
    /// What it is: "regular", "source.local", "exec.cachemount".
    #[serde(rename = "Type", deserialize_with = "null_default")]
    pub kind: String,
    /// The step, in words.
    #[serde(deserialize_with = "null_default")]
    pub description: String,
    /// Whether a build uses it now.
    #[serde(deserialize_with = "null_default")]
    pub in_use: bool,
    /// Whether its bytes are an image's too.
    #[serde(deserialize_with = "null_default")]
    pub shared: bool,
    /// Bytes.
    #[serde(deserialize_with = "null_default")]
    pub size: u64,
    /// When it was made.
    #[serde(deserialize_with = "time::lenient")]
    pub created_at: Option<Timestamp>,
    /// When a build last used it; `None` if never.
    #[serde(deserialize_with = "time::lenient")]
    pub last_used_at: Option<Timestamp>,
    /// How often one did.
    #[serde(deserialize_with = "null_default")]
    pub usage_count: u64,
}

/// Both shapes at once: some engines send both.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    image_usage: Option<Usage<ImageSummary>>,
    container_usage: Option<Usage<ContainerSummary>>,
    volume_usage: Option<Usage<VolumeUsage>>,
    build_cache_usage: Option<Usage<CacheRecord>>,
    #[serde(deserialize_with = "null_default")]
    layers_size: u64,
    #[serde(deserialize_with = "null_default")]
    images: Vec<ImageSummary>,
    #[serde(deserialize_with = "null_default")]
    containers: Vec<ContainerSummary>,
    #[serde(deserialize_with = "null_default")]
    volumes: Vec<VolumeUsage>,
    #[serde(deserialize_with = "null_default")]
    build_cache: Vec<CacheRecord>,
}

fn bytes(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Add up: whether each is in use, and its bytes.
fn sum<T>(items: Vec<T>, of: impl Fn(&T) -> (bool, u64)) -> Usage<T> {
    let mut usage = Usage { total: items.len() as u64, ..Usage::default() };
    for (active, size) in items.iter().map(of) {
        usage.size += size;
        match active {
            true => usage.active += 1,
            false => usage.reclaimable += size,
        }
    }
    Usage { items, ..usage }
}

impl Answer {
    fn sum_up(self, raw: Raw) -> DiskUsage {
        let layers = self.layers_size;
        let images = self.image_usage.unwrap_or_else(|| {
            // What is an image's alone; the rest is counted as free, as far as nobody uses it.
            let own = |i: &ImageSummary| bytes(i.size).saturating_sub(i.shared_size.unwrap_or(0));
            let usage = sum(self.images, |i| (i.containers.unwrap_or(0) > 0, own(i)));
            let used = usage.size - usage.reclaimable;
            // Podman 4 leaves the sum to others.
            let size = if layers == 0 { usage.size } else { layers };
            Usage { size, reclaimable: size.saturating_sub(used), ..usage }
        });
        let containers = self.container_usage.unwrap_or_else(|| {
            let runs =
                |s: &Status| matches!(s, Status::Running | Status::Paused | Status::Restarting);
            sum(self.containers, |c| (runs(&c.state), bytes(c.size_rw)))
        });
        let volumes = self.volume_usage.unwrap_or_else(|| {
            sum(self.volumes, |v| (v.usage_data.ref_count != 0, bytes(v.usage_data.size)))
        });
        let mut build_cache = self.build_cache_usage.unwrap_or_else(|| {
            sum(self.build_cache, |c| (c.in_use, if c.shared { 0 } else { c.size }))
        });
        for record in &mut build_cache.items {
            let parent = std::mem::take(&mut record.parent);
            record.parents.extend(Some(parent).filter(|parent| !parent.is_empty()));
        }
        DiskUsage { images, containers, volumes, build_cache, raw }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn read(json: &str) -> DiskUsage {
        wire::from_slice::<Answer>(json.as_bytes()).unwrap().sum_up(Raw::default())
    }

    fn sums<T>(u: &Usage<T>) -> (u64, u64, u64, u64, usize) {
        (u.total, u.active, u.size, u.reclaimable, u.items.len())
    }

    #[test]
    fn calls() {
        let transport = Transport::nowhere();
        let df = MeasureDisk::new(transport.clone());
        let old = df.clone().verbose().call().to_string();
        let some = df.clone().containers().images().volumes().build_cache().call();
        assert_eq!(some.needs.map(|n| n.0), Some(ApiVersion::new(1, 42)));
        transport.negotiate(ApiVersion::new(1, 52));
        let calls = [df.call().to_string(), old, df.verbose().call().to_string(), some.to_string()];
        insta::assert_snapshot!(calls.join("\n"), @r"
        GET /system/df
        GET /system/df
        GET /system/df?verbose=1
        GET /system/df?type=container&type=image&type=volume&type=build-cache
        ");
    }

    #[test]
    fn the_old_shape_is_added_up() {
        let df = read(
            r#"{"LayersSize":100,
            "Images":[{"Id":"a","Size":60,"SharedSize":10,"Containers":1},
                      {"Id":"b","Size":50,"SharedSize":10,"Containers":0}],
            "Containers":[{"Id":"c","SizeRw":5,"State":"running"},{"Id":"d","State":"exited","SizeRw":7},
                          {"Id":"e","State":"created"}],
            "Volumes":[{"Name":"v","UsageData":{"Size":9,"RefCount":0}},
                       {"Name":"w","UsageData":{"Size":-1,"RefCount":2}},{"Name":"x","UsageData":null}],
            "BuildCache":[{"ID":"1","Parent":"0","Size":3,"InUse":true},
                          {"ID":"2","Parents":["0","1"],"Size":4,"Shared":true},
                          {"ID":"3","Size":8}]}"#,
        );
        assert_eq!(sums(&df.images), (2, 1, 100, 50, 2));
        assert_eq!(sums(&df.containers), (3, 1, 12, 7, 3));
        assert_eq!(sums(&df.volumes), (3, 2, 9, 9, 3));
        assert_eq!(sums(&df.build_cache), (3, 1, 11, 8, 3));
        let parents: Vec<_> = df.build_cache.items.iter().map(|c| c.parents.join(" ")).collect();
        assert_eq!(parents, ["0", "0 1", ""]);
        let summed = read(r#"{"LayersSize":0,"Images":[{"Id":"a","Size":6},{"Id":"b","Size":5}]}"#);
        assert_eq!(sums(&summed.images), (2, 0, 11, 11, 2));
        let none = read(r#"{"LayersSize":0,"Images":null,"Volumes":null,"BuildCache":"odd"}"#);
        assert_eq!(sums(&none.images), (0, 0, 0, 0, 0));
    }

    #[test]
    fn the_new_shape_is_taken_as_it_comes() {
        let df = read(
            r#"{"ImageUsage":{"ActiveCount":1,"TotalCount":2,"Reclaimable":40,"TotalSize":100},
            "ContainerUsage":{"TotalCount":3,"Items":[{"Id":"c"}]},"VolumeUsage":{"Items":null},
            "BuildCacheUsage":{"TotalSize":5,"Items":[{"ID":"1","Parents":["0"]}]},
            "LayersSize":7,"Images":[{"Id":"a","Size":60}]}"#,
        );
        assert_eq!(sums(&df.images), (2, 1, 100, 40, 0));
        assert_eq!(sums(&df.containers), (3, 0, 0, 0, 1));
        assert_eq!(sums(&df.build_cache), (0, 0, 5, 0, 1));
    }
}
