//! What a container may use: said when it is created, and, but for the last part, changed later.

use super::checks::Checks;
use super::wire::body;
use crate::error::InvalidInput;

body! {
    /// What `docker update` can change. `docker create` sends it too, among the rest.
    struct Resources {
        memory: Option<i64>,
        memory_swap: Option<i64>,
        memory_reservation: Option<i64>,
        kernel_memory: Option<i64>,
        nano_cpus: Option<i64>,
        cpu_shares: Option<i64>,
        cpu_period: Option<i64>,
        cpu_quota: Option<i64>,
        #[serde(rename = "CpuRealtimePeriod")]
        cpu_rt_period: Option<i64>,
        #[serde(rename = "CpuRealtimeRuntime")]
        cpu_rt_runtime: Option<i64>,
        cpuset_cpus: Option<String>,
        cpuset_mems: Option<String>,
        pids_limit: Option<i64>,
        blkio_weight: Option<u16>,
        blkio_weight_device: Vec<DeviceWeight>,
        blkio_device_read_bps: Vec<DeviceRate>,
        blkio_device_write_bps: Vec<DeviceRate>,
        #[serde(rename = "BlkioDeviceReadIOps")]
        blkio_device_read_iops: Vec<DeviceRate>,
        #[serde(rename = "BlkioDeviceWriteIOps")]
        blkio_device_write_iops: Vec<DeviceRate>,
        restart_policy: Option<RestartBody>,
    }
}

impl Resources {
    /// Say whether a device is slowed down by name, which `update` knows only of late.
    pub(crate) fn names_devices(&self) -> bool {
        !self.blkio_weight_device.is_empty()
            || [
                &self.blkio_device_read_bps,
                &self.blkio_device_write_bps,
                &self.blkio_device_read_iops,
                &self.blkio_device_write_iops,
            ]
            .iter()
            .any(|rates| !rates.is_empty())
    }
}

body! {
    struct DeviceWeight {
        path: String,
        weight: Option<u16>,
    }
}

body! {
    struct DeviceRate {
        path: String,
        rate: Option<i64>,
    }
}

body! {
    struct RestartBody {
        name: &'static str,
        maximum_retry_count: Option<u32>,
    }
}

body! {
    struct Ulimit {
        name: String,
        soft: Option<i64>,
        hard: Option<i64>,
    }
}

/// When the engine starts a container again: `--restart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RestartPolicy {
    /// Never.
    No,
    /// Whenever it ends, and when the engine starts.
    Always,
    /// Whenever it ends, and when the engine starts unless somebody had stopped it before.
    UnlessStopped,
    /// When it ends with a code other than 0.
    OnFailure {
        /// How often; `None` is without end.
        max: Option<u32>,
    },
}

/// As the docker command takes it: "no", "always", "unless-stopped", "on-failure", "on-failure:3".
impl std::str::FromStr for RestartPolicy {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<RestartPolicy, InvalidInput> {
        let fault = || {
            let rule = "must be no, always, unless-stopped, on-failure or on-failure:N";
            InvalidInput::new("restart policy", text, rule)
        };
        Ok(match text.split_once(':') {
            None if text == "no" => RestartPolicy::No,
            None if text == "always" => RestartPolicy::Always,
            None if text == "unless-stopped" => RestartPolicy::UnlessStopped,
            None if text == "on-failure" => RestartPolicy::OnFailure { max: None },
            Some(("on-failure", max)) => {
                RestartPolicy::OnFailure { max: Some(max.parse().map_err(|_| fault())?) }
            }
            _ => return Err(fault()),
        })
    }
}

impl RestartPolicy {
    pub(crate) fn body(self) -> RestartBody {
        let (name, maximum_retry_count) = match self {
            RestartPolicy::No => ("no", None),
            RestartPolicy::Always => ("always", None),
            RestartPolicy::UnlessStopped => ("unless-stopped", None),
            RestartPolicy::OnFailure { max } => ("on-failure", max),
        };
        RestartBody { name, maximum_retry_count }
    }
}

