//! Listing containers, and removing what a list names.

use std::fmt;
use std::net::IpAddr;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::details::{MountPoint, address};
use super::{Container, ContainerId, Status, Traits, Unknown, remove};
use crate::error::Error;
use crate::labels::Labels;
use crate::several::several;
use crate::text::Text;
use crate::time::Timestamp;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, null_default};

/// The verb behind [`Docker::containers`](crate::Docker::containers).
///
/// Of several filters all must hold; of several values of one filter any. Labels are the
/// exception: all of them must be there.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct List {
    transport: Transport,
    all: bool,
    limit: Option<u32>,
    size: bool,
    filters: Filters,
}

impl List {
    pub(crate) fn new(transport: Transport) -> List {
        List { transport, all: false, limit: None, size: false, filters: Filters::default() }
    }

    /// List those that do not run as well: `--all`.
    pub fn all(mut self) -> List {
        self.all = true;
        self
    }

    /// List the `n` that were created last, in any state: `--last`.
    pub fn last(mut self, n: u32) -> List {
        self.limit = Some(n);
        self
    }

    /// Ask for the sizes of their files too: `--size`. That takes the engine time.
    pub fn size(mut self) -> List {
        self.size = true;
        self
    }

    /// List those in this state, which may be any: `--filter status=`.
    pub fn status(mut self, status: Status) -> List {
        self.filters.add("status", status.as_str());
        self
    }

    /// List those that ended with this code: `--filter exited=`.
    pub fn exited(mut self, code: i64) -> List {
        self.all = true;
        self.filters.add("exited", code.to_string());
        self
    }

    /// List those with this label: "key" or "key=value".
    pub fn label(mut self, label: impl Into<String>) -> List {
        self.filters.add("label", label);
        self
    }

    /// List those in whose names this regular expression (Go's) matches somewhere. For a name
    /// that is known use [`Docker::container`](crate::Docker::container).
    pub fn name(mut self, pattern: impl Into<String>) -> List {
        self.filters.add("name", pattern);
        self
    }

    /// List the one whose id begins so; none where several do.
    pub fn id(mut self, prefix: impl Into<String>) -> List {
        self.filters.add("id", prefix);
        self
    }

    /// List those made from this image or from one made from it.
    pub fn ancestor(mut self, image: impl Into<String>) -> List {
        self.filters.add("ancestor", image);
        self
    }

    /// List those whose health check says so: "starting", "healthy", "unhealthy", "none".
    pub fn health(mut self, health: impl Into<String>) -> List {
        self.filters.add("health", health);
        self
    }

    /// List those in this network, by its name or id.
    pub fn network(mut self, network: impl Into<String>) -> List {
        self.filters.add("network", network);
        self
    }

    /// List those that use this volume, by its name or the path it is mounted at.
    pub fn volume(mut self, volume: impl Into<String>) -> List {
        self.filters.add("volume", volume);
        self
    }

    /// List those that publish this port: "80", "8000-8080/tcp".
    pub fn publish(mut self, port: impl Into<String>) -> List {
        self.filters.add("publish", port);
        self
    }

    /// List those created before this container, by its name or id.
    pub fn before(mut self, container: impl Into<String>) -> List {
        self.filters.add("before", container);
        self
    }

    /// List those created after this container, by its name or id.
    pub fn since(mut self, container: impl Into<String>) -> List {
        self.filters.add("since", container);
        self
    }

    /// List those that this filter lets through, by its name and value in the engine's words:
    /// `--filter NAME=VALUE`. The other setters are the filters known here.
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> List {
        self.filters.add(name.into(), value);
        self
    }

    /// Remove all that would be listed, 16 at once, and go on where one cannot be removed.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::Status;
    ///
    /// // docker rm $(docker ps --all --quiet --filter status=exited)
    /// let gone = docker.containers().status(Status::Exited).remove().await?;
    /// println!("{} removed, {} failed", gone.removed.len(), gone.failed.len());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The list could not be had. What could not be removed is in [`Removed::failed`].
    pub fn remove(self) -> RemoveAll {
        RemoveAll { list: self, force: false, volumes: false }
    }

    fn call(&self) -> Call {
        Call::get(&["containers", "json"])
            .flag("all", self.all)
            .maybe("limit", self.limit)
            .flag("size", self.size)
            .maybe("filters", self.filters.to_json())
    }

    async fn run(self) -> Result<Vec<ContainerSummary>, Error> {
        self.transport.json(&self.call()).await
    }
}

verb!(List, transport => Result<Vec<ContainerSummary>, Error>);

