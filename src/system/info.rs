//! What an engine says of itself and its machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::Error;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Raw, null_default};

/// The verb behind [`Docker::info`](crate::Docker::info).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Info {
    transport: Transport,
}

impl Info {
    pub(crate) fn new(transport: Transport) -> Info {
        Info { transport }
    }

    fn call(&self) -> Call {
        Call::get(&["info"])
    }

    async fn run(self) -> Result<SystemInfo, Error> {
        let (info, raw): (SystemInfo, Raw) = self.transport.kept(&self.call()).await?;
        Ok(SystemInfo { raw, ..info })
    }
}

verb!(Info, transport => Result<SystemInfo, Error>);

/// What `docker info` says.
///
/// The most asked-for parts have fields; [`raw`](SystemInfo::raw) is the whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SystemInfo {
    /// The engine's id.
    #[serde(rename = "ID", deserialize_with = "null_default")]
    pub id: String,
    /// The machine's name.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// The engine's version: "20.10.24".
    #[serde(deserialize_with = "null_default")]
    pub server_version: String,
    /// How many containers there are, in any state.
    #[serde(deserialize_with = "null_default")]
    pub containers: u64,
    /// How many of them run.
    #[serde(deserialize_with = "null_default")]
    pub containers_running: u64,
    /// How many are paused.
    #[serde(deserialize_with = "null_default")]
    pub containers_paused: u64,
    /// How many do not run.
    #[serde(deserialize_with = "null_default")]
    pub containers_stopped: u64,
    /// How many images there are.
    #[serde(deserialize_with = "null_default")]
    pub images: u64,
    /// The storage driver: "overlay2".
    #[serde(deserialize_with = "null_default")]
    pub driver: String,
    /// What the storage driver says of itself: names and values.
    #[serde(deserialize_with = "null_default")]
    pub driver_status: Vec<(String, String)>,
    /// Where the engine keeps its files.
    #[serde(deserialize_with = "null_default")]
    pub docker_root_dir: String,
    /// The drivers there are, by what they are for.
    #[serde(deserialize_with = "null_default")]
    pub plugins: DriverNames,
    /// The log driver of a container that says nothing else: "json-file".
    #[serde(deserialize_with = "null_default")]
    pub logging_driver: String,
    /// Who manages the control groups: "cgroupfs", "systemd", "none".
    #[serde(deserialize_with = "null_default")]
    pub cgroup_driver: String,
    /// The version of the kernel's control groups: "1", "2".
    #[serde(deserialize_with = "null_default")]
    pub cgroup_version: String,
    /// The kernel's version.
    #[serde(deserialize_with = "null_default")]
    pub kernel_version: String,
    /// The operating system, in words: "Debian GNU/Linux 12 (bookworm)".
    #[serde(deserialize_with = "null_default")]
    pub operating_system: String,
    /// Its version.
    #[serde(rename = "OSVersion", deserialize_with = "null_default")]
    pub os_version: String,
    /// Its kind: "linux", "windows".
    #[serde(rename = "OSType", deserialize_with = "null_default")]
    pub os_type: String,
    /// The architecture, as the kernel names it: "x86_64".
    #[serde(deserialize_with = "null_default")]
    pub architecture: String,
    /// How many CPUs the engine can use.
    #[serde(rename = "NCPU", deserialize_with = "null_default")]
    pub ncpu: u64,
    /// The machine's memory, in bytes.
    #[serde(deserialize_with = "null_default")]
    pub mem_total: u64,
    /// Whether containers' memory can be limited.
    #[serde(deserialize_with = "null_default")]
    pub memory_limit: bool,
    /// Whether their use of swap can be.
    #[serde(deserialize_with = "null_default")]
    pub swap_limit: bool,
    /// Whether the number of their processes can be.
    #[serde(deserialize_with = "null_default")]
    pub pids_limit: bool,
    /// What the engine has been told of itself: "key=value".
    #[serde(deserialize_with = "null_default")]
    pub labels: Vec<String>,
    /// Whether experimental features are on.
    #[serde(deserialize_with = "null_default")]
    pub experimental_build: bool,
    /// Whether containers go on while the engine does not run.
    #[serde(deserialize_with = "null_default")]
    pub live_restore_enabled: bool,
    /// The names of the programs that can run containers: "runc".
    #[serde(deserialize_with = "keys")]
    pub runtimes: Vec<String>,
    /// The one that runs those that say nothing else.
    #[serde(deserialize_with = "null_default")]
    pub default_runtime: String,
    /// What guards containers: "name=seccomp,profile=default", "name=rootless".
    #[serde(deserialize_with = "null_default")]
    pub security_options: Vec<String>,
    /// The engine's part in a swarm.
    #[serde(deserialize_with = "null_default")]
    pub swarm: SwarmInfo,
    /// The machine's time.
    #[serde(deserialize_with = "time::lenient")]
    pub system_time: Option<Timestamp>,
    /// What the engine cannot do here, for people.
    #[serde(deserialize_with = "null_default")]
    pub warnings: Vec<String>,
    #[serde(skip)]
    raw: Raw,
}

