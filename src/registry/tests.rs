//! Where credentials are found, and that they stay secret.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// No text that is printed may hold it.
const CANARY: &str = "c4n4ry>>>>>?????";

/// A configuration folder, and a folder of helpers.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.bin()).unwrap();
        place
            .helper(
                "good",
                r#"printf '{"ServerURL":"x","Username":"help","Secret":"%s"}' "$(cat)""#,
            )
            .helper("token", r#"cat >&2; echo '{"Username":"<token>","Secret":"idtok"}'"#)
            .helper("none", "echo credentials not found in native keychain; exit 1")
            .helper("fails", "echo 'keychain is locked'; echo c4n4ry >&2; exit 7")
            .helper("mute", "exit 3")
            .helper("leaks", r#"printf '{"Username":"u","Secret":"c4n4ry>>>>>?????"}'; exit 1"#)
            .helper("garbage", "echo c4n4ry")
            .helper("empty", "echo '{}'")
            .helper("talks", r#"echo '{"Username":"u","Secret":"s"} and more'"#)
            .helper("floods", "head -c 70000 /dev/zero; exec sleep 100")
            .helper("argument", r#"printf '{"Username":"u","Secret":"%s"}' "$*""#)
    }

    fn bin(&self) -> std::path::PathBuf {
        self.0.path().join("bin")
    }

    fn config(&self, json: &str) {
        fs::write(self.0.path().join("config.json"), json).unwrap();
    }

    /// Another process writes the program: were it this one, a sibling test's fork could hold the
    /// file open for writing, and it would not run.
    fn helper(self, name: &str, script: &str) -> Place {
        let (plain, program) =
            (self.0.path().join("script"), self.bin().join(format!("docker-credential-{name}")));
        fs::write(&plain, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mut install = Command::new("install");
        assert!(install.args(["-m", "755"]).arg(&plain).arg(program).status().unwrap().success());
        self
    }

    fn around(&self, variable: Option<&str>) -> Surroundings {
        let bin = self.bin();
        let mut env = vec![("DOCKER_CONFIG", self.0.path().as_os_str()), ("PATH", bin.as_os_str())];
        env.extend(variable.map(|v| ("DOCKER_AUTH_CONFIG", OsStr::new(v))));
        Surroundings::of(&env)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn decoded(header: &HeaderValue) -> Value {
    assert!(header.is_sensitive());
    serde_json::from_slice(&URL_SAFE.decode(header.as_bytes()).unwrap()).unwrap()
}

/// "user:password" or "identity:…", "registry:…"; nothing for nobody.
fn told(wire: &Value) -> String {
    let get = |name: &str| wire[name].as_str();
    match (get("registrytoken"), get("identitytoken")) {
        (Some(token), _) => format!("registry:{token}"),
        (_, Some(token)) => format!("identity:{token}"),
        _ => match (get("username"), get("password")) {
            (None, None) => String::new(),
            (user, password) => format!("{}:{}", user.unwrap_or(""), password.unwrap_or("")),
        },
    }
}

fn auth(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// `config.json`, `DOCKER_AUTH_CONFIG`, the registry, what is sent, and what the CLI sends where
/// that differs ("?": now this, now that). "!…" is an error with these words. `$(x)` stands for
/// the base64 of x.
struct Row(&'static str, &'static str, &'static str, &'static str, Option<&'static str>);

const H: &str = "r.test:5000";

const ROWS: &[Row] = &[
    // Files of all ages.
    Row("", "", H, "", None),
    Row("{}", "", H, "", None),
    Row(r#"{"auths":null,"credHelpers":null,"credsStore":null}"#, "", H, "", None),
    Row(r#"{"auths":{"r.test:5000":{"auth":"$(ada:p:w)"}}}"#, "", H, "ada:p:w", None),
    Row(
        r#"{"auths":{"r.test:5000":{"auth":"$(ada:x>y>z~~?é\")"}}}"#,
        "",
        H,
        "ada:x>y>z~~?é\"",
        None,
    ),
    Row(r#"{"auths":{"r.test:5000":{"auth":"$(ada:pw~NUL~NUL)"}}}"#, "", H, "ada:pw", None),
    Row(r#"{"auths":{"r.test:5000":{"username":"ada","password":"pw"}}}"#, "", H, "ada:pw", None),
    Row(
        r#"{"auths":{"r.test:5000":{"auth":"$(ada:)","identitytoken":"tok"}}}"#,
        "",
        H,
        "identity:tok",
        None,
    ),
    Row(r#"{"auths":{"r.test:5000":{"registrytoken":"tok"}}}"#, "", H, "registry:tok", None),
    Row(r#"{"auths":{"r.test:5000":{}}}"#, "", H, "", None),
    Row(r#"{"auths":{"r.test:5000":null}}"#, "", H, "", None),
    Row(r#"{"auths":{"http://r.test:5000/v1/":{"auth":"$(old:pw)"}}}"#, "", H, "old:pw", None),
    Row(r#"{"auths":{"r.test:5000/v2/":{"auth":"$(old:pw)"}}}"#, "", H, "old:pw", None),
    Row(
        r#"{"auths":{"http://r.test:5000/":{"auth":"$(old:pw)"},"r.test:5000":{"auth":"$(new:pw)"}}}"#,
        "",
        H,
        "new:pw",
        None,
    ),
    // An empty entry is none: the CLI stops at it.
    Row(
        r#"{"auths":{"http://r.test:5000/":{"auth":"$(old:pw)"},"r.test:5000":{}}}"#,
        "",
        H,
        "old:pw",
        Some(""),
    ),
    // Never another registry's.
    Row(
        r#"{"auths":{"r.test":{"auth":"$(a:b)"},"r.test:500":{"auth":"$(a:b)"}}}"#,
        "",
        H,
        "",
        None,
    ),
    Row(
        r#"{"auths":{"r.test:50000":{"auth":"$(a:b)"},"x.r.test:5000":{"auth":"$(a:b)"}}}"#,
        "",
        H,
        "",
        None,
    ),
    Row(r#"{"auths":{"R.test:5000":{"auth":"$(a:b)"}}}"#, "", H, "", None),
    // No registry speaks it, and no CLI writes it.
    Row(r#"{"auths":{"ftp://r.test:5000":{"auth":"$(a:b)"}}}"#, "", H, "", Some("a:b")),
    Row(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"$(a:b)"}}}"#, "", H, "", None),
    // Docker Hub.
    Row(
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"$(hub:pw)"}}}"#,
        "",
        "docker.io",
        "hub:pw",
        None,
    ),
    Row(
        r#"{"auths":{"docker.io":{"auth":"$(hub:pw)"},"index.docker.io":{"auth":"$(hub:pw)"}}}"#,
        "",
        "docker.io",
        "",
        None,
    ),
    // What is broken.
    Row(r#"{"auths":{"r.test:5000":{"auth":"***"}}}"#, "", H, "!base64 of USER:PASSWORD", Some("")),
    Row(
        r#"{"auths":{"r.test:5000":{"auth":"$(c4n4ry)"}}}"#,
        "",
        H,
        "!base64 of USER:PASSWORD",
        Some(""),
    ),
    Row(
        r#"{"auths":{"r.test:5000":{"auth":"$(:pw)"}}}"#,
        "",
        H,
        "!base64 of USER:PASSWORD",
        Some(""),
    ),
    // A neighbour's fault is the neighbour's. The CLI decodes the entries in no
    // order, up to the first fault: what it sends varies.
    Row(
        r#"{"auths":{"x.test":{"auth":"*"},"r.test:5000":{"auth":"$(a:b)"}}}"#,
        "",
        H,
        "a:b",
        Some("?"),
    ),
    Row("{", "", H, "!not valid JSON", Some("")),
    // Helpers.
    Row(r#"{"credHelpers":{"r.test:5000":"good"}}"#, "", H, "help:r.test:5000", None),
    Row(r#"{"credHelpers":{"r.test":"good"}}"#, "", H, "", None),
    Row(
        r#"{"credHelpers":{"https://index.docker.io/v1/":"good"}}"#,
        "",
        "docker.io",
        "help:https://index.docker.io/v1/",
        None,
    ),
    Row(r#"{"credsStore":"good"}"#, "", H, "help:r.test:5000", None),
    Row(r#"{"credsStore":"good"}"#, "", "docker.io", "help:https://index.docker.io/v1/", None),
    Row(r#"{"credsStore":"argument"}"#, "", H, "u:get", None),
    Row(r#"{"credsStore":"token"}"#, "", H, "identity:idtok", None),
    Row(r#"{"credsStore":"talks"}"#, "", H, "u:s", None),
    Row(r#"{"credsStore":"empty"}"#, "", H, "", None),
    Row(r#"{"credsStore":"none"}"#, "", H, "", None),
    Row(
        r#"{"credsStore":"fails","credHelpers":{"r.test:5000":"good"}}"#,
        "",
        H,
        "help:r.test:5000",
        None,
    ),
    Row(r#"{"credsStore":"good","credHelpers":{"r.test:5000":"none"}}"#, "", H, "", None),
    Row(
        r#"{"credsStore":"good","credHelpers":{"r.test:5000":""},"auths":{"r.test:5000":{"auth":"$(a:b)"}}}"#,
        "",
        H,
        "a:b",
        None,
    ),
    Row(
        r#"{"credsStore":"good","auths":{"r.test:5000":{"auth":"$(a:b)"}}}"#,
        "",
        H,
        "help:r.test:5000",
        None,
    ),
    Row(r#"{"credsStore":"none","auths":{"r.test:5000":{"auth":"$(a:b)"}}}"#, "", H, "", None),
    // A helper that is not there, and helpers that fail: the CLI goes on without a word.
    Row(r#"{"credsStore":"absent"}"#, "", H, "", None),
    Row(r#"{"credsStore":"absent","auths":{"r.test:5000":{"auth":"$(a:b)"}}}"#, "", H, "a:b", None),
    Row(
        r#"{"credsStore":"fails"}"#,
        "",
        H,
        "!failed: keychain is locked (exit status: 7)",
        Some(""),
    ),
    Row(r#"{"credsStore":"mute"}"#, "", H, "!failed: exit status: 3", Some("")),
    Row(r#"{"credsStore":"leaks"}"#, "", H, "!failed: exit status: 1", Some("")),
    Row(r#"{"credsStore":"garbage"}"#, "", H, "!something else than JSON", Some("")),
    // The variable.
    Row("{}", r#"{"auths":{"r.test:5000":{"auth":"$(env:pw)"}}}"#, H, "env:pw", None),
    Row(
        r#"{"credsStore":"good","auths":{"r.test:5000":{"auth":"$(a:b)"}}}"#,
        r#"{"auths":{"r.test:5000":{"auth":"$(env:pw)"}}}"#,
        H,
        "env:pw",
        None,
    ),
    Row(
        r#"{"credsStore":"good"}"#,
        r#"{"auths":{"x.test":{"auth":"$(env:pw)"}}}"#,
        H,
        "help:r.test:5000",
        None,
    ),
    Row(
        "{}",
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"$(env:pw)"}}}"#,
        "docker.io",
        "env:pw",
        None,
    ),
    Row(r#"{"credsStore":"good"}"#, r#"{"auths":{"r.test:5000":{}}}"#, H, "help:r.test:5000", None),
    // The CLI warns of what does not belong there, and goes by the file.
    Row(
        r#"{"auths":{"r.test:5000":{"auth":"$(a:b)"}}}"#,
        r#"{"auths":{"r.test:5000":{"auth":"$(env:pw)"}},"HttpHeaders":{}}"#,
        H,
        "env:pw",
        Some("a:b"),
    ),
    Row("{}", "c4n4ry", H, "!DOCKER_AUTH_CONFIG is not JSON", Some("")),
    Row(
        "{}",
        r#"{"auths":{"r.test:5000":"c4n4ry"}}"#,
        H,
        "!DOCKER_AUTH_CONFIG is not JSON",
        Some(""),
    ),
];

fn filled(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("$(") {
        let (text, after) = after.split_once(')').unwrap();
        out += before;
        out += &auth(&text.replace("\\\"", "\"").replace("~NUL", "\0"));
        rest = after;
    }
    out + rest
}

#[test]
fn fault_103_credentials_are_found_in_the_clis_order() {
    let runtime = runtime();
    let place = Place::new();
    for row in ROWS {
        let Row(config, variable, registry, expected, _) = *row;
        place.config(&filled(config));
        let variable = (!variable.is_empty()).then(|| filled(variable));
        let around = place.around(variable.as_deref());
        let header = runtime.block_on(AuthChoice::as_cli_header(registry, &around));
        match (header, expected.strip_prefix('!')) {
            (Ok(header), _) => assert_eq!(told(&decoded(&header)), expected, "{config}"),
            (Err(e), Some(words)) => {
                let shown = format!("{e} {e:?}");
                assert!(e.to_string().contains(words), "{config}: {e}");
                assert!(!shown.contains("c4n4ry"), "{config}: {shown}");
                assert!(!shown.contains(&auth("c4n4ry")), "{config}: {shown}");
            }
            (Err(e), None) => panic!("{config}: {e}"),
        }
    }
}

/// Holds the table above against the CLI itself: it is sent to an engine that
/// notes the header and says no.
#[test]
fn the_cli_agrees_on_credentials() {
    let Ok(version) = Command::new("docker").arg("--version").output() else {
        panic!("this test needs the docker CLI: scripts/with-engine cargo test");
    };
    let version = String::from_utf8(version.stdout).unwrap();
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).flat_map(str::parse::<u32>);
    let knows_the_variable = (numbers.next(), numbers.next()) >= (Some(28), Some(3));
    if !knows_the_variable {
        eprintln!("skipped: the rows on DOCKER_AUTH_CONFIG, for which a CLI 28.3 is needed");
    }
    let place = Place::new();
    let socket = place.0.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (tell, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut peer in listener.incoming().map_while(Result::ok) {
            let head = head(&mut peer);
            let ping = head.contains("/_ping");
            let (status, body) = if ping { ("200 OK", "OK") } else { ("500 No", "{}") };
            let _ = write!(
                peer,
                "HTTP/1.1 {status}\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let auth = |line: &str| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("x-registry-auth").then(|| value.trim().to_owned())
            };
            if head.contains("/images/create") {
                let _ = tell.send(head.lines().find_map(auth));
            }
        }
    });
    let mut disagreements = Vec::new();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", place.bin().display());
    for row in ROWS {
        let Row(config, variable, registry, ours, theirs) = *row;
        if theirs == Some("?") || !variable.is_empty() && !knows_the_variable {
            continue;
        }
        place.config(&filled(config));
        let mut docker = Command::new("docker");
        docker.args(["pull", &format!("{registry}/library/x:1")]);
        docker.env_remove("DOCKER_CONTEXT").env("DOCKER_AUTH_CONFIG", filled(variable));
        docker.env("DOCKER_HOST", format!("unix://{}", socket.display()));
        docker.env("DOCKER_CONFIG", place.0.path()).env("PATH", &path);
        let out = docker.output().unwrap();
        let header = heard.recv_timeout(Duration::from_secs(10));
        let header = header.unwrap_or_else(|_| panic!("{config}: {out:?}")).unwrap_or_default();
        let sent = URL_SAFE.decode(&header).unwrap();
        let sent = serde_json::from_slice(&sent).unwrap_or(json!({}));
        let expected = theirs.unwrap_or(ours);
        if told(&sent) != expected {
            disagreements.push(format!("{config} {variable}: {:?}, {expected:?}", told(&sent)));
        }
    }
    assert!(disagreements.is_empty(), "sent by the CLI, expected: {disagreements:#?}");
}

fn head(peer: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && peer.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[test]
fn nothing_is_known_without_a_configuration() {
    let none = runtime().block_on(find::find(H, &Surroundings::of(&[]))).unwrap();
    assert_eq!(none, None);
    let place = Place::new();
    assert_eq!(runtime().block_on(find::find(H, &place.around(None))).unwrap(), None);
}

/// A store that knows three registries, a token of another kind, and one that it does not give.
fn store(place: Place, name: &str) -> Place {
    place.helper(
        name,
        r#"case $1 in
list) printf '{"https://index.docker.io/v1/":"ada","plain.test:5000":"bob","https://url.test/v2":7,
"https://index.docker.io/v1/access-token":"ada","own.test":"eve","a b":"x","gone.test":"x"}' ;;
get) read -r server; case $server in
gone.test) echo credentials not found in native keychain; exit 1 ;;
*) printf '{"Username":"of","Secret":"%s"}' "$server" ;;
esac ;; esac"#,
    )
}

fn all(place: &Place, variable: Option<&str>) -> Vec<String> {
    let found = runtime().block_on(find::all(&place.around(variable))).unwrap();
    config_header(&found).unwrap();
    let told = |c: &Credentials| c.password.as_ref().map(|p| p.expose().to_owned());
    found.iter().map(|(host, c)| format!("{host}={}", told(c).unwrap_or_default())).collect()
}

#[test]
fn a_build_is_given_what_the_store_lists() {
    let place = store(Place::new(), "lists");
    place.config(
        r#"{"credsStore":"lists","credHelpers":{"own.test":"good"},
            "auths":{"plain.test:5000":{},"left.test":{}}}"#,
    );
    let variable = r#"{"auths":{"url.test":{"auth":"djp2"}}}"#;
    assert_eq!(
        all(&place, Some(variable)),
        [
            "index.docker.io=https://index.docker.io/v1/",
            "left.test=left.test",
            "own.test=own.test",
            "plain.test:5000=plain.test:5000",
            "url.test=v",
        ]
    );
    assert!(all(&place, None).contains(&"url.test=https://url.test/v2".to_owned()));
    // A store that cannot list, or not well, takes nothing away.
    for (name, script) in [
        ("old", r#"[ $1 = get ] && printf '{"Username":"u","Secret":"%s"}' "$(cat)""#),
        ("odd", r#"[ $1 = get ] && printf '{"Username":"u","Secret":"s"}' || echo '["x"]'"#),
    ] {
        let place = Place::new().helper(name, script);
        place.config(&format!(r#"{{"credsStore":"{name}","auths":{{"left.test":{{}}}}}}"#));
        assert_eq!(all(&place, None).len(), 1, "{name}");
    }
    let place = Place::new();
    place.config(r#"{"credsStore":"absent"}"#);
    assert_eq!(all(&place, None), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_configuration_that_knows_nothing_is_the_platforms() {
    let asked = |place: &Place| {
        runtime()
            .block_on(find::find("x.test", &place.around(None)))
            .unwrap()
            .map(|c| c.password.unwrap().expose().to_owned())
    };
    let place = store(Place::new(), "secretservice").helper("pass", "echo gone wrong; exit 1");
    // Also where there is no file at all.
    assert_eq!(asked(&place).as_deref(), Some("x.test"));
    assert_eq!(all(&place, None).len(), 4);
    for (config, found) in [
        (r#"{}"#, true),
        (r#"{"credsStore":"","auths":{},"credHelpers":{}}"#, true),
        (r#"{"auths":{"y.test":{}}}"#, false),
        (r#"{"credHelpers":{"y.test":"good"}}"#, false),
        (r#"{"credsStore":"none"}"#, false),
    ] {
        place.config(config);
        assert_eq!(asked(&place).is_some(), found, "{config}");
    }
    // With `pass` at hand its helper is the one, and fails without a word: nobody has named it.
    place.config("{}");
    let pass = Path::new(&place.bin()).join("pass");
    std::os::unix::fs::symlink("/bin/true", pass).unwrap();
    assert_eq!(asked(&place), None);
    assert_eq!(all(&place, None), [""; 0]);
}

#[test]
fn fault_103_found_credentials_are_bound_to_their_registry() {
    let place = Place::new();
    place.config(&filled(r#"{"auths":{"r.test:5000":{"auth":"$(ada:pw)"}}}"#));
    let found = runtime().block_on(find::find(H, &place.around(None))).unwrap().unwrap();
    assert_eq!(found, Credentials::password("ada", "pw").server(H));
    let error = runtime().block_on(AuthChoice::Given(found).header("x.test")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "registry of the credentials \"r.test:5000\" is not the registry \"x.test\" that is asked for"
    );
}

#[test]
fn fault_105_an_absent_helper_is_named_to_who_asks() {
    let place = Place::new();
    place.config(r#"{"credsStore":"absent"}"#);
    let error = runtime().block_on(find::find(H, &place.around(None))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no credentials for registry \"r.test:5000\": docker-credential-absent is not in PATH"
    );
}

fn ask(
    place: &Place,
    name: &str,
    limit: Duration,
) -> Result<Option<Credentials>, CredentialsFault> {
    runtime().block_on(helper::get(name, H, &[place.bin()], limit))
}

#[test]
fn fault_104_a_helpers_name_is_a_programs() {
    let place = Place::new().helper("a_b.c-1", r#"echo '{"Username":"u","Secret":"s"}'"#);
    let found = Some(Credentials::password("u", "s"));
    assert_eq!(ask(&place, "a_b.c-1", helper::PATIENCE), Ok(found));
    for bad in ["", "../x", "a/b", "-x", ".x", "a b", "a\0b", "a\nb", "é", "/bin/sh"] {
        let refused = ask(&place, bad, helper::PATIENCE);
        assert_eq!(refused, Err(CredentialsFault::HelperName), "{bad:?}");
    }
}

#[test]
fn fault_104_a_helper_is_looked_for_in_whole_paths_only() {
    let place = Place::new();
    let bin = place.bin();
    let relative = Path::new("bin");
    let path = std::env::join_paths([Path::new(""), Path::new("."), relative, &bin]).unwrap();
    let around = Surroundings::of(&[("PATH", &path)]);
    assert_eq!(around.program_dirs(), std::slice::from_ref(&bin));
    assert!(Surroundings::of(&[]).program_dirs().is_empty());

    // What is no program does not hide one that follows.
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("docker-credential-good"), "").unwrap();
    fs::create_dir(other.path().join("docker-credential-token")).unwrap();
    for name in ["good", "token"] {
        let dirs = [other.path().to_owned(), bin.clone()];
        assert!(runtime().block_on(helper::get(name, H, &dirs, helper::PATIENCE)).is_ok());
        let absent = runtime().block_on(helper::get(name, H, &dirs[..1], helper::PATIENCE));
        assert_eq!(absent, Err(CredentialsFault::HelperMissing));
    }
}

#[test]
fn fault_105_a_helper_has_bounds() {
    let place = Place::new()
        .helper("deaf", "exec <&-; echo '{\"Username\":\"u\",\"Secret\":\"s\"}'")
        .helper("hangs", "echo $$ >\"$0.pid\"; exec sleep 100")
        .helper("broken", "");
    assert!(ask(&place, "deaf", helper::PATIENCE).unwrap().is_some());
    assert_eq!(
        ask(&place, "floods", helper::PATIENCE),
        Err(CredentialsFault::HelperTooLarge(65_536))
    );

    let limit = Duration::from_millis(500);
    let began = Instant::now();
    assert_eq!(ask(&place, "hangs", limit), Err(CredentialsFault::HelperTimeout(limit)));
    assert!(began.elapsed() < Duration::from_secs(5));
    let pid = fs::read_to_string(place.bin().join("docker-credential-hangs.pid")).unwrap();
    let state = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(5);
    // Gone, or dead and not yet waited for.
    while state().contains(") S ") || state().contains(") R ") {
        assert!(Instant::now() < deadline, "the helper lives on: {}", state());
        std::thread::yield_now();
    }

    let script = place.0.path().join("script");
    fs::write(&script, "#!/nonexistent/interpreter\n").unwrap();
    let broken = place.bin().join("docker-credential-broken");
    assert!(Command::new("install").arg(&script).arg(broken).status().unwrap().success());
    let error = ask(&place, "broken", helper::PATIENCE).unwrap_err();
    assert!(matches!(error, CredentialsFault::HelperIo(_)), "{error:?}");
}

/// A keychain is asked by many at once, on whatever runtime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helpers_run_side_by_side() {
    let place = Place::new();
    place.config(r#"{"credsStore":"good"}"#);
    let around = place.around(None);
    let (a, b, c) = tokio::join!(
        find::find("a.test", &around),
        find::find("b.test", &around),
        find::find("docker.io", &around)
    );
    assert_eq!(a.unwrap(), Some(Credentials::password("help", "a.test").server("a.test")));
    assert_eq!(b.unwrap(), Some(Credentials::password("help", "b.test").server("b.test")));
    assert_eq!(c.unwrap(), Some(Credentials::password("help", HUB).server(HUB)));
}

#[test]
fn a_registry_is_a_host() {
    for (registry, expected) in [
        ("docker.io", HUB),
        ("index.docker.io", HUB),
        (HUB, HUB),
        ("https://docker.io", HUB),
        ("registry:5000", "registry:5000"),
        ("http://registry:5000/v2/", "registry:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("Foo", "Foo"),
        ("x.docker.io", "x.docker.io"),
    ] {
        assert_eq!(key(registry).unwrap(), expected, "{registry}");
    }
    for bad in [
        "",
        "/x",
        "https://",
        "a b",
        "a\nb",
        "é",
        "a?b",
        "u:c4n4ry>>>>>?????@r.test",
        "u:c4n4ry?/x@r",
    ] {
        let error = key(bad).unwrap_err();
        assert!(error.to_string().starts_with("registry \""), "{error}");
        assert!(!format!("{error:?}").contains("c4n4ry"), "{error}");
    }
}

fn header(choice: &AuthChoice, domain: &str) -> HeaderValue {
    runtime().block_on(choice.header(domain)).unwrap()
}

#[test]
fn what_engines_are_sent() {
    assert_eq!(header(&AuthChoice::Anonymous, H), "e30=");
    let given = |c: Credentials| decoded(&header(&AuthChoice::Given(c), H));
    assert_eq!(
        given(Credentials::password("ada", "p?w")),
        json!({"username": "ada", "password": "p?w", "serveraddress": H})
    );
    assert_eq!(
        given(Credentials::identity_token("tok").server("https://r.test:5000/v2/")),
        json!({"identitytoken": "tok", "serveraddress": H})
    );
    let hub = AuthChoice::Given(Credentials::registry_token("tok").server("docker.io"));
    let hub = decoded(&header(&hub, "docker.io"));
    assert_eq!(hub, json!({"registrytoken": "tok", "serveraddress": HUB}));

    let (ada, bob) = (Credentials::password("ada", "a~~"), Credentials::password("bob", "x>y>z"));
    let known =
        BTreeMap::from([("docker.io".into(), ada.clone()), ("r.test:5000".into(), bob.server(H))]);
    assert_eq!(
        decoded(&config_header(&known).unwrap()),
        json!({
            HUB: {"username": "ada", "password": "a~~", "serveraddress": HUB},
            H: {"username": "bob", "password": "x>y>z", "serveraddress": H},
        })
    );
    assert_eq!(config_header(&BTreeMap::new()).unwrap(), "e30=");
    assert!(config_header(&BTreeMap::from([("x.test".into(), ada.server(H))])).is_err());
}

proptest! {
    /// Every text arrives as it was, by the alphabet that engines read.
    #[test]
    fn every_byte_arrives(user in any::<String>(), password in any::<String>()) {
        let credentials = Credentials::password(&*user, &*password);
        let header = encoded(&credentials.wire(H)).unwrap();
        prop_assert_eq!(header.len() % 4, 0);
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_=".contains(b);
        prop_assert!(header.as_bytes().iter().all(plain));
        let wire = decoded(&header);
        prop_assert_eq!(wire["username"].as_str(), Some(&*user));
        prop_assert_eq!(wire["password"].as_str(), Some(&*password));
    }

    /// What the CLI writes to its file is read back. It cuts a user at the first colon, and NULs
    /// off a password.
    #[test]
    fn every_entry_is_read(user in "[^:]+", password in any::<String>()) {
        let password = password.trim_matches('\0').to_owned();
        let entry = json!({"auths": {H: {"auth": auth(&format!("{user}:{password}"))}}}).to_string();
        let env = Surroundings::of(&[("DOCKER_AUTH_CONFIG", OsStr::new(&entry))]);
        let found = runtime().block_on(find::find(H, &env)).unwrap().unwrap();
        let expected = Credentials::password(user, "").server(H);
        let password = (!password.is_empty()).then(|| Secret::new(password));
        prop_assert_eq!(found, Credentials { password, ..expected });
    }
}

#[test]
fn fault_102_credentials_are_shown_nowhere() {
    let all = [
        Credentials::password("ada", CANARY).server("registry:5000"),
        Credentials::identity_token(CANARY),
        Credentials::registry_token(CANARY),
    ];
    for credentials in all {
        let choice = AuthChoice::Given(credentials.clone());
        let header = header(&choice, "registry:5000");
        let name = crate::wire::HeaderName::from_static("x-registry-auth");
        let call = crate::wire::Call::post(&["images", "create"]).header(name, header.clone());
        let refused =
            runtime().block_on(AuthChoice::Given(credentials.clone().server("x")).header(H));
        let shown = format!(
            "{credentials:?} {credentials:#?} {choice:?} {header:?} {call} {call:?} {refused:?}"
        );
        assert!(shown.contains("***") && !shown.contains("c4n4ry"), "{shown}");
        assert!(!shown.contains(std::str::from_utf8(header.as_bytes()).unwrap()), "{shown}");
    }
    let secret = Secret::new(CANARY);
    assert_eq!(format!("{secret:?}{secret:#?}"), "******");
    assert_eq!(secret.expose(), CANARY);
}
