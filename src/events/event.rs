//! One thing that happened.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::container::ExitStatus;
use crate::labels::Labels;
use crate::text::Text;
use crate::time::Timestamp;
use crate::wire::null_default;

/// Words of the engine, each with a variant.
macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident, $other:literal;
        $($(#[$of:meta])* $variant:ident = $word:literal,)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* $variant,)*
            #[doc = $other]
            Other(String),
        }

        impl $name {
            /// Return the engine's word for it.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)*
                    $name::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> $name {
                match word {
                    $($word => $name::$variant,)*
                    other => $name::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// To what kind of thing something happened.
    EventKind, "A kind this crate does not know.";
    /// A container.
    Container = "container",
    /// An image.
    Image = "image",
    /// A volume.
    Volume = "volume",
    /// A network.
    Network = "network",
    /// The engine itself.
    Daemon = "daemon",
    /// A plugin.
    Plugin = "plugin",
    /// The builder's cache.
    Builder = "builder",
    /// A node of a swarm.
    Node = "node",
    /// A service of a swarm.
    Service = "service",
    /// A secret of a swarm.
    Secret = "secret",
    /// A configuration of a swarm.
    Config = "config",
}

words! {
    /// Where something happened.
    EventScope, "A scope this crate does not know.";
    /// On this engine.
    Local = "local",
    /// In the engine's swarm.
    Swarm = "swarm",
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Somebody attached to a container.
    Attach,
    /// An image was made of a container.
    Commit,
    /// A container was connected to a network.
    Connect,
    /// Files were copied out of a container.
    Copy,
    /// It was made.
    Create,
    /// An image was removed.
    Delete,
    /// It was removed.
    Destroy,
    /// Somebody detached from a container.
    Detach,
    /// A container's process ended: see [`Event::exit_code`].
    Die,
    /// A container was disconnected from a network.
    Disconnect,
    /// Somebody detached from a second process.
    ExecDetach,
    /// A second process ended: see [`Event::exit_code`].
    ExecDie,
    /// A container's files were exported.
    Export,
    /// An image was imported.
    Import,
    /// A signal was sent to a container's process: attribute "signal".
    Kill,
    /// An image was loaded.
    Load,
    /// A volume was mounted.
    Mount,
    /// A container ran out of memory.
    Oom,
    /// A container was frozen.
    Pause,
    /// Unused things of this kind were removed.
    Prune,
    /// An image was pulled.
    Pull,
    /// An image was pushed.
    Push,
    /// The engine's configuration was read again.
    Reload,
    /// A network, or a thing of a swarm, was removed.
    Remove,
    /// A container was renamed: attribute "oldName".
    Rename,
    /// A container's terminal was given another size.
    Resize,
    /// A container was restarted.
    Restart,
    /// An image was saved.
    Save,
    /// A container was started.
    Start,
    /// A container was stopped.
    Stop,
    /// An image was given a name.
    Tag,
    /// A container's processes were listed.
    Top,
    /// A volume was unmounted.
    Unmount,
    /// A container was thawed.
    Unpause,
    /// An image lost a name.
    Untag,
    /// It was changed.
    Update,
    /// A second process was made in a container: its command.
    ExecCreate(String),
    /// A second process was started in a container: its command.
    ExecStart(String),
    /// A container's health check came to another result: "healthy", "unhealthy"; empty where the
    /// engine does not say.
    HealthStatus(String),
    /// An action this crate does not know, in the engine's words.
    Other(String),
}

const PLAIN: &[(&str, Action)] = &[
    ("attach", Action::Attach),
    ("commit", Action::Commit),
    ("connect", Action::Connect),
    ("copy", Action::Copy),
    ("create", Action::Create),
    ("delete", Action::Delete),
    ("destroy", Action::Destroy),
    ("detach", Action::Detach),
    ("die", Action::Die),
    ("disconnect", Action::Disconnect),
    ("exec_detach", Action::ExecDetach),
    ("exec_die", Action::ExecDie),
    ("export", Action::Export),
    ("import", Action::Import),
    ("kill", Action::Kill),
    ("load", Action::Load),
    ("mount", Action::Mount),
    ("oom", Action::Oom),
    ("pause", Action::Pause),
    ("prune", Action::Prune),
    ("pull", Action::Pull),
    ("push", Action::Push),
    ("reload", Action::Reload),
    ("remove", Action::Remove),
    ("rename", Action::Rename),
    ("resize", Action::Resize),
    ("restart", Action::Restart),
    ("save", Action::Save),
    ("start", Action::Start),
    ("stop", Action::Stop),
    ("tag", Action::Tag),
    ("top", Action::Top),
    ("unmount", Action::Unmount),
    ("unpause", Action::Unpause),
    ("untag", Action::Untag),
    ("update", Action::Update),
];

const EXEC_CREATE: &str = "exec_create";
const EXEC_START: &str = "exec_start";
const HEALTH_STATUS: &str = "health_status";

impl Action {
    /// The words without what is particular to one event.
    fn parts(&self) -> (&str, &str) {
        match self {
            Action::ExecCreate(command) => (EXEC_CREATE, command),
            Action::ExecStart(command) => (EXEC_START, command),
            Action::HealthStatus(health) => (HEALTH_STATUS, health),
            Action::Other(word) => (word, ""),
            plain => {
                let found = PLAIN.iter().find(|(_, action)| action == plain);
                (found.map_or("", |(word, _)| word), "")
            }
        }
    }

    /// The words by which the engine filters.
    pub(super) fn filter(&self) -> String {
        match self {
            Action::HealthStatus(_) => self.to_string(),
            other => other.parts().0.to_owned(),
        }
    }
}

impl From<&str> for Action {
    fn from(said: &str) -> Action {
        // "exec_start: sh -c …", of which nothing is known to be without blanks.
        let (word, detail) = said.split_once(": ").unwrap_or((said, ""));
        match word.trim_end_matches(':') {
            EXEC_CREATE => Action::ExecCreate(detail.to_owned()),
            EXEC_START => Action::ExecStart(detail.to_owned()),
            HEALTH_STATUS => Action::HealthStatus(detail.to_owned()),
            _ => match PLAIN.iter().find(|(word, _)| *word == said) {
                Some((_, action)) => action.clone(),
                None => Action::Other(said.to_owned()),
            },
        }
    }
}

/// The engine's words: "die", "exec_start: sh -c true".
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (word, "") => f.write_str(word),
            (word, detail) => write!(f, "{word}: {detail}"),
        }
    }
}

