//! How to get to the engine: its address, and what the way there needs.

use std::fmt;
use std::net::IpAddr;

use super::host::Host;
#[cfg(feature = "ssh")]
use super::ssh::Ssh;
use super::surroundings::Candidate;
#[cfg(feature = "ssh")]
use super::surroundings::Surroundings;
#[cfg(feature = "tls")]
use super::tls::{Client, Tls};
#[cfg(not(feature = "ssh"))]
use crate::error::SshFault;
#[cfg(not(feature = "tls"))]
use crate::error::TlsFault;
use crate::error::{Error, Late};

/// An address that can be dialled any number of times. What the way needs has been read and
/// checked.
pub(crate) struct Route {
    pub(super) host: Host,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Client>,
    #[cfg(feature = "ssh")]
    pub(super) ssh: Option<Ssh>,
}

/// Why an address cannot be dialled.
pub(crate) enum NoRoute {
    /// A value is wrong.
    Invalid(Error),
    /// This build cannot, or a program is missing.
    Late(Late),
}

impl From<Error> for NoRoute {
    fn from(e: Error) -> NoRoute {
        NoRoute::Invalid(e)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)
    }
}

impl Route {
    /// Say whether a network sees all that is said: TCP without TLS, to another machine.
    pub(super) fn is_in_clear(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return false;
        }
        let Host::Tcp { host, .. } = &self.host else { return false };
        let name = host.trim_matches(['[', ']']);
        let here = name.parse().map_or_else(|_| name == "localhost", |at: IpAddr| at.is_loopback());
        !here
    }

    /// Get ready to dial. Where TLS is asked for and cannot be had there is no route at all.
    pub(crate) fn new(
        candidate: &Candidate,
        #[cfg(feature = "tls")] given: Option<&Tls>,
        #[cfg(feature = "ssh")] around: &Surroundings,
    ) -> Result<Route, NoRoute> {
        let host = candidate.host.clone();
        let elsewhere = match host {
            Host::Npipe(_) if cfg!(not(windows)) => {
                Some("is a named pipe, and this is not Windows")
            }
            Host::Unix(_) if cfg!(windows) => Some("is a socket file, and this is Windows"),
            _ => None,
        };
        if let Some(rule) = elsewhere {
            let origin = "engine address";
            return Err(NoRoute::Invalid(Error::invalid(origin, host.to_string(), rule)));
        }
        #[cfg(feature = "tls")]
        let tls = match (&host, &candidate.tls, given) {
            (Host::Tcp { host, .. }, _, Some(tls)) => Some(tls.client(host)?),
            (Host::Tcp { host, .. }, Some(from), None) => Some(Tls::found(from)?.client(host)?),
            _ => None,
        };
        #[cfg(not(feature = "tls"))]
        if candidate.tls.is_some() {
            return Err(NoRoute::Late(Late::Tls(TlsFault::NotInThisBuild)));
        }
        #[cfg(feature = "ssh")]
        let ssh = Ssh::new(&host, around).map_err(NoRoute::Late)?;
        #[cfg(not(feature = "ssh"))]
        if matches!(host, Host::Ssh { .. }) {
            return Err(NoRoute::Late(Late::Ssh(SshFault::NotInThisBuild)));
        }
        Ok(Route {
            host,
            #[cfg(feature = "tls")]
            tls,
            #[cfg(feature = "ssh")]
            ssh,
        })
    }
}

/// What needs nothing but the address.
#[cfg(test)]
impl From<Host> for Route {
    fn from(host: Host) -> Route {
        Route {
            host,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "ssh")]
            ssh: None,
        }
    }
}
