//! Building an image from a Dockerfile.

mod output;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use serde::Serialize;

pub use output::{BuildOutput, BuildStream, Built};

use super::reference::{ImageRef, ImageRefError, IntoImageRef};
use crate::build::{BuildContext, ContextTar, Notes};
use crate::container::spec::{ByteSize, Checks};
use crate::error::Error;
use crate::registry::{self, Credentials};
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, HeaderName, Patience};

const CONFIG: HeaderName = HeaderName::from_static("x-registry-config");

/// The verb behind [`Docker::build`](crate::Docker::build). Awaited, it builds to the end;
/// [`stream`](Build::stream) reports on the way.
///
/// Dropped meanwhile, the engine gives up too. Containers that steps ran in are removed, also
/// those of a step that fails.
#[must_use = "nothing is sent before this is awaited"]
pub struct Build {
    transport: Transport,
    source: Source,
    tags: Vec<Result<ImageRef, ImageRefError>>,
    args: BTreeMap<String, Option<String>>,
    labels: BTreeMap<String, String>,
    target: Option<String>,
    platform: Option<String>,
    network: Option<String>,
    cache_from: Vec<String>,
    add_hosts: Vec<String>,
    ulimits: Vec<Ulimit>,
    numbers: BTreeMap<&'static str, i64>,
    texts: BTreeMap<&'static str, String>,
    no_cache: bool,
    pull: bool,
    squash: bool,
    credentials: BTreeMap<String, Credentials>,
    anonymous: bool,
    checks: Checks,
}

enum Source {
    Context(BuildContext),
    Remote(String),
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

/// Build arguments may be secrets: their names alone are shown.
impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Build");
        match &self.source {
            Source::Context(context) => f.field("context", context),
            Source::Remote(url) => f.field("remote", url),
        };
        f.field("tags", &self.tags).field("args", &self.args.keys()).finish_non_exhaustive()
    }
}

impl Build {
    pub(crate) fn new(transport: Transport, context: BuildContext) -> Build {
        Build::of(transport, Source::Context(context))
    }

    pub(crate) fn remote(transport: Transport, url: String) -> Build {
        Build::of(transport, Source::Remote(url))
    }

    fn of(transport: Transport, source: Source) -> Build {
        Build {
            transport,
            source,
            tags: Vec::new(),
            args: BTreeMap::new(),
            labels: BTreeMap::new(),
            target: None,
            platform: None,
            network: None,
            cache_from: Vec::new(),
            add_hosts: Vec::new(),
            ulimits: Vec::new(),
            numbers: BTreeMap::new(),
            texts: BTreeMap::new(),
            no_cache: false,
            pull: false,
            squash: false,
            credentials: BTreeMap::new(),
            anonymous: false,
            checks: Checks::default(),
        }
    }

    /// Say where the Dockerfile is, if not at "Dockerfile": `--file`. As
    /// [`BuildContext::dockerfile`]; in what the engine fetches, the path there.
    pub fn dockerfile(mut self, path: impl Into<PathBuf>) -> Build {
        let path = path.into();
        self.source = match self.source {
            Source::Context(context) => Source::Context(context.dockerfile(path)),
            Source::Remote(url) => {
                match path.to_str() {
                    Some(path) => {
                        let path = self.checks.text("Dockerfile", path);
                        self.texts.extend(path.map(|path| ("dockerfile", path)));
                    }
                    None => {
                        let shown = path.to_string_lossy();
                        self.checks.fail("Dockerfile", shown, "must be UTF-8 in a remote context");
                    }
                }
                Source::Remote(url)
            }
        };
        self
    }

    /// Name the image: `--tag`. Each call adds a name.
    pub fn tag(mut self, name: impl IntoImageRef) -> Build {
        self.tags.push(name.into_image_ref());
        self
    }

    /// Set the value of an `ARG`: `--build-arg NAME=VALUE`. It can be seen in the image's history
    /// and travels in the request's address: it is no place for a secret.
    pub fn build_arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Build {
        if let Some((name, value)) = self.checks.pair("build argument", name, value) {
            self.args.insert(name, Some(value));
        }
        self
    }

