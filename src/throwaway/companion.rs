//! Networks and volumes beside throwaway containers.

use std::ops::Deref;
use std::time::Duration;

use super::guard::{Guard, Thing};
use super::making::{GRACE, Making};
use super::session::no_thread;
use super::{clean, keeper};
use crate::docker::Docker;
use crate::error::Error;
use crate::network::{Network, NetworkSpec};
use crate::verb::awaitable;
use crate::volume::{Volume, VolumeSpec};

/// What uses a thing may be going just now: so long it is waited for.
const USED: Duration = Duration::from_secs(10);

impl Docker {
    /// Create a network that is gone when its handle is, or this process.
    ///
    /// It has a name that no other has, and containers on it find one another by their aliases.
    /// What is promised is what [`throwaway`](crate::throwaway) promises for containers.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// let net = docker.throwaway_network().await?;
    /// let db = docker.throwaway("postgres").network(&*net).network_alias("db").await?;
    /// let app = docker.throwaway("app").network(&*net).env("DB", "db:5432").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`create_network`](Docker::create_network); or nobody would clean up after this process
    /// ([`Error::Lease`]).
    pub fn throwaway_network(&self) -> CreateThrowawayNetwork {
        CreateThrowawayNetwork { docker: self.clone(), spec: None }
    }

    /// Create a volume that is gone when its handle is, or this process.
    ///
    /// It outlives the containers that mount it, and has a name that no other has.
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// use bowline::container::spec::Mount;
    ///
    /// let data = docker.throwaway_volume().await?;
    /// let db = docker.throwaway("postgres").mount(Mount::volume(data.name(), "/data")).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`create_volume`](Docker::create_volume); or nobody would clean up after this process
    /// ([`Error::Lease`]).
    pub fn throwaway_volume(&self) -> CreateThrowawayVolume {
        CreateThrowawayVolume { docker: self.clone(), spec: None }
    }
}

/// The verb behind [`Docker::throwaway_network`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CreateThrowawayNetwork {
    docker: Docker,
    spec: Option<NetworkSpec>,
}

/// The verb behind [`Docker::throwaway_volume`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CreateThrowawayVolume {
    docker: Docker,
    spec: Option<VolumeSpec>,
}

impl CreateThrowawayNetwork {
    /// Create it as this says, with the name that this has.
    pub fn spec(mut self, spec: impl Into<NetworkSpec>) -> CreateThrowawayNetwork {
        self.spec = Some(spec.into());
        self
    }

    async fn run(self) -> Result<ThrowawayNetwork, Error> {
        let CreateThrowawayNetwork { docker, spec } = self;
        let making = async move {
            let making = Making::begin(&docker)?;
            let spec = spec.unwrap_or_else(|| NetworkSpec::new(making.name()));
            let made = docker.create_network(spec.labels(making.labels())).await;
            let (network, guard) = making.made(docker, made, |it| Thing::Network(it.clone()))?;
            Ok(ThrowawayNetwork { network, guard })
        };
        keeper::spawn(making).map_err(no_thread)?.tied(GRACE).await?
    }
}

impl CreateThrowawayVolume {
    /// Create it as this says, with the name that this has, if any.
    pub fn spec(mut self, spec: impl Into<VolumeSpec>) -> CreateThrowawayVolume {
        self.spec = Some(spec.into());
        self
    }

    async fn run(self) -> Result<ThrowawayVolume, Error> {
        let CreateThrowawayVolume { docker, spec } = self;
        let making = async move {
            if let Some(name) = spec.as_ref().and_then(VolumeSpec::name) {
                // The engine would hand it out, and it would be removed.
                match docker.volume(name)?.inspect().await {
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                    Ok(_) => {
                        let rule = "must not be there already: it would be removed";
                        return Err(Error::invalid("throwaway volume", name, rule));
                    }
                }
            }
            let making = Making::begin(&docker)?;
            let spec = spec.unwrap_or_else(|| VolumeSpec::new(making.name()));
            let made = docker.create_volume(spec.labels(making.labels())).await;
            let (volume, guard) = making.made(docker, made, |it| Thing::Volume(it.clone()))?;
            Ok(ThrowawayVolume { volume, guard })
        };
        keeper::spawn(making).map_err(no_thread)?.tied(GRACE).await?
    }
}

awaitable!(CreateThrowawayNetwork => Result<ThrowawayNetwork, Error>);
awaitable!(CreateThrowawayVolume => Result<ThrowawayVolume, Error>);

/// Handles that hold a thing until they are let go of.
macro_rules! holds {
    ($(#[doc = $doc:literal])* $name:ident, $field:ident: $thing:ident) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        #[must_use = "it is removed when this is dropped"]
        pub struct $name {
            $field: $thing,
            guard: Guard,
        }

        impl $name {
            /// Remove it, and wait until it is gone. What uses it must be gone first, or go
            /// within 10 s.
            ///
            /// # Errors
            /// It is still used; the engine does not remove it, or cannot be reached. It is tried
            /// again when this process ends.
            pub async fn close(self) -> Result<(), Error> {
                self.guard.remove().await
            }

            /// Let it live on: nobody removes it then, whatever becomes of this process.
            ///
            /// # Errors
            /// That it is to stay could not be written down; it is removed.
            pub fn keep(self) -> Result<$thing, Error> {
                self.guard.keep()?;
                Ok(self.$field)
            }
        }

        impl Deref for $name {
            type Target = $thing;

            fn deref(&self) -> &$thing {
                &self.$field
            }
        }
    };
}

holds! {
    /// A network that is gone when this is dropped, once the containers on it are.
    ThrowawayNetwork, network: Network
}
holds! {
    /// A volume that is gone when this is dropped, once the containers that use it are.
    ThrowawayVolume, volume: Volume
}

/// Remove a thing, when those that use it are gone: they may be going just now.
pub(super) async fn discard(docker: Docker, thing: Thing) -> Result<(), Error> {
    let begun = tokio::time::Instant::now();
    loop {
        let removed = match &thing {
            Thing::Container(id) => return clean::remove(docker, id.clone()).await,
            Thing::Network(network) => network.remove().await,
            Thing::Volume(volume) => volume.remove().await,
        };
        match removed {
            Err(error) if is_used(&error) && begun.elapsed() < USED => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            removed => return removed,
        }
    }
}

/// Engines say 403 of a network with containers on it, 409 of a volume.
pub(super) fn is_used(error: &Error) -> bool {
    matches!(error.status(), Some(403 | 409))
}
