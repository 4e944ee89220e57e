//! Image registries: credentials as the docker command has them, and logging in.
//!
//! The engine keeps no passwords. Whoever asks it to pull, push or build sends the credentials
//! along; the docker command takes them from its `config.json` and from credential helpers, and so
//! does this crate.

mod find;
mod helper;
mod login;
mod secret;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{CredentialsError, CredentialsFault, Error};
use crate::transport::Surroundings;
use crate::wire::HeaderValue;

pub use login::{LoggedIn, Login};
pub use secret::Secret;

/// The name under which the docker command keeps the credentials for Docker Hub.
const HUB: &str = "https://index.docker.io/v1/";

/// What a registry is to believe the engine by.
///
/// Secrets appear neither in `Debug` nor in errors. They travel to the engine as the connection
/// is: in the clear over plain `tcp://`.
///
/// ```
/// use bowline::Credentials;
///
/// let ada = Credentials::password("ada", "p?w");
/// assert!(!format!("{ada:?}").contains("p?w"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Credentials {
    user: Option<String>,
    password: Option<Secret>,
    identity_token: Option<Secret>,
    registry_token: Option<Secret>,
    server: Option<String>,
}

impl Credentials {
    const NONE: Credentials = Credentials {
        user: None,
        password: None,
        identity_token: None,
        registry_token: None,
        server: None,
    };

    /// Name a user and the password, or an access token that stands for one.
    pub fn password(user: impl Into<String>, password: impl Into<Secret>) -> Credentials {
        let (user, password) = (Some(user.into()), Some(password.into()));
        Credentials { user, password, ..Credentials::NONE }
    }

    /// Use the token that a registry gave at a login in place of the password
    /// ([`LoggedIn::identity_token`]).
    pub fn identity_token(token: impl Into<Secret>) -> Credentials {
        Credentials { identity_token: Some(token.into()), ..Credentials::NONE }
    }

    /// Use a token that is sent to the registry as it is, as `Authorization: Bearer`.
    pub fn registry_token(token: impl Into<Secret>) -> Credentials {
        Credentials { registry_token: Some(token.into()), ..Credentials::NONE }
    }

    /// Bind them to one registry, such as "registry:5000" or "docker.io": for any other they are
    /// refused before anything is sent.
    pub fn server(mut self, registry: impl Into<String>) -> Credentials {
        self.server = Some(registry.into());
        self
    }

    /// Look up what the docker command would use for a registry, such as "ghcr.io",
    /// "registry:5000" or "docker.io".
    ///
    /// That is, the first of these that knows the registry: the variable `DOCKER_AUTH_CONFIG`; the
    /// credential helper that `config.json` names for the registry, or for all; the `auths` of
    /// `config.json`. A helper is a program `docker-credential-NAME` in `PATH`; it is given 10
    /// seconds. Where `config.json` names no helper and has no `auths`, the platform's own is asked
    /// if it is there, as the docker command does: `osxkeychain` on macOS; on Linux `pass` where
    /// there is a program `pass`, else `secretservice`. That one may fail: nobody has named it.
    /// Returns none where nothing is known of the registry, or where its helper says so.
    /// Another registry's credentials are never returned, were it only another port's.
    ///
    /// Unlike the docker command, this fails where a helper does; the command goes on without
    /// credentials, to an error that does not tell why.
    ///
    /// # Errors
    /// [`Error::Credentials`] where a helper is missing or fails, or what it or the variable says
    /// makes no sense; [`Error::InvalidInput`] where `config.json` cannot be read, or the registry
    /// is no host.
    pub async fn find(registry: &str) -> Result<Option<Credentials>, Error> {
        find::find(registry, &Surroundings::from_process()).await
    }

    /// Refuse to go to any registry but their own.
    fn bound_to(&self, key: &str) -> Result<(), Error> {
        match &self.server {
            Some(server) if self::key(server)? != key => {
                let rule = format!("is not the registry \"{}\" that is asked for", host(key));
                Err(Error::invalid("registry of the credentials", host(server), rule))
            }
            _ => Ok(()),
        }
    }

