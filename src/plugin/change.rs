//! Enabling a plugin, disabling it, setting it, sending it to a registry, removing it.

use std::time::Duration;

use super::{Plugin, PluginStream};
use crate::error::{Error, InvalidInput};
use crate::image::AUTH;
use crate::image::reference::{ImageRef, IntoImageRef};
use crate::registry::{AuthChoice, Credentials};
use crate::verb::verb;
use crate::wire::{Call, Patience};

fn call(on: &Plugin, verb: &str) -> Call {
    Call::post(&["plugins", &on.name, verb])
}

/// The verb behind [`Plugin::enable`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct EnablePlugin {
    on: Plugin,
    wait: Duration,
}

impl EnablePlugin {
    pub(super) fn new(on: Plugin) -> EnablePlugin {
        EnablePlugin { on, wait: Duration::from_secs(30) }
    }

    /// Give it this long to answer, in whole seconds: `--timeout`. Without it, it has 30 s.
    pub fn wait(mut self, limit: Duration) -> EnablePlugin {
        self.wait = limit;
        self
    }

    fn call(&self) -> Call {
        call(&self.on, "enable")
            .arg("timeout", self.wait.as_secs())
            .patience(Patience::Plus(self.wait))
    }

    async fn run(self) -> Result<(), Error> {
        self.on.transport.done(&self.call()).await.map(drop)
    }
}

verb!(EnablePlugin, on.transport => Result<(), Error>);

/// The verb behind [`Plugin::disable`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct DisablePlugin {
    on: Plugin,
    force: bool,
}

impl DisablePlugin {
    pub(super) fn new(on: Plugin) -> DisablePlugin {
        DisablePlugin { on, force: false }
    }

    /// Disable it though something uses it: `--force`.
    pub fn force(mut self) -> DisablePlugin {
        self.force = true;
        self
    }

    fn call(&self) -> Call {
        call(&self.on, "disable").flag("force", self.force)
    }

    async fn run(self) -> Result<(), Error> {
        self.on.transport.done(&self.call()).await.map(drop)
    }
}

verb!(DisablePlugin, on.transport => Result<(), Error>);

/// The verb behind [`Plugin::set`]. The values are not shown by `Debug`.
#[derive(Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct SetPlugin {
    on: Plugin,
    settings: Vec<String>,
}

impl std::fmt::Debug for SetPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetPlugin").field("on", &self.on).finish_non_exhaustive()
    }
}

impl SetPlugin {
    pub(super) fn new(on: Plugin, settings: Vec<String>) -> SetPlugin {
        SetPlugin { on, settings }
    }

    fn call(&self) -> Result<Call, Error> {
        if self.settings.is_empty() {
            return Err(Error::invalid("plugin settings", "", "must be one or more"));
        }
        let body = serde_json::to_vec(&self.settings).unwrap_or_default();
        Ok(call(&self.on, "set").secret_json(body.into()))
    }

    async fn run(self) -> Result<(), Error> {
        self.on.transport.done(&self.call()?).await.map(drop)
    }
}

verb!(SetPlugin, on.transport => Result<(), Error>);

/// The verb behind [`Plugin::push`]. Awaited, it pushes to the end; [`stream`](PushPlugin::stream)
/// reports on the way.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct PushPlugin {
    on: Plugin,
    auth: AuthChoice,
}

impl PushPlugin {
    pub(super) fn new(on: Plugin) -> PushPlugin {
        PushPlugin { on, auth: AuthChoice::default() }
    }

    /// Send these credentials, instead of those that the docker command would.
    pub fn credentials(mut self, credentials: Credentials) -> PushPlugin {
        self.auth = AuthChoice::Given(credentials);
        self
    }

    /// Push, and report on each layer on the way.
    ///
    /// # Errors
    /// As [`Plugin::push`], as far as they come before the first report.
    pub fn stream(self) -> StreamPushPlugin {
        StreamPushPlugin { push: self }
    }

    fn call(&self) -> Result<(Call, ImageRef), Error> {
        let name = self.on.name.as_str().into_image_ref()?;
        Ok((call(&self.on, "push").patience(Patience::Endless), name))
    }

    async fn begin(self) -> Result<PluginStream, Error> {
        let (call, name) = self.call()?;
        let call = call.header(AUTH, self.auth.header(name.domain()).await?);
        PluginStream::begin(self.on.transport, &call, self.on.name).await
    }

    async fn run(self) -> Result<(), Error> {
        self.begin().await?.finish().await.map(drop)
    }
}

verb!(PushPlugin, on.transport => Result<(), Error>);

/// The verb behind [`PushPlugin::stream`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct StreamPushPlugin {
    push: PushPlugin,
}

impl StreamPushPlugin {
    async fn run(self) -> Result<PluginStream, Error> {
        self.push.begin().await
    }
}

verb!(StreamPushPlugin, push.on.transport => Result<PluginStream, Error>);

/// The verb behind [`Plugin::remove`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemovePlugin {
    on: Plugin,
    force: bool,
}

impl RemovePlugin {
    pub(super) fn new(on: Plugin) -> RemovePlugin {
        RemovePlugin { on, force: false }
    }

    /// Disable it first if it is enabled: `--force`.
    pub fn force(mut self) -> RemovePlugin {
        self.force = true;
        self
    }

    fn call(&self) -> Call {
        Call::delete(&["plugins", &self.on.name]).flag("force", self.force)
    }

    async fn run(self) -> Result<(), Error> {
        match self.on.transport.done(&self.call()).await {
            // Gone already is what was wanted.
            Err(error) if error.is_not_found() => Ok(()),
            done => done.map(drop),
        }
    }
}

verb!(RemovePlugin, on.transport => Result<(), Error>);

/// Check a plugin's name.
pub(super) fn checked(name: String) -> Result<String, InvalidInput> {
    let rule = if name.is_empty() {
        "must not be empty"
    } else if name.contains('\0') {
        "must not hold a NUL"
    } else {
        return Ok(name);
    };
    Err(InvalidInput::new("plugin name", name, rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Transport;

    #[test]
    fn calls() {
        let on = Plugin::new(Transport::nowhere(), "own/x:1".into());
        let set = on.set(["TOKEN=canary"]);
        let calls = [
            on.enable().call(),
            on.enable().wait(Duration::from_millis(2500)).call(),
            on.disable().call(),
            on.disable().force().call(),
            set.call().unwrap(),
            on.push().call().unwrap().0,
            on.remove().call(),
            on.remove().force().call(),
        ];
        insta::assert_snapshot!(calls.map(|call| call.to_string()).join("\n"), @r"
        POST /plugins/own%2Fx%3A1/enable?timeout=30
        POST /plugins/own%2Fx%3A1/enable?timeout=2
        POST /plugins/own%2Fx%3A1/disable
        POST /plugins/own%2Fx%3A1/disable?force=1
        POST /plugins/own%2Fx%3A1/set
        ***
        POST /plugins/own%2Fx%3A1/push
        DELETE /plugins/own%2Fx%3A1
        DELETE /plugins/own%2Fx%3A1?force=1
        ");
        assert!(!format!("{set:?}").contains("canary"));
        assert!(on.set([""; 0]).call().is_err());
    }
}
