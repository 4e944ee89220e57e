//! The engine about itself: ping, version, what it has and uses; and clearing away what nobody uses.

mod disk;
mod info;
mod prune;

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use disk::{CacheRecord, DiskUsage, MeasureDisk, Usage, VolumeUsage, VolumeUsageData};
pub use info::{DriverNames, Info, SwarmInfo, SystemInfo};
pub use prune::{PruneBuildCache, PruneSystem, PrunedBuildCache, PrunedSystem};

use crate::error::{ConnectFailure, Error, TlsFault, excerpt};
use crate::transport::{Transport, api_version};
use crate::verb::verb;
use crate::wire::{ApiVersion, Call, HeaderMap, null_default};

/// The verb behind [`Docker::ping`](crate::Docker::ping).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Ping {
    transport: Transport,
}

/// What an engine says of itself when pinged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pong {
    /// The newest API version the engine speaks.
    pub api_version: Option<ApiVersion>,
    /// The operating system of its containers: "linux", "windows". Podman does not say.
    pub os_type: Option<String>,
    /// Whether its experimental features are on.
    pub experimental: bool,
    /// The builder it prefers: "1" is the classic one, "2" BuildKit.
    pub builder_version: Option<String>,
    /// Its part in a swarm: "inactive", "active/manager". API 1.42.
    pub swarm: Option<String>,
    /// Whether the engine is Podman.
    pub podman: bool,
}

fn head() -> Call {
    Call::head(&["_ping"]).unversioned()
}

impl Ping {
    pub(crate) fn new(transport: Transport) -> Ping {
        Ping { transport }
    }

    async fn run(self) -> Result<Pong, Error> {
        ping(&self.transport).await
    }
}

verb!(Ping, transport => Result<Pong, Error>);

async fn ping(transport: &Transport) -> Result<Pong, Error> {
    let mut reply = match transport.send(&head()).await {
        // Somebody answered and does not like HEAD: engines before 18.09, some proxies.
        Err(Error::Api(_)) => transport.send(&Call::get(&["_ping"]).unversioned()).await?,
        reply => reply?,
    };
    reply.body.skip().await;
    Ok(pong(&reply.headers))
}

fn pong(headers: &HeaderMap) -> Pong {
    let mut pong = Pong { api_version: api_version(headers), ..Pong::default() };
    for (name, value) in headers {
        let text = || value.to_str().ok().map(str::trim).filter(|v| !v.is_empty());
        match name.as_str() {
            "ostype" => pong.os_type = text().map(str::to_owned),
            "docker-experimental" => {
                pong.experimental = text().is_some_and(|v| v.eq_ignore_ascii_case("true"));
            }
            "builder-version" => pong.builder_version = text().map(str::to_owned),
            "swarm" => pong.swarm = text().map(str::to_owned),
            "libpod-api-version" => pong.podman = true,
            _ => {}
        }
    }
    pong
}

/// Find out whether an engine answers, and agree with it on a version.
pub(crate) async fn greet(transport: &Transport) -> Result<(), ConnectFailure> {
    let theirs = match ping(transport).await {
        Ok(pong) => match pong.api_version {
            Some(version) => version,
            // A ping without a version in it: the long way round.
            None => match ask_version(transport).await.map(|v| v.api_version.parse()) {
                Ok(Ok(version)) => version,
                _ => {
                    let why = "it does not say which API version it speaks";
                    return Err(ConnectFailure::NotAnEngine(why.into()));
                }
            },
        },
        Err(error) => return Err(unwelcome(transport, error).await),
    };
    if theirs < ApiVersion::OLDEST {
        return Err(ConnectFailure::Version(format!(
            "the engine's newest API version is {theirs}; bowline needs {} (Docker 20.10) or newer",
            ApiVersion::OLDEST
        )));
    }
    transport.negotiate(theirs);
    let ours = transport.version();
    if theirs < ours {
        return Err(ConnectFailure::Version(format!(
            "API version {ours} was asked for; the engine's newest is {theirs}"
        )));
    }
    if ours < theirs {
        // Ours is not the engine's own: it may be too old for it. An engine that does not say
        // will say so at the first call.
        let oldest = ask_version(transport).await.map(|v| v.min_api_version.parse());
        if let Some(oldest) = oldest.ok().and_then(Result::ok).filter(|oldest| ours < *oldest) {
            return Err(ConnectFailure::Version(format!(
                "the engine demands API version {oldest} or newer; {ours} is what was asked for, \
                 or the newest that bowline speaks"
            )));
        }
    }
    Ok(())
}

