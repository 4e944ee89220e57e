//! The docker CLI's contexts: named engines in its configuration folder.
//!
//! `config.json` may say which is current; `contexts/meta/*/meta.json` describe them, and
//! `contexts/tls/*/docker/` holds their keys. All is the user's and is only read.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::host::{Host, without_secrets};
use super::surroundings::{Surroundings, TlsFrom, config_of, context_in_force};
use crate::config::{read_json, unreadable};
use crate::error::{Error, excerpt};

/// The name under which the CLI means "no context".
pub(super) const DEFAULT: &str = "default";

/// Where a context's engine is.
#[derive(Debug, PartialEq)]
pub(super) struct Endpoint {
    pub(super) host: Host,
    /// Whether the context asks for TLS, and how; only ever so for a TCP port.
    pub(super) tls: Option<TlsFrom>,
}

/// Read the name of the current context from `config.json`; none is as good as [`DEFAULT`].
pub(super) fn current(config: &Path) -> Result<Option<String>, Error> {
    #[derive(Default, Deserialize)]
    struct Config {
        #[serde(rename = "currentContext")]
        current_context: Option<String>,
    }
    let config: Option<Config> = read_json(&config.join("config.json"))?;
    Ok(config.and_then(|c| c.current_context).filter(|name| !name.is_empty()))
}

/// Look a context up. `chosen_by` tells the reader of an error who named it.
pub(super) fn endpoint(config: &Path, name: &str, chosen_by: &str) -> Result<Endpoint, Error> {
    let refuse = |rule: String| {
        Error::invalid("docker context", name, format!("(chosen by {chosen_by}) {rule}"))
    };
    let (id, meta) = look_up(config, name).map_err(refuse)?;
    let Some(docker) = meta.endpoints.docker else {
        return Err(refuse("has no docker endpoint".into()));
    };
    // The CLI would go to the local engine here: another engine than the one that was chosen.
    let Some(address) = docker.host.filter(|h| !h.is_empty()) else {
        return Err(refuse("names no host".into()));
    };
    let host = Host::parse("host of a docker context", &address).map_err(|e| match e {
        Error::InvalidInput(mut e) => {
            e.rule = format!("{} (docker context \"{name}\")", e.rule);
            Error::InvalidInput(e)
        }
        e => e,
    })?;
    let path = keys(config, &id);
    let accept_any = docker.skip_tls_verify.unwrap_or(false);
    let tls = match host {
        Host::Tcp { .. } if accept_any || holds_files(&path)? => {
            Some(TlsFrom::Folder { path, needs_ca: false, accept_any })
        }
        Host::Tcp { tls: true, .. } => Some(TlsFrom::Address),
        _ => None,
    };
    Ok(Endpoint { host, tls })
}

/// A docker context: an engine by a name, as `docker context create` keeps it.
///
/// To use one: [`Docker::context`](crate::Docker::context).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DockerContext {
    /// Its name.
    pub name: String,
    /// What its maker says of it.
    pub description: Option<String>,
    /// The engine's address, as it stands there. `None` where it names none, and for the context
    /// "default" where `DOCKER_HOST` is not set.
    pub host: Option<String>,
    /// Whether keys for TLS lie beside it.
    pub tls: bool,
    /// Whether it has TLS take any certificate for the engine's.
    pub skip_tls_verify: bool,
    /// Whether it is in force: [`Docker::connect`](crate::Docker::connect) goes there.
    pub current: bool,
}

impl DockerContext {
    /// List the contexts, "default" first and the others by name: `docker context ls`.
    ///
    /// One that cannot be read is left out; [`inspect`](DockerContext::inspect) says what is wrong
    /// with it.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where the store, or the configuration that says which is in force,
    /// cannot be read.
    pub fn list() -> Result<Vec<DockerContext>, Error> {
        DockerContext::list_in(&Surroundings::from_process())
    }

