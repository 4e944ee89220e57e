//! An image registry of a test's own, on this machine's loopback.
//!
//! Engines take a registry on 127.0.0.1 without TLS. The engine has to share this machine's
//! loopback: one in a virtual machine (Docker Desktop) does not see it.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Whom a locked registry lets in.
pub const USER: &str = "ada";
/// Her password: in base64, wherever it begins, it needs both characters in which the two
/// alphabets differ.
pub const PASSWORD: &str = ">>>>>????? é\"\\";
/// The same by bcrypt, the only kind that the registry reads.
const HTPASSWD: &str = "ada:$2b$05$EFmpgFM81FGtZphJF/9wAuoDr6AzQ.GuO0qp7VONfy8FJZyPTEk06\n";

/// How the registry is called where it is a package of its own, and where it is built from source.
const PROGRAMS: [&str; 2] = ["docker-registry", "registry"];

/// A running registry. It ends, and what it stores is gone, when this is dropped.
pub struct Registry {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Registry {
    /// Start one that lets everybody in.
    pub fn open() -> Registry {
        Registry::start(false)
    }

    /// Start one that lets only [`USER`] in, by [`PASSWORD`].
    pub fn locked() -> Registry {
        Registry::start(true)
    }

    /// The registry as an image's name begins: "127.0.0.1:41273".
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The name of an image in it: "127.0.0.1:41273/app:v1".
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Ask it something as nobody, without the engine: "/v2/app/tags/list". Returns the status.
    pub fn ask(&self, path: &str) -> u16 {
        ask(self.address, path).expect("the registry does not answer")
    }

    fn start(locked: bool) -> Registry {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        // Port 0: the system picks a free one, and the registry says which.
        let mut config = format!(
            "version: 0.1\n\
             log: {{level: info, formatter: json, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '127.0.0.1:0', secret: none}}\n",
            at("data")
        );
        if locked {
            fs::write(at("htpasswd"), HTPASSWD).unwrap();
            config += &format!("auth: {{htpasswd: {{realm: test, path: '{}'}}}}\n", at("htpasswd"));
        }
        fs::write(at("config.yml"), config).unwrap();
        let mut process = spawn(&at("config.yml"));
        // From here on a panic ends the process too.
        let log = process.stderr.take().unwrap();
        let mut registry =
            Registry { process, address: SocketAddr::from(([127, 0, 0, 1], 0)), _folder: folder };
        registry.address = listening(log);
        let status = registry.ask("/v2/");
        assert_eq!(status, if locked { 401 } else { 200 }, "is this a registry?");
        registry
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(config: &str) -> Child {
    for program in PROGRAMS {
        // Its variables would override the configuration.
        let strange = |(name, _): &(std::ffi::OsString, std::ffi::OsString)| {
            !name.to_string_lossy().starts_with("REGISTRY_")
        };
        let mut command = Command::new(program);
        command.env_clear().envs(std::env::vars_os().filter(strange)).args(["serve", config]);
        // Never asked where its traces should go.
        command.env("OTEL_TRACES_EXPORTER", "none");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => return child,
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => panic!("{program}: {e}"),
        }
    }
    panic!(
        "this test needs an image registry: neither \"docker-registry\" nor \"registry\" is in \
         PATH.\nOn Debian and Ubuntu: apt-get install docker-registry. Elsewhere: the program of \
         https://github.com/distribution/distribution, in PATH as \"registry\"."
    );
}

/// Wait until the registry says where it listens, and let it talk on.
fn listening(log: impl Read + Send + 'static) -> SocketAddr {
    let (tell, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = String::new();
        // To the end: a pipe that nobody reads would stop the registry.
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let address = line.split_once("listening on ").and_then(|(_, rest)| {
                rest.split(['"', ',', ' ']).next()?.parse::<SocketAddr>().ok()
            });
            if let Some(address) = address {
                let _ = tell.send(Ok(address));
            }
            if said.len() < 4096 {
                said = said + &line + "\n";
            }
        }
        let _ = tell.send(Err(said));
    });
    match heard.recv_timeout(Duration::from_secs(20)) {
        Ok(Ok(address)) => address,
        Ok(Err(said)) => panic!("the registry ended at once:\n{said}"),
        Err(_) => panic!("the registry did not listen within 20 seconds"),
    }
}

fn ask(address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut peer = TcpStream::connect(address)?;
    peer.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(peer, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer)?;
    let status = answer.get(9..12).and_then(|s| std::str::from_utf8(s).ok()?.parse().ok());
    status.ok_or_else(|| ErrorKind::InvalidData.into())
}
