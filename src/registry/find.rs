//! Where the docker command keeps credentials, and the order in which it looks.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Credentials, Secret, helper, host, key};
use crate::config::read_json;
use crate::error::{CredentialsError, CredentialsFault, Error, excerpt};
use crate::transport::Surroundings;

const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// What `config.json` says of credentials.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    auths: Option<Auths>,
    #[serde(rename = "credHelpers")]
    helpers: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

type Auths = BTreeMap<String, Option<Entry>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
    registrytoken: Option<Secret>,
}

/// Find the credentials for a registry, or none: see [`Credentials::find`].
pub(super) async fn find(
    registry: &str,
    around: &Surroundings,
) -> Result<Option<Credentials>, Error> {
    let key = key(registry)?;
    let failed = |place: &str, fault| {
        let registry = host(registry).to_owned();
        Err(Error::Credentials(CredentialsError { registry, place: place.to_owned(), fault }))
    };
    if let Some(json) = around.auth_config() {
        match from_variable(json, &key) {
            Ok(Some(found)) => return Ok(Some(found.server(key))),
            Ok(None) => {}
            Err(rule) => return failed(VARIABLE, CredentialsFault::Malformed(rule)),
        }
    }
    let Some(path) = around.config_dir().map(|dir| dir.join("config.json")) else {
        return Ok(None);
    };
    let config: Config = read_json(&path)?.unwrap_or_default();
    let in_file = match of(&config.auths.unwrap_or_default(), &key) {
        Ok(found) => found,
        Err(rule) => {
            let place = excerpt(&path.to_string_lossy(), 4096);
            return failed(&place, CredentialsFault::Malformed(rule));
        }
    };
    // Named but empty, it switches the store off for this registry.
    let own = config.helpers.unwrap_or_default().remove(&key);
    let found = match own.unwrap_or(config.store).filter(|name| !name.is_empty()) {
        None => in_file,
        Some(name) => {
            let asked = helper::get(&name, &key, &around.program_dirs(), helper::PATIENCE).await;
            match asked {
                // A helper's "not found" holds, whatever the file has.
                Ok(found) => found,
                Err(CredentialsFault::HelperMissing) if in_file.is_some() => in_file,
                Err(fault) => return failed(&helper::program(&name), fault),
            }
        }
    };
    Ok(found.map(|c| c.server(key)))
}

/// List the registries that the configuration names. One whose credentials only the store knows is
/// not among them, unless it was logged in at from here: that leaves an empty entry.
pub(super) fn registries(around: &Surroundings) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    let mut take = |key: &str| {
        let host = host(key);
        // What is no host is no registry's name, and harms nobody.
        names.extend(super::key(host).is_ok().then(|| host.to_owned()));
    };
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Named {
        auths: Option<Auths>,
    }
    if let Some(json) = around.auth_config() {
        let named = serde_json::from_slice::<Named>(json).unwrap_or_default();
        named.auths.unwrap_or_default().keys().for_each(|key| take(key));
    }
    if let Some(path) = around.config_dir().map(|dir| dir.join("config.json")) {
        let config: Config = read_json(&path)?.unwrap_or_default();
        config.auths.unwrap_or_default().keys().for_each(|key| take(key));
        config.helpers.unwrap_or_default().keys().for_each(|key| take(key));
    }
    Ok(names)
}

/// The variable holds `auths` as the file does. Of anything else the CLI says that it does not
/// belong there, and then goes by the file alone; here it is left aside.
fn from_variable(json: &[u8], key: &str) -> Result<Option<Credentials>, String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Variable {
        auths: Option<Auths>,
    }
    let variable: Variable = serde_json::from_slice(json).map_err(|e| {
        format!("is not JSON of the right kind (line {}, column {})", e.line(), e.column())
    })?;
    of(&variable.auths.unwrap_or_default(), key)
}

/// Look a registry up by its key, else by the host of a key that is a URL, as old versions of the
/// CLI wrote them. An empty entry says nothing.
fn of(auths: &Auths, key: &str) -> Result<Option<Credentials>, String> {
    let exact = auths.get_key_value(key);
    let by_host = auths.iter().filter(|(name, _)| *name != key && host(name) == key);
    for (name, entry) in exact.into_iter().chain(by_host) {
        let Some(entry) = entry else { continue };
        let found = entry.credentials().ok_or_else(|| {
            let name = excerpt(name, 80);
            format!("has an \"auth\" for \"{name}\" that is not the base64 of USER:PASSWORD")
        })?;
        if found != Credentials::NONE {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl Entry {
    /// None where `auth` cannot be understood.
    fn credentials(&self) -> Option<Credentials> {
        let some = |secret: &Option<Secret>| secret.clone().filter(|s| !s.expose().is_empty());
        let (user, password) = match some(&self.auth) {
            Some(auth) => {
                let (user, password) = user_and_password(auth.expose())?;
                (Some(user), Some(password))
            }
            None => (self.username.clone(), self.password.clone()),
        };
        Some(Credentials {
            user: user.filter(|user| !user.is_empty()),
            password: some(&password),
            identity_token: some(&self.identitytoken),
            registry_token: some(&self.registrytoken),
            server: None,
        })
    }
}

fn user_and_password(auth: &str) -> Option<(String, Secret)> {
    // The decoder of the CLI passes over the ends of lines.
    let one_line = Zeroizing::new(auth.replace(['\r', '\n'], ""));
    let decoded = Zeroizing::new(STANDARD.decode(one_line.as_bytes()).ok()?);
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    // Very old versions of the CLI padded with NUL.
    let password = password.trim_matches('\0');
    (!user.is_empty()).then(|| (user.to_owned(), password.into()))
}
