//! Bringing plugins in: from a registry, or from files.

use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use super::{Plugin, PluginStream, checked};
use crate::error::Error;
use crate::image::AUTH;
use crate::image::reference::{ImageRef, ImageRefError};
use crate::registry::{AuthChoice, Credentials};
use crate::transport::{Transport, Upload};
use crate::verb::{verb, within};
use crate::wire::{Call, Patience, null_default};

/// An archive is read in pieces of this many bytes.
const READ: usize = 64 << 10;

/// A right that a plugin wants on the engine's machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PluginPrivilege {
    /// What it is about: "network", "mount", "capabilities".
    #[serde(deserialize_with = "null_default")]
    pub name: String,
    /// The same, in words.
    #[serde(deserialize_with = "null_default")]
    pub description: String,
    /// What is wanted: "host", "/dev", "CAP_SYS_ADMIN".
    #[serde(deserialize_with = "null_default")]
    pub value: Vec<String>,
}

/// The verb behind [`Docker::plugin_privileges`](crate::Docker::plugin_privileges).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct AskPrivileges {
    transport: Transport,
    remote: Result<ImageRef, ImageRefError>,
    auth: AuthChoice,
}

impl AskPrivileges {
    pub(crate) fn new(
        transport: Transport,
        remote: Result<ImageRef, ImageRefError>,
    ) -> AskPrivileges {
        AskPrivileges { transport, remote, auth: AuthChoice::default() }
    }

    /// Send these credentials, instead of those that the docker command would.
    pub fn credentials(mut self, credentials: Credentials) -> AskPrivileges {
        self.auth = AuthChoice::Given(credentials);
        self
    }

    fn call(&self) -> Result<(Call, ImageRef), Error> {
        let remote = self.remote.clone()?.or_latest();
        let call = Call::get(&["plugins", "privileges"]).arg("remote", &remote);
        Ok((call.patience(Patience::Endless), remote))
    }

    async fn run(self) -> Result<Vec<PluginPrivilege>, Error> {
        let (call, remote) = self.call()?;
        let call = call.header(AUTH, self.auth.header(remote.domain()).await?);
        self.transport.json(&call).await
    }
}

verb!(AskPrivileges, transport => Result<Vec<PluginPrivilege>, Error>);

/// The verb behind [`Docker::install_plugin`](crate::Docker::install_plugin), and behind
/// [`Plugin::upgrade`]. Awaited, it comes to the end; [`stream`](InstallPlugin::stream) reports on the way.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct InstallPlugin {
    transport: Transport,
    remote: Result<ImageRef, ImageRefError>,
    /// The plugin that takes on another version.
    upgrade: Option<String>,
    alias: Option<String>,
    granted: Granted,
    auth: AuthChoice,
}

#[derive(Debug, Clone)]
enum Granted {
    These(Vec<PluginPrivilege>),
    All,
}

impl InstallPlugin {
    pub(crate) fn new(
        transport: Transport,
        remote: Result<ImageRef, ImageRefError>,
        upgrade: Option<String>,
    ) -> InstallPlugin {
        let (granted, auth) = (Granted::These(Vec::new()), AuthChoice::default());
        InstallPlugin { transport, remote, upgrade, alias: None, granted, auth }
    }

    /// Name the plugin otherwise than its registry does: `--alias`.
    pub fn alias(mut self, name: impl Into<String>) -> InstallPlugin {
        self.alias = Some(name.into());
        self
    }

    /// Grant these rights. The engine refuses a plugin that wants others.
    pub fn grant(mut self, privileges: impl IntoIterator<Item = PluginPrivilege>) -> InstallPlugin {
        self.granted = Granted::These(privileges.into_iter().collect());
        self
    }

    /// Grant whatever rights it wants, unseen: `--grant-all-permissions`.
    pub fn grant_all_permissions(mut self) -> InstallPlugin {
        self.granted = Granted::All;
        self
    }

    /// Send these credentials, instead of those that the docker command would.
    pub fn credentials(mut self, credentials: Credentials) -> InstallPlugin {
        self.auth = AuthChoice::Given(credentials);
        self
    }

    /// Install or upgrade it, and report on each layer on the way.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let mut install = docker.install_plugin("vieux/sshfs").grant_all_permissions().stream().await?;
    /// while let Some(report) = install.next().await.transpose()? {
    ///     println!("{} {:?} of {:?}", report.status, report.current, report.total);
    /// }
    /// install.finish().await?.enable().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Docker::install_plugin`](crate::Docker::install_plugin), as far as they come before the
    /// first report.
    pub fn stream(self) -> StreamInstall {
        StreamInstall { install: self }
    }