/// The ids that begin with `prefix`. Engines drop a prefix that is ambiguous from their own filter.
pub(super) async fn ids(transport: &Transport, prefix: &str) -> Result<Vec<ContainerId>, Error> {
    let all = rows(&List::new(transport.clone()).all()).await?;
    Ok(all.into_iter().filter(|id| id.as_str().starts_with(prefix)).collect())
}

async fn rows(list: &List) -> Result<Vec<ContainerId>, Error> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "Id")]
        id: ContainerId,
    }
    let rows: Vec<Row> = list.transport.json(&list.call()).await?;
    Ok(rows.into_iter().map(|row| row.id).filter(|id| !id.as_str().is_empty()).collect())
}

/// One line of `docker ps`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ContainerSummary {
    /// The full id.
    pub id: ContainerId,
    /// The name, without the engine's leading slash.
    #[serde(rename = "Names", deserialize_with = "own_name")]
    pub name: Text,
    /// The image, as it was named when the container was created; its id where that name has
    /// moved on.
    #[serde(deserialize_with = "null_default")]
    pub image: Text,
    /// The image's id.
    #[serde(rename = "ImageID", deserialize_with = "null_default")]
    pub image_id: Text,
    /// The command, in one line.
    #[serde(deserialize_with = "null_default")]
    pub command: Text,
    /// When it was created.
    #[serde(deserialize_with = "moment")]
    pub created: Option<Timestamp>,
    /// The state.
    pub state: Status,
    /// The state in words, for people: "Up 3 hours (healthy)".
    #[serde(deserialize_with = "null_default")]
    pub status: Text,
    /// The ports it exposes, and where they are published.
    #[serde(deserialize_with = "null_default")]
    pub ports: Vec<PortSummary>,
    /// The labels.
    #[serde(deserialize_with = "null_default")]
    pub labels: Labels,
    /// Bytes of its files that differ from the image's; only with [`size`](List::size), and 0
    /// there where an engine leaves it out.
    #[serde(deserialize_with = "null_default")]
    pub size_rw: i64,
    /// Bytes of all its files; only with [`size`](List::size).
    #[serde(deserialize_with = "null_default")]
    pub size_root_fs: i64,
    /// Its ends of its networks.
    #[serde(rename = "NetworkSettings", deserialize_with = "attachments")]
    pub networks: Vec<NetworkAttachment>,
    /// The files mounted into it.
    #[serde(deserialize_with = "null_default")]
    pub mounts: Vec<MountPoint>,
}

/// A port of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PortSummary {
    /// The container's port.
    #[serde(deserialize_with = "null_default")]
    pub private_port: u16,
    /// The host's port, if it is published.
    pub public_port: Option<u16>,
    /// The host's address, if it is published.
    #[serde(rename = "IP", deserialize_with = "address")]
    pub ip: Option<IpAddr>,
    /// The protocol.
    #[serde(rename = "Type", deserialize_with = "null_default")]
    pub protocol: PortProtocol,
}

/// What a port speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// One this crate does not know.
    Other(String),
}

impl<'de> Deserialize<'de> for PortProtocol {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<PortProtocol, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = PortProtocol;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a protocol")
            }
            fn visit_str<E>(self, word: &str) -> Result<PortProtocol, E> {
                Ok(match word {
                    "tcp" => PortProtocol::Tcp,
                    "udp" => PortProtocol::Udp,
                    "sctp" => PortProtocol::Sctp,
                    other => PortProtocol::Other(other.to_owned()),
                })
            }
        }
        d.deserialize_str(Word)
    }
}

impl fmt::Display for PortProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PortProtocol::Tcp => "tcp",
            PortProtocol::Udp => "udp",
            PortProtocol::Sctp => "sctp",
            PortProtocol::Other(word) => word,
        })
    }
}

/// A container's end of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkAttachment {
    /// The network's name.
    pub network: Text,
    /// The container's address there; `None` while it does not run.
    pub ip_address: Option<IpAddr>,
}

/// The list gives seconds where inspect gives a date.
fn moment<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<i64>::deserialize(d)?.map(Timestamp::from_secs))
}

/// A container has one name of its own; any others are what legacy links call it.
fn own_name<'de, D: Deserializer<'de>>(d: D) -> Result<Text, D::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Text;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names")
        }
        fn visit_unit<E>(self) -> Result<Text, E> {
            Ok(Text::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Text, A::Error> {
            let mut own = Text::default();
            while let Some(Name(name)) = names.next_element()? {
                // "/web" is its own; "/proxy/web" is a link's.
                if !name.is_empty() && (own.is_empty() || own.contains('/')) {
                    own = name;
                }
            }
            Ok(own)
        }
    }
    d.deserialize_any(Names)
}

struct Name(Text);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Name, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.strip_prefix('/').unwrap_or(name).into()))
            }
        }
        d.deserialize_str(Word)
    }
}

