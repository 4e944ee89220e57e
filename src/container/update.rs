//! Changing what a container may use.

use serde::Deserialize;

use super::spec::{Checks, Resources, resource_setters};
use super::{Container, Unknown};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`Container::update`]. What is not set stays as it is.
///
/// ```no_run
/// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
/// use bowline::container::spec::RestartPolicy;
///
/// let updated = web.update().memory("512m").cpus(1.5).restart(RestartPolicy::Always).await?;
/// assert!(updated.warnings.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Update {
    on: Container<Unknown>,
    resources: Resources,
    checks: Checks,
}

/// What the engine had to remark on an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Updated {
    /// Its remarks: a limit that this machine cannot keep, for one.
    #[serde(deserialize_with = "null_default")]
    pub warnings: Vec<String>,
}

resource_setters!(Update);

impl Update {
    pub(super) fn new(on: Container<Unknown>) -> Update {
        Update { on, resources: Resources::default(), checks: Checks::default() }
    }

    fn call(&self) -> Result<Call, Error> {
        self.checks.fault()?;
        if self.resources == Resources::default() {
            return Err(Error::invalid("update", "", "must change something"));
        }
        let mut checks = self.checks.clone();
        if self.resources.names_devices() {
            checks.since(55, "an update of a device's limits");
        }
        Ok(checks.mark(self.on.post("update").json(&self.resources)))
    }

    async fn run(self) -> Result<Updated, Error> {
        self.on.transport.json(&self.call()?).await
    }
}

verb!(Update, on => Result<Updated, Error>);

#[cfg(test)]
mod tests {
    use super::super::spec::RestartPolicy;
    use super::*;
    use crate::wire::ApiVersion;

    fn update() -> Update {
        Update::new(crate::container::example())
    }

    fn sent(update: &Update) -> String {
        let call = update.call().unwrap();
        assert_eq!(call.label(), "POST /containers/f00f00f00f00/update");
        String::from_utf8(call.body.unwrap().to_vec()).unwrap()
    }

    #[test]
    fn only_what_is_said_is_sent() {
        assert_eq!(sent(&update().memory(0)), r#"{"Memory":0}"#);
        let all = update()
            .memory("512m")
            .memory_swap("-1")
            .memory_reservation("1k")
            .kernel_memory("1k")
            .cpus(1.5)
            .cpu_shares(1)
            .cpu_period(2)
            .cpu_quota(3)
            .cpu_rt_period(4)
            .cpu_rt_runtime(5)
            .cpuset_cpus("0-1")
            .cpuset_mems("0")
            .pids_limit(6)
            .blkio_weight(10)
            .restart(RestartPolicy::OnFailure { max: Some(3) });
        insta::assert_snapshot!(sent(&all), @r#"{"Memory":536870912,"MemorySwap":-1,"MemoryReservation":1024,"KernelMemory":1024,"NanoCpus":1500000000,"CpuShares":1,"CpuPeriod":2,"CpuQuota":3,"CpuRealtimePeriod":4,"CpuRealtimeRuntime":5,"CpusetCpus":"0-1","CpusetMems":"0","PidsLimit":6,"BlkioWeight":10,"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}}"#);
        assert_eq!(all.call().unwrap().needs, None);
    }

    #[test]
    fn a_devices_limits_need_a_new_engine() {
        let update = update().device_read_bps("/dev/sda", "1m").blkio_weight_device("/dev/sda", 10);
        insta::assert_snapshot!(sent(&update), @r#"{"BlkioWeightDevice":[{"Path":"/dev/sda","Weight":10}],"BlkioDeviceReadBps":[{"Path":"/dev/sda","Rate":1048576}]}"#);
        let needs = update.call().unwrap().needs.unwrap();
        assert_eq!(needs, (ApiVersion::new(1, 55), "an update of a device's limits"));
    }

    #[test]
    fn nothing_and_nonsense_are_refused() {
        let refusal = |update: Update| update.call().unwrap_err().to_string();
        assert_eq!(refusal(update()), "update \"\" must change something");
        assert_eq!(refusal(update().cpus(-1.0)), "cpus \"-1\" must be a number from 0 to 1000000");
        let error = refusal(update().memory("lots").restart(RestartPolicy::No));
        assert!(error.starts_with("memory \"lots\" must be"), "{error}");
    }
}
