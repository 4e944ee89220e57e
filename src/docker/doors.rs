//! The doors from an engine to its networks, volumes and plugins, to itself, and to any other call.

use super::Docker;
use crate::error::Error;
use crate::image::reference::IntoImageRef;
use crate::network::{CreateNetwork, FindNetwork, ListNetworks, NetworkSpec, PruneNetworks};
use crate::plugin::{AskPrivileges, CreatePlugin, InstallPlugin, ListPlugins, Plugin};
use crate::raw::{RawCall, Route};
use crate::system::{Info, MeasureDisk, PruneBuildCache, PruneSystem};
use crate::volume::{CreateVolume, ListVolumes, PruneVolumes, Volume, VolumeSpec};

impl Docker {
    /// Ask what the engine is, has and can do: `docker info`.
    ///
    /// # Errors
    /// As every call.
    pub fn info(&self) -> Info {
        Info::new(self.transport.clone())
    }

    /// Ask what images, containers, volumes and the build cache take on disk: `docker system df`.
    /// That takes the engine time.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let df = docker.disk_usage().await?;
    /// println!("{} of {} bytes can be had back", df.images.reclaimable, df.images.size);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Somebody else asks at the same time ([`is_conflict`](Error::is_conflict)), on some engines.
    pub fn disk_usage(&self) -> MeasureDisk {
        MeasureDisk::new(self.transport.clone())
    }

    /// Remove containers that do not run, networks that nobody uses, images without names and the
    /// build cache: `docker system prune`. Volumes only when asked for.
    ///
    /// # Errors
    /// The engine cannot be reached. What could not be done is in
    /// [`PrunedSystem::failed`](crate::system::PrunedSystem::failed).
    pub fn prune(&self) -> PruneSystem {
        PruneSystem::new(self.transport.clone())
    }

    /// Remove what is kept for later builds: `docker builder prune`.
    ///
    /// # Errors
    /// A size is none (before anything is sent); the engine has no build cache.
    pub fn prune_build_cache(&self) -> PruneBuildCache {
        PruneBuildCache::new(self.transport.clone())
    }

    /// Make any call of the Engine API, for what has no verb here: its errors, time-outs and
    /// encoding are those of all others.
    ///
    /// The path is the one in the API's reference, without the version. A name in it that may hold a
    /// slash goes into a list of the path's parts.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker, name: &str) -> Result<(), bowline::Error> {
    /// let nodes = docker.raw("GET", "/nodes").query("filters", r#"{"role":["manager"]}"#).await?;
    /// let nodes: serde_json::Value = nodes.json().await?;
    /// let update = docker.raw("POST", ["nodes", name, "update"]).query("version", 7);
    /// update.json(&serde_json::json!({"Availability": "drain"})).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The method or a header is none (before anything is sent); the engine says no
    /// ([`Error::Api`]).
    pub fn raw(&self, method: impl AsRef<str>, path: impl Into<Route>) -> RawCall {
        RawCall::new(self.transport.clone(), method.as_ref(), path.into())
    }

    /// Create a network: `docker network create`.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::{ContainerSpec, NetworkSpec};
    ///
    /// let backend = docker.create_network(NetworkSpec::new("backend").subnet("172.28.0.0/16")).await?;
    /// let db = ContainerSpec::new("busybox").cmd(["nc", "-lk", "-p", "80"]).name("db").network(&backend);
    /// docker.run(db).spawn().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A value of the spec breaks a rule (before anything is sent); the name is taken
    /// ([`is_conflict`](Error::is_conflict)); a subnet overlaps with another (status 403).
    pub fn create_network(&self, spec: impl Into<NetworkSpec>) -> CreateNetwork {
        CreateNetwork::new(self.transport.clone(), spec.into())
    }

    /// Find a network by name, by id, or by a unique beginning of its id.
    ///
    /// # Errors
    /// [`is_not_found`](Error::is_not_found); status 400 where several have that name or beginning.
    pub fn network(&self, name_or_id: impl Into<String>) -> FindNetwork {
        FindNetwork::new(self.transport.clone(), name_or_id.into())
    }

