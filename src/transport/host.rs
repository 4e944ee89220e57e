//! The address of an engine.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::Error;

/// What an `ssh://` address's path shows otherwise than as it is.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'_').remove(b'-').remove(b'~');

/// The longest path that fits in a socket address, without its closing NUL.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Where an engine on Windows listens.
pub(super) const DOCKER_PIPE: &str = "//./pipe/docker_engine";

/// Where an engine listens: a socket file, a TCP port, a machine that `ssh` leads to, or a named pipe
/// of Windows.
///
/// Parsed from `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375`, `http://127.0.0.1:2375`,
/// `https://engine.example:2376`, `ssh://user@engine.example` or `npipe:////./pipe/docker_engine`, and
/// printed as such a URL. What stands after `unix://` is the path as it is: nothing in it is percent-decoded. The port of
/// `tcp://` may be left out and is then 2375, that of `http://` 80, that of `https://` 443.
///
/// `tcp://` and `http://` mean plain HTTP unless TLS is asked for elsewhere, `https://` always TLS;
/// that takes the feature `tls`. Who reaches an engine's plain port is root on its machine.
///
/// `ssh://` takes the feature `ssh`. User, port and what is not said are as `ssh` itself has them
/// from its configuration; a path is the engine's socket file on that machine, and left out it is
/// the one that the `docker` command there uses.
///
/// `npipe://` is dialled on Windows alone, and `unix://` on Unix alone. Windows is not tested: the
/// crate is only type-checked for it. A pipe knows no half-close, so that the end of a process's
/// input cannot be told there.
///
/// ```
/// use bowline::Host;
///
/// let host: Host = "tcp://[::1]".parse()?;
/// assert_eq!(host.to_string(), "tcp://[::1]:2375");
///
/// let mistake = "/var/run/docker.sock".parse::<Host>().unwrap_err();
/// assert!(mistake.to_string().contains("unix://"));
/// # Ok::<(), bowline::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// A Unix-domain socket, by its absolute path.
    #[non_exhaustive]
    Unix(PathBuf),
    /// A TCP port.
    #[non_exhaustive]
    Tcp {
        /// The host's name or address; an IPv6 address stands in brackets.
        host: String,
        /// The port, never 0.
        port: u16,
        /// What every request's path begins with: "" or such as "/engine", without a slash at
        /// its end.
        base: String,
        /// Whether the address itself asks for TLS: `https://`.
        tls: bool,
    },
    /// A machine that `ssh` leads to.
    #[non_exhaustive]
    Ssh {
        /// Whom to log in as.
        user: Option<String>,
        /// The host as `ssh` is told it: a name, an alias of its configuration, or an address.
        host: String,
        /// The port, never 0.
        port: Option<u16>,
        /// The engine's socket file on that machine.
        path: Option<String>,
    },
    /// A named pipe of Windows, with slashes: `//./pipe/docker_engine`.
    #[non_exhaustive]
    Npipe(String),
}

impl Host {
    /// Name a socket file.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the path is not absolute, names a folder, holds a control
    /// character, or is too long for a socket address (107 bytes on Linux). The file itself is not
    /// looked at.
    pub fn unix(path: impl Into<PathBuf>) -> Result<Host, Error> {
        let path = path.into();
        match check_socket_path(&path) {
            Ok(()) => Ok(Host::Unix(path)),
            Err(rule) => Err(Error::invalid("socket path", path.to_string_lossy(), rule)),
        }
    }

    /// Return the socket file on this machine; `None` where it is none.
    pub fn socket_path(&self) -> Option<&Path> {
        match self {
            Host::Unix(path) => Some(path),
            Host::Tcp { .. } | Host::Ssh { .. } | Host::Npipe(_) => None,
        }
    }