impl SystemInfo {
    /// Return the engine's whole answer, as JSON. A proxy's address in it may hold a password.
    pub fn raw(&self) -> Value {
        self.raw.json()
    }

    /// Say whether the engine runs without root's rights.
    pub fn is_rootless(&self) -> bool {
        self.security_options.iter().any(|option| option.split(',').any(|o| o == "name=rootless"))
    }
}

/// The drivers of an engine, by what they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct DriverNames {
    /// For volumes: "local".
    #[serde(deserialize_with = "null_default")]
    pub volume: Vec<String>,
    /// For networks: "bridge", "host", "overlay".
    #[serde(deserialize_with = "null_default")]
    pub network: Vec<String>,
    /// For who may do what.
    #[serde(deserialize_with = "null_default")]
    pub authorization: Vec<String>,
    /// For logs: "json-file", "journald".
    #[serde(deserialize_with = "null_default")]
    pub log: Vec<String>,
}

/// An engine's part in a swarm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SwarmInfo {
    /// The id of its node; empty where it is in none.
    #[serde(rename = "NodeID", deserialize_with = "null_default")]
    pub node_id: String,
    /// The address that other nodes reach it by.
    #[serde(deserialize_with = "null_default")]
    pub node_addr: String,
    /// "inactive", "pending", "active", "error", "locked".
    #[serde(deserialize_with = "null_default")]
    pub local_node_state: String,
    /// Whether it is a manager.
    #[serde(deserialize_with = "null_default")]
    pub control_available: bool,
    /// What is wrong, in the engine's words; mostly empty.
    #[serde(deserialize_with = "null_default")]
    pub error: String,
}

fn keys<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    type Map = BTreeMap<String, serde::de::IgnoredAny>;
    Ok(Option::<Map>::deserialize(d)?.unwrap_or_default().into_keys().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn what_old_new_and_odd_engines_say() {
        insta::assert_snapshot!(Info::new(Transport::nowhere()).call(), @"GET /info");
        let info: SystemInfo = wire::from_slice(
            br#"{"ID":"a","Containers":"many","NCPU":2,"DriverStatus":[["a","b"],["c"],7],
                "Plugins":{"Volume":["local"],"Authorization":null},"Runtimes":{"runc":{},"x":7},
                "SecurityOptions":["name=seccomp,profile=default","name=rootless"],
                "Swarm":{"LocalNodeState":"inactive","RemoteManagers":null},"Warnings":null}"#,
        )
        .unwrap();
        assert_eq!((info.id.as_str(), info.containers, info.ncpu), ("a", 0, 2));
        assert_eq!(info.driver_status, [("a".to_owned(), "b".to_owned())]);
        assert_eq!((info.runtimes.len(), info.plugins.volume.len()), (2, 1));
        assert!(info.is_rootless() && info.swarm.local_node_state == "inactive");
        let bare: SystemInfo = wire::from_slice(br#"{"Swarm":null,"Plugins":null}"#).unwrap();
        assert!(!bare.is_rootless());
    }
}
