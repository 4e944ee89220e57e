//! What the process's surroundings say about where the engine is, and the credentials.
//!
//! The order is the docker CLI's: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the current context
//! of `config.json`, then the sockets an engine is known to listen on. What was chosen is the only
//! candidate: nobody who named an engine is sent to another one.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::context;
use super::host::{Host, without_secrets};
use crate::error::Error;
use crate::local;
use crate::wire::ApiVersion;

/// The variables that are looked at; no other is kept.
const VARIABLES: [&str; 10] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_API_VERSION",
    "XDG_RUNTIME_DIR",
    "DOCKER_AUTH_CONFIG",
    "PATH",
];

/// Any of these, set and not empty, asks for TLS, even if to "0". The last one does so by the Go
/// and Python libraries, not by the CLI: where they part, plaintext is the worse mistake.
///
/// By `DOCKER_TLS` alone the CLI takes any certificate. Its name does not say so, so here the
/// engine's is checked all the same.
const ASKS_FOR_TLS: [&str; 3] = ["DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH"];

/// The environment, as far as it tells where the engine and the credentials are: read once, then
/// only passed on. Not `Debug`: `DOCKER_AUTH_CONFIG` holds passwords.
pub(crate) struct Surroundings {
    env: HashMap<&'static str, OsString>,
    home: Option<PathBuf>,
    uid: Option<u32>,
}

impl Surroundings {
    /// Look around this process.
    pub(crate) fn from_process() -> Surroundings {
        let read = |name| std::env::var_os(name).map(|value| (name, value));
        // Deprecated up to Rust 1.87, but right on every Unix.
        #[allow(deprecated)]
        let home = std::env::home_dir();
        Surroundings {
            env: VARIABLES.into_iter().filter_map(read).collect(),
            home: home.filter(|home| !home.as_os_str().is_empty()),
            uid: local::own_uid(),
        }
    }

    /// Return the docker CLI's configuration folder, which need not exist.
    pub(crate) fn config_dir(&self) -> Option<PathBuf> {
        let home = || self.home.as_ref().map(|home| home.join(".docker"));
        self.path("DOCKER_CONFIG").map(PathBuf::from).or_else(home)
    }

    /// Return the credentials that `DOCKER_AUTH_CONFIG` holds, as JSON in bytes of any kind.
    pub(crate) fn auth_config(&self) -> Option<&[u8]> {
        self.path("DOCKER_AUTH_CONFIG").map(|json| json.as_os_str().as_encoded_bytes())
    }

    /// List the folders in which programs are looked for. Relative ones are left out, as is the
    /// empty one that means the current folder: who may write there must not run there.
    pub(crate) fn program_dirs(&self) -> Vec<PathBuf> {
        let path = self.path("PATH").map(Path::as_os_str).unwrap_or_default();
        std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect()
    }

    /// Find a program as a shell would, in those folders only.
    #[cfg(feature = "ssh")]
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        look_up(name, &self.program_dirs())
    }

    /// A variable that is set to nothing counts as unset.
    fn path(&self, name: &str) -> Option<&Path> {
        self.env.get(name).filter(|value| !value.is_empty()).map(Path::new)
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        let Some(value) = self.path(name) else { return Ok(None) };
        let Some(text) = value.to_str() else {
            let shown = without_secrets(&value.to_string_lossy());
            return Err(Error::invalid(name, shown, "is not valid UTF-8"));
        };
        Ok(Some(text))
    }

    /// Return the address that `DOCKER_HOST` holds, whatever it is.
    pub(super) fn docker_host(&self) -> Result<Option<&str>, Error> {
        self.text("DOCKER_HOST")
    }

    /// Say how TLS to this engine was asked for, if it was.
    fn tls(&self, host: &Host) -> Option<TlsFrom> {
        let Host::Tcp { tls, .. } = host else { return None };
        if ASKS_FOR_TLS.into_iter().any(|name| self.path(name).is_some()) {
            let path = self.path("DOCKER_CERT_PATH").map(PathBuf::from);
            // Without a home there is no file in there, and the error says where it was sought.
            let path = path.or_else(|| self.config_dir()).unwrap_or_default();
            return Some(TlsFrom::Folder { path, needs_ca: true, accept_any: false });
        }
        tls.then_some(TlsFrom::Address)
    }

    /// The engine where none is named: as the CLI, who asks for TLS means one on TCP.
    fn default_candidates(&self) -> Result<Vec<Candidate>, Error> {
        let asked = ["DOCKER_TLS_VERIFY", "DOCKER_TLS"].map(|name| (name, self.path(name)));
        let Some((origin, _)) = asked.into_iter().find(|(_, value)| value.is_some()) else {
            return Ok(well_known(self));
        };
        let host = Host::parse("engine address", "tcp://localhost:2376")?;
        let tls = self.tls(&host);
        Ok(vec![Candidate { host, origin: format!("asked for by {origin}"), tls }])
    }

    pub(super) fn runtime_dir(&self) -> Option<PathBuf> {
        let by_uid = || self.uid.map(|uid| PathBuf::from(format!("/run/user/{uid}")));
        self.path("XDG_RUNTIME_DIR").map(PathBuf::from).or_else(by_uid)
    }
}