/// Billionths of a processor, the engine's unit.
pub(crate) fn nano_cpus(checks: &mut Checks, cpus: f64) -> Option<i64> {
    let nanos = (cpus * 1e9).round();
    // A comparison with what is no number is false. The bound is far below where floats get
    // coarser than 1.
    if (0.0..=1e15).contains(&nanos) {
        return Some(nanos as i64);
    }
    checks.fail("cpus", cpus.to_string(), "must be a number from 0 to 1000000");
    None
}

/// A weight for shares of a device's time; 0 leaves it to the engine.
pub(crate) fn weight(checks: &mut Checks, weight: u16) -> Option<u16> {
    if weight == 0 {
        return Some(0);
    }
    checks.within("blkio weight", weight, (10, 1000))
}

/// Give a builder with `resources` and `checks` the setters of what can be changed later.
macro_rules! resource_setters {
    ($builder:ty) => {
        impl $builder {
            /// Limit the memory, in bytes or as "512m": `--memory`.
            pub fn memory(mut self, size: impl Into<$crate::container::spec::ByteSize>) -> Self {
                self.resources.memory = self.checks.take(size.into().bytes("memory"));
                self
            }

            /// Limit memory and swap together, in bytes or as "1g"; "-1" is no limit:
            /// `--memory-swap`.
            pub fn memory_swap(
                mut self,
                size: impl Into<$crate::container::spec::ByteSize>,
            ) -> Self {
                let size = self.checks.take(size.into().or_endless("memory swap"));
                self.resources.memory_swap = size;
                self
            }

            /// Set the memory to shrink to when the host runs short, in bytes or as "256m":
            /// `--memory-reservation`.
            pub fn memory_reservation(
                mut self,
                size: impl Into<$crate::container::spec::ByteSize>,
            ) -> Self {
                let size = self.checks.take(size.into().bytes("memory reservation"));
                self.resources.memory_reservation = size;
                self
            }

            /// Limit the kernel's memory, in bytes or as "64m": `--kernel-memory`. Engines of
            /// API 1.42 and newer pay no heed to it.
            pub fn kernel_memory(
                mut self,
                size: impl Into<$crate::container::spec::ByteSize>,
            ) -> Self {
                self.resources.kernel_memory = self.checks.take(size.into().bytes("kernel memory"));
                self
            }

            /// Limit the processors, 1.5 for one and a half: `--cpus`. 0 is no limit.
            pub fn cpus(mut self, cpus: f64) -> Self {
                let cpus = $crate::container::spec::resources::nano_cpus(&mut self.checks, cpus);
                self.resources.nano_cpus = cpus;
                self
            }

            /// Set the weight among those who want a processor: `--cpu-shares`. 1024 unless set.
            pub fn cpu_shares(mut self, shares: i64) -> Self {
                self.resources.cpu_shares = Some(shares);
                self
            }

            /// Set the scheduler's period, in microseconds: `--cpu-period`.
            pub fn cpu_period(mut self, microseconds: i64) -> Self {
                self.resources.cpu_period = Some(microseconds);
                self
            }

            /// Limit the processor time in each period, in microseconds: `--cpu-quota`.
            pub fn cpu_quota(mut self, microseconds: i64) -> Self {
                self.resources.cpu_quota = Some(microseconds);
                self
            }

            /// Set the period of real-time tasks, in microseconds: `--cpu-rt-period`.
            pub fn cpu_rt_period(mut self, microseconds: i64) -> Self {
                self.resources.cpu_rt_period = Some(microseconds);
                self
            }

            /// Limit real-time tasks in each period, in microseconds: `--cpu-rt-runtime`.
            pub fn cpu_rt_runtime(mut self, microseconds: i64) -> Self {
                self.resources.cpu_rt_runtime = Some(microseconds);
                self
            }

            /// Name the processors it may run on, "0-2,7" for one: `--cpuset-cpus`.
            pub fn cpuset_cpus(mut self, cpus: impl Into<String>) -> Self {
                self.resources.cpuset_cpus = self.checks.text("cpuset cpus", cpus);
                self
            }

            /// Name the memory nodes it may use, "0,1" for one: `--cpuset-mems`.
            pub fn cpuset_mems(mut self, nodes: impl Into<String>) -> Self {
                self.resources.cpuset_mems = self.checks.text("cpuset mems", nodes);
                self
            }

            /// Limit the number of processes and threads: `--pids-limit`. -1 is no limit.
            pub fn pids_limit(mut self, limit: i64) -> Self {
                self.resources.pids_limit = Some(limit);
                self
            }

            /// Set the weight among those who want a disk, 10 to 1000: `--blkio-weight`. 0
            /// leaves it to the engine.
            pub fn blkio_weight(mut self, weight: u16) -> Self {
                let weight = $crate::container::spec::resources::weight(&mut self.checks, weight);
                self.resources.blkio_weight = weight;
                self
            }

            /// Set the weight for one device, 10 to 1000: `--blkio-weight-device`.
            pub fn blkio_weight_device(mut self, path: impl Into<String>, weight: u16) -> Self {
                use $crate::container::spec::resources::{self, DeviceWeight};
                let weight = resources::weight(&mut self.checks, weight);
                let path = self.checks.device(path);
                let device = path.map(|path| DeviceWeight { path, weight });
                self.resources.blkio_weight_device.extend(device);
                self
            }

            /// Limit reading from a device, in bytes a second or as "1m": `--device-read-bps`.
            pub fn device_read_bps(
                mut self,
                path: impl Into<String>,
                rate: impl Into<$crate::container::spec::ByteSize>,
            ) -> Self {
                let rate = self.checks.bps(path, rate);
                self.resources.blkio_device_read_bps.extend(rate);
                self
            }

            /// Limit writing to a device, in bytes a second or as "1m": `--device-write-bps`.
            pub fn device_write_bps(
                mut self,
                path: impl Into<String>,
                rate: impl Into<$crate::container::spec::ByteSize>,
            ) -> Self {
                let rate = self.checks.bps(path, rate);
                self.resources.blkio_device_write_bps.extend(rate);
                self
            }

            /// Limit the reads from a device in a second: `--device-read-iops`.
            pub fn device_read_iops(mut self, path: impl Into<String>, rate: u32) -> Self {
                let rate = self.checks.iops(path, rate);
                self.resources.blkio_device_read_iops.extend(rate);
                self
            }

            /// Limit the writes to a device in a second: `--device-write-iops`.
            pub fn device_write_iops(mut self, path: impl Into<String>, rate: u32) -> Self {
                let rate = self.checks.iops(path, rate);
                self.resources.blkio_device_write_iops.extend(rate);
                self
            }

            /// Set when the engine starts it again: `--restart`.
            pub fn restart(mut self, policy: $crate::container::spec::RestartPolicy) -> Self {
                self.resources.restart_policy = Some(policy.body());
                self
            }
        }
    };
}

pub(crate) use resource_setters;

impl Checks {
    pub(crate) fn device(&mut self, path: impl Into<String>) -> Option<String> {
        self.take(super::checks::absolute("device", path.into()))
    }

    pub(crate) fn bps(
        &mut self,
        path: impl Into<String>,
        rate: impl Into<super::ByteSize>,
    ) -> Option<DeviceRate> {
        let rate = self.take(rate.into().bytes("device rate"));
        self.device(path).map(|path| DeviceRate { path, rate })
    }

    pub(crate) fn iops(&mut self, path: impl Into<String>, rate: u32) -> Option<DeviceRate> {
        self.device(path).map(|path| DeviceRate { path, rate: Some(rate.into()) })
    }
}