    fn wire<'a>(&'a self, key: &'a str) -> Wire<'a> {
        Wire {
            username: self.user.as_deref(),
            password: self.password.as_ref().map(Secret::expose),
            identitytoken: self.identity_token.as_ref().map(Secret::expose),
            registrytoken: self.registry_token.as_ref().map(Secret::expose),
            serveraddress: key,
        }
    }
}

/// Credentials as the engine reads them.
#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identitytoken: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registrytoken: Option<&'a str>,
    serveraddress: &'a str,
}

/// Whose credentials a verb sends along: by itself those that the docker command would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum AuthChoice {
    #[default]
    AsCli,
    Given(Credentials),
    Anonymous,
}

impl AuthChoice {
    /// Make the value of `X-Registry-Auth` for a registry, by the domain of an image's name.
    ///
    /// There is always one: older engines refuse a push that comes without.
    pub(crate) async fn header(&self, domain: &str) -> Result<HeaderValue, Error> {
        match self {
            AuthChoice::AsCli => {
                AuthChoice::as_cli_header(domain, &Surroundings::from_process()).await
            }
            AuthChoice::Given(credentials) => {
                let key = key(domain)?;
                credentials.bound_to(&key)?;
                encoded(&credentials.wire(&key))
            }
            AuthChoice::Anonymous => encoded(&NOBODY),
        }
    }

    async fn as_cli_header(domain: &str, around: &Surroundings) -> Result<HeaderValue, Error> {
        match find::find(domain, around).await {
            Ok(Some(credentials)) => encoded(&credentials.wire(&key(domain)?)),
            Ok(None) => encoded(&NOBODY),
            // A configuration that came from another machine, mostly. As with the CLI, what is
            // public can still be had.
            Err(Error::Credentials(CredentialsError {
                fault: CredentialsFault::HelperMissing,
                ..
            })) => encoded(&NOBODY),
            Err(e) => Err(e),
        }
    }
}

/// Find the credentials for every registry that the docker command would send them for.
pub(crate) async fn all_known() -> Result<BTreeMap<String, Credentials>, Error> {
    find::all(&Surroundings::from_process()).await
}

/// `{}` to serde.
const NOBODY: BTreeMap<&str, &str> = BTreeMap::new();

/// Make the value of `X-Registry-Config`, with which a build pulls from several registries.
pub(crate) fn config_header(known: &BTreeMap<String, Credentials>) -> Result<HeaderValue, Error> {
    let mut keyed = BTreeMap::new();
    for (registry, credentials) in known {
        let key = key(registry)?;
        credentials.bound_to(&key)?;
        keyed.insert(key, credentials);
    }
    let wire: BTreeMap<_, _> = keyed.iter().map(|(key, c)| (key, c.wire(key))).collect();
    encoded(&wire)
}

/// JSON in the URL-safe alphabet, padded. Engines read anything else as no credentials, without a
/// word.
fn encoded(value: &impl Serialize) -> Result<HeaderValue, Error> {
    let unsendable = || Error::invalid("credentials", "***", "cannot be sent in a header");
    let json = Zeroizing::new(serde_json::to_vec(value).map_err(|_| unsendable())?);
    let text = Zeroizing::new(URL_SAFE.encode(&json));
    let mut header = HeaderValue::from_str(&text).map_err(|_| unsendable())?;
    header.set_sensitive(true);
    Ok(header)
}

/// Make the name under which the docker command keeps a registry's credentials: its host and port,
/// but for Docker Hub.
fn key(registry: &str) -> Result<String, Error> {
    let refuse = |shown: &str, rule: &str| Err(Error::invalid("registry", shown, rule));
    // What is before it may be a password.
    if let Some((_, shown)) = registry.rsplit_once('@') {
        return refuse(shown, "must come without a user or password");
    }
    let host = host(registry);
    let fine = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    if host.is_empty() || !host.bytes().all(fine) {
        return refuse(host, "must be a host, with a port if need be");
    }
    Ok(match host {
        "docker.io" | "index.docker.io" => HUB.to_owned(),
        host => host.to_owned(),
    })
}

/// Cut `https://` and a path off.
fn host(registry: &str) -> &str {
    let bare = registry.strip_prefix("https://").or_else(|| registry.strip_prefix("http://"));
    let bare = bare.unwrap_or(registry);
    bare.split_once('/').map_or(bare, |(host, _)| host)
}

#[cfg(test)]
mod tests;