    /// Return the context that is in force: `docker context show`.
    ///
    /// That is "default" where `DOCKER_HOST` is set; else the one of `DOCKER_CONTEXT`; else the
    /// one of `docker context use`; else "default".
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where it does not exist or cannot be read.
    pub fn current() -> Result<DockerContext, Error> {
        let around = Surroundings::from_process();
        DockerContext::inspect_in(&context_in_force(&around)?, &around)
    }

    /// Look a context up by its name: `docker context inspect`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where it does not exist or cannot be read; it lists those that do.
    pub fn inspect(name: &str) -> Result<DockerContext, Error> {
        DockerContext::inspect_in(name, &Surroundings::from_process())
    }

    fn list_in(around: &Surroundings) -> Result<Vec<DockerContext>, Error> {
        let current = context_in_force(around)?;
        let mut list = Vec::new();
        if let Some(config) = around.config_dir() {
            let store = read_store(&config);
            let store = store.map_err(|rule| Error::invalid("docker contexts", "all", rule))?;
            for (id, meta) in store.found {
                list.push(DockerContext::of(&config, &id, meta, &current)?);
            }
        }
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list.insert(0, DockerContext::default_one(around, &current)?);
        Ok(list)
    }

    fn inspect_in(name: &str, around: &Surroundings) -> Result<DockerContext, Error> {
        let current = context_in_force(around)?;
        if name == DEFAULT {
            return DockerContext::default_one(around, &current);
        }
        let config = config_of(around, name)?;
        let found = look_up(&config, name);
        let (id, meta) = found.map_err(|rule| Error::invalid("docker context", name, rule))?;
        DockerContext::of(&config, &id, meta, &current)
    }

    fn of(config: &Path, id: &OsString, meta: Meta, current: &str) -> Result<DockerContext, Error> {
        let docker = meta.endpoints.docker.unwrap_or_default();
        Ok(DockerContext {
            current: meta.name == current,
            name: meta.name,
            description: meta.metadata.and_then(|m| m.description).filter(|text| !text.is_empty()),
            host: docker.host.filter(|host| !host.is_empty()).map(|host| without_secrets(&host)),
            tls: holds_files(&keys(config, id))?,
            skip_tls_verify: docker.skip_tls_verify.unwrap_or(false),
        })
    }

    fn default_one(around: &Surroundings, current: &str) -> Result<DockerContext, Error> {
        Ok(DockerContext {
            name: DEFAULT.to_owned(),
            description: None,
            host: around.docker_host()?.map(|host| without_secrets(host.trim())),
            tls: false,
            skip_tls_verify: false,
            current: current == DEFAULT,
        })
    }
}

fn keys(config: &Path, id: &OsString) -> PathBuf {
    config.join("contexts").join("tls").join(id).join("docker")
}

fn is_context_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.+-".contains(&b))
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Metadata")]
    metadata: Option<Metadata>,
    #[serde(rename = "Endpoints", default)]
    endpoints: Endpoints,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(rename = "Description")]
    description: Option<String>,
}

#[derive(Default, Deserialize)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Default, Deserialize)]
struct DockerEndpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify")]
    skip_tls_verify: Option<bool>,
}

/// Find the context of this name and its folder's name in the store.
///
/// The CLI finds the folder by the SHA-256 of the name; we read them all and compare names, which
/// needs no hash and lets the error list what there is. A broken neighbour does no harm.
fn look_up(config: &Path, name: &str) -> Result<(OsString, Meta), String> {
    if !is_context_name(name) {
        return Err("must be two or more ASCII letters, digits, '_', '.', '+' and '-', and begin \
                    with a letter or digit"
            .into());
    }
    let mut store = read_store(config)?;
    let places: Vec<_> = store.found.iter().map(|(_, meta)| meta.name == name).collect();
    let times = places.iter().filter(|is| **is).count();
    if times > 1 {
        return Err(format!("is {times} times in {}", store.path.display()));
    }
    if let Some(at) = places.iter().position(|is| *is) {
        return Ok(store.found.swap_remove(at));
    }
    let mut known: Vec<_> = store.found.iter().map(|(_, meta)| excerpt(&meta.name, 80)).collect();
    known.sort();
    let mut rule = format!("is not in {}", store.path.display());
    if !known.is_empty() {
        rule += &format!(", which has: {}", known.join(", "));
    }
    for e in store.broken {
        rule += &format!("; {e}");
    }
    Err(rule)
}

