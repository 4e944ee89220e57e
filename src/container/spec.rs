//! What to create: a value, made of the flags of `docker run`.
//!
//! [`ContainerSpec`] is the whole; the other types here are its parts. A setter takes what it is
//! given and never fails. What breaks a rule is reported when the verb that was given the spec is
//! awaited, before anything is sent; the first fault counts.

mod bytes;
mod checks;
mod devices;
mod health;
mod mounts;
mod network;
mod ports;
mod pull;
pub(crate) mod resources;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

use std::fmt;
use std::time::Duration;

pub use bytes::ByteSize;
pub use devices::DeviceRequest;
pub use health::Healthcheck;
pub use mounts::{Mount, Propagation};
pub use network::Endpoint;
pub use ports::PortSpec;
pub use pull::PullPolicy;
pub use resources::RestartPolicy;

pub(crate) use checks::Checks;
pub(crate) use health::json_list;
pub(crate) use resources::{Resources, resource_setters};

use devices::DeviceMapping;
use mounts::Volume;
use resources::Ulimit;
use wire::{Body, Config, Host, HostConfig, Nothing};

use super::name::ContainerName;
use crate::error::Error;
use crate::image::reference::{ImageName, ImageRefError, IntoImageName};
use crate::wire::Call;

/// What to create: an image, and how it is to run. A value; an image's name alone is one too.
///
/// The setters bear the names of the flags of `docker run`. One in the singular adds to what was
/// said before where there can be several (`env`, `publish`), and replaces it where there can be
/// one (`name`, `memory`).
///
/// ```
/// use bowline::ContainerSpec;
///
/// let web = ContainerSpec::new("busybox")
///     .cmd(["httpd", "-f", "-p", "8080"])
///     .name("web")
///     .env("LANG", "C")
///     .publish("127.0.0.1:8080:8080")
///     .volume("pages:/www:ro")
///     .memory("64m")
///     .rm();
/// ```
///
/// `Debug` shows what was set, and of the environment and of drivers' options the names alone.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct ContainerSpec {
    image: Result<ImageName, ImageRefError>,
    name: Option<String>,
    platform: Option<String>,
    pull: PullPolicy,
    keep_stdin: bool,
    config: Config,
    host: HostConfig,
    resources: Resources,
    networks: Vec<Endpoint>,
    of_first_network: Endpoint,
    checks: Checks,
}

/// What names an image is a spec by itself: `docker.run("busybox")`.
impl<I: IntoImageName> From<I> for ContainerSpec {
    fn from(image: I) -> ContainerSpec {
        ContainerSpec::new(image)
    }
}

impl fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("ContainerSpec");
        match &self.image {
            Ok(image) => f.field("image", &format_args!("{image}")),
            Err(error) => f.field("image", error),
        };
        f.field("name", &self.name).field("config", &self.config).field("host", &self.host);
        f.field("resources", &self.resources).field("networks", &self.networks);
        f.finish_non_exhaustive()
    }
}