    /// Parse an address that was found in `origin`, which errors name: "DOCKER_HOST".
    pub(crate) fn parse(origin: &'static str, text: &str) -> Result<Host, Error> {
        let text = text.trim();
        parse(text).map_err(|rule| Error::invalid(origin, without_secrets(text), rule))
    }

    /// What every request's path begins with.
    pub(crate) fn base(&self) -> &str {
        match self {
            Host::Unix(_) | Host::Ssh { .. } | Host::Npipe(_) => "",
            Host::Tcp { base, .. } => base,
        }
    }

    /// Return the `Host` header's value; for TCP it is also the address to dial.
    ///
    /// Elsewhere it is a name that says nothing: Go's HTTP server refuses a request
    /// whose `Host` is a path.
    pub(crate) fn http_host_header(&self) -> String {
        match self {
            Host::Unix(_) | Host::Ssh { .. } | Host::Npipe(_) => "localhost".to_owned(),
            Host::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Unix(path) => write!(f, "unix://{}", path.display()),
            Host::Npipe(path) => write!(f, "npipe://{path}"),
            Host::Tcp { host, port, base, tls } => {
                let scheme = if *tls { "https" } else { "tcp" };
                write!(f, "{scheme}://{host}:{port}{base}")
            }
            Host::Ssh { user, host, port, path } => {
                f.write_str("ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                match host.contains(':') {
                    true => write!(f, "[{host}]")?,
                    false => f.write_str(host)?,
                }
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
                write!(f, "{}", utf8_percent_encode(path.as_deref().unwrap_or_default(), IN_PATH))
            }
        }
    }
}

impl FromStr for Host {
    type Err = Error;

    /// Parse an address; blanks around it are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for anything but an address that this crate can dial. A user name
    /// or password in it is refused, and not repeated in the error.
    fn from_str(text: &str) -> Result<Host, Error> {
        Host::parse("engine address", text)
    }
}

/// Parse, or say which rule was broken. The rules never quote the text: it may hold a password.
fn parse(text: &str) -> Result<Host, String> {
    if text.is_empty() {
        return Err("must not be blank".into());
    }
    if text.contains(char::is_control) {
        return Err("must not contain control characters".into());
    }
    if text.starts_with(['/', '.', '~']) {
        return Err("is a path; an address of a socket file begins with unix://".into());
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        return Err("has no scheme; write unix:///path/to/socket or tcp://host:port".into());
    };
    match scheme.to_ascii_lowercase().as_str() {
        "unix" => {
            let path = PathBuf::from(rest);
            check_socket_path(&path).map(|()| Host::Unix(path))
        }
        "tcp" => parse_tcp(rest, 2375, false),
        "http" => parse_tcp(rest, 80, false),
        "https" => parse_tcp(rest, 443, true),
        "ssh" => parse_ssh(rest),
        "npipe" => parse_pipe(rest).map(Host::Npipe),
        "fd" => Err("is an address to listen on, not one to dial".into()),
        _ => Err("has an unknown scheme; write unix:///path/to/socket or tcp://host:port".into()),
    }
}

fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (!scheme.is_empty() && scheme.chars().all(legal)).then_some((scheme, rest))
}

fn check_socket_path(path: &Path) -> Result<(), String> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() {
        return Err("must name a socket file, such as unix:///var/run/docker.sock".into());
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return Err("must not contain control characters".into());
    }
    if !path.is_absolute() {
        return Err("must be an absolute path: unix:///path, with three slashes".into());
    }
    if bytes.ends_with(b"/") || !matches!(path.components().next_back(), Some(Component::Normal(_)))
    {
        return Err("must name a socket file, not a folder".into());
    }
    if bytes.len() > LONGEST_SOCKET_PATH {
        let len = bytes.len();
        return Err(format!(
            "is {len} bytes long; a socket path holds at most {LONGEST_SOCKET_PATH}"
        ));
    }
    Ok(())
}

