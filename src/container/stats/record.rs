//! One record of what a container uses, and the sums that `docker stats` does with it.
//!
//! Engines differ by their control groups: version 1 lists more than version 2, and names the
//! cache otherwise. What an engine leaves out is `None` or 0, as each field says.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::container::ContainerId;
use crate::time::{self, Timestamp};
use crate::wire::null_default;

/// What a container used at one moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// The container's full id; empty for one that does not run, on some engines.
    #[serde(deserialize_with = "null_default")]
    pub id: ContainerId,
    /// The container's name, without the engine's leading slash.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// When this was taken; `None` where the container did not run.
    #[serde(deserialize_with = "time::lenient")]
    pub read: Option<Timestamp>,
    /// When the record before was taken; `None` where there is none.
    #[serde(deserialize_with = "time::lenient")]
    pub preread: Option<Timestamp>,
    /// The processor's use since the container was started.
    #[serde(rename = "cpu_stats", deserialize_with = "null_default")]
    pub cpu: CpuStats,
    /// The same in the record before; empty where there is none.
    #[serde(rename = "precpu_stats", deserialize_with = "null_default")]
    pub precpu: CpuStats,
    /// Memory.
    #[serde(rename = "memory_stats", deserialize_with = "null_default")]
    pub memory: MemoryStats,
    /// What went over each interface, by its name in the container: "eth0". Empty where it has
    /// none of its own.
    #[serde(deserialize_with = "null_default")]
    pub networks: BTreeMap<String, NetworkStats>,
    /// What went to and from block devices.
    #[serde(rename = "blkio_stats", deserialize_with = "null_default")]
    pub blkio: BlkioStats,
    /// Processes and threads.
    #[serde(rename = "pids_stats", deserialize_with = "null_default")]
    pub pids: PidsStats,
}

/// The processor's use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CpuStats {
    /// The container's own use.
    #[serde(rename = "cpu_usage", deserialize_with = "null_default")]
    pub usage: CpuUsage,
    /// The use of the whole host, in nanoseconds over all processors, idle time among it.
    #[serde(rename = "system_cpu_usage")]
    pub system: Option<u64>,
    /// How many processors there are.
    pub online_cpus: Option<u32>,
    /// How often the container was held back.
    #[serde(rename = "throttling_data", deserialize_with = "null_default")]
    pub throttling: Throttling,
}

/// A container's use of the processor since it was started, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CpuUsage {
    /// On all processors together.
    #[serde(rename = "total_usage", deserialize_with = "null_default")]
    pub total: u64,
    /// On each processor. Empty with control groups of version 2.
    #[serde(rename = "percpu_usage", deserialize_with = "null_default")]
    pub per_cpu: Vec<u64>,
    /// In the kernel.
    #[serde(rename = "usage_in_kernelmode", deserialize_with = "null_default")]
    pub kernel: u64,
    /// In the processes' own code.
    #[serde(rename = "usage_in_usermode", deserialize_with = "null_default")]
    pub user: u64,
}

/// How often a container was held back by its limit on the processor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Throttling {
    /// In how many periods the limit was in force.
    #[serde(deserialize_with = "null_default")]
    pub periods: u64,
    /// In how many of them it was reached.
    #[serde(deserialize_with = "null_default")]
    pub throttled_periods: u64,
    /// For how long the container was held back, in nanoseconds.
    #[serde(deserialize_with = "null_default")]
    pub throttled_time: u64,
}

/// The use of memory, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MemoryStats {
    /// All of it, the cache of files included: see [`Stats::memory_usage`].
    pub usage: Option<u64>,
    /// The most there was; with control groups of version 1 alone.
    pub max_usage: Option<u64>,
    /// What may be used; that of the host where the container has no limit.
    pub limit: Option<u64>,
    /// How often the limit was reached; with control groups of version 1 alone.
    #[serde(rename = "failcnt")]
    pub fail_count: Option<u64>,
    /// The kernel's own account, by its names; these depend on the version of control groups.
    #[serde(deserialize_with = "null_default")]
    pub stats: BTreeMap<String, u64>,
}

/// What went over a network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NetworkStats {
    /// Bytes received.
    #[serde(deserialize_with = "null_default")]
    pub rx_bytes: u64,
    /// Packets received.
    #[serde(deserialize_with = "null_default")]
    pub rx_packets: u64,
    /// Errors on receiving.
    #[serde(deserialize_with = "null_default")]
    pub rx_errors: u64,
    /// Incoming packets that were dropped.
    #[serde(deserialize_with = "null_default")]
    pub rx_dropped: u64,
    /// Bytes sent.
    #[serde(deserialize_with = "null_default")]
    pub tx_bytes: u64,
    /// Packets sent.
    #[serde(deserialize_with = "null_default")]
    pub tx_packets: u64,
    /// Errors on sending.
    #[serde(deserialize_with = "null_default")]
    pub tx_errors: u64,
    /// Outgoing packets that were dropped.
    #[serde(deserialize_with = "null_default")]
    pub tx_dropped: u64,
}