    fn call(&self, granted: &[PluginPrivilege]) -> Result<(Call, ImageRef), Error> {
        let remote = self.remote.clone()?.or_latest();
        let call = match &self.upgrade {
            Some(name) => Call::post(&["plugins", name, "upgrade"]),
            None => Call::post(&["plugins", "pull"]),
        };
        let alias = self.alias.clone().map(checked).transpose()?;
        let call = call.arg("remote", &remote).maybe("name", alias).json(&granted);
        Ok((call.patience(Patience::Endless), remote))
    }

    async fn begin(self) -> Result<PluginStream, Error> {
        let granted = match &self.granted {
            Granted::These(these) => these.clone(),
            Granted::All => {
                let (transport, remote) = (self.transport.clone(), self.remote.clone());
                let auth = self.auth.clone();
                AskPrivileges { transport, remote, auth }.run().await?
            }
        };
        let (call, remote) = self.call(&granted)?;
        let call = call.header(AUTH, self.auth.header(remote.domain()).await?);
        let name = self.upgrade.or(self.alias).unwrap_or_else(|| remote.to_string());
        PluginStream::begin(self.transport, &call, name).await
    }

    async fn run(self) -> Result<Plugin, Error> {
        let limit = self.transport.own_limit();
        let install = async { self.begin().await?.finish().await };
        within("POST /plugins/pull", limit, install).await
    }
}

verb!(InstallPlugin, transport => Result<Plugin, Error>);

/// The verb behind [`InstallPlugin::stream`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StreamInstall {
    install: InstallPlugin,
}

impl StreamInstall {
    async fn run(self) -> Result<PluginStream, Error> {
        self.install.begin().await
    }
}

verb!(StreamInstall, install.transport => Result<PluginStream, Error>);

/// The verb behind [`Docker::create_plugin`](crate::Docker::create_plugin).
#[must_use = "nothing is sent before this is awaited"]
pub struct CreatePlugin {
    transport: Transport,
    name: String,
    archive: Upload,
}

impl std::fmt::Debug for CreatePlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatePlugin").field("name", &self.name).finish_non_exhaustive()
    }
}

impl CreatePlugin {
    pub(crate) fn new(
        transport: Transport,
        name: String,
        archive: impl AsyncRead + Send + 'static,
    ) -> CreatePlugin {
        let archive = Box::pin(ReaderStream::with_capacity(archive, READ));
        CreatePlugin { transport, name, archive }
    }

    fn call(&self) -> Result<Call, Error> {
        let name = checked(self.name.clone())?;
        Ok(Call::post(&["plugins", "create"]).arg("name", name).patience(Patience::Endless))
    }

    async fn run(self) -> Result<Plugin, Error> {
        let call = self.call()?;
        let mut reply = self.transport.upload(&call, "application/x-tar", self.archive).await?;
        reply.body.skip().await;
        Ok(Plugin::new(self.transport, self.name))
    }
}

verb!(CreatePlugin, transport => Result<Plugin, Error>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::reference::IntoImageRef;

    #[test]
    fn calls() {
        let remote = || "vieux/sshfs".into_image_ref();
        let transport = Transport::nowhere();
        let ask = AskPrivileges::new(transport.clone(), remote());
        let install = InstallPlugin::new(transport.clone(), remote(), None).alias("ssh");
        let upgrade = InstallPlugin::new(transport.clone(), remote(), Some("ssh".into()));
        let host = PluginPrivilege {
            name: "network".into(),
            value: vec!["host".into()],
            ..PluginPrivilege::default()
        };
        let calls = [
            ask.call().unwrap().0,
            install.call(&[host]).unwrap().0,
            upgrade.call(&[]).unwrap().0,
            CreatePlugin::new(transport.clone(), "own/plugin".into(), &b""[..]).call().unwrap(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r#"
        GET /plugins/privileges?remote=vieux%2Fsshfs%3Alatest
        POST /plugins/pull?remote=vieux%2Fsshfs%3Alatest&name=ssh
        [
          {
            "Description": "",
            "Name": "network",
            "Value": [
              "host"
            ]
          }
        ]
        POST /plugins/ssh/upgrade?remote=vieux%2Fsshfs%3Alatest
        []
        POST /plugins/create?name=own%2Fplugin
        "#);
        assert!(install.alias("").call(&[]).is_err());
        assert!(CreatePlugin::new(transport, String::new(), &b""[..]).call().is_err());
    }
}
