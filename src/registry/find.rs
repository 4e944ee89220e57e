//! Where the docker command keeps credentials, and the order in which it looks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Credentials, Secret, helper, host, key};
use crate::config::read_json;
use crate::error::{CredentialsError, CredentialsFault, Error, excerpt};
use crate::transport::{Surroundings, look_up};

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

/// The helper for all registries that have none of their own.
struct Store {
    name: String,
    /// The configuration names none: it is the one that the CLI would take by itself.
    by_default: bool,
}

impl Config {
    /// As the CLI: a configuration that knows of no credentials at all is read as if it named the
    /// platform's own store, where the program for that is there.
    fn store(&self, dirs: &[PathBuf]) -> Option<Store> {
        if let Some(name) = self.store.clone().filter(|name| !name.is_empty()) {
            return Some(Store { name, by_default: false });
        }
        let known = self.auths.as_ref().is_some_and(|auths| !auths.is_empty())
            || self.helpers.as_ref().is_some_and(|helpers| !helpers.is_empty());
        if known {
            return None;
        }
        let name = if cfg!(target_vendor = "apple") {
            "osxkeychain"
        } else if !cfg!(target_os = "linux") {
            return None;
        } else if look_up("pass", dirs).is_some() {
            "pass"
        } else {
            "secretservice"
        };
        let there = look_up(&helper::program(name), dirs).is_some();
        there.then(|| Store { name: name.to_owned(), by_default: true })
    }
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
    let dirs = around.program_dirs();
    let store = config.store(&dirs);
    let in_file = match of(&config.auths.unwrap_or_default(), &key) {
        Ok(found) => found,
        Err(rule) => {
            let place = excerpt(&path.to_string_lossy(), 4096);
            return failed(&place, CredentialsFault::Malformed(rule));
        }
    };
    // Named but empty, it switches the store off for this registry.
    let helper = match config.helpers.unwrap_or_default().remove(&key) {
        Some(own) => own.map(|name| Store { name, by_default: false }),
        None => store,
    };
    let found = match helper.filter(|helper| !helper.name.is_empty()) {
        None => in_file,
        Some(Store { name, by_default }) => {
            match helper::get(&name, &key, &dirs, helper::PATIENCE).await {
                // A helper's "not found" holds, whatever the file has.
                Ok(found) => found,
                Err(CredentialsFault::HelperMissing) if in_file.is_some() => in_file,
                // Nobody has said that it should be asked.
                Err(_) if by_default => None,
                Err(fault) => return failed(&helper::program(&name), fault),
            }
        }
    };
    Ok(found.map(|c| c.server(key)))
}

/// Find the credentials for every registry that the configuration names or the store lists.
pub(super) async fn all(around: &Surroundings) -> Result<BTreeMap<String, Credentials>, Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Named {
        auths: Option<Auths>,
    }
    let mut names = BTreeSet::new();
    let mut take = |name: &str| {
        let host = host(name);
        // What is no host is no registry's name, and harms nobody.
        names.extend(key(host).is_ok().then(|| host.to_owned()));
    };
    if let Some(json) = around.auth_config() {
        let named = serde_json::from_slice::<Named>(json).unwrap_or_default();
        named.auths.unwrap_or_default().keys().for_each(|name| take(name));
    }
    let mut config = Config::default();
    if let Some(path) = around.config_dir().map(|dir| dir.join("config.json")) {
        config = read_json(&path)?.unwrap_or_default();
    }
    let helpers = config.helpers.as_ref();
    config.auths.iter().flat_map(|auths| auths.keys()).for_each(|name| take(name));
    helpers.iter().flat_map(|helpers| helpers.keys()).for_each(|name| take(name));

    let mut known = BTreeMap::new();
    for name in names {
        match find(&name, around).await {
            Ok(Some(credentials)) => _ = known.insert(name, credentials),
            Ok(None) => {}
            // As in a pull: what is public can still be had, and most builds need none of them.
            Err(Error::Credentials(_)) => {}
            Err(e) => return Err(e),
        }
    }
    let dirs = around.program_dirs();
    let Some(Store { name: store, .. }) = config.store(&dirs) else { return Ok(known) };
    let listed = helper::list(&store, &dirs, helper::PATIENCE).await.unwrap_or_default();
    for server in listed.iter().filter(|server| is_registry(server)) {
        let host = host(server);
        let Ok(key) = key(host) else { continue };
        let by_another = helpers.is_some_and(|helpers| helpers.contains_key(&key));
        if known.contains_key(host) || by_another {
            continue;
        }
        // It is asked for in the store's own words: these may be a URL.
        match helper::get(&store, server, &dirs, helper::PATIENCE).await {
            Ok(Some(found)) => _ = known.insert(host.to_owned(), found.server(key)),
            // The others would make one wait as long.
            Err(CredentialsFault::HelperTimeout(_)) => break,
            Ok(None) | Err(_) => {}
        }
    }
    Ok(known)
}

/// Say whether what a store lists is a registry's address. Docker Desktop keeps tokens of another
/// kind under paths below that of Docker Hub.
fn is_registry(server: &str) -> bool {
    let path = server.split_once("://").map_or(server, |(_, rest)| rest);
    let path = path.split_once('/').map_or("", |(_, path)| path);
    ["", "v1", "v1/", "v2", "v2/"].contains(&path)
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