/// Find a program in these folders.
pub(crate) fn look_up(program: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    dirs.iter().map(|dir| dir.join(&file)).find(|path| local::is_program(path))
}

/// A place where the engine may be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) host: Host,
    /// Who says so: "DOCKER_HOST", "docker context \"colima\"", "well-known socket".
    pub(crate) origin: String,
    /// Whether TLS was asked for, and how: then nothing may be sent in the clear. Only ever so for
    /// a TCP port.
    pub(crate) tls: Option<TlsFrom>,
}

/// Where that is which TLS needs.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "nobody looks there"))]
pub(crate) enum TlsFrom {
    /// Nowhere: the address is `https://`, and no more is said.
    Address,
    /// `ca.pem`, `cert.pem` and `key.pem` in a folder.
    Folder {
        path: PathBuf,
        /// Without a `ca.pem` it is a mistake; where not, the system's authorities count.
        needs_ca: bool,
        /// The user's docker context says `SkipTLSVerify`.
        accept_any: bool,
    },
}

/// List the places to look for the engine, in the order to try them; never none.
///
/// Nothing is dialled, and of files only the docker CLI's configuration is read. There is more
/// than one candidate only if nobody chose.
pub(crate) fn candidates(around: &Surroundings) -> Result<Vec<Candidate>, Error> {
    if let Some(named) = by_docker_host(around)? {
        return Ok(vec![named]);
    }
    match chosen_context(around)? {
        Some((name, chosen_by)) => Ok(vec![of_context(around, &name, &chosen_by)?]),
        None => around.default_candidates(),
    }
}

/// The places of a context that the program itself names. As to the CLI, the default one is where
/// `DOCKER_HOST` says.
pub(crate) fn in_context(name: &str, around: &Surroundings) -> Result<Vec<Candidate>, Error> {
    if name != context::DEFAULT {
        return Ok(vec![of_context(around, name, "the program")?]);
    }
    match by_docker_host(around)? {
        Some(named) => Ok(vec![named]),
        None => around.default_candidates(),
    }
}

fn by_docker_host(around: &Surroundings) -> Result<Option<Candidate>, Error> {
    let Some(address) = around.docker_host()? else { return Ok(None) };
    // Blanks alone are an error here. To the CLI they mean its default engine whatever the
    // context; to others they mean unset.
    let host = Host::parse("DOCKER_HOST", address)?;
    let tls = around.tls(&host);
    Ok(Some(Candidate { host, origin: "DOCKER_HOST".into(), tls }))
}

fn of_context(around: &Surroundings, name: &str, chosen_by: &str) -> Result<Candidate, Error> {
    let endpoint = context::endpoint(&config_of(around, name)?, name, chosen_by)?;
    // The CLI has no eye for the variables here; see above on plaintext.
    let tls = endpoint.tls.or_else(|| around.tls(&endpoint.host));
    let origin = format!("docker context \"{name}\"");
    Ok(Candidate { host: endpoint.host, origin, tls })
}

