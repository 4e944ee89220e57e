//! What the verbs that are given a spec ask of it, the image's way here above all.

use super::ContainerSpec;
use crate::image::reference::{ImageName, ImageRef};
use crate::stream::Stdin;

/// When to fetch the image of a container from its registry: `--pull`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PullPolicy {
    /// Where the engine does not have it.
    #[default]
    Missing,
    /// In any case: what the registry has by this name now.
    Always,
    /// Never: an image that is not there is an error.
    Never,
}

impl ContainerSpec {
    /// Set when to fetch the image from its registry: `--pull`. Where it is missing, unless set.
    /// The credentials are those that the docker command would send.
    pub fn pull(mut self, policy: PullPolicy) -> ContainerSpec {
        self.pull = policy;
        self
    }

    /// Return when the image is fetched.
    pub fn get_pull(&self) -> PullPolicy {
        self.pull
    }

    /// Return the name by which the image can be fetched; an id is no registry's.
    pub(crate) fn image_to_pull(&self) -> Option<&ImageRef> {
        match &self.image {
            Ok(ImageName::Ref(name)) => Some(name),
            _ => None,
        }
    }

    /// Return the platform that was asked for.
    pub fn get_platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }

    /// Say whether the output is a terminal's.
    pub(crate) fn is_tty(&self) -> bool {
        self.config.tty
    }

    /// Say whether the container removes itself.
    pub(crate) fn is_auto_remove(&self) -> bool {
        self.host.auto_remove
    }

    /// Say what the process's standard input is to who attaches.
    pub(crate) fn stdin(&self) -> Stdin {
        Stdin::of(self.config.open_stdin, !self.keep_stdin, self.config.tty)
    }
}