    /// Set the values of several `ARG`s: `--build-arg`, once for each.
    pub fn build_args<N: Into<String>, V: Into<String>>(
        self,
        args: impl IntoIterator<Item = (N, V)>,
    ) -> Build {
        args.into_iter().fold(self, |build, (name, value)| build.build_arg(name, value))
    }

    /// Label the image: `--label`.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Build {
        self.labels.extend(self.checks.pair("label", key, value));
        self
    }

    /// Stop at this stage: `--target`.
    pub fn target(mut self, stage: impl Into<String>) -> Build {
        self.target = self.checks.text("build target", stage);
        self
    }

    /// Build for a platform, such as "linux/arm64": `--platform`.
    pub fn platform(mut self, platform: impl Into<String>) -> Build {
        self.platform = self.checks.text("platform", platform);
        self
    }

    /// Take layers from these images where they fit: `--cache-from`.
    pub fn cache_from(mut self, image: impl Into<String>) -> Build {
        self.cache_from.extend(self.checks.text("cache image", image));
        self
    }

    /// Run every step anew: `--no-cache`.
    pub fn no_cache(mut self) -> Build {
        self.no_cache = true;
        self
    }

    /// Pull what it begins from, also where that is here: `--pull`.
    pub fn pull(mut self) -> Build {
        self.pull = true;
        self
    }

    /// Set the network that steps run in: "host", "none", a name: `--network`.
    pub fn network(mut self, network: impl Into<String>) -> Build {
        self.network = self.checks.text("network", network);
        self
    }

    /// Let steps find a host by this name, at an IP address or at "host-gateway": `--add-host`.
    pub fn add_host(mut self, host: impl Into<String>, address: impl fmt::Display) -> Build {
        self.add_hosts.extend(self.checks.host_at(host, address));
        self
    }

    /// Set the size of `/dev/shm` for steps, in bytes or as "64m": `--shm-size`.
    pub fn shm_size(self, size: impl Into<ByteSize>) -> Build {
        self.bytes("shmsize", "shm size", size.into())
    }

    /// Limit the memory of a step, in bytes or as "512m": `--memory`.
    pub fn memory(self, size: impl Into<ByteSize>) -> Build {
        self.bytes("memory", "memory", size.into())
    }

    /// Limit memory and swap of a step together, in bytes or as "1g": `--memory-swap`.
    pub fn memory_swap(self, size: impl Into<ByteSize>) -> Build {
        self.bytes("memswap", "memory and swap", size.into())
    }

    fn bytes(mut self, key: &'static str, what: &'static str, size: ByteSize) -> Build {
        let bytes = self.checks.take(size.bytes(what));
        self.numbers.extend(bytes.map(|bytes| (key, bytes)));
        self
    }

    /// Set the share of CPU time of steps, 1024 being the usual: `--cpu-shares`.
    pub fn cpu_shares(mut self, shares: i64) -> Build {
        self.numbers.insert("cpushares", shares);
        self
    }

    /// Set how many microseconds of CPU time a step has in each period: `--cpu-quota`.
    pub fn cpu_quota(mut self, microseconds: i64) -> Build {
        self.numbers.insert("cpuquota", microseconds);
        self
    }

    /// Set the length of a period in microseconds: `--cpu-period`.
    pub fn cpu_period(mut self, microseconds: i64) -> Build {
        self.numbers.insert("cpuperiod", microseconds);
        self
    }

    /// Run steps on these CPUs, such as "0-1": `--cpuset-cpus`.
    pub fn cpuset_cpus(mut self, cpus: impl Into<String>) -> Build {
        let cpus = self.checks.text("CPUs", cpus);
        self.texts.extend(cpus.map(|cpus| ("cpusetcpus", cpus)));
        self
    }

    /// Set the control group that steps run below: `--cgroup-parent`.
    pub fn cgroup_parent(mut self, parent: impl Into<String>) -> Build {
        let parent = self.checks.text("cgroup parent", parent);
        self.texts.extend(parent.map(|parent| ("cgroupparent", parent)));
        self
    }

    /// Limit a resource of steps, such as "nofile": `--ulimit`.
    pub fn ulimit(mut self, name: impl Into<String>, soft: i64, hard: i64) -> Build {
        let name = self.checks.text("ulimit", name);
        self.ulimits.extend(name.map(|name| Ulimit { name, soft, hard }));
        self
    }

    /// Make one layer of all that the steps add: `--squash`. An engine with experimental features
    /// only.
    pub fn squash(mut self) -> Build {
        self.squash = true;
        self
    }

    /// Send credentials for a registry that the build pulls from. Without any, those are sent that
    /// the docker command would send: for every registry that its configuration names or its
    /// credential store lists.
    pub fn credentials(mut self, registry: impl Into<String>, credentials: Credentials) -> Build {
        self.credentials.insert(registry.into(), credentials);
        self
    }

    /// Send no credentials.
    pub fn anonymous(mut self) -> Build {
        self.anonymous = true;
        self
    }

    /// Build, and report on the way.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::image::BuildOutput;
    ///
    /// let mut build = docker.build(".").tag("app").stream().await?;
    /// while let Some(report) = build.next().await.transpose()? {
    ///     match report {
    ///         BuildOutput::Step { number, total, instruction, .. } => {
    ///             println!("{number} of {total}: {instruction}");
    ///         }
    ///         BuildOutput::Text(text) => print!("{text}"),
    ///         _ => {}
    ///     }
    /// }
    /// let built = build.finish().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Docker::build`](crate::Docker::build), as far as they come before the first report.
    pub fn stream(self) -> StreamBuild {
        StreamBuild { build: self }
    }

    /// The request but for the credentials.
    fn call(&self, dockerfile: Option<&str>) -> Result<Call, Error> {
        self.checks.fault()?;
        let mut call = Call::post(&["build"])
            .maybe("dockerfile", dockerfile)
            .maybe("target", self.target.as_ref())
            .maybe("platform", self.platform.as_ref())
            .maybe("networkmode", self.network.as_ref())
            .flag("nocache", self.no_cache)
            .flag("pull", self.pull)
            .flag("squash", self.squash)
            // What a failed step ran in would stay otherwise.
            .flag("forcerm", true)
            .flag("rm", true)
            .patience(Patience::Endless);
        if let Source::Remote(url) = &self.source {
            if url.is_empty() || url.contains(char::is_control) {
                return Err(Error::invalid("remote context", url, "must be a URL"));
            }
            call = call.arg("remote", url);
        }
        for tag in &self.tags {
            let tag = tag.clone()?;
            let (name, tag) = tag.to_give()?;
            call = call.arg("t", format_args!("{name}:{tag}"));
        }
        for host in &self.add_hosts {
            call = call.arg("extrahosts", host);
        }
        for (key, number) in &self.numbers {
            call = call.arg(key, number);
        }
        for (key, text) in &self.texts {
            call = call.arg(key, text);
        }
        Ok(call
            .maybe("buildargs", (!self.args.is_empty()).then(|| json(&self.args)))
            .maybe("labels", (!self.labels.is_empty()).then(|| json(&self.labels)))
            .maybe("cachefrom", (!self.cache_from.is_empty()).then(|| json(&self.cache_from)))
            .maybe("ulimits", (!self.ulimits.is_empty()).then(|| json(&self.ulimits))))
    }

    async fn begin(mut self) -> Result<BuildStream, Error> {
        // Before the context is looked at: a mistake there may take long to find.
        self.call(None)?;
        let known = match (self.anonymous, self.credentials.is_empty()) {
            (true, _) => BTreeMap::new(),
            (false, true) => registry::all_known().await?,
            (false, false) => std::mem::take(&mut self.credentials),
        };
        let auth = registry::config_header(&known)?;
        let left_out = LeftOut::default();
        let reply = match std::mem::replace(&mut self.source, Source::Remote(String::new())) {
            Source::Context(context) => {
                let tar = context.pack().await?;
                self.source = Source::Context(BuildContext::new());
                let call = self.call(tar.dockerfile())?.header(CONFIG, auth);
                let stream = Box::pin(Watched { tar, left_out: left_out.clone() });
                self.transport.upload(&call, "application/x-tar", stream).await?
            }
            Source::Remote(url) => {
                self.source = Source::Remote(url);
                self.transport.stream(&self.call(None)?.header(CONFIG, auth)).await?
            }
        };
        Ok(BuildStream::new(self.transport.unlimited(), reply.body, left_out))
    }

    async fn run(self) -> Result<Built, Error> {
        self.begin().await?.finish().await
    }
}