/// "//HOST/pipe/NAME"; backslashes are as good, as everywhere on Windows.
fn parse_pipe(rest: &str) -> Result<String, String> {
    let path = rest.replace('\\', "/");
    match path.strip_prefix("//").and_then(|rest| rest.split_once("/pipe/")) {
        Some((host, name)) if !host.is_empty() && !host.contains('/') && !name.is_empty() => {
            Ok(path)
        }
        _ => Err(format!("must name a pipe of Windows, such as npipe://{DOCKER_PIPE}")),
    }
}

fn parse_tcp(rest: &str, default_port: u16, tls: bool) -> Result<Host, String> {
    let (authority, path) = split_path(rest);
    if authority.contains('@') {
        return Err("must not hold a user name or password".into());
    }
    let (host, port) = parse_authority(authority)?;
    Ok(Host::Tcp { host, port: port.unwrap_or(default_port), base: parse_base(path)?, tls })
}

/// Nothing here reaches `ssh` or a shell of its that either could take for something else.
fn parse_ssh(rest: &str) -> Result<Host, String> {
    let (authority, path) = split_path(rest);
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, authority),
    };
    if let Some(user) = user {
        if user.contains(':') {
            return Err("must not hold a password".into());
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || "._+-@\\".contains(c);
        if user.is_empty() || user.starts_with('-') || !user.chars().all(legal) {
            return Err(
                "must have a user of ASCII letters, digits and \"._+-@\\\", not beginning \
                        with '-'"
                    .into(),
            );
        }
    }
    let (host, port) = parse_authority(authority)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.starts_with('-') {
        return Err("must have a host that does not begin with '-'".into());
    }
    if path.contains(['?', '#']) {
        return Err("must not have a query or a fragment".into());
    }
    let decoded =
        percent_decode_str(path).decode_utf8().map_err(|_| "must have a path in UTF-8")?;
    let path = match &*decoded {
        "" | "/" => None,
        path => {
            check_socket_path(Path::new(path))?;
            Some(path.to_owned())
        }
    };
    Ok(Host::Ssh { user: user.map(str::to_owned), host, port, path })
}

fn split_path(rest: &str) -> (&str, &str) {
    match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    }
}

fn parse_authority(authority: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or("has an unclosed bracket")?;
        let address: Ipv6Addr =
            address.parse().map_err(|_| "must hold an IPv6 address (without zone) in brackets")?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port),
            None if after.is_empty() => None,
            None => return Err("must have a colon and a port after the bracket".into()),
        };
        (format!("[{address}]"), port)
    } else {
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        };
        check_host_name(name)?;
        (name.to_owned(), port)
    };
    Ok((host, port.map(parse_port).transpose()?))
}

fn check_host_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("must name a host".into());
    }
    if name.contains(':') {
        return Err("must have an IPv6 address in brackets, and one port".into());
    }
    // One dot may close a name: it says that the name is complete.
    let labels = name.strip_suffix('.').unwrap_or(name);
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if labels.split('.').any(|label| label.is_empty() || !label.chars().all(legal)) {
        return Err("must have a host of ASCII letters, digits, '-', '_' and single dots".into());
    }
    Ok(())
}

fn parse_port(port: &str) -> Result<u16, String> {
    // `u16::from_str` would take "+80".
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err("must have a port from 1 to 65535".into()),
    }
}