/// Something that happened on an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// To what kind of thing.
    pub kind: EventKind,
    /// What.
    pub action: Action,
    /// To what.
    pub actor: Actor,
    /// Where.
    pub scope: EventScope,
    /// When, by the engine's clock; `None` where it does not say.
    pub time: Option<Timestamp>,
}

/// The thing to which something happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Actor {
    /// Its id; a volume's name, an image's name or id.
    #[serde(rename = "ID", deserialize_with = "null_default")]
    pub id: Text,
    /// What else there is to say: a container's labels, "name", "image"; what belongs to the
    /// action, such as "exitCode", "signal", "container".
    #[serde(rename = "Attributes", deserialize_with = "null_default")]
    pub attributes: Labels,
}

impl Event {
    /// Return the name of the thing, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.actor.attributes.get("name")
    }

    /// Return how a process ended, for [`Die`](Action::Die) and [`ExecDie`](Action::ExecDie).
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.exit_code().map(ExitStatus::new)
    }

    /// Return the code with which a process ended, for [`Die`](Action::Die) and
    /// [`ExecDie`](Action::ExecDie).
    pub fn exit_code(&self) -> Option<i64> {
        // A label may be called so too: it counts for nothing elsewhere.
        let ended = matches!(self.action, Action::Die | Action::ExecDie);
        let attributes = &self.actor.attributes;
        // The second is how Podman has spelled it.
        let code = attributes.get("exitCode").or_else(|| attributes.get("containerExitCode"));
        code.filter(|_| ended)?.parse().ok()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Event, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Message {
            #[serde(rename = "Type", deserialize_with = "null_default")]
            kind: Text,
            #[serde(rename = "Action", deserialize_with = "null_default")]
            action: Text,
            #[serde(rename = "Actor", deserialize_with = "null_default")]
            actor: Actor,
            #[serde(deserialize_with = "null_default")]
            scope: Text,
            time: Option<i64>,
            #[serde(rename = "timeNano")]
            time_nano: Option<i64>,
        }
        let message = Message::deserialize(d)?;
        let nanos = message.time_nano.filter(|n| *n != 0).map(Timestamp::from_nanos);
        let seconds = message.time.filter(|n| *n != 0).map(Timestamp::from_secs);
        // Podman leaves the scope out of some.
        let scope = if message.scope.is_empty() { "local" } else { message.scope.as_str() };
        Ok(Event {
            kind: message.kind.as_str().into(),
            action: message.action.as_str().into(),
            actor: message.actor,
            scope: scope.into(),
            time: nanos.or(seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn read(json: &str) -> Event {
        wire::from_slice(json.as_bytes()).unwrap()
    }

    #[test]
    fn as_an_engine_says_it() {
        let die = read(
            r#"{"status":"die","id":"f6af","from":"busybox","Type":"container","Action":"die",
            "Actor":{"ID":"f6af","Attributes":{"a.label":"x","exitCode":"137","image":"busybox",
            "name":"dreamy_engelbart"}},"scope":"local","time":1795566005,
            "timeNano":1795566005680131332}"#,
        );
        assert_eq!((&die.kind, &die.action), (&EventKind::Container, &Action::Die));
        assert_eq!((die.actor.id.as_str(), die.name()), ("f6af", Some("dreamy_engelbart")));
        assert_eq!((die.exit_code(), die.actor.attributes.get("a.label")), (Some(137), Some("x")));
        assert_eq!(die.time, Some(Timestamp::from_nanos(1_795_566_005_680_131_332)));
        assert_eq!(die.scope, EventScope::Local);
        assert_eq!(die.exit_status().and_then(|status| status.signal()), Some(9));
    }

    #[test]
    fn odd_ones_cost_only_themselves() {
        let odd = read(
            r#"{"Type":"pod","Action":"melt: down","Actor":{"ID":7,"Attributes":{"exitCode":"1"}},
            "scope":"galaxy","time":5,"timeNano":"late","New":{}}"#,
        );
        assert_eq!(odd.kind, EventKind::Other("pod".into()));
        assert_eq!(odd.action, Action::Other("melt: down".into()));
        assert_eq!((odd.exit_code(), odd.time), (None, Some(Timestamp::from_secs(5))));
        assert_eq!(odd.scope, EventScope::Other("galaxy".into()));
        let none = read(r#"{"Actor":null,"Action":null,"timeNano":0}"#);
        assert_eq!((none.action, none.time), (Action::Other(String::new()), None));
    }

    #[test]
    fn actions_are_words_and_details() {
        for (said, action) in [
            ("exec_start: sh -c echo: a", Action::ExecStart("sh -c echo: a".into())),
            ("exec_create: ps ", Action::ExecCreate("ps ".into())),
            ("health_status: healthy", Action::HealthStatus("healthy".into())),
            ("health_status", Action::HealthStatus(String::new())),
            ("exec_die", Action::ExecDie),
            ("die: hard", Action::Other("die: hard".into())),
        ] {
            assert_eq!(Action::from(said), action);
            assert_eq!(action.to_string(), said);
        }
        for (word, action) in PLAIN {
            assert_eq!((&Action::from(*word), action.to_string().as_str()), (action, *word));
        }
    }
}