/// What went to and from block devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BlkioStats {
    /// Bytes, by device and operation.
    #[serde(rename = "io_service_bytes_recursive", deserialize_with = "null_default")]
    pub service_bytes: Vec<BlkioEntry>,
    /// Operations, by device and kind; with control groups of version 1 alone.
    #[serde(rename = "io_serviced_recursive", deserialize_with = "null_default")]
    pub serviced: Vec<BlkioEntry>,
}

/// A count for one device and one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BlkioEntry {
    /// The device's major number.
    #[serde(deserialize_with = "null_default")]
    pub major: u64,
    /// The device's minor number.
    #[serde(deserialize_with = "null_default")]
    pub minor: u64,
    /// The operation, in the kernel's spelling: "Read" and "Write", or "read" and "write".
    #[serde(deserialize_with = "null_default")]
    pub op: String,
    /// The count.
    #[serde(deserialize_with = "null_default")]
    pub value: u64,
}

/// How many processes and threads there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PidsStats {
    /// How many there are.
    pub current: Option<u64>,
    /// How many there may be; `None` or 0 without a limit.
    pub limit: Option<u64>,
}

/// Bytes over all networks of a container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NetworkIo {
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
}

/// Bytes to and from all block devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BlockIo {
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

impl Stats {
    /// Return the use of the processor between the record before and this one, in percent of one
    /// processor: 200 is two processors at full load. This is the `CPU %` of `docker stats`.
    ///
    /// `None` where it cannot be known: there is no record before (the first of a stream has
    /// none), the container does not run, or it was started between the two.
    pub fn cpu_percent(&self) -> Option<f64> {
        let system = self.cpu.system?.checked_sub(self.precpu.system.filter(|s| *s > 0)?)?;
        let own = self.cpu.usage.total.checked_sub(self.precpu.usage.total)?;
        // Old engines and Podman may leave the number out.
        let listed = u32::try_from(self.cpu.usage.per_cpu.len()).ok();
        let cpus = self.cpu.online_cpus.filter(|n| *n > 0).or(listed).filter(|n| *n > 0)?;
        (system > 0).then(|| own as f64 / system as f64 * f64::from(cpus) * 100.0)
    }

    /// Return the memory in use in bytes, without the cache of files that can be had back at any
    /// time. This is the `MEM USAGE` of `docker stats`.
    ///
    /// `None` where the container does not run.
    pub fn memory_usage(&self) -> Option<u64> {
        let usage = self.memory.usage?;
        let cache = |name: &str| self.memory.stats.get(name).copied().filter(|c| *c < usage);
        // The first is the name in version 1 of control groups, where the second counts less.
        let cache = cache("total_inactive_file").or_else(|| cache("inactive_file"));
        Some(usage - cache.unwrap_or(0))
    }

    /// Return the memory in use in percent of what may be used. This is the `MEM %` of
    /// `docker stats`.
    ///
    /// `None` where the container does not run.
    pub fn memory_percent(&self) -> Option<f64> {
        let limit = self.memory.limit.filter(|limit| *limit > 0)?;
        Some(self.memory_usage()? as f64 / limit as f64 * 100.0)
    }

    /// Return the bytes over all networks since the container was started. This is the `NET I/O`
    /// of `docker stats`. Zero where it has no network of its own.
    pub fn network_io(&self) -> NetworkIo {
        let mut sum = NetworkIo::default();
        for network in self.networks.values() {
            sum.received = sum.received.saturating_add(network.rx_bytes);
            sum.sent = sum.sent.saturating_add(network.tx_bytes);
        }
        sum
    }

    /// Return the bytes to and from all block devices since the container was started. This is
    /// the `BLOCK I/O` of `docker stats`.
    pub fn block_io(&self) -> BlockIo {
        let mut sum = BlockIo::default();
        for entry in &self.blkio.service_bytes {
            match entry.op.bytes().next() {
                Some(b'r' | b'R') => sum.read = sum.read.saturating_add(entry.value),
                Some(b'w' | b'W') => sum.written = sum.written.saturating_add(entry.value),
                _ => {}
            }
        }
        sum
    }
}

fn name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = Option::<String>::deserialize(d)?.unwrap_or_default();
    Ok(name.strip_prefix('/').map(str::to_owned).unwrap_or(name))
}

#[cfg(test)]
mod tests;
