//! The body of a create call, as the engine reads it. What is not set is not sent.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::health::HealthConfig;
use super::mounts::MountBody;
use super::network::EndpointSettings;
use super::ports::PortBinding;
use super::resources::Resources;
use crate::options::DriverOptions;

/// Say whether a field is as it was in the beginning. Where the engine must be told a zero or a
/// "no" the field is an `Option`.
pub(crate) fn unset<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// Declare a part of the body: only what is set is sent, and only that is shown by `Debug`.
macro_rules! body {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$attr:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Eq, serde::Serialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name {
            $(
                #[serde(skip_serializing_if = "crate::container::spec::wire::unset")]
                $(#[$attr])*
                pub(crate) $field: $ty,
            )*
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut f = f.debug_struct(stringify!($name));
                $(
                    if !$crate::container::spec::wire::unset(&self.$field) {
                        f.field(stringify!($field), &self.$field);
                    }
                )*
                f.finish()
            }
        }
    };
}

pub(crate) use body;

/// The whole body.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    pub(crate) image: String,
    #[serde(flatten)]
    pub(crate) config: Config,
    pub(crate) host_config: Host<'a>,
    #[serde(skip_serializing_if = "unset")]
    pub(crate) networking_config: NetworkingConfig,
}

#[derive(Serialize)]
pub(crate) struct Host<'a> {
    #[serde(flatten)]
    pub(crate) host: HostConfig,
    #[serde(flatten)]
    pub(crate) resources: &'a Resources,
}

/// JSON's way to write a set: keys with nothing in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Nothing {}

body! {
    /// What is the same on every machine.
    struct Config {
        hostname: Option<String>,
        domainname: Option<String>,
        user: Option<String>,
        attach_stdin: bool,
        attach_stdout: bool,
        attach_stderr: bool,
        exposed_ports: BTreeMap<String, Nothing>,
        tty: bool,
        open_stdin: bool,
        stdin_once: bool,
        env: Env,
        cmd: Vec<String>,
        healthcheck: Option<HealthConfig>,
        volumes: BTreeMap<String, Nothing>,
        working_dir: Option<String>,
        entrypoint: Vec<String>,
        mac_address: Option<String>,
        labels: BTreeMap<String, String>,
        stop_signal: Option<String>,
        stop_timeout: Option<i64>,
    }
}

body! {
    /// What belongs to the engine's machine.
    struct HostConfig {
        binds: Vec<String>,
        log_config: LogConfig,
        network_mode: Option<String>,
        port_bindings: BTreeMap<String, Vec<PortBinding>>,
        auto_remove: bool,
        volume_driver: Option<String>,
        volumes_from: Vec<String>,
        mounts: Vec<MountBody>,
        annotations: BTreeMap<String, String>,
        cap_add: Vec<String>,
        cap_drop: Vec<String>,
        cgroupns_mode: Option<String>,
        dns: Vec<String>,
        dns_options: Vec<String>,
        dns_search: Vec<String>,
        extra_hosts: Vec<String>,
        group_add: Vec<String>,
        ipc_mode: Option<String>,
        links: Vec<String>,
        oom_score_adj: Option<i32>,
        pid_mode: Option<String>,
        privileged: bool,
        publish_all_ports: bool,
        readonly_rootfs: bool,
        security_opt: Vec<String>,
        storage_opt: DriverOptions,
        tmpfs: BTreeMap<String, String>,
        #[serde(rename = "UTSMode")]
        uts_mode: Option<String>,
        userns_mode: Option<String>,
        shm_size: Option<i64>,
        sysctls: BTreeMap<String, String>,
        runtime: Option<String>,
        masked_paths: Option<Vec<String>>,
        readonly_paths: Option<Vec<String>>,
        cgroup_parent: Option<String>,
        devices: Vec<super::devices::DeviceMapping>,
        device_cgroup_rules: Vec<String>,
        device_requests: Vec<super::devices::RequestBody>,
        memory_swappiness: Option<i64>,
        oom_kill_disable: Option<bool>,
        init: Option<bool>,
        ulimits: Vec<super::resources::Ulimit>,
    }
}

body! {
    /// Where the output goes.
    struct LogConfig {
        #[serde(rename = "Type")]
        driver: Option<String>,
        #[serde(rename = "Config")]
        options: DriverOptions,
    }
}

body! {
    /// The ends of the networks, by the networks' names.
    struct NetworkingConfig {
        endpoints_config: BTreeMap<String, EndpointSettings>,
    }
}

/// The environment, in the order in which it was said. A name without a value takes the image's
/// variable away. Values are secrets: `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Env(Vec<(String, Option<String>)>);

impl Env {
    /// Set a variable; the last word on a name holds.
    pub(crate) fn set(&mut self, name: String, value: Option<String>) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(known) => known.1 = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Serialize for Env {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        }))
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