fn parse_base(path: &str) -> Result<String, String> {
    if path.contains(['?', '#']) {
        return Err("must not have a query or a fragment".into());
    }
    let base = path.trim_end_matches('/');
    // The engine answers an unclean path with a redirect, which is never followed.
    let mut segments = base.split('/').skip(1);
    if segments.any(|s| matches!(s, "" | "." | "..")) {
        return Err("must have a path without empty, \".\" and \"..\" parts".into());
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
    let escapes = base.split('%').skip(1);
    let hex = |s: &str| s.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !base.chars().all(legal) || !escapes.into_iter().all(hex) {
        return Err("must have a percent-encoded path".into());
    }
    Ok(base.to_owned())
}

/// The text as an error may show it: a URL's user, password and query are left out.
pub(super) fn without_secrets(text: &str) -> String {
    let (scheme, rest) = match split_scheme(text) {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    // A path is not a URL: all of it is a name.
    if rest.starts_with('/') {
        return text.to_owned();
    }
    match (rest.rsplit_once('@'), rest.split_once(['?', '#'])) {
        (None, None) => text.to_owned(),
        (Some((_, host)), None) => format!("{scheme}***@{host}"),
        (None, Some((address, _))) => format!("{scheme}{address}?***"),
        // No telling where the secret ends.
        (Some(_), Some(_)) => format!("{scheme}***"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tcp(host: &str, port: u16, base: &str) -> Host {
        Host::Tcp { host: host.into(), port, base: base.into(), tls: false }
    }

    fn ssh(user: Option<&str>, host: &str, port: Option<u16>, path: Option<&str>) -> Host {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Host::Ssh { user: own(user), host: host.into(), port, path: own(path) }
    }

    fn https(host: &str, port: u16, base: &str) -> Host {
        Host::Tcp { host: host.into(), port, base: base.into(), tls: true }
    }

    fn refusal(text: &str) -> String {
        match Host::parse("DOCKER_HOST", text) {
            Ok(host) => panic!("{text:?} was taken for {host:?}"),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn addresses_that_can_be_dialled() {
        for (text, host) in [
            ("unix:///var/run/docker.sock", Host::Unix("/var/run/docker.sock".into())),
            (" unix:///a b/%41?#@\n", Host::Unix("/a b/%41?#@".into())),
            ("UNIX:///run/d.sock", Host::Unix("/run/d.sock".into())),
            ("tcp://localhost", tcp("localhost", 2375, "")),
            ("tcp://localhost:1/", tcp("localhost", 1, "")),
            ("tcp://127.0.0.1:65535", tcp("127.0.0.1", 65535, "")),
            ("tcp://[::1]", tcp("[::1]", 2375, "")),
            ("tcp://[0:0:0:0:0:0:0:1]:80", tcp("[::1]", 80, "")),
            (
                "tcp://my_host.example.com.:2375/a/b%2F/",
                tcp("my_host.example.com.", 2375, "/a/b%2F"),
            ),
            ("tcp://h/x@y:z", tcp("h", 2375, "/x@y:z")),
            ("http://proxy/engine//", tcp("proxy", 80, "/engine")),
            ("http://proxy:2375", tcp("proxy", 2375, "")),
            ("https://proxy/engine", https("proxy", 443, "/engine")),
            ("https://[::1]:2376", https("[::1]", 2376, "")),
            ("npipe:////./pipe/docker_engine", Host::Npipe(DOCKER_PIPE.into())),
            (r"npipe://\\.\pipe\docker_engine", Host::Npipe(DOCKER_PIPE.into())),
            ("npipe:////box/pipe/a/b", Host::Npipe("//box/pipe/a/b".into())),
            ("ssh://box", ssh(None, "box", None, None)),
            ("ssh://ada@box:22/", ssh(Some("ada"), "box", Some(22), None)),
            ("ssh://a@b@[::1]:1", ssh(Some("a@b"), "::1", Some(1), None)),
            ("ssh://D\\a-b@box/run/a%20b", ssh(Some("D\\a-b"), "box", None, Some("/run/a b"))),
        ] {
            assert_eq!(Host::parse("DOCKER_HOST", text).unwrap(), host, "{text}");
        }
    }

    #[test]
    fn addresses_that_cannot() {
        for (text, rule) in [
            ("", "blank"),
            (" \t\n ", "blank"),
            ("/var/run/docker.sock", "unix://"),
            ("./docker.sock", "unix://"),
            ("~/docker.sock", "unix://"),
            ("localhost:2375", "no scheme"),
            ("localhost", "no scheme"),
            ("unix:/var/run/docker.sock", "no scheme"),
            ("://x", "no scheme"),
            ("ftp://x", "unknown scheme"),
            ("http+unix:///x", "unknown scheme"),
            ("wss://h:2376", "unknown scheme"),
            ("ssh://", "name a host"),
            ("ssh://u@", "name a host"),
            ("ssh://@h", "user of"),
            ("ssh://-oProxyCommand=x", "ASCII"),
            ("ssh://-h", "begin with '-'"),
            ("ssh://u@-h", "begin with '-'"),
            ("ssh://-lroot@h", "beginning with '-'"),
            ("ssh://$(x)@h", "user of"),
            ("ssh://u v@h", "user of"),
            ("ssh://u%40v@h", "user of"),
            ("ssh://u:p@h", "password"),
            ("ssh://h:0", "port"),
            ("ssh://h`x`", "ASCII"),
            ("ssh://h;x", "ASCII"),
            ("ssh://h/a?b", "query"),
            ("ssh://h/a#b", "query"),
            ("ssh://h/a/", "folder"),
            ("ssh://h/%ff", "UTF-8"),
            ("ssh://h/a%0ab", "control"),
            ("npipe://", "name a pipe"),
            ("npipe:////./pipe/", "name a pipe"),
            ("npipe:///./pipe/x", "name a pipe"),
            ("npipe:////pipe/x", "name a pipe"),
            ("npipe:////a/b/pipe/x", "name a pipe"),
            ("npipe://docker_engine", "name a pipe"),
            ("fd://", "listen"),
            ("unix://", "must name a socket file"),
            ("unix://docker.sock", "absolute"),
            ("unix://localhost/docker.sock", "absolute"),
            ("unix://@abstract", "absolute"),
            ("unix:///", "not a folder"),
            ("unix:///run/", "not a folder"),
            ("unix:///run/..", "not a folder"),
            ("unix:///run/a\0b", "control"),
            ("unix:///run/a\nb", "control"),
            ("tcp://", "name a host"),
            ("tcp:///base", "name a host"),
            ("tcp://:2375", "name a host"),
            ("tcp://h:", "port"),
            ("tcp://h:0", "port"),
            ("tcp://h:65536", "port"),
            ("tcp://h:+1", "port"),
            ("tcp://h:-1", "port"),
            ("tcp://h:1x", "port"),
            ("tcp://h:１", "port"),
            ("tcp://::1:2375", "brackets"),
            ("tcp://h:1:2", "brackets"),
            ("tcp://[::1", "bracket"),
            ("tcp://[h]:1", "IPv6"),
            ("tcp://[]:1", "IPv6"),
            ("tcp://[fe80::1%eth0]:1", "zone"),
            ("tcp://[::1]1", "colon"),
            ("tcp://a..b", "single dots"),
            ("tcp://.", "single dots"),
            ("tcp://a b", "ASCII"),
            ("tcp://bücher", "ASCII"),
            ("tcp://a%41", "ASCII"),
            ("tcp://h?x", "query"),
            ("tcp://h/a?x=1", "query"),
            ("tcp://h#x", "fragment"),
            ("tcp://h/a#", "fragment"),
            ("tcp://h//a", "\"..\""),
            ("tcp://h/a/../b", "\"..\""),
            ("tcp://h/a/.", "\"..\""),
            ("tcp://h/a b", "percent"),
            ("tcp://h/ü", "percent"),
            ("tcp://h/%4", "percent"),
            ("tcp://h/%zz", "percent"),
            ("tcp://u:p@h", "password"),
        ] {
            let error = refusal(text);
            assert!(error.starts_with("DOCKER_HOST \""), "{error}");
            assert!(error.contains(rule), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_socket_path_fits_its_address() {
        let path = |len: usize| format!("/{}", "s".repeat(len - 1));
        assert!(Host::unix(path(LONGEST_SOCKET_PATH)).is_ok());
        // The kernel's own limit, not just our number.
        std::os::unix::net::SocketAddr::from_pathname(path(LONGEST_SOCKET_PATH)).unwrap();
        std::os::unix::net::SocketAddr::from_pathname(path(LONGEST_SOCKET_PATH + 1)).unwrap_err();
        let error = Host::unix(path(LONGEST_SOCKET_PATH + 1)).unwrap_err().to_string();
        assert!(error.contains("at most"), "{error}");
        assert!(refusal(&format!("unix://{}", path(200))).contains("is 200 bytes"));
    }

    #[test]
    fn fault_102_a_password_in_an_address_is_never_repeated() {
        for text in [
            "tcp://u:hunter2@h:1",
            "tcp://u:hunt/hunter2@h:1",
            "tcp://u:hunter2@h@h:1",
            "tcp://u:hunter2?x@h",
            "tcp://u:hunter2#x@h",
            "tcp://h:1?token=hunter2",
            "tcp://h:1?token=x@hunter2",
            "tcp://h:1/#hunter2",
            "https://u:hunter2@h",
            "ssh://u:hunter2@h",
            "ftp://u:hunter2@h",
            "u:hunter2@h",
            "u:hunter2://x@h",
            "tcp:/u:hunter2@h",
            "unix://u:hunter2@h/x",
            "tcp://u:hunter2\0@h",
        ] {
            let error = Host::parse("DOCKER_HOST", text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}: {error}");
        }
        assert!(refusal("ssh://u:p@box:22").contains("\"ssh://***@box:22\""));
        assert!(refusal("unix:///a@b/").contains("/a@b/"));
    }

    #[test]
    fn the_host_header_is_a_name() {
        assert_eq!(Host::unix("/run/d.sock").unwrap().http_host_header(), "localhost");
        assert_eq!(tcp("[::1]", 2375, "/b").http_host_header(), "[::1]:2375");
        assert!("[::1]:2375".parse::<std::net::SocketAddr>().is_ok());
    }

    fn any_host() -> impl Strategy<Value = Host> {
        let name = prop_oneof![
            "[a-zA-Z0-9_-]{1,10}(\\.[a-z0-9]{1,5}){0,3}\\.?",
            any::<Ipv6Addr>().prop_map(|a| format!("[{a}]")),
            any::<std::net::Ipv4Addr>().prop_map(|a| a.to_string()),
        ];
        prop_oneof![
            "(/[^/\\pC\\pZ.]{1,6}){1,4}".prop_map(|p| Host::Unix(p.into())),
            "//[a-z.]{1,4}/pipe/[a-z/]{1,9}".prop_map(Host::Npipe),
            (name.clone(), 1..=u16::MAX, "(/[a-z0-9@:+]{1,5}){0,3}", any::<bool>())
                .prop_map(|(host, port, base, tls)| Host::Tcp { host, port, base, tls }),
            (
                prop::option::of("[a-z0-9_@.]{1,9}"),
                name.prop_filter("an option", |name| !name.starts_with('-')),
                prop::option::of(1..=u16::MAX),
                prop::option::of("(/[^/\\pC.]{1,6}){1,4}"),
            )
                .prop_map(|(user, host, port, path)| {
                    let host = host.trim_matches(['[', ']']).to_owned();
                    Host::Ssh { user, host, port, path }
                }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_itself(host in any_host()) {
            prop_assert_eq!(host.to_string().parse::<Host>().unwrap(), host);
        }

        #[test]
        fn no_text_panics(
            text in prop_oneof![
                any::<String>(),
                "(unix|tcp|https?|ssh)://[\\[\\]@:/?#%.a-z0-9\u{0}-\u{20}é]{0,20}",
            ]
        ) {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.to_string().parse::<Host>().unwrap(), host);
            }
        }
    }
}
