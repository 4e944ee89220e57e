//! Volumes: files that outlive their containers.
//!
//! ```no_run
//! # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
//! use bowline::ContainerSpec;
//! use bowline::container::spec::Mount;
//!
//! let data = docker.create_volume("data").await?;
//! let write = ContainerSpec::new("busybox").cmd(["touch", "/data/file"]);
//! docker.run(write.mount(Mount::volume(&data, "/data")).rm()).status().await?;
//! println!("its files are in {}", data.inspect().await?.mountpoint);
//! data.remove().await?;
//! # Ok(()) }
//! ```

mod create;
mod details;
mod remove;
mod spec;
mod update;

use std::fmt;

pub use create::CreateVolume;
pub use details::{ClusterVolume, InspectVolume, ListVolumes, VolumeDetails, Volumes};
pub use remove::{PruneVolumes, PrunedVolumes, RemoveVolume};
pub use spec::VolumeSpec;
pub use update::{Availability, UpdateVolume};

use crate::error::Error;
use crate::transport::Transport;

/// A volume on an engine, by its name.
///
/// Get one from [`Docker::create_volume`](crate::Docker::create_volume) or
/// [`Docker::volume`](crate::Docker::volume).
#[derive(Clone)]
pub struct Volume {
    transport: Transport,
    name: String,
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Volume").field(&self.name).finish()
    }
}

impl Volume {
    fn new(transport: Transport, name: String) -> Volume {
        Volume { transport: transport.unlimited(), name }
    }

    pub(crate) fn named(transport: Transport, name: String) -> Result<Volume, Error> {
        Ok(Volume::new(transport, spec::checked(name)?))
    }

    /// Return the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ask for everything the engine knows of the volume: `docker volume inspect`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)).
    pub fn inspect(&self) -> InspectVolume {
        InspectVolume::new(self.clone())
    }

    /// Change a volume of a swarm: `docker volume update`. API 1.42.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)), or is no swarm's; somebody
    /// else has changed it meanwhile.
    pub fn update(&self) -> UpdateVolume {
        UpdateVolume::new(self.clone())
    }

    /// Remove the volume and its files: `docker volume rm`. Gone already is success.
    ///
    /// # Errors
    /// A container uses it, running or not ([`is_conflict`](crate::Error::is_conflict)).
    pub fn remove(&self) -> RemoveVolume {
        RemoveVolume::new(self.clone())
    }
}

/// The volume's name, for what mounts it.
impl From<&Volume> for String {
    fn from(volume: &Volume) -> String {
        volume.name.clone()
    }
}