/// Setters that differ in nothing but their name, their place, and what errors call the value: a
/// text; an absolute path; one text more; one pair more; a flag; a value as it is.
macro_rules! setters {
    ($($(#[doc = $doc:literal])* $kind:ident $name:ident: $($at:ident).+ $(, $more:tt)?;)*) => {
        impl ContainerSpec {$(
            setters! { @$kind [$(#[doc = $doc])*] $name [$($at).+] $($more)? }
        )*}
    };
    (@text [$($doc:tt)*] $name:ident [$($at:ident).+] $what:literal) => {
        $($doc)*
        pub fn $name(mut self, value: impl Into<String>) -> ContainerSpec {
            self.$($at).+ = self.checks.text($what, value);
            self
        }
    };
    (@path [$($doc:tt)*] $name:ident [$($at:ident).+] $what:literal) => {
        $($doc)*
        pub fn $name(mut self, value: impl Into<String>) -> ContainerSpec {
            self.$($at).+ = self.checks.take(checks::absolute($what, value.into()));
            self
        }
    };
    (@list [$($doc:tt)*] $name:ident [$($at:ident).+] $what:literal) => {
        $($doc)*
        pub fn $name(mut self, value: impl Into<String>) -> ContainerSpec {
            self.$($at).+.extend(self.checks.text($what, value));
            self
        }
    };
    (@pair [$($doc:tt)*] $name:ident [$($at:ident).+] $what:literal) => {
        $($doc)*
        pub fn $name(mut self, key: impl Into<String>, value: impl Into<String>) -> ContainerSpec {
            self.$($at).+.extend(self.checks.pair($what, key, value));
            self
        }
    };
    (@flag [$($doc:tt)*] $name:ident [$($at:ident).+]) => {
        $($doc)*
        pub fn $name(mut self) -> ContainerSpec {
            self.$($at).+ = true.into();
            self
        }
    };
    (@value [$($doc:tt)*] $name:ident [$($at:ident).+] $type:tt) => {
        $($doc)*
        pub fn $name(mut self, value: $type) -> ContainerSpec {
            self.$($at).+ = value.into();
            self
        }
    };
}

// What runs, as whom, and how it ends.
setters! {
    /// Set the directory the process starts in, an absolute path: `--workdir`.
    path workdir: config.working_dir, "working directory";
    /// Set the user, by name or number, and the group after a colon: `--user`.
    text user: config.user, "user";
    /// Add a group that the user is in, by name or number: `--group-add`.
    list group_add: host.group_add, "group";
    /// Give the process a terminal: `--tty`. All its output is standard output then.
    flag tty: config.tty;
    /// Run a small init as the first process, which hands on signals and buries the dead:
    /// `--init`. With `false`, run none even where the engine would.
    value init: host.init, bool;
    /// Remove the container, and its volumes without names, when it exits: `--rm`.
    flag rm: host.auto_remove;
    /// Set the runtime of the engine's that runs it: `--runtime`.
    text runtime: host.runtime, "runtime";
    /// Set the platform of the image to run, "linux/arm64" for one: `--platform`.
    text platform: platform, "platform";
}

// What it is called, and what is known of it.
setters! {
    /// Label the container: `--label`.
    pair label: config.labels, "label";
    /// Set the host name inside: `--hostname`.
    text hostname: config.hostname, "hostname";
    /// Set the domain name inside: `--domainname`.
    text domainname: config.domainname, "domain name";
    /// Set where the output goes, "none" for one: `--log-driver`. `json-file` unless the engine
    /// is set to another.
    text log_driver: host.log_config.driver, "log driver";
    /// Set an option of the log driver: `--log-opt`.
    pair log_opt: host.log_config.options, "log option";
}

// Which files it has.
setters! {
    /// Let the process write nowhere but to mounts: `--read-only`.
    flag read_only: host.readonly_rootfs;
    /// Mount what another container mounts, "NAME" or "NAME:ro": `--volumes-from`.
    list volumes_from: host.volumes_from, "container to take volumes from";
    /// Set the driver of the volumes that [`volume`](ContainerSpec::volume) makes:
    /// `--volume-driver`.
    text volume_driver: host.volume_driver, "volume driver";
    /// Set an option of the storage driver, "size" for one: `--storage-opt`.
    pair storage_opt: host.storage_opt, "storage option";
}

// What it finds on the net.
setters! {
    /// Publish all ports that are exposed, on free ports of the host: `--publish-all`.
    flag publish_all: host.publish_all_ports;
    /// Set an option of the resolver, "ndots:2" for one: `--dns-option`.
    list dns_option: host.dns_options, "dns option";
    /// Add a domain in which short names are looked up: `--dns-search`.
    list dns_search: host.dns_search, "dns search domain";
}

// What it may do, and what it shares with the host.
setters! {
    /// Give it all privileges: `--privileged`.
    flag privileged: host.privileged;
    /// Share a namespace for IPC: "private", "shareable", "host", "container:NAME": `--ipc`.
    text ipc: host.ipc_mode, "ipc mode";
    /// Share a namespace of processes, "host" or "container:NAME": `--pid`.
    text pid: host.pid_mode, "pid mode";
    /// Share the host's namespace of host names, "host": `--uts`.
    text uts: host.uts_mode, "uts mode";
    /// Keep the host's user ids where the engine maps them, "host": `--userns`.
    text userns: host.userns_mode, "user namespace mode";
    /// Share the host's namespace of control groups, or not: "host", "private": `--cgroupns`.
    text cgroupns: host.cgroupns_mode, "cgroup namespace mode";
    /// Set the control group to run below: `--cgroup-parent`.
    text cgroup_parent: host.cgroup_parent, "cgroup parent";
    /// Add a rule for devices, "c 1:3 mr" for one: `--device-cgroup-rule`.
    list device_cgroup_rule: host.device_cgroup_rules, "device rule";
    /// Set a parameter of the kernel's, "net.core.somaxconn" for one: `--sysctl`.
    pair sysctl: host.sysctls, "sysctl";
    /// Let processes wait for memory instead of being killed for it: `--oom-kill-disable`.
    flag oom_kill_disable: host.oom_kill_disable;
}

resource_setters!(ContainerSpec);

impl ContainerSpec {
    /// Begin with an image, by name or id. Without more it runs as the image says.
    pub fn new(image: impl IntoImageName) -> ContainerSpec {
        // As the docker command has it: who attaches, attaches to both.
        let config = Config { attach_stdout: true, attach_stderr: true, ..Config::default() };
        ContainerSpec {
            image: image.into_image_name(),
            name: None,
            platform: None,
            pull: PullPolicy::default(),
            keep_stdin: false,
            config,
            host: HostConfig::default(),
            resources: Resources::default(),
            networks: Vec::new(),
            of_first_network: Endpoint::unnamed(),
            checks: Checks::default(),
        }
    }

    /// Name the container: `--name`. Two or more ASCII letters, digits, `_`, `.` and `-`, the
    /// first a letter or digit. Without a name the engine makes one up.
    pub fn name(mut self, name: impl Into<String>) -> ContainerSpec {
        self.name = Some(name.into());
        self
    }

    /// Run another image than the one it was begun with.
    pub fn image(mut self, image: impl IntoImageName) -> ContainerSpec {
        self.image = image.into_image_name();
        self
    }

    /// Return the image; `None` where what was given names none.
    pub fn get_image(&self) -> Option<&ImageName> {
        self.image.as_ref().ok()
    }

    /// Return the name that was given.
    pub fn get_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Set the command, or the arguments where the image has an entrypoint: what stands behind
    /// the image in `docker run`.
    pub fn cmd<A: Into<String>>(mut self, command: impl IntoIterator<Item = A>) -> ContainerSpec {
        self.config.cmd = command.into_iter().map(Into::into).collect();
        self.checks.no_nul("command", &self.config.cmd);
        self
    }

    /// Set the program that the command is the arguments of: `--entrypoint`. The image's command
    /// does not hold then. `[""]` takes the image's entrypoint away.
    pub fn entrypoint<A: Into<String>>(
        mut self,
        entrypoint: impl IntoIterator<Item = A>,
    ) -> ContainerSpec {
        self.config.entrypoint = entrypoint.into_iter().map(Into::into).collect();
        if self.config.entrypoint.is_empty() {
            self.config.entrypoint.push(String::new());
        }
        self.checks.no_nul("entrypoint", &self.config.entrypoint);
        self
    }

    /// Set an environment variable: `--env`. Said twice of one name, the last holds.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> ContainerSpec {
        self.set_env(name.into(), Some(value.into()));
        self
    }

    /// Set environment variables: `--env`, once for each.
    pub fn envs<N: Into<String>, V: Into<String>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> ContainerSpec {
        variables.into_iter().fold(self, |spec, (name, value)| spec.env(name, value))
    }

    /// Take an environment variable of the image's away: `--env NAME`, without a value.
    pub fn env_remove(mut self, name: impl Into<String>) -> ContainerSpec {
        self.set_env(name.into(), None);
        self
    }

    fn set_env(&mut self, name: String, value: Option<String>) {
        const RULE: &str = "must have a name without '=', and no NUL in name or value";
        let nul = |text: &str| text.contains('\0');
        if name.is_empty() || name.contains('=') || nul(&name) || value.as_deref().is_some_and(nul)
        {
            // What stands behind a "=" may be a secret.
            self.checks.fail("env", name.split('=').next().unwrap_or_default(), RULE);
        } else {
            self.config.env.set(name, value);
        }
    }

    /// Label the container: `--label`, once for each.
    pub fn labels<K: Into<String>, V: Into<String>>(
        self,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> ContainerSpec {
        labels.into_iter().fold(self, |spec, (key, value)| spec.label(key, value))
    }

    /// Tell the runtime something that the engine does not read: `--annotation`. API 1.43.
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> ContainerSpec {
        self.checks.since(43, "an annotation");
        self.host.annotations.extend(self.checks.pair("annotation", key, value));
        self
    }

    /// Keep the process's standard input open, for who attaches: `--interactive`. When the first
    /// who attached goes away, the input ends, unless [`keep_stdin`](ContainerSpec::keep_stdin)
    /// says otherwise.
    pub fn interactive(mut self) -> ContainerSpec {
        self.config.open_stdin = true;
        self
    }

    /// Keep standard input open whoever goes away, as `docker run --detach --interactive` does:
    /// one after another can attach, and the process never sees an end. Says
    /// [`interactive`](ContainerSpec::interactive) too.
    pub fn keep_stdin(mut self) -> ContainerSpec {
        self.keep_stdin = true;
        self.interactive()
    }

    /// Set the signal that asks the process to end, "QUIT" for one: `--stop-signal`.
    pub fn stop_signal(mut self, signal: impl Into<String>) -> ContainerSpec {
        let signal = signal.into();
        match super::kill::bad_signal(&signal) {
            Some(_) => self.checks.fail("stop signal", signal, "must be a name or a number"),
            None => self.config.stop_signal = Some(signal),
        }
        self
    }

    /// Set how long the process may take to end when it is stopped: `--stop-timeout`. Rounded up
    /// to whole seconds; zero kills at once. 10 s unless set.
    pub fn stop_timeout(mut self, grace: Duration) -> ContainerSpec {
        let seconds = grace.as_secs().saturating_add(u64::from(grace.subsec_nanos() > 0));
        self.config.stop_timeout = Some(seconds.min(i32::MAX as u64) as i64);
        self
    }

    /// Set how the engine finds out whether it is healthy: `--health-cmd` and its kin.
    pub fn healthcheck(mut self, check: Healthcheck) -> ContainerSpec {
        self.checks.join(check.checks);
        self.config.healthcheck = Some(check.config);
        self
    }

    /// Publish ports: `--publish`. 80 is a port of the container, on a free one of the host;
    /// (8080, 80) the host's and the container's; "127.0.0.1:8080-8090:80-90/udp" a text as the
    /// docker command takes it: see [`PortSpec`].
    pub fn publish(mut self, ports: impl Into<PortSpec>) -> ContainerSpec {
        for (port, place) in self.checks.take(ports.into().published()).into_iter().flatten() {
            self.config.exposed_ports.insert(port.clone(), Nothing {});
            self.host.port_bindings.entry(port).or_default().push(place);
        }
        self
    }

    /// Say that the container listens on ports, 80 or "8000-8010/udp", without publishing them:
    /// `--expose`.
    pub fn expose(mut self, ports: impl Into<PortSpec>) -> ContainerSpec {
        let ports = self.checks.take(ports.into().exposed()).into_iter().flatten();
        self.config.exposed_ports.extend(ports.map(|port| (port, Nothing {})));
        self
    }

    /// Mount a volume or a part of the host's files, in the short form of `--volume`:
    /// "/in/container" (a new volume), "name:/in/container", "/on/host:/in/container", with
    /// ":ro" and the like behind it. [`mount`](ContainerSpec::mount) is the long form.
    pub fn volume(mut self, volume: impl Into<String>) -> ContainerSpec {
        match self.checks.take(mounts::volume(volume.into())) {
            Some(Volume::Anonymous(target)) => {
                self.config.volumes.insert(target, Nothing {});
            }
            Some(Volume::Bind(text)) => self.host.binds.push(text),
            None => {}
        }
        self
    }

    /// Mount a volume, a part of the host's files, or memory: `--mount`.
    pub fn mount(mut self, mount: Mount) -> ContainerSpec {
        self.checks.join(mount.checks);
        self.host.mounts.push(mount.body);
        self
    }

    /// Mount a file system in memory, "/run" or "/run:size=64m,mode=1777": `--tmpfs`.
    pub fn tmpfs(mut self, tmpfs: impl Into<String>) -> ContainerSpec {
        self.host.tmpfs.extend(self.checks.take(mounts::tmpfs(tmpfs.into())));
        self
    }

    /// Set the size of `/dev/shm`, in bytes or as "128m": `--shm-size`. 64 MiB unless set.
    pub fn shm_size(mut self, size: impl Into<ByteSize>) -> ContainerSpec {
        self.host.shm_size = self.checks.take(size.into().bytes("shm size"));
        self
    }

    /// Connect to a network, by name or id, or as "bridge", "host", "none" or "container:NAME":
    /// `--network`. An [`Endpoint`] says more than the name. Each call adds one; more than one
    /// needs API 1.44. The first is the one that [`ip`](ContainerSpec::ip) and its kin are of.
    pub fn network(mut self, network: impl Into<Endpoint>) -> ContainerSpec {
        self.networks.push(network.into());
        self
    }

    /// Add a name by which others on the first network find it: `--network-alias`.
    pub fn network_alias(mut self, alias: impl Into<String>) -> ContainerSpec {
        self.of_first_network = self.of_first_network.alias(alias);
        self
    }

    /// Set the IPv4 address on the first network: `--ip`.
    pub fn ip(mut self, address: impl fmt::Display) -> ContainerSpec {
        self.of_first_network = self.of_first_network.ip(address);
        self
    }

    /// Set the IPv6 address on the first network: `--ip6`.
    pub fn ip6(mut self, address: impl fmt::Display) -> ContainerSpec {
        self.of_first_network = self.of_first_network.ip6(address);
        self
    }

    /// Add a link-local address on the first network: `--link-local-ip`.
    pub fn link_local_ip(mut self, address: impl fmt::Display) -> ContainerSpec {
        self.of_first_network = self.of_first_network.link_local_ip(address);
        self
    }

    /// Make another container known, "db" or "db:alias", on the first network: `--link`.
    pub fn link(mut self, link: impl Into<String>) -> ContainerSpec {
        self.of_first_network = self.of_first_network.link(link);
        self
    }

    /// Set the hardware address on the first network: `--mac-address`.
    pub fn mac_address(mut self, address: impl Into<String>) -> ContainerSpec {
        self.of_first_network = self.of_first_network.mac_address(address);
        self
    }

    /// Add a name server by its address: `--dns`.
    pub fn dns(mut self, address: impl fmt::Display) -> ContainerSpec {
        let address = self.checks.address("dns", address, |_| true, "must be an IP address");
        self.host.dns.extend(address);
        self
    }

    /// Make a host known by name: `--add-host`. The address may be "host-gateway", which is the
    /// engine's machine.
    pub fn add_host(
        mut self,
        host: impl Into<String>,
        address: impl fmt::Display,
    ) -> ContainerSpec {
        self.host.extra_hosts.extend(self.checks.host_at(host, address));
        self
    }

    /// Add a capability of the kernel's, "NET_ADMIN" or "ALL": `--cap-add`.
    pub fn cap_add(mut self, capability: impl Into<String>) -> ContainerSpec {
        self.host.cap_add.extend(self.checks.text("capability", capability).map(full_name));
        self
    }

    /// Take a capability of the kernel's away, "ALL" for one: `--cap-drop`.
    pub fn cap_drop(mut self, capability: impl Into<String>) -> ContainerSpec {
        self.host.cap_drop.extend(self.checks.text("capability", capability).map(full_name));
        self
    }

    /// Add an option of the security modules': `--security-opt`. "no-new-privileges",
    /// "apparmor=unconfined", "label=disable", "systempaths=unconfined". After "seccomp=" stands
    /// "unconfined" or the profile's JSON itself, not the path of a file.
    pub fn security_opt(mut self, option: impl Into<String>) -> ContainerSpec {
        let option = self.checks.text("security option", option);
        if option.as_deref() == Some("systempaths=unconfined") {
            // The engine has no such option: it is said by lists that are there and empty.
            self.host.masked_paths = Some(Vec::new());
            self.host.readonly_paths = Some(Vec::new());
        } else {
            self.host.security_opt.extend(option);
        }
        self
    }

    /// Give it a device of the host's, "/dev/fuse", "/dev/sda:/dev/xvdc" or "/dev/sda:r":
    /// `--device`.
    pub fn device(mut self, device: impl Into<String>) -> ContainerSpec {
        self.host.devices.extend(self.checks.take(DeviceMapping::parse(&device.into())));
        self
    }

    /// Give it devices that a driver of the engine's finds.
    pub fn device_request(mut self, request: DeviceRequest) -> ContainerSpec {
        self.checks.join(request.checks);
        self.host.device_requests.push(request.body);
        self
    }

    /// Give it GPUs, "all" or a number, or certain ones: `--gpus`. See [`DeviceRequest`].
    pub fn gpus(self, gpus: impl Into<DeviceRequest>) -> ContainerSpec {
        self.device_request(gpus.into().for_gpus())
    }

    /// Set how readily the kernel kills it when memory runs short, -1000 to 1000:
    /// `--oom-score-adj`.
    pub fn oom_score_adj(mut self, score: i32) -> ContainerSpec {
        self.host.oom_score_adj = self.checks.within("oom score", score, (-1000, 1000));
        self
    }

    /// Set how readily its memory is swapped out, 0 to 100: `--memory-swappiness`.
    pub fn memory_swappiness(mut self, percent: i64) -> ContainerSpec {
        self.host.memory_swappiness = self.checks.within("memory swappiness", percent, (0, 100));
        self
    }

    /// Set a soft and a hard limit of the kernel's, "nofile" for one: `--ulimit`. -1 is no limit.
    pub fn ulimit(mut self, name: impl Into<String>, soft: i64, hard: i64) -> ContainerSpec {
        if let Some(name) = self.checks.text("ulimit", name) {
            self.host.ulimits.push(Ulimit { name, soft: Some(soft), hard: Some(hard) });
        }
        self
    }

    /// Return what is sent to create it, as JSON. Two specs with the same text make the same
    /// container, but for its name and platform, which are sent beside it. The values of the
    /// environment are in it.
    ///
    /// # Errors
    /// What was set breaks a rule.
    pub fn to_json(&self) -> Result<String, Error> {
        let body = self.call()?.body.unwrap_or_default();
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Build the request, or say what is wrong.
    pub(crate) fn call(&self) -> Result<Call, Error> {
        let image = self.image.clone()?.to_string();
        let name = self.name.as_deref().map(str::parse::<ContainerName>).transpose()?;
        let mut checks = self.checks.clone();
        let (mut config, mut host) = (self.config.clone(), self.host.clone());
        // The input belongs to who attaches first, and ends with it, unless it is to be kept.
        config.attach_stdin = config.open_stdin && !self.keep_stdin;
        config.stdin_once = config.attach_stdin;
        let networking_config = network::join(
            &self.networks,
            &self.of_first_network,
            &mut checks,
            &mut config,
            &mut host,
        )?;
        checks.fault()?;
        if let Some(policy) =
            self.resources.restart_policy.as_ref().filter(|_| self.host.auto_remove)
        {
            if policy.name != "no" {
                let rule = "cannot be had together with rm: a container is removed or restarted";
                return Err(Error::invalid("restart policy", policy.name, rule));
            }
        }
        let host_config = Host { host, resources: &self.resources };
        let body = Body { image, config, host_config, networking_config };
        let call = Call::post(&["containers", "create"])
            .maybe("name", name.as_ref())
            .maybe("platform", self.platform.as_ref())
            .json(&body);
        Ok(checks.mark(call))
    }
}

/// Write a capability as the kernel does, "CAP_NET_ADMIN".
fn full_name(capability: String) -> String {
    let capability = capability.to_ascii_uppercase();
    match capability == "ALL" || capability.starts_with("CAP_") {
        true => capability,
        false => format!("CAP_{capability}"),
    }
}
