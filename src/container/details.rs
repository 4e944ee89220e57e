//! What an engine knows of one container.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};

use super::{Container, ContainerId, ExitStatus, Status, Unknown};
use crate::error::{DecodeError, Error};
use crate::labels::Labels;
use crate::stream::Stdin;
use crate::text::Text;
use crate::time::{self, Timestamp};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Raw, null_default};

/// The verb behind [`Container::inspect`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Inspect {
    on: Container<Unknown>,
    size: bool,
}

impl Inspect {
    pub(super) fn new(on: Container<Unknown>) -> Inspect {
        Inspect { on, size: false }
    }

    /// Ask for the sizes of the container's files too: `--size`. That takes the engine time.
    pub fn size(mut self) -> Inspect {
        self.size = true;
        self
    }

    fn call(&self) -> Call {
        call(self.on.id.as_str()).flag("size", self.size)
    }

    async fn run(self) -> Result<ContainerDetails, Error> {
        let call = self.call();
        let (details, raw): (ContainerDetails, Raw) = self.on.transport.kept(&call).await?;
        if details.id.as_str().is_empty() {
            return Err(nameless(&call));
        }
        Ok(ContainerDetails { raw, ..details })
    }
}

verb!(Inspect, on => Result<ContainerDetails, Error>);

fn call(id: &str) -> Call {
    Call::get(&["containers", id, "json"])
}

/// What an inspect says of the state alone: enough for every decision this crate makes.
#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Seen {
    pub(crate) id: ContainerId,
    #[serde(deserialize_with = "null_default")]
    state: Brief,
    #[serde(deserialize_with = "null_default")]
    config: BriefConfig,
    #[serde(deserialize_with = "null_default")]
    host_config: BriefHost,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Brief {
    status: Status,
    exit_code: Option<i64>,
    #[serde(deserialize_with = "time::lenient")]
    started_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct BriefConfig {
    tty: bool,
    open_stdin: bool,
    stdin_once: bool,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct BriefHost {
    auto_remove: bool,
}

impl Seen {
    pub(crate) fn status(&self) -> &Status {
        &self.state.status
    }

    /// When its process began, by the engine's clock.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.state.started_at
    }

    pub(crate) fn exit(&self) -> ExitStatus {
        // What was not said is no success.
        ExitStatus::new(self.state.exit_code.unwrap_or(-1))
    }

    pub(crate) fn traits(&self) -> super::Traits {
        let BriefConfig { tty, open_stdin, stdin_once } = self.config;
        super::Traits {
            tty: Some(tty),
            stdin: Some(Stdin::of(open_stdin, stdin_once, tty)),
            auto_remove: self.host_config.auto_remove,
        }
    }
}

/// Look at a container, by whatever names it.
pub(crate) async fn look(transport: &Transport, name: &str) -> Result<Seen, Error> {
    let call = call(name);
    let seen: Seen = transport.json(&call).await?;
    // A handle without an id would stand for all containers.
    if seen.id.as_str().is_empty() { Err(nameless(&call)) } else { Ok(seen) }
}

fn nameless(call: &Call) -> Error {
    let reason = "it names no container".to_owned();
    Error::Decode(DecodeError { call: call.label(), reason })
}

/// Look where a handle's container is in its life.
pub(crate) async fn see(on: &Container<Unknown>) -> Result<Seen, Error> {
    look(&on.transport, on.id.as_str()).await
}

/// What `docker inspect` says of a container.
///
/// The most asked-for parts have fields; [`raw`](ContainerDetails::raw) is the whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ContainerDetails {
    /// The full id.
    pub id: ContainerId,
    /// The name, without the engine's leading slash.
    #[serde(deserialize_with = "without_slash")]
    pub name: String,
    /// When it was created.
    #[serde(deserialize_with = "time::lenient")]
    pub created: Option<Timestamp>,
    /// Where it is in its life.
    #[serde(deserialize_with = "null_default")]
    pub state: StateDetails,
    /// The id of its image.
    #[serde(rename = "Image", deserialize_with = "null_default")]
    pub image_id: String,
    /// The program it runs.
    #[serde(deserialize_with = "null_default")]
    pub path: String,
    /// The program's arguments.
    #[serde(deserialize_with = "null_default")]
    pub args: Vec<String>,
    /// How often its restart policy has started it again.
    #[serde(deserialize_with = "null_default")]
    pub restart_count: u64,
    /// The storage driver.
    #[serde(deserialize_with = "null_default")]
    pub driver: String,
    /// The platform: "linux".
    #[serde(deserialize_with = "null_default")]
    pub platform: String,
    /// What the process is given.
    #[serde(deserialize_with = "null_default")]
    pub config: ConfigDetails,
    /// What the container may use of its host.
    #[serde(deserialize_with = "null_default")]
    pub host_config: HostConfigDetails,
    /// The files mounted into it.
    #[serde(deserialize_with = "null_default")]
    pub mounts: Vec<MountPoint>,
    /// Its networks and ports.
    #[serde(deserialize_with = "null_default")]
    pub network_settings: NetworkSettings,
    /// Bytes of its files that differ from the image's; only with [`size`](Inspect::size).
    #[serde(rename = "SizeRw")]
    pub size_rw: Option<i64>,
    /// Bytes of all its files; only with [`size`](Inspect::size).
    pub size_root_fs: Option<i64>,
    #[serde(skip)]
    raw: Raw,
}

