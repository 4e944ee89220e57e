//! What an engine reports while a plugin travels, from a registry or to one.

use std::fmt;

use super::Plugin;
use crate::error::Error;
use crate::image::{Message, Messages, progress_stream};
use crate::transport::Transport;
use crate::wire::Call;

/// A plugin on its way: what is reported of it, layer by layer as of an image.
#[must_use = "a stream does nothing unless it is read"]
pub struct PluginStream {
    messages: Messages,
    plugin: Plugin,
}

impl fmt::Debug for PluginStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginStream").field("plugin", &self.plugin.name).finish_non_exhaustive()
    }
}

progress_stream!(PluginStream);

impl PluginStream {
    /// Send, and read what comes of it; the plugin is called `name` then.
    pub(super) async fn begin(
        transport: Transport,
        call: &Call,
        name: String,
    ) -> Result<PluginStream, Error> {
        let messages = Messages::new(transport.stream(call).await?.body);
        Ok(PluginStream { messages, plugin: Plugin::new(transport, name) })
    }

    /// Read to the end, and return the plugin.
    ///
    /// # Errors
    /// The engine or the registry gave up, in its own words; the stream broke off.
    pub async fn finish(mut self) -> Result<Plugin, Error> {
        while self.messages.next().await.transpose()?.is_some() {}
        Ok(self.plugin)
    }

    /// No line says what it all came to.
    fn take(&mut self, _: &Message) {}
}
