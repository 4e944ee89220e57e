//! Networks: what containers find each other by.
//!
//! ```no_run
//! # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
//! use bowline::ContainerSpec;
//!
//! let backend = docker.create_network("backend").await?;
//! let db = docker.run(ContainerSpec::new("postgres").name("db").network(&backend)).spawn().await?;
//! // One that runs already joins by another name.
//! let web = docker.container("web").await?.running()?;
//! backend.connect(&web).alias("frontend").await?;
//! for (id, end) in backend.inspect().await?.containers {
//!     println!("{} {} has {:?}", id.short(), end.name, end.ipv4_address);
//! }
//! # Ok(()) }
//! ```

mod connect;
mod create;
mod details;
mod remove;
mod spec;

use std::fmt;

pub use connect::{ConnectContainer, DisconnectContainer};
pub use create::CreateNetwork;
pub use details::{
    FindNetwork, InspectNetwork, Ipam, ListNetworks, NetworkDetails, NetworkEnd, SubnetDetails,
    SubnetUsage,
};
pub use remove::{PruneNetworks, PrunedNetworks, RemoveNetwork};
pub use spec::{NetworkSpec, Subnet};

use crate::container::ContainerRef;
use crate::container::spec::Endpoint;
use crate::transport::Transport;

/// A network on an engine.
///
/// Get one from [`Docker::create_network`](crate::Docker::create_network) or
/// [`Docker::network`](crate::Docker::network). A container is put on it when it is created
/// ([`ContainerSpec::network`](crate::ContainerSpec::network) takes `&network`), or later by
/// [`connect`](Network::connect).
///
/// The handle holds the id: it never comes to stand for another network.
#[derive(Clone)]
pub struct Network {
    transport: Transport,
    id: String,
    name: String,
    warning: String,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("id", &self.id).field("name", &self.name).finish()
    }
}

impl Network {
    fn new(transport: Transport, id: String, name: String, warning: String) -> Network {
        Network { transport: transport.unlimited(), id, name, warning }
    }

    /// Return the full id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Return the name. A network keeps its name for life.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Return what the engine warned of when this handle created the network; mostly empty.
    pub fn warning(&self) -> &str {
        &self.warning
    }

    /// Ask for everything the engine knows of the network: `docker network inspect`.
    ///
    /// # Errors
    /// It is not there ([`is_not_found`](crate::Error::is_not_found)).
    pub fn inspect(&self) -> InspectNetwork {
        InspectNetwork::new(self.clone())
    }

    /// Put a container on the network, running or not: `docker network connect`.
    ///
    /// A handle, an id or a name says which container.
    ///
    /// # Errors
    /// The container or the network is not there ([`is_not_found`](crate::Error::is_not_found));
    /// the container is on it already, or the address is taken (status 403).
    pub fn connect(&self, container: impl Into<ContainerRef>) -> ConnectContainer {
        ConnectContainer::new(self.clone(), container.into())
    }

    /// Take a container off the network: `docker network disconnect`.
    ///
    /// # Errors
    /// The container or the network is not there ([`is_not_found`](crate::Error::is_not_found));
    /// the container is not on it.
    pub fn disconnect(&self, container: impl Into<ContainerRef>) -> DisconnectContainer {
        DisconnectContainer::new(self.clone(), container.into())
    }

    /// Remove the network: `docker network rm`. Gone already is success.
    ///
    /// # Errors
    /// A running container is on it, or it is one of the engine's own (status 403).
    pub fn remove(&self) -> RemoveNetwork {
        RemoveNetwork::new(self.clone())
    }
}

/// The network by its id, for what is created on it.
impl From<&Network> for Endpoint {
    fn from(network: &Network) -> Endpoint {
        Endpoint::new(network.id.as_str())
    }
}

impl From<&Network> for String {
    fn from(network: &Network) -> String {
        network.id.clone()
    }
}