    /// List networks: `docker network ls`.
    pub fn networks(&self) -> ListNetworks {
        ListNetworks::new(self.transport.clone())
    }

    /// Remove all networks that no container uses: `docker network prune`.
    ///
    /// # Errors
    /// Another prune of networks is under way ([`is_conflict`](Error::is_conflict)).
    pub fn prune_networks(&self) -> PruneNetworks {
        PruneNetworks::new(self.transport.clone())
    }

    /// Create a volume: `docker volume create`.
    ///
    /// One of the same name and driver that is there already is success: it stays as it is.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// use bowline::VolumeSpec;
    ///
    /// let data = docker.create_volume("data").await?;
    /// let scratch = docker.create_volume(VolumeSpec::unnamed().label("stage", "test")).await?;
    /// println!("{} and {}", data.name(), scratch.name());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A value of the spec breaks a rule (before anything is sent); the driver is not there
    /// ([`is_not_found`](Error::is_not_found)); another driver has a volume of the name
    /// ([`is_conflict`](Error::is_conflict)).
    pub fn create_volume(&self, spec: impl Into<VolumeSpec>) -> CreateVolume {
        CreateVolume::new(self.transport.clone(), spec.into())
    }

    /// Name a volume on this engine. Nothing is sent.
    ///
    /// # Errors
    /// The text can be no volume's name.
    pub fn volume(&self, name: impl Into<String>) -> Result<Volume, Error> {
        Volume::named(self.transport.clone(), name.into())
    }

    /// List volumes: `docker volume ls`.
    pub fn volumes(&self) -> ListVolumes {
        ListVolumes::new(self.transport.clone())
    }

    /// Remove all anonymous volumes that no container uses: `docker volume prune`.
    ///
    /// # Errors
    /// Another prune of volumes is under way ([`is_conflict`](Error::is_conflict)).
    pub fn prune_volumes(&self) -> PruneVolumes {
        PruneVolumes::new(self.transport.clone())
    }

    /// Ask what rights a plugin of a registry wants: the docker command asks its user whether it
    /// may have them.
    ///
    /// # Errors
    /// As [`pull`](Docker::pull).
    pub fn plugin_privileges(&self, remote: impl IntoImageRef) -> AskPrivileges {
        AskPrivileges::new(self.transport.clone(), remote.into_image_ref())
    }

    /// Fetch a plugin from its registry: `docker plugin install --disable`. It is not enabled yet.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
    /// let wants = docker.plugin_privileges("vieux/sshfs").await?;
    /// println!("{wants:?}");
    /// let plugin = docker.install_plugin("vieux/sshfs").grant(wants).alias("sshfs").await?;
    /// plugin.set(["DEBUG=1"]).await?;
    /// plugin.enable().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// It wants rights that were not granted; else as [`pull`](Docker::pull).
    pub fn install_plugin(&self, remote: impl IntoImageRef) -> InstallPlugin {
        InstallPlugin::new(self.transport.clone(), remote.into_image_ref(), None)
    }

    /// Make a plugin of a tar archive that holds `config.json` and `rootfs/`:
    /// `docker plugin create`.
    ///
    /// # Errors
    /// It is no such archive; the name is taken.
    pub fn create_plugin(
        &self,
        name: impl Into<String>,
        archive: impl tokio::io::AsyncRead + Send + 'static,
    ) -> CreatePlugin {
        CreatePlugin::new(self.transport.clone(), name.into(), archive)
    }

    /// Name a plugin on this engine. Nothing is sent.
    ///
    /// # Errors
    /// The text can be no plugin's name.
    pub fn plugin(&self, name: impl Into<String>) -> Result<Plugin, Error> {
        Plugin::named(self.transport.clone(), name.into())
    }

    /// List plugins: `docker plugin ls`.
    pub fn plugins(&self) -> ListPlugins {
        ListPlugins::new(self.transport.clone())
    }
}