async fn ask_version(transport: &Transport) -> Result<EngineVersion, Error> {
    transport.json(&Call::get(&["version"]).unversioned()).await
}

async fn unwelcome(transport: &Transport, error: Error) -> ConnectFailure {
    match error {
        Error::Connect(mut e) => match e.tried.pop() {
            Some(tried) => tried.failure,
            None => ConnectFailure::Absent,
        },
        Error::Timeout(e) => ConnectFailure::NoAnswer(e.after),
        // By these words Go's server, and so Docker and Podman, says what it is.
        Error::Api(e)
            if e.status == 400 && e.message.contains("HTTP request to an HTTPS server") =>
        {
            ConnectFailure::Tls(TlsFault::NotAskedFor)
        }
        Error::Api(e) => ConnectFailure::NotAnEngine(format!(
            "it answers a ping with status {}: {}",
            e.status,
            excerpt(&e.message, 200)
        )),
        other => match first_words(transport).await {
            // An alert of TLS, by which OpenSSL answers a request in clear.
            Some(words) if words.starts_with("\\u{15}\\u{3}") => {
                ConnectFailure::Tls(TlsFault::NotAskedFor)
            }
            Some(words) => ConnectFailure::NotAnEngine(format!("it says \"{words}\"")),
            None => {
                let why =
                    std::error::Error::source(&other).map_or(other.to_string(), |s| s.to_string());
                ConnectFailure::NotAnEngine(why)
            }
        },
    }
}

/// What somebody who speaks no HTTP says first, so that the user can tell who it is.
async fn first_words(transport: &Transport) -> Option<String> {
    let listen = async {
        let mut socket = transport.dial_raw().await.ok()?;
        // Who has hung up already may have said something before.
        let _ = socket.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").await;
        let mut words = [0; 64];
        let n = socket.read(&mut words).await.ok()?;
        let words = String::from_utf8_lossy(words.get(..n)?).into_owned();
        (!words.is_empty()).then(|| excerpt(&words, 64))
    };
    tokio::time::timeout(Duration::from_secs(1), listen).await.ok()?
}

/// The verb behind [`Docker::version`](crate::Docker::version).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Version {
    transport: Transport,
}

impl Version {
    pub(crate) fn new(transport: Transport) -> Version {
        Version { transport }
    }

    fn call(&self) -> Call {
        Call::get(&["version"])
    }

    async fn run(self) -> Result<EngineVersion, Error> {
        self.transport.json(&self.call()).await
    }
}

verb!(Version, transport => Result<EngineVersion, Error>);

/// What an engine is, in version numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct EngineVersion {
    /// The engine's own version: "20.10.24".
    #[serde(deserialize_with = "null_default")]
    pub version: String,
    /// The newest API version it speaks.
    #[serde(deserialize_with = "null_default")]
    pub api_version: String,
    /// The oldest API version it speaks.
    #[serde(rename = "MinAPIVersion", deserialize_with = "null_default")]
    pub min_api_version: String,
    /// The operating system: "linux".
    #[serde(deserialize_with = "null_default")]
    pub os: String,
    /// The architecture, as Go names it: "amd64".
    #[serde(deserialize_with = "null_default")]
    pub arch: String,
    /// The kernel's version.
    #[serde(deserialize_with = "null_default")]
    pub kernel_version: String,
    /// Whether experimental features are on.
    #[serde(deserialize_with = "null_default")]
    pub experimental: bool,
}