struct Store {
    path: PathBuf,
    found: Vec<(OsString, Meta)>,
    broken: Vec<Error>,
}

fn read_store(config: &Path) -> Result<Store, String> {
    let path = config.join("contexts").join("meta");
    let unread = |e: &std::io::Error| format!("cannot be looked up in {}: {e}", path.display());
    let entries = match fs::read_dir(&path) {
        Ok(entries) => Some(entries),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(unread(&e)),
    };
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    for entry in entries.into_iter().flatten() {
        let entry = entry.map_err(|e| unread(&e))?;
        let id = entry.file_name();
        // Other folders, such as "<hash>.bak", the CLI does not see either.
        if !is_sha256(&id) {
            continue;
        }
        match read_json::<Meta>(&entry.path().join("meta.json")) {
            Ok(Some(meta)) => found.push((id, meta)),
            Ok(None) => {}
            Err(e) => broken.push(e),
        }
    }
    Ok(Store { path, found, broken })
}

fn is_sha256(id: &OsString) -> bool {
    let id = id.as_encoded_bytes();
    id.len() == 64 && id.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn holds_files(folder: &Path) -> Result<bool, Error> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(unreadable(folder, &e)),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;
    use crate::config::LARGEST_FILE;

    /// A configuration folder as the CLI writes it.
    pub(in crate::transport) struct Store(pub(in crate::transport) TempDir);

    impl Store {
        pub(in crate::transport) fn new() -> Store {
            Store(tempfile::tempdir().unwrap())
        }

        pub(in crate::transport) fn path(&self) -> &Path {
            self.0.path()
        }

        pub(in crate::transport) fn config(self, json: &str) -> Store {
            fs::write(self.path().join("config.json"), json).unwrap();
            self
        }

        pub(in crate::transport) fn meta(self, id: &str, json: &str) -> Store {
            let folder = self.path().join("contexts/meta").join(id);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("meta.json"), json).unwrap();
            self
        }

        pub(in crate::transport) fn file(self, name: &str, text: &str) -> Store {
            fs::write(self.path().join(name), text).unwrap();
            self
        }

        /// Add a context under the hash of its name, as coreutils has it.
        pub(in crate::transport) fn context(self, name: &str, docker: &str) -> Store {
            let json =
                format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{docker}}}}}"#);
            let id = Store::id(name);
            self.meta(&id, &json)
        }

        pub(in crate::transport) fn keys(self, name: &str) -> Store {
            let folder = self.path().join("contexts/tls").join(Store::id(name)).join("docker");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("ca.pem"), "").unwrap();
            self
        }

        pub(in crate::transport) fn id(name: &str) -> String {
            let out = Command::new("sh")
                .args(["-c", "printf %s \"$1\" | sha256sum", "sh", name])
                .output()
                .unwrap();
            String::from_utf8(out.stdout).unwrap()[..64].to_owned()
        }

        fn endpoint(&self, name: &str) -> Result<Endpoint, String> {
            endpoint(self.path(), name, "DOCKER_CONTEXT").map_err(|e| e.to_string())
        }
    }

    #[test]
    fn a_context_is_found_by_its_name() {
        let far = r#"{"Host":"tcp://far","SkipTLSVerify":false}"#;
        let store = Store::new()
            .context("local", r#"{"Host":"unix:///run/l.sock","SkipTLSVerify":true}"#)
            .keys("local")
            .context("far", far)
            .context("lax", r#"{"Host":"tcp://far","SkipTLSVerify":true}"#)
            .context("locked", far)
            .keys("locked")
            .context("bom", r#"{"Host":"tcp://far"}"#)
            .meta("readme", r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://other"}}}"#)
            .meta(&"0".repeat(64), "{broken");
        let tcp = |tls| Ok(Endpoint { host: "tcp://far:2375".parse().unwrap(), tls });
        let folder = |name, accept_any| {
            let path = store.path().join("contexts/tls").join(Store::id(name)).join("docker");
            Some(TlsFrom::Folder { path, needs_ca: false, accept_any })
        };
        let local = Endpoint { host: "unix:///run/l.sock".parse().unwrap(), tls: None };
        assert_eq!(store.endpoint("local"), Ok(local));
        assert_eq!(store.endpoint("far"), tcp(None));
        assert_eq!(store.endpoint("bom"), tcp(None));
        assert_eq!(store.endpoint("lax"), tcp(folder("lax", true)));
        assert_eq!(store.endpoint("locked"), tcp(folder("locked", false)));
    }

    #[test]
    fn a_context_that_cannot_be_used_says_why() {
        let mut store = Store::new()
            .context("none", "null")
            .context("empty", r#"{"Host":""}"#)
            .context("hostless", r#"{"SkipTLSVerify":true}"#)
            .context("ssh", r#"{"Host":"ssh://u:hunter2@h"}"#)
            .meta(&Store::id("bare"), r#"{"Name":"bare"}"#);
        for (name, rule) in [
            ("none", "no docker endpoint"),
            ("bare", "no docker endpoint"),
            ("empty", "names no host"),
            ("hostless", "names no host"),
            ("ssh", "must not hold a password (docker context \"ssh\")"),
            ("a", "two or more"),
            ("", "two or more"),
            (" ssh", "begin with"),
            ("-ssh", "begin with"),
            ("../ssh", "ASCII letters"),
            ("x/../ssh", "ASCII letters"),
            ("büro", "ASCII letters"),
            ("gone", "which has: bare, empty, hostless, none, ssh"),
        ] {
            let error = store.endpoint(name).unwrap_err();
            assert!(error.contains(rule) && error.contains(name), "{name}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(Store::new().endpoint("gone").unwrap_err().contains("is not in"));

        store = store.meta(&Store::id("broken"), "{");
        let error = store.endpoint("broken").unwrap_err();
        let path = store.path().join("contexts/meta").join(Store::id("broken")).join("meta.json");
        assert!(error.contains(path.to_str().unwrap()), "{error}");

        store = store.meta(&"0".repeat(64), r#"{"Name":"bare"}"#);
        assert!(store.endpoint("bare").unwrap_err().contains("is 2 times in"));
    }

    #[test]
    fn contexts_are_listed_and_looked_up() {
        let described = r#"{"Name":"far","Metadata":{"Description":"the farm"},
            "Endpoints":{"docker":{"Host":"tcp://u:hunter2@far:2376","SkipTLSVerify":true}}}"#;
        let store = Store::new()
            .config(r#"{"currentContext":"near"}"#)
            .meta(&Store::id("far"), described)
            .keys("far")
            .context("near", r#"{"Host":"unix:///run/n.sock"}"#)
            .meta(&Store::id("bare"), r#"{"Name":"bare"}"#)
            .meta(&"0".repeat(64), "{broken");
        let config = ("DOCKER_CONFIG", store.path().as_os_str());
        let around = Surroundings::of(&[config]);
        let list = DockerContext::list_in(&around).unwrap();
        let rows: Vec<_> = list
            .iter()
            .map(|c| (&*c.name, c.host.as_deref(), c.tls, c.skip_tls_verify, c.current))
            .collect();
        assert_eq!(
            rows,
            [
                ("default", None, false, false, false),
                ("bare", None, false, false, false),
                ("far", Some("tcp://***@far:2376"), true, true, false),
                ("near", Some("unix:///run/n.sock"), false, false, true),
            ]
        );
        assert_eq!(list[2].description.as_deref(), Some("the farm"));
        for one in &list {
            assert_eq!(DockerContext::inspect_in(&one.name, &around).unwrap(), *one);
        }
        let error = DockerContext::inspect_in("gone", &around).unwrap_err().to_string();
        assert!(error.contains("which has: bare, far, near"), "{error}");
        assert!(error.contains("not valid JSON"), "{error}");

        // Whoever names an engine is in the default context.
        let around = Surroundings::of(&[config, ("DOCKER_HOST", "tcp://u:hunter2@h".as_ref())]);
        let list = DockerContext::list_in(&around).unwrap();
        assert_eq!(list[0].host.as_deref(), Some("tcp://***@h"));
        assert!(list[0].current && !list[3].current);
        assert_eq!(DockerContext::list_in(&Surroundings::of(&[])).unwrap().len(), 1);
    }

    #[test]
    fn the_current_context() {
        for (json, name) in [
            (r#"{"currentContext":"colima","auths":{"x":{"auth":"c2VjcmV0"}}}"#, Some("colima")),
            ("\u{feff}{\"currentContext\":\"colima\"}", Some("colima")),
            (r#"{"currentContext":""}"#, None),
            (r#"{"currentContext":null}"#, None),
            ("{}", None),
            ("", None),
            (" \n", None),
        ] {
            let store = Store::new().config(json);
            assert_eq!(current(store.path()).unwrap().as_deref(), name, "{json}");
        }
        assert_eq!(current(Store::new().path()).unwrap(), None);
        assert_eq!(current(Path::new("/nonexistent/folder")).unwrap(), None);
    }

    #[test]
    fn fault_106_a_config_that_cannot_be_read_is_an_error_that_names_it() {
        let path = |store: &Store| store.path().join("config.json");
        let check = |store: &Store, rule: &str| {
            let error = current(store.path()).unwrap_err().to_string();
            assert!(error.contains(path(store).to_str().unwrap()), "{error}");
            assert!(error.contains(rule), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        };
        check(&Store::new().config("{\"currentContext\":"), "not valid JSON (line 1, column 18)");
        check(&Store::new().config(r#"{"currentContext":{"hunter2":1}}"#), "wrong kind");
        check(&Store::new().config(r#""hunter2""#), "wrong kind");
        check(&Store::new().config(&format!("{{\"x\":{}", "[".repeat(100_000))), "not valid JSON");
        check(&Store::new().config(&" ".repeat((1 << 20) + 1)), "larger than 1048576");

        let store = Store::new().config("");
        fs::write(path(&store), b"{\"currentContext\":\"\xff\"}").unwrap();
        check(&store, "not valid JSON");

        let store = Store::new();
        fs::create_dir(path(&store)).unwrap();
        check(&store, "regular file");

        let store = Store::new();
        assert!(Command::new("mkfifo").arg(path(&store)).status().unwrap().success());
        check(&store, "regular file");

        let store = Store::new();
        std::os::unix::fs::symlink(path(&store), path(&store)).unwrap();
        check(&store, "cannot be read");

        // As root no file is closed to us, so the system's answer is made up.
        let denied = unreadable(Path::new("/x"), &ErrorKind::PermissionDenied.into());
        assert_eq!(
            denied.to_string(),
            "docker configuration \"/x\" cannot be read: permission denied"
        );
    }

    #[test]
    fn a_file_may_be_a_link_and_as_large_as_the_limit() {
        let store = Store::new();
        let real = store.path().join("real.json");
        let json = r#"{"currentContext":"ci"}"#;
        fs::write(&real, json.to_owned() + &" ".repeat(LARGEST_FILE as usize - json.len()))
            .unwrap();
        std::os::unix::fs::symlink(&real, store.path().join("config.json")).unwrap();
        assert_eq!(current(store.path()).unwrap().as_deref(), Some("ci"));
    }
}