verb!(Build, transport => Result<Built, Error>);

/// Maps and lists with texts for keys always serialise.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The verb behind [`Build::stream`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StreamBuild {
    build: Build,
}

impl StreamBuild {
    async fn run(self) -> Result<BuildStream, Error> {
        self.build.begin().await
    }
}

verb!(StreamBuild, build.transport => Result<BuildStream, Error>);

/// What there is to say of a context, once it has been sent.
#[derive(Clone, Default)]
pub(crate) struct LeftOut(Arc<Mutex<Notes>>);

impl LeftOut {
    pub(crate) fn get(&self) -> Notes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A context on its way, whose notes outlive it.
pub(crate) struct Watched {
    pub(crate) tar: ContextTar,
    pub(crate) left_out: LeftOut,
}

impl Stream for Watched {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.tar).poll_next(cx));
        if next.is_none() {
            *this.left_out.0.lock().unwrap_or_else(PoisonError::into_inner) =
                this.tar.notes().clone();
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Host;

    fn build() -> Build {
        let host = Host::unix("/nowhere").unwrap();
        let transport = Transport::new(host, "test".into(), Default::default(), None).unwrap();
        Build::new(transport, BuildContext::new())
    }

    #[test]
    fn what_is_asked_for() {
        let said = |build: Build| build.call(Some("Dockerfile")).map(|call| call.to_string());
        insta::assert_snapshot!(said(build()).unwrap(),
            @"POST /build?dockerfile=Dockerfile&forcerm=1&rm=1");
        let transport = build().transport;
        let remote = |url: &str| Build::remote(transport.clone(), url.into());
        let said_remote = |build: Build| build.call(None).map(|call| call.to_string());
        insta::assert_snapshot!(said_remote(remote("http://h/c.tar").dockerfile("sub/D")).unwrap(),
            @"POST /build?forcerm=1&rm=1&remote=http%3A%2F%2Fh%2Fc.tar&dockerfile=sub%2FD");
        assert!(said_remote(remote("")).is_err());
        assert!(said_remote(remote("http://h").dockerfile("")).is_err());
        let all = build()
            .tag("app")
            .tag("reg:5000/app:v1")
            .build_args([("A", "1"), ("B", "x y")])
            .label("k", "v")
            .target("release")
            .platform("linux/arm64")
            .cache_from("app:old")
            .no_cache()
            .pull()
            .network("host")
            .add_host("db", "10.0.0.1")
            .shm_size("64m")
            .memory(1024)
            .memory_swap("2k")
            .cpu_shares(512)
            .cpu_quota(1000)
            .cpu_period(2000)
            .cpuset_cpus("0-1")
            .cgroup_parent("/build")
            .ulimit("nofile", 10, 20)
            .squash();
        let all = said(all).unwrap();
        let decoded = percent_encoding::percent_decode_str(&all).decode_utf8().unwrap();
        insta::assert_snapshot!(decoded.replace(['?', '&'], "\n"), @r#"
        POST /build
        dockerfile=Dockerfile
        target=release
        platform=linux/arm64
        networkmode=host
        nocache=1
        pull=1
        squash=1
        forcerm=1
        rm=1
        t=app:latest
        t=reg:5000/app:v1
        extrahosts=db:10.0.0.1
        cpuperiod=2000
        cpuquota=1000
        cpushares=512
        memory=1024
        memswap=2048
        shmsize=67108864
        cgroupparent=/build
        cpusetcpus=0-1
        buildargs={"A":"1","B":"x y"}
        labels={"k":"v"}
        cachefrom=["app:old"]
        ulimits=[{"Name":"nofile","Soft":10,"Hard":20}]
        "#);
        for (bad, rule) in [
            (build().tag("UPPER"), "lower case"),
            (build().build_arg("", "x"), "must not be empty"),
            (build().memory("lots"), "memory"),
            (build().add_host("a:b", "10.0.0.1"), "colon"),
            (build().add_host("a", "ten"), "IP address"),
            (build().target("a\0b"), "NUL"),
        ] {
            let error = bad.call(None).unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
    }

    #[test]
    fn arguments_are_not_shown() {
        let shown = format!("{:?}", build().build_arg("TOKEN", "hunter2"));
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }
}