/// The folder in which a context is described.
pub(super) fn config_of(around: &Surroundings, name: &str) -> Result<PathBuf, Error> {
    around.config_dir().ok_or_else(|| {
        let rule = "cannot be looked up: there is neither a home folder nor DOCKER_CONFIG";
        Error::invalid("docker context", name, rule)
    })
}

/// Name the context that is in force: [`context::DEFAULT`] where none is chosen, or `DOCKER_HOST`
/// is set.
pub(super) fn context_in_force(around: &Surroundings) -> Result<String, Error> {
    let chosen = match around.docker_host()? {
        Some(_) => None,
        None => chosen_context(around)?,
    };
    Ok(chosen.map_or(context::DEFAULT.to_owned(), |(name, _)| name))
}

/// The place that the program itself names.
pub(crate) fn given(url: &str, around: &Surroundings) -> Result<Candidate, Error> {
    let host = Host::parse("engine address", url)?;
    let tls = around.tls(&host);
    Ok(Candidate { host, origin: "the program".into(), tls })
}

/// The context that was chosen, and by whom.
fn chosen_context(around: &Surroundings) -> Result<Option<(String, String)>, Error> {
    let chosen = if let Some(name) = around.text("DOCKER_CONTEXT")? {
        Some((name.to_owned(), "DOCKER_CONTEXT".to_owned()))
    } else if let Some(config) = around.config_dir() {
        let by = || config.join("config.json").display().to_string();
        context::current(&config)?.map(|name| (name, by()))
    } else {
        None
    };
    Ok(chosen.filter(|(name, _)| name != context::DEFAULT))
}