impl ContainerDetails {
    /// Return the engine's whole answer, as JSON.
    ///
    /// # Errors
    /// Never, for an answer that an engine gave.
    pub fn raw(&self) -> Result<serde_json::Value, Error> {
        serde_json::from_slice(&self.raw.0).map_err(|e| {
            let call = call(self.id.as_str()).label();
            Error::Decode(DecodeError { call, reason: e.to_string() })
        })
    }

    /// Return the engine's whole answer, as the text it came in.
    pub fn raw_bytes(&self) -> &Bytes {
        &self.raw.0
    }

    /// Return where a port of the container can be reached from the host: the first address that
    /// `docker port` lists for it.
    pub fn host_port(&self, container_port: u16) -> Option<u16> {
        let key = format!("{container_port}/tcp");
        self.network_settings.ports.get(&key)?.iter().find_map(|b| b.host_port)
    }
}

/// Where a container is in its life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct StateDetails {
    /// The state.
    pub status: Status,
    /// The process's id on the host; 0 where none runs.
    #[serde(deserialize_with = "null_default")]
    pub pid: i64,
    /// The exit code of the last run.
    #[serde(deserialize_with = "null_default")]
    pub exit_code: i64,
    /// Whether the kernel killed it for want of memory.
    #[serde(rename = "OOMKilled", deserialize_with = "null_default")]
    pub oom_killed: bool,
    /// Why it could not be started, in the engine's words; mostly empty.
    #[serde(deserialize_with = "null_default")]
    pub error: String,
    /// When it was last started; `None` if never.
    #[serde(deserialize_with = "time::lenient")]
    pub started_at: Option<Timestamp>,
    /// When it last ended; `None` if never.
    #[serde(deserialize_with = "time::lenient")]
    pub finished_at: Option<Timestamp>,
    /// What its health check says, where it has one.
    pub health: Option<Health>,
}

/// What a health check says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Health {
    /// "starting", "healthy", "unhealthy"; "none" or empty where there is no check.
    #[serde(deserialize_with = "null_default")]
    pub status: String,
    /// How many checks have failed in a row.
    #[serde(deserialize_with = "null_default")]
    pub failing_streak: u64,
    /// The last few checks.
    #[serde(deserialize_with = "null_default")]
    pub log: Vec<HealthCheckResult>,
}

/// One run of a health check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct HealthCheckResult {
    /// When it began.
    #[serde(deserialize_with = "time::lenient")]
    pub start: Option<Timestamp>,
    /// When it ended.
    #[serde(deserialize_with = "time::lenient")]
    pub end: Option<Timestamp>,
    /// How: 0 is healthy.
    #[serde(deserialize_with = "null_default")]
    pub exit_code: i64,
    /// What it printed.
    #[serde(deserialize_with = "null_default")]
    pub output: String,
}

/// What a process is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ConfigDetails {
    /// The image's name, as it was given.
    #[serde(deserialize_with = "null_default")]
    pub image: String,
    /// The command.
    #[serde(deserialize_with = "null_default")]
    pub cmd: Vec<String>,
    /// The program that the command is handed to.
    #[serde(deserialize_with = "null_default")]
    pub entrypoint: Vec<String>,
    /// The environment.
    #[serde(deserialize_with = "null_default")]
    pub env: EnvVars,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
    /// The user, and the group after a colon; empty is root.
    #[serde(deserialize_with = "null_default")]
    pub user: String,
    /// The directory it starts in.
    #[serde(deserialize_with = "null_default")]
    pub working_dir: String,
    /// The host name.
    #[serde(deserialize_with = "null_default")]
    pub hostname: String,
    /// Whether it has a terminal.
    #[serde(deserialize_with = "null_default")]
    pub tty: bool,
    /// Whether its standard input is kept open.
    #[serde(deserialize_with = "null_default")]
    pub open_stdin: bool,
    /// The signal that asks it to end; `None` is SIGTERM.
    pub stop_signal: Option<String>,
    /// How many seconds it has to do so; `None` is 10.
    pub stop_timeout: Option<i64>,
}

/// An environment. `Debug` shows the names and none of the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EnvVars(Vec<String>);

impl EnvVars {
    /// Return the value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Go through the variables and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// Return how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Say whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for EnvVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl<'de> Deserialize<'de> for EnvVars {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<EnvVars, D::Error> {
        Vec::deserialize(d).map(EnvVars)
    }
}

