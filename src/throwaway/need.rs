//! One that needs another.

use std::net::IpAddr;

use super::{StartThrowaway, Throwaway};
use crate::container::{ContainerDetails, ContainerSpec};
use crate::error::Error;

/// The network of an engine on which nobody is found by a name.
const DEFAULT: &str = "bridge";

/// Where a container is found by others.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Its networks but for the default one, by name and id.
    networks: Vec<(String, String)>,
    /// Its address on the default one.
    address: Option<IpAddr>,
}

impl Place {
    pub(super) fn of(details: &ContainerDetails) -> Place {
        let mut place = Place::default();
        for (name, end) in &details.network_settings.networks {
            match name.as_str() {
                DEFAULT => place.address = end.ip_address,
                _ => place.networks.push((name.clone(), end.network_id.clone())),
            }
        }
        place
    }
}

/// One that is needed: its name, and where it is.
#[derive(Debug, Clone)]
pub(super) struct Need(String, Place);

/// Let a container find those that it needs.
pub(super) fn meet(spec: ContainerSpec, needs: &[Need]) -> Result<ContainerSpec, Error> {
    needs.iter().try_fold(spec, |spec, Need(other, place)| {
        let is_alone = spec.get_networks().next().is_none();
        let by_default = is_alone || spec.get_networks().any(|mine| mine == DEFAULT);
        let is_there = |mine: &str| place.networks.iter().any(|(n, id)| mine == n || mine == id);
        if spec.get_networks().any(is_there) {
            return Ok(spec);
        }
        match (place.address, place.networks.first()) {
            (Some(address), _) if by_default => Ok(spec.add_host(other, address)),
            (_, Some((_, id))) if is_alone => Ok(spec.network(id.as_str())),
            _ => {
                let rule = "is on no network that this one is on: put both on one";
                Err(Error::invalid("needed container", other, rule))
            }
        }
    })
}

impl StartThrowaway {
    /// Say that it needs another, which is ready: it finds that one by its [name](Throwaway::name).
    ///
    /// It goes on the network that the other is on, unless it was told one. On an engine's default
    /// network, where nobody is found by a name, it gets the other's address by its hosts file. The
    /// other is to be held for as long as this one needs it.
    ///
    /// For names of your own, put both on a [`throwaway_network`](crate::Docker::throwaway_network)
    /// with [`network_alias`](StartThrowaway::network_alias).
    ///
    /// ```no_run
    /// # async fn f(docker: bowline::Docker) -> Result<(), Box<dyn std::error::Error>> {
    /// let db = docker.throwaway("postgres").env("POSTGRES_PASSWORD", "x").await?;
    /// let app = docker.throwaway("app").depends_on(&db).env("DB_HOST", db.name()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Where the two are on no network together, the start fails before anything is asked for.
    pub fn depends_on(mut self, other: &Throwaway) -> StartThrowaway {
        self.needs.push(Need(other.name.clone(), other.place.clone()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_meet() {
        let need = |networks: &[(&str, &str)], address: Option<&str>| {
            let networks = networks.iter().map(|(n, id)| ((*n).into(), (*id).into())).collect();
            let address = address.map(|address| address.parse().unwrap());
            [Need("db".into(), Place { networks, address })]
        };
        let spec = || ContainerSpec::new("busybox");
        let (by_default, named) = (need(&[], Some("172.17.0.2")), need(&[("net", "0f")], None));
        let met =
            |spec: ContainerSpec, needs: &[Need]| meet(spec, needs).map_err(|e| e.to_string());
        assert_eq!(met(spec(), &by_default), Ok(spec().add_host("db", "172.17.0.2")));
        let bridge = || spec().network("bridge");
        assert_eq!(met(bridge(), &by_default), Ok(bridge().add_host("db", "172.17.0.2")));
        assert_eq!(met(spec(), &named), Ok(spec().network("0f")));
        for mine in ["net", "0f"] {
            assert_eq!(met(spec().network(mine), &named), Ok(spec().network(mine)));
        }
        for (spec, need) in [
            (spec().network("other"), &named),
            (spec().network("other"), &by_default),
            (bridge(), &named),
            (spec(), &need(&[], None)),
        ] {
            assert!(met(spec, need).unwrap_err().contains("is on no network that this one is on"));
        }
        // Both, and two of them on one network.
        let twice = [named.clone(), named].concat();
        assert_eq!(met(spec(), &twice), Ok(spec().network("0f")));
    }
}