fn attachments<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<NetworkAttachment>, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "PascalCase")]
    struct Settings {
        #[serde(deserialize_with = "null_default")]
        networks: Networks,
    }
    Ok(Option::<Settings>::deserialize(d)?.unwrap_or_default().networks.0)
}

#[derive(Default)]
struct Networks(Vec<NetworkAttachment>);

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Networks, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct End {
            #[serde(rename = "IPAddress", deserialize_with = "address")]
            ip_address: Option<IpAddr>,
        }
        struct Ends;
        impl<'de> Visitor<'de> for Ends {
            type Value = Networks;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("networks")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut ends: A) -> Result<Networks, A::Error> {
                let mut out = Vec::new();
                while let Some(network) = ends.next_key::<Text>()? {
                    let end = ends.next_value::<Option<End>>()?.unwrap_or_default();
                    out.push(NetworkAttachment { network, ip_address: end.ip_address });
                }
                Ok(Networks(out))
            }
            /// Podman writes an empty list where there are none.
            fn visit_seq<A: SeqAccess<'de>>(self, mut none: A) -> Result<Networks, A::Error> {
                while none.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Networks(Vec::new()))
            }
        }
        d.deserialize_any(Ends)
    }
}

/// The verb behind [`List::remove`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemoveAll {
    list: List,
    force: bool,
    volumes: bool,
}

/// So many removals at once: an engine works on several, and no list is too long.
const AT_ONCE: usize = 16;

/// What became of the containers of a list.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct Removed {
    /// Those that are gone, also where somebody else removed them meanwhile.
    pub removed: Vec<ContainerId>,
    /// Those that could not be removed, and why.
    pub failed: Vec<(ContainerId, Error)>,
}

impl RemoveAll {
    /// Kill those that run: `--force`.
    pub fn force(mut self) -> RemoveAll {
        self.force = true;
        self
    }

    /// Remove their anonymous volumes with them: `--volumes`.
    pub fn volumes(mut self) -> RemoveAll {
        self.volumes = true;
        self
    }

    async fn run(self) -> Result<Removed, Error> {
        let mut out = Removed::default();
        let removals = rows(&self.list).await?.into_iter().map(|id| self.one(id));
        for (id, gone) in several(AT_ONCE, removals).await {
            match gone {
                Ok(()) => out.removed.push(id),
                Err(error) => out.failed.push((id, error)),
            }
        }
        Ok(out)
    }

    async fn one(&self, id: ContainerId) -> (ContainerId, Result<(), Error>) {
        let call = Call::delete(&["containers", id.as_str()])
            .flag("v", self.volumes)
            .flag("force", self.force);
        let on = Container {
            transport: self.list.transport.clone(),
            id,
            traits: Traits::default(),
            state: Unknown(()),
        };
        let gone = remove::gone(&on, &call, self.force).await;
        (on.id, gone)
    }
}

verb!(RemoveAll, list.transport => Result<Removed, Error>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn any_filter_can_be_named() {
        let list = || List::new(Transport::nowhere()).all();
        let named = list().filter("status", "paused").filter("label", "a=b");
        let typed = list().status(Status::Paused).label("a=b");
        assert_eq!(named.call().to_string(), typed.call().to_string());
    }

    #[test]
    fn odd_rows_cost_nothing_but_themselves() {
        let rows: Vec<ContainerSummary> = wire::from_slice(
            br#"[
            {"Id":"a1","Names":["/proxy/web","/web"],"Image":null,"Created":5,"State":"stopping",
             "Ports":[{"PrivatePort":53,"Type":"udp","IP":"::","PublicPort":1053},
                      {"PrivatePort":9,"Type":"dccp"}],
             "NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"},"x":null}},
             "Labels":null,"Mounts":null,"Brand":"new"},
            {"Id":"b2","Names":null,"NetworkSettings":{"Networks":[]},"State":"stopped","Ports":7},
            {"Id":"c3","Names":["/c"],"NetworkSettings":null,"SizeRw":"big"}
            ]"#,
        )
        .unwrap();
        let [a, b, c] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((a.name.as_str(), &a.state), ("web", &Status::Other("stopping".into())));
        assert_eq!(a.ports[0].ip, Some("::".parse().unwrap()));
        assert_eq!(a.ports[1].protocol, PortProtocol::Other("dccp".into()));
        assert_eq!(a.networks.len(), 2);
        assert_eq!(a.created, Some(Timestamp::from_secs(5)));
        assert_eq!((b.name.as_str(), &b.state, b.ports.len()), ("", &Status::Exited, 0));
        assert_eq!((c.name.as_str(), c.size_rw), ("c", 0));
    }
}
