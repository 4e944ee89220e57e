//! Plugins: drivers for volumes, networks and more that the engine runs.

mod change;
mod details;
mod install;
mod progress;

use std::fmt;

pub use change::{
    DisablePlugin, EnablePlugin, PushPlugin, RemovePlugin, SetPlugin, StreamPushPlugin,
};
pub use details::{
    InspectPlugin, ListPlugins, PluginConfig, PluginDetails, PluginInterface, PluginSettings,
};
pub use install::{AskPrivileges, CreatePlugin, InstallPlugin, PluginPrivilege, StreamInstall};
pub use progress::PluginStream;

use change::checked;

use crate::error::Error;
use crate::image::reference::IntoImageRef;
use crate::transport::Transport;

/// A plugin on an engine, by its name.
///
/// Get one from [`Docker::install_plugin`](crate::Docker::install_plugin) or
/// [`Docker::plugin`](crate::Docker::plugin).
#[derive(Clone)]
pub struct Plugin {
    transport: Transport,
    name: String,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plugin").field(&self.name).finish()
    }
}

impl Plugin {
    fn new(transport: Transport, name: String) -> Plugin {
        Plugin { transport: transport.unlimited(), name }
    }

    pub(crate) fn named(transport: Transport, name: String) -> Result<Plugin, Error> {
        Ok(Plugin::new(transport, checked(name)?))
    }

    /// Return the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ask for everything the engine knows of the plugin: `docker plugin inspect`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)).
    pub fn inspect(&self) -> InspectPlugin {
        InspectPlugin::new(self.clone())
    }

    /// Start the plugin, and use it: `docker plugin enable`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)), is enabled already, or does
    /// not answer.
    pub fn enable(&self) -> EnablePlugin {
        EnablePlugin::new(self.clone())
    }

    /// Stop the plugin: `docker plugin disable`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)), is disabled already, or
    /// something uses it.
    pub fn disable(&self) -> DisablePlugin {
        DisablePlugin::new(self.clone())
    }

    /// Change what the plugin is set to, while it is disabled: `docker plugin set`. Each is
    /// "NAME=VALUE".
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)) or enabled; it has no such
    /// setting.
    pub fn set<S: Into<String>>(&self, settings: impl IntoIterator<Item = S>) -> SetPlugin {
        SetPlugin::new(self.clone(), settings.into_iter().map(Into::into).collect())
    }

    /// Take another version of the plugin from a registry, while it is disabled:
    /// `docker plugin upgrade`. What it was set to stays.
    ///
    /// # Errors
    /// As [`Docker::install_plugin`](crate::Docker::install_plugin).
    pub fn upgrade(&self, remote: impl IntoImageRef) -> InstallPlugin {
        let name = Some(self.name.clone());
        InstallPlugin::new(self.transport.clone(), remote.into_image_ref(), name)
    }

    /// Send the plugin to the registry that its name says: `docker plugin push`.
    ///
    /// Docker 20.10.24 itself was seen to crash while it pushed a plugin ("send on closed channel").
    ///
    /// # Errors
    /// The registry wants other credentials
    /// ([`is_unauthorized`](crate::Error::is_unauthorized)); there is no such plugin here.
    pub fn push(&self) -> PushPlugin {
        PushPlugin::new(self.clone())
    }

    /// Remove the plugin: `docker plugin rm`. Gone already is success.
    ///
    /// # Errors
    /// It is enabled ([`is_conflict`](crate::Error::is_conflict), on most engines).
    pub fn remove(&self) -> RemovePlugin {
        RemovePlugin::new(self.clone())
    }
}