/// The sockets that engines listen on as they come: Docker's own first, as root and rootless, then
/// its Desktop's, Podman's, and those of Colima, Rancher Desktop and OrbStack. On Windows it is one pipe.
fn well_known(around: &Surroundings) -> Vec<Candidate> {
    let in_home = |path: &str| around.home.as_ref().map(|home| home.join(path));
    let in_runtime = |path: &str| around.runtime_dir().map(|dir| dir.join(path));
    let paths = [
        Some(PathBuf::from("/var/run/docker.sock")),
        in_runtime("docker.sock"),
        in_home(".docker/run/docker.sock"),
        in_home(".docker/desktop/docker.sock"),
        in_runtime("podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
        in_home(".colima/default/docker.sock"),
        in_home(".rd/docker.sock"),
        in_home(".orbstack/run/docker.sock"),
    ];
    if cfg!(windows) {
        let host = Host::Npipe(super::host::DOCKER_PIPE.to_owned());
        return vec![Candidate { host, origin: "well-known pipe".into(), tls: None }];
    }
    let mut found: Vec<Candidate> = Vec::new();
    // A folder that is relative, or too long for a socket address, holds no socket to be found.
    for host in paths.into_iter().flatten().filter_map(|path| Host::unix(path).ok()) {
        if found.iter().all(|known| known.host != host) {
            found.push(Candidate { host, origin: "well-known socket".into(), tls: None });
        }
    }
    found
}

/// Read the API version that `DOCKER_API_VERSION` demands instead of a negotiated one.
pub(crate) fn api_version(around: &Surroundings) -> Result<Option<ApiVersion>, Error> {
    const NAME: &str = "DOCKER_API_VERSION";
    let Some(text) = around.text(NAME)?.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let version: ApiVersion = text
        .parse()
        .map_err(|_| Error::invalid(NAME, text, "must be MAJOR.MINOR, such as 1.41"))?;
    spoken(NAME, version).map(Some)
}

/// Refuse a version that this crate does not speak.
pub(crate) fn spoken(what: &'static str, version: ApiVersion) -> Result<ApiVersion, Error> {
    let (oldest, newest) = (ApiVersion::OLDEST, ApiVersion::NEWEST);
    if !(oldest..=newest).contains(&version) {
        let rule = format!("must lie between {oldest} and {newest}, which this crate speaks");
        return Err(Error::invalid(what, version.to_string(), rule));
    }
    Ok(version)
}

#[cfg(test)]
impl Surroundings {
    /// Make surroundings up, of these variables alone.
    pub(crate) fn of(env: &[(&'static str, &std::ffi::OsStr)]) -> Surroundings {
        let env = env.iter().map(|(name, value)| (*name, value.to_os_string())).collect();
        Surroundings { env, home: None, uid: None }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::context::tests::Store;
    use super::*;

    fn around(env: &[(&'static str, &str)]) -> Surroundings {
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        Surroundings::of(&env)
    }

    fn store() -> Store {
        Store::new()
            .context("local", r#"{"Host":"unix:///run/l.sock"}"#)
            .context("far", r#"{"Host":"tcp://far:2375"}"#)
            .context("by-ssh", r#"{"Host":"ssh://ada@box/run/d.sock"}"#)
            // Without it the CLI does not even say where it would go.
            .file("ca.pem", AUTHORITY)
    }

    /// Nobody's certificate, and its key was thrown away.
    const AUTHORITY: &str = include_str!("nobody.pem");

    const SOCKET: &str = "unix:///var/run/docker.sock";

    /// `config.json`, variables, and the address that the CLI settles on: "" if it refuses.
    type Row = (Option<&'static str>, &'static [(&'static str, &'static str)], &'static str);
    const PRECEDENCE: [Row; 32] = [
        (None, &[], SOCKET),
        (None, &[("DOCKER_HOST", "tcp://h:1")], "tcp://h:1"),
        (None, &[("DOCKER_HOST", " unix:///a ")], "unix:///a"),
        (None, &[("DOCKER_HOST", "")], SOCKET),
        (None, &[("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CONTEXT", "far")], "tcp://h:1"),
        (None, &[("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CONTEXT", "gone")], "tcp://h:1"),
        (None, &[("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "far")], "tcp://far:2375"),
        (None, &[("DOCKER_CONTEXT", "local")], "unix:///run/l.sock"),
        (None, &[("DOCKER_CONTEXT", "")], SOCKET),
        (None, &[("DOCKER_CONTEXT", "default")], SOCKET),
        (None, &[("DOCKER_CONTEXT", "gone")], ""),
        (None, &[("DOCKER_CONTEXT", " far")], ""),
        (None, &[("DOCKER_CONTEXT", "../far")], ""),
        (Some("local"), &[], "unix:///run/l.sock"),
        (Some("local"), &[("DOCKER_CONTEXT", "")], "unix:///run/l.sock"),
        (Some("local"), &[("DOCKER_CONTEXT", "far")], "tcp://far:2375"),
        (Some("local"), &[("DOCKER_CONTEXT", "default")], SOCKET),
        (Some("local"), &[("DOCKER_HOST", "tcp://h:1")], "tcp://h:1"),
        (Some("local"), &[("DOCKER_HOST", "")], "unix:///run/l.sock"),
        (Some("default"), &[], SOCKET),
        (Some(""), &[], SOCKET),
        (Some("gone"), &[], ""),
        (None, &[("DOCKER_TLS_VERIFY", "1")], "tcp://localhost:2376"),
        (None, &[("DOCKER_TLS", "1")], "tcp://localhost:2376"),
        (None, &[("DOCKER_TLS_VERIFY", "")], SOCKET),
        (None, &[("DOCKER_CERT_PATH", "/nowhere")], SOCKET),
        (None, &[("DOCKER_TLS_VERIFY", "0"), ("DOCKER_HOST", "tcp://h")], "tcp://h:2375"),
        (None, &[("DOCKER_TLS_VERIFY", "1"), ("DOCKER_HOST", "unix:///a")], "unix:///a"),
        (None, &[("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CONTEXT", "far")], "tcp://far:2375"),
        (Some("local"), &[("DOCKER_TLS_VERIFY", "1")], "unix:///run/l.sock"),
        (Some("default"), &[("DOCKER_TLS_VERIFY", "1")], "tcp://localhost:2376"),
        (None, &[("DOCKER_CONTEXT", "by-ssh")], "ssh://ada@box/run/d.sock"),
    ];

    fn row_store(current: Option<&str>) -> Store {
        match current {
            Some(name) => store().config(&format!(r#"{{"currentContext":"{name}"}}"#)),
            None => store(),
        }
    }

    /// The CLI in these surroundings.
    fn docker(store: &Store, env: &[(&str, &str)]) -> Command {
        if Command::new("docker").arg("--version").output().is_err() {
            panic!("this test needs the docker CLI: scripts/with-engine cargo test");
        }
        let mut docker = Command::new("docker");
        for name in VARIABLES.into_iter().filter(|name| *name != "PATH") {
            docker.env_remove(name);
        }
        docker.env("DOCKER_CONFIG", store.path()).envs(env.iter().copied());
        docker
    }

    #[test]
    fn precedence_is_the_clis() {
        for (current, env, expected) in PRECEDENCE {
            let store = row_store(current);
            let mut around = around(env);
            around.env.insert("DOCKER_CONFIG", store.path().into());
            let first = match candidates(&around) {
                Ok(found) => found[0].host.to_string(),
                Err(e) => {
                    assert!(matches!(e, Error::InvalidInput(_)), "{e:?}");
                    String::new()
                }
            };
            assert_eq!(first, expected, "{current:?} {env:?}");
        }
    }

    /// Holds the table above against the CLI itself.
    #[test]
    fn the_cli_agrees_on_precedence() {
        for (current, env, expected) in PRECEDENCE {
            let store = row_store(current);
            let mut docker = docker(&store, env);
            docker.args(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
            let out = docker.output().unwrap();
            let said = String::from_utf8(out.stdout).unwrap();
            assert_eq!(said.trim(), expected, "{current:?} {env:?}");
        }
    }

    /// And what the program says about the context comes before all of it.
    #[test]
    fn a_context_by_name() {
        let store = row_store(Some("local"));
        let config = ("DOCKER_CONFIG", store.path().to_str().unwrap());
        let found = |name: &str, env: &[(&'static str, &str)]| {
            in_context(name, &around(&[&[config], env].concat())).map(|c| c[0].host.to_string())
        };
        let (host, other) = (("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CONTEXT", "local"));
        assert_eq!(found("far", &[host, other]).unwrap(), "tcp://far:2375");
        assert_eq!(found("default", &[host, other]).unwrap(), "tcp://h:1");
        assert_eq!(found("default", &[other]).unwrap(), SOCKET);
        let error = found("gone", &[host]).unwrap_err().to_string();
        assert!(error.contains("chosen by the program") && error.contains("local"), "{error}");
    }

    #[test]
    fn the_cli_agrees_on_the_context_in_force() {
        for (current, env, expected) in PRECEDENCE {
            let store = row_store(current);
            let mut around = around(env);
            around.env.insert("DOCKER_CONFIG", store.path().into());
            let out = docker(&store, env).args(["context", "show"]).output().unwrap();
            let said = String::from_utf8(out.stdout).unwrap();
            let ours = context_in_force(&around).unwrap();
            assert_eq!(said.trim_end_matches('\n'), ours, "{current:?} {env:?} {expected}");
        }
    }

    #[test]
    fn who_chose_is_named() {
        let store = store().config(r#"{"currentContext":"gone"}"#);
        let config = ("DOCKER_CONFIG", store.path().to_str().unwrap());
        let origin = |env: &[(&'static str, &str)]| {
            let found = candidates(&around(env)).unwrap();
            assert_eq!(found.len(), 1);
            found[0].origin.clone()
        };
        assert_eq!(origin(&[config, ("DOCKER_HOST", "tcp://h")]), "DOCKER_HOST");
        assert_eq!(origin(&[config, ("DOCKER_CONTEXT", "far")]), "docker context \"far\"");

        let error = candidates(&around(&[config])).unwrap_err().to_string();
        let path = store.path().join("config.json");
        assert!(error.contains(path.to_str().unwrap()) && error.contains("\"gone\""), "{error}");
        let error = candidates(&around(&[("DOCKER_CONTEXT", "far")])).unwrap_err().to_string();
        assert!(error.contains("\"far\" cannot be looked up"), "{error}");
        for bad in [" ", "/var/run/docker.sock"] {
            let error = candidates(&around(&[("DOCKER_HOST", bad)])).unwrap_err().to_string();
            assert!(error.starts_with("DOCKER_HOST "), "{error}");
        }
    }

    #[test]
    fn a_chosen_host_needs_no_configuration() {
        let store = Store::new().config("{broken");
        let config = ("DOCKER_CONFIG", store.path().to_str().unwrap());
        assert!(candidates(&around(&[config, ("DOCKER_HOST", "tcp://h")])).is_ok());
        assert!(candidates(&around(&[config, ("DOCKER_CONTEXT", "default")])).is_ok());
        assert!(candidates(&around(&[config])).is_err());
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        for name in ["DOCKER_HOST", "DOCKER_CONTEXT"] {
            let mut around = around(&[]);
            around.env.insert(name, OsString::from_vec(b"tcp://u:hunter2@\xff".to_vec()));
            let error = candidates(&around).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("UTF-8"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn well_known_sockets_in_order() {
        let list = |around: &Surroundings| -> Vec<String> {
            let found = candidates(around).unwrap();
            assert!(found.iter().all(|c| c.origin == "well-known socket" && c.tls.is_none()));
            found.iter().map(|c| c.host.to_string().replace("unix://", "")).collect()
        };
        let home = tempfile::Builder::new().prefix("h").tempdir_in("/tmp").unwrap();
        let h = home.path().display();
        let full = [
            "/var/run/docker.sock".to_owned(),
            "/run/user/7/docker.sock".to_owned(),
            format!("{h}/.docker/run/docker.sock"),
            format!("{h}/.docker/desktop/docker.sock"),
            "/run/user/7/podman/podman.sock".to_owned(),
            "/run/podman/podman.sock".to_owned(),
            format!("{h}/.colima/default/docker.sock"),
            format!("{h}/.rd/docker.sock"),
            format!("{h}/.orbstack/run/docker.sock"),
        ];
        let mut around = around(&[("DOCKER_CERT_PATH", "/keys")]);
        around.home = Some(home.path().into());
        around.uid = Some(7);
        assert_eq!(list(&around), full);
        around.env.insert("XDG_RUNTIME_DIR", "".into());
        assert_eq!(list(&around), full);
        around.env.insert("XDG_RUNTIME_DIR", "/run/user/7/".into());
        assert_eq!(list(&around), full);

        // As root Podman's two places are one.
        around.env.insert("XDG_RUNTIME_DIR", "/run".into());
        around.home = None;
        let bare = ["/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock"];
        assert_eq!(list(&around), bare);

        for unusable in ["run".to_owned(), format!("/{}", "r".repeat(107))] {
            around.env.insert("XDG_RUNTIME_DIR", unusable.into());
            assert_eq!(list(&around), ["/var/run/docker.sock", "/run/podman/podman.sock"]);
        }
    }

    #[test]
    fn the_configuration_is_in_the_home_folder() {
        let mut around = around(&[("DOCKER_CONFIG", "")]);
        assert_eq!(around.config_dir(), None);
        around.home = Some("/home/me".into());
        assert_eq!(around.config_dir(), Some("/home/me/.docker".into()));
        around.env.insert("DOCKER_CONFIG", "elsewhere".into());
        assert_eq!(around.config_dir(), Some("elsewhere".into()));
    }

    #[test]
    fn tls_is_never_forgotten() {
        let store = store()
            .context("lax", r#"{"Host":"tcp://far","SkipTLSVerify":true}"#)
            .context("near", r#"{"Host":"unix:///s","SkipTLSVerify":true}"#);
        let config = ("DOCKER_CONFIG", store.path().to_str().unwrap());
        let tls = |env: &[(&'static str, &str)]| {
            candidates(&around(&[&[config], env].concat())).unwrap()[0].tls.is_some()
        };
        assert!(!tls(&[("DOCKER_HOST", "tcp://h")]));
        assert!(!tls(&[("DOCKER_HOST", "tcp://h"), ("DOCKER_TLS_VERIFY", "")]));
        assert!(!tls(&[("DOCKER_CONTEXT", "far")]));
        assert!(tls(&[("DOCKER_CONTEXT", "lax")]));
        assert!(!tls(&[("DOCKER_CONTEXT", "near")]));
        for name in ASKS_FOR_TLS {
            for value in ["1", "0", "false"] {
                assert!(tls(&[("DOCKER_HOST", "tcp://h"), (name, value)]), "{name}");
                assert!(tls(&[("DOCKER_HOST", "http://h"), (name, value)]), "{name}");
                assert!(tls(&[("DOCKER_CONTEXT", "far"), (name, value)]), "{name}");
                assert!(!tls(&[("DOCKER_HOST", "unix:///s"), (name, value)]), "{name}");
                assert!(!tls(&[("DOCKER_CONTEXT", "local"), (name, value)]), "{name}");
                assert!(!tls(&[("DOCKER_HOST", "ssh://h"), (name, value)]), "{name}");
            }
        }
        assert!(tls(&[("DOCKER_HOST", "https://h")]));
    }

    #[test]
    fn what_tls_needs_is_where_the_cli_has_it() {
        let store = store().context("locked", r#"{"Host":"tcp://far"}"#).keys("locked");
        let config = ("DOCKER_CONFIG", store.path().to_str().unwrap());
        let from = |env: &[(&'static str, &str)]| {
            candidates(&around(&[&[config], env].concat())).unwrap()[0].tls.clone()
        };
        let folder = |path: &Path, needs_ca| {
            Some(TlsFrom::Folder { path: path.into(), needs_ca, accept_any: false })
        };
        let (host, verify) = (("DOCKER_HOST", "tcp://h"), ("DOCKER_TLS_VERIFY", "1"));
        assert_eq!(from(&[host, verify]), folder(store.path(), true));
        let keys = ("DOCKER_CERT_PATH", "/keys");
        assert_eq!(from(&[host, verify, keys]), folder(Path::new("/keys"), true));
        assert_eq!(from(&[host, ("DOCKER_TLS", "1"), keys]), folder(Path::new("/keys"), true));
        assert_eq!(from(&[("DOCKER_HOST", "https://h")]), Some(TlsFrom::Address));
        let own = store.path().join("contexts/tls").join(Store::id("locked")).join("docker");
        assert_eq!(from(&[("DOCKER_CONTEXT", "locked"), verify, keys]), folder(&own, false));
    }

    #[test]
    fn the_demanded_api_version() {
        let demand = |value: &str| api_version(&around(&[("DOCKER_API_VERSION", value)]));
        assert_eq!(api_version(&around(&[])).unwrap(), None);
        assert_eq!(demand("").unwrap(), None);
        assert_eq!(demand(" ").unwrap(), None);
        assert_eq!(demand(" v1.43").unwrap(), Some(ApiVersion::new(1, 43)));
        for limit in [ApiVersion::OLDEST, ApiVersion::NEWEST] {
            assert_eq!(demand(&limit.to_string()).unwrap(), Some(limit));
        }
        for (bad, rule) in [
            ("abc", "MAJOR.MINOR"),
            ("1.41.0", "MAJOR.MINOR"),
            ("1.40", "between 1.41 and"),
            ("1.999", "between 1.41 and"),
            ("2.0", "between 1.41 and"),
        ] {
            let error = demand(bad).unwrap_err().to_string();
            assert!(error.starts_with("DOCKER_API_VERSION ") && error.contains(rule), "{error}");
        }
    }

    #[test]
    fn the_process_has_a_user() {
        let out = Command::new("id").arg("-u").output().unwrap();
        let uid: u32 = String::from_utf8(out.stdout).unwrap().trim().parse().unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(Surroundings::from_process().uid, Some(uid));
        }
    }
}