/// What a container may use of its host, as far as most people ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct HostConfigDetails {
    /// Whether the engine removes it once it exits.
    #[serde(deserialize_with = "null_default")]
    pub auto_remove: bool,
    /// Whether it has all privileges.
    #[serde(deserialize_with = "null_default")]
    pub privileged: bool,
    /// The network it was created with: "bridge", "host", "none", a name.
    #[serde(deserialize_with = "null_default")]
    pub network_mode: String,
    /// Its memory, in bytes; 0 is no limit.
    #[serde(deserialize_with = "null_default")]
    pub memory: i64,
    /// Its share of CPU time, in billionths of one CPU; 0 is no limit.
    #[serde(deserialize_with = "null_default")]
    pub nano_cpus: i64,
    /// The most processes it may have; `None`, 0 and -1 are no limit.
    pub pids_limit: Option<i64>,
    /// When the engine starts it again.
    #[serde(deserialize_with = "null_default")]
    pub restart_policy: RestartPolicyDetails,
}

/// When an engine starts a container again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct RestartPolicyDetails {
    /// "no", "always", "unless-stopped", "on-failure"; empty is "no".
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// How often, for "on-failure"; 0 is without end.
    #[serde(deserialize_with = "null_default")]
    pub maximum_retry_count: i64,
}

/// Files mounted into a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct MountPoint {
    /// "bind", "volume", "tmpfs", "image".
    #[serde(rename = "Type", deserialize_with = "null_default")]
    pub kind: Text,
    /// The volume's name.
    #[serde(deserialize_with = "null_default")]
    pub name: Text,
    /// Where the files are on the host.
    #[serde(deserialize_with = "null_default")]
    pub source: Text,
    /// Where they are in the container.
    #[serde(deserialize_with = "null_default")]
    pub destination: Text,
    /// The volume's driver.
    #[serde(deserialize_with = "null_default")]
    pub driver: Text,
    /// The options: "z", "ro".
    #[serde(deserialize_with = "null_default")]
    pub mode: Text,
    /// Whether the container may write there.
    #[serde(rename = "RW", deserialize_with = "null_default")]
    pub rw: bool,
}

/// A container's networks and published ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct NetworkSettings {
    /// Its end of each network, by the network's name.
    #[serde(deserialize_with = "null_default")]
    pub networks: BTreeMap<String, EndpointDetails>,
    /// Where its ports are on the host, by "80/tcp". A port that is exposed and not published has
    /// no places.
    #[serde(deserialize_with = "ports")]
    pub ports: BTreeMap<String, Vec<PortBinding>>,
}

/// A container's end of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EndpointDetails {
    /// The network's id.
    #[serde(rename = "NetworkID", deserialize_with = "null_default")]
    pub network_id: String,
    /// Its address there; `None` while it does not run.
    #[serde(rename = "IPAddress", deserialize_with = "address")]
    pub ip_address: Option<IpAddr>,
    /// Its IPv6 address there.
    #[serde(rename = "GlobalIPv6Address", deserialize_with = "address")]
    pub global_ipv6_address: Option<IpAddr>,
    /// The way out.
    #[serde(deserialize_with = "address")]
    pub gateway: Option<IpAddr>,
    /// Its hardware address.
    #[serde(deserialize_with = "null_default")]
    pub mac_address: String,
    /// The names it goes by there.
    #[serde(deserialize_with = "null_default")]
    pub aliases: Vec<String>,
}

/// A place on the host where a port is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PortBinding {
    /// The host's address; `None` is every address.
    #[serde(rename = "HostIp", deserialize_with = "address")]
    pub host_ip: Option<IpAddr>,
    /// The host's port.
    #[serde(rename = "HostPort", deserialize_with = "port")]
    pub host_port: Option<u16>,
}

/// A text that borrows from the answer where it can.
#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

fn text<'de, D: Deserializer<'de>, T>(
    d: D,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Borrowed<'de>>::deserialize(d)?.and_then(|t| read(&t.0)))
}

/// The engine writes "" where there is no address.
pub(crate) fn address<'de, D: Deserializer<'de>>(d: D) -> Result<Option<IpAddr>, D::Error> {
    text(d, |t| t.parse().ok())
}

fn port<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u16>, D::Error> {
    text(d, |t| t.parse().ok())
}

fn without_slash<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = text(d, |t| Some(t.strip_prefix('/').unwrap_or(t).to_owned()))?;
    Ok(name.unwrap_or_default())
}

fn ports<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, Vec<PortBinding>>, D::Error> {
    type Ports = BTreeMap<String, Option<Vec<PortBinding>>>;
    let ports = Option::<Ports>::deserialize(d)?.unwrap_or_default();
    Ok(ports.into_iter().map(|(port, places)| (port, places.unwrap_or_default())).collect())
}
