//! What an engine knows of its plugins.

use serde::Deserialize;
use serde_json::Value;

use super::Plugin;
use crate::container::EnvVars;
use crate::error::Error;
use crate::transport::Transport;
use crate::verb::verb;
use crate::wire::{Call, Filters, Raw, null_default, rows};

/// The verb behind [`Plugin::inspect`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct InspectPlugin {
    on: Plugin,
}

impl InspectPlugin {
    pub(super) fn new(on: Plugin) -> InspectPlugin {
        InspectPlugin { on }
    }

    fn call(&self) -> Call {
        Call::get(&["plugins", &self.on.name, "json"])
    }

    async fn run(self) -> Result<PluginDetails, Error> {
        let (details, raw): (PluginDetails, Raw) = self.on.transport.kept(&self.call()).await?;
        Ok(PluginDetails { raw, ..details })
    }
}

verb!(InspectPlugin, on.transport => Result<PluginDetails, Error>);

/// The verb behind [`Docker::plugins`](crate::Docker::plugins).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ListPlugins {
    transport: Transport,
    filters: Filters,
}

impl ListPlugins {
    pub(crate) fn new(transport: Transport) -> ListPlugins {
        ListPlugins { transport, filters: Filters::default() }
    }

    /// List those that can do this: "volumedriver", "networkdriver", "authz":
    /// `--filter capability=`.
    pub fn capability(mut self, capability: impl Into<String>) -> ListPlugins {
        self.filters.add("capability", capability);
        self
    }

    /// List those that are enabled (`true`), or those that are not: `--filter enabled=`.
    pub fn enabled(mut self, enabled: bool) -> ListPlugins {
        self.filters.add("enabled", enabled.to_string());
        self
    }

    fn call(&self) -> Call {
        Call::get(&["plugins"]).maybe("filters", self.filters.to_json())
    }

    async fn run(self) -> Result<Vec<PluginDetails>, Error> {
        let all: Vec<Value> = self.transport.json(&self.call()).await?;
        Ok(rows(&all, |row, raw| PluginDetails { raw, ..row }))
    }
}

verb!(ListPlugins, transport => Result<Vec<PluginDetails>, Error>);

/// What `docker plugin inspect`, and a list of plugins, says of one.
///
/// The most asked-for parts have fields; [`raw`](PluginDetails::raw) is the whole answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PluginDetails {
    /// The id.
    #[serde(deserialize_with = "null_default")]
    pub id: String,
    /// The name, with its tag.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// Whether it is enabled: it runs.
    #[serde(deserialize_with = "null_default")]
    pub enabled: bool,
    /// Where it came from; empty for one that was made here.
    #[serde(deserialize_with = "null_default")]
    pub plugin_reference: String,
    /// What it is set to.
    #[serde(deserialize_with = "null_default")]
    pub settings: PluginSettings,
    /// What its maker says of it.
    #[serde(deserialize_with = "null_default")]
    pub config: PluginConfig,
    #[serde(skip)]
    raw: Raw,
}

impl PluginDetails {
    /// Return all that the engine said of it, as JSON.
    pub fn raw(&self) -> Value {
        self.raw.json()
    }
}

/// What a plugin is set to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PluginSettings {
    /// The environment.
    #[serde(deserialize_with = "null_default")]
    pub env: EnvVars,
    /// The arguments.
    #[serde(deserialize_with = "null_default")]
    pub args: Vec<String>,
}

/// What a plugin's maker says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PluginConfig {
    /// What it is for.
    #[serde(deserialize_with = "null_default")]
    pub description: String,
    /// Where to read more.
    #[serde(deserialize_with = "null_default")]
    pub documentation: String,
    /// How the engine talks to it.
    #[serde(deserialize_with = "null_default")]
    pub interface: PluginInterface,
    /// The program.
    #[serde(deserialize_with = "null_default")]
    pub entrypoint: Vec<String>,
}

/// How an engine talks to a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PluginInterface {
    /// What it can do: "docker.volumedriver/1.0".
    #[serde(deserialize_with = "null_default")]
    pub types: Vec<String>,
    /// Its socket's name.
    #[serde(deserialize_with = "null_default")]
    pub socket: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn calls() {
        let list = ListPlugins::new(Transport::nowhere());
        let some = list.clone().capability("volumedriver").enabled(false);
        let plugin = Plugin::new(Transport::nowhere(), "a/b:1".into());
        let calls = [list.call(), some.call(), plugin.inspect().call()];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        GET /plugins
        GET /plugins?filters=%7B%22capability%22%3A%5B%22volumedriver%22%5D%2C%22enabled%22%3A%5B%22false%22%5D%7D
        GET /plugins/a%2Fb%3A1/json
        ");
    }

    #[test]
    fn odd_answers_cost_nothing_but_themselves() {
        let plugin: PluginDetails = wire::from_slice(
            br#"{"Id":"a","Name":"b:1","Enabled":"yes","Settings":{"Env":["TOKEN=canary"],"Args":null},
                "Config":{"Interface":{"Types":["docker.volumedriver/1.0"],"Socket":"s"},"Args":[]}}"#,
        )
        .unwrap();
        assert_eq!((plugin.name.as_str(), plugin.enabled), ("b:1", false));
        assert_eq!(plugin.config.interface.types, ["docker.volumedriver/1.0"]);
        assert_eq!(plugin.settings.env.get("TOKEN"), Some("canary"));
        assert!(!format!("{plugin:?}").contains("canary"));
    }
}
