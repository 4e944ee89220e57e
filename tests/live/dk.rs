//! A beginner's first day, command by command, through the example `dk` and through the docker
//! command on one engine: both say the same, end the same, and leave the same behind.

mod files;

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bowline::Docker;
use regex_lite::Regex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::engine::{docker, unique};
use crate::support::pty::Desk;
use crate::support::registry::Registry;
use crate::tutorials::example;

const DAY: &str = include_str!("dk/day.sh");

/// What differs from run to run: ids, moments, ages, addresses, names that the engine makes up.
const REDACTED: [(&str, &str); 18] = [
    (r"\b[0-9a-f]{64}\b", "[id]"),
    (r"\b[0-9a-f]{12}\b", "[short id]"),
    (r"(?m)^[0-9a-f]{10}$", "[prefix]"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "[time]"),
    (r"[A-Z][a-z]{2} [ \d]\d [ \d]\d:\d\d", "[date]"),
    (
        r"(Less than a second|About a minute|About an hour|\d+ (second|minute|hour|day|week)s?)",
        "[age]",
    ),
    (r"\b127\.0\.0\.1:\d{4,5}\b", "[address]"),
    (r"\b[a-z]+_[a-z]+\d?$", "[name]"),
    (r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "[mac]"),
    (r"\b172\.\d+\.\d+\.\d+\b", "[ip]"),
    // How many processes there are on this machine.
    (r"(?m)^dr-xr-xr-x +\d+( .* proc)$", "dr-xr-xr-x [n]$1"),
    (r"Total reclaimed space: .*", "Total reclaimed space: [size]"),
    // The 20.10 command leaves out what of an address is an IPv6's.
    (r":::(\d+)->", "[::]:$1->"),
    // Who answers is said in as many ways as there are versions.
    (r"Error response from daemon: |Error: ", "Error: "),
    (r"Sending build context to Docker daemon .*\r?\n", ""),
    (r"\r", ""),
    (r"\x1b\[[0-9;?]*[a-zA-Z]", ""),
    (r"(?m) +$", ""),
];

/// The one filter. Where an age stood, columns are as wide as it was.
fn redacted(text: &str) -> String {
    let mut out = text.to_owned();
    for (pattern, with) in REDACTED {
        out = Regex::new(pattern).unwrap().replace_all(&out, with).into_owned();
    }
    match out.contains("[age]") || out.contains("[address]") || out.contains("[n]") {
        true => Regex::new(" {2,}").unwrap().replace_all(&out, "  ").into_owned(),
        false => out,
    }
}

/// What differs in what an engine holds although the commands were the same, and why.
const HELD: [(&str, &str); 12] = [
    ("AttachStdout", "the docker command says here whether it was attached; engines ignore it"),
    ("AttachStderr", "the same"),
    ("ConsoleSize", "newer docker commands tell the window's size, when there is one or not"),
    ("Pid", "a number of the host's"),
    ("SandboxKey", "made up for each start"),
    ("HostPort", "one that is free"),
    ("VirtualSize", "how much its layers take, which the engine counts later"),
    ("GraphDriver", "paths made of ids"),
    ("IPAddress", "the next that is free"),
    ("IpamConfig", "empty, or not there"),
    ("DNSNames", "made of the id"),
    ("Hostname", "made of the id"),
];

/// JSON without what differs; what is empty is as good as not there.
fn held(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        // No restart policy is called "no" where one is sent.
        Value::String(text) if text.is_empty() || text == "no" => None,
        Value::String(text) => Some(redacted(text).into()),
        Value::Number(n) if n.as_f64() == Some(0.0) => None,
        Value::Array(list) => {
            let list: Vec<Value> = list.iter().filter_map(held).collect();
            (!list.is_empty()).then(|| list.into())
        }
        Value::Object(map) => {
            let named = |(key, value): (&String, &Value)| {
                let known = HELD.iter().any(|(name, _)| name == key);
                if known { None } else { Some((redacted(key), held(value)?)) }
            };
            let map: serde_json::Map<_, _> = map.iter().filter_map(named).collect();
            (!map.is_empty()).then(|| map.into())
        }
        other => Some(other.clone()),
    }
}

/// What one program said and left, step by step.
type Seen = Vec<(String, String)>;

struct Side {
    docker: Docker,
    /// First in PATH: `docker` is the program.
    bin: TempDir,
    folder: TempDir,
    registry: Registry,
    me: String,
    /// How many lines of the day are done.
    done: usize,
    seen: Seen,
    /// Lines that ended otherwise than the day has it.
    wrong: Vec<String>,
}

impl Side {
    async fn new(program: &Path, me: &str) -> Side {
        let side = Side {
            docker: docker().await,
            bin: tempfile::tempdir().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            registry: Registry::open(),
            me: me.to_owned(),
            done: 0,
            wrong: Vec::new(),
            seen: Vec::new(),
        };
        symlink(program, side.bin.path().join("docker")).unwrap();
        files::write(side.folder.path(), me);
        side
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            ("PATH", format!("{}:{path}", self.bin.path().display())),
            ("DOCKER_HOST", self.docker.host().to_string()),
            // Nobody's passwords and plugins.
            ("DOCKER_CONFIG", self.bin.path().display().to_string()),
            ("DOCKER_BUILDKIT", "0".to_owned()),
            ("DOCKER_CLI_HINTS", "false".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("SHADE", "dark".to_owned()),
            ("ME", self.me.clone()),
            ("L", format!("--label dk.day={}", self.me)),
            ("BOX", self.registry.image(&format!("{}/box", self.me))),
        ]
    }

    /// One line of the day. What may differ is left out.
    async fn step(&mut self, line: &str) {
        let (line, but) = line.split_once(" ## ").unwrap_or((line, ""));
        let (ends, but) = match but.strip_prefix("exit ") {
            Some(rest) => rest.split_once(", ").unwrap_or((rest, "")),
            None => ("0", but),
        };
        let mut command = Command::new("sh");
        command.args(["-c", line]).envs(self.env()).current_dir(self.folder.path());
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let limit = std::time::Duration::from_secs(120);
        let output = tokio::time::timeout(limit, output).await;
        let output = output.unwrap_or_else(|_| panic!("{line}: it never ends")).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        let mut seen = format!("exit {code}\n");
        if ends.split(" or ").all(|end| end != code.to_string()) {
            writeln!(seen, "which is not {ends}, as the day has it").unwrap();
            self.wrong.push(line.to_owned());
        }
        let stdout = text(&output.stdout);
        match serde_json::from_str::<Value>(&stdout) {
            // Two programs may order the keys of one object as they like.
            Ok(value) if value.is_array() => {
                let kept = held(&value).unwrap_or_default();
                seen += &serde_json::to_string_pretty(&kept).unwrap();
            }
            _ => seen += &redacted(&stdout),
        }
        if !but.starts_with("stderr: ") {
            write!(seen, "\nstderr:\n{}", redacted(&text(&output.stderr))).unwrap();
        }
        self.seen.push((line.to_owned(), seen));
    }

    /// All lines up to the one that begins so.
    async fn steps(&mut self, until: &str) {
        let lines = DAY.lines().filter_map(|line| line.strip_prefix("$ ")).skip(self.done);
        for line in lines.take_while(|line| until.is_empty() || !line.starts_with(until)) {
            self.step(line).await;
            self.done += 1;
        }
    }

    fn sit(&self, args: &[&str]) -> Desk {
        let env = self.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Desk::start(self.bin.path().join("docker"), args, &env)
    }

    /// What is typed at a terminal, and what comes of it: the lines that begin with "said", and the
    /// exit code. What else is there is the shell's editing of its line, which begins anew when the
    /// window changes its size; the docker command changes it by one and back when it attaches.
    async fn at_terminal(&mut self, args: &[&str], talk: &[(&str, &str)]) {
        let mut desk = self.sit(args);
        let mut seen = String::new();
        for (keys, mark) in talk {
            desk.types(keys).await;
            seen += &desk.reads(mark).await;
        }
        let code = desk.ends().await;
        desk.assert_as_before();
        let said = seen.lines().filter(|line| line.starts_with("said"));
        let said = format!("{}\nexit {code:?}", said.collect::<Vec<_>>().join("\n"));
        self.seen.push((format!("at a terminal: {}", args.join(" ")), said));
    }

    /// Shells that are left, come back to, and ended.
    async fn shells(&mut self) {
        let label = format!("dk.day={}", self.me);
        let (name, web) = (format!("{}-it", self.me), format!("{}-web", self.me));
        let run = ["run", "-it", "--label", &label, "--name", &name, "busybox", "sh"];
        let talk =
            [("", "/ # "), ("echo said $((6*7))\n", "\nsaid 42\r\n"), ("exit 5\n", "exit 5")];
        self.at_terminal(&run, &talk).await;
        let run = ["run", "--rm", "-it", "--label", &label, "busybox"];
        let talk = [("", "/ # "), ("tty | sed 's/^/said /'; exit\n", "\nsaid /dev/pts/0\r\n")];
        self.at_terminal(&run, &talk).await;
        self.step("docker start $ME-it").await;
        let talk =
            [("x=kept; echo said $x\n", "\nsaid kept\r\n"), ("\x10\x11", "read escape sequence")];
        self.at_terminal(&["attach", &name], &talk).await;
        let talk = [("echo said $x again\n", "\nsaid kept again\r\n"), ("exit 6\n", "exit 6")];
        self.at_terminal(&["attach", &name], &talk).await;
        let talk = [("", "/ # "), ("echo said $x\n", "\nsaid\r\n"), ("exit 7\n", "exit 7")];
        self.at_terminal(&["start", "-ai", &name], &talk).await;
        let talk = [
            ("", "/ # "),
            ("stty size | sed 's/^/said /'\n", "\nsaid 31 101\r\n"),
            ("exit 8\n", "exit 8"),
        ];
        self.at_terminal(&["exec", "-it", &web, "sh"], &talk).await;
    }

    /// What the engine holds of the day's.
    async fn holds(&mut self, when: &str) {
        let label = format!("dk.day={}", self.me);
        let mut all = Vec::new();
        for row in self.docker.containers().all().label(&label).await.unwrap() {
            let found = self.docker.container(row.id).await.unwrap().any().unwrap();
            all.push(found.inspect().await.unwrap().raw().unwrap());
        }
        for pattern in [format!("{}*", self.me), format!("{}*:*", self.me)] {
            for row in self.docker.images().reference(pattern).await.unwrap() {
                all.push(self.docker.image(row.id).unwrap().inspect().await.unwrap().raw());
            }
        }
        for row in self.docker.networks().label(&label).await.unwrap() {
            let network = self.docker.network(row.id).await.unwrap();
            all.push(network.inspect().await.unwrap().raw());
        }
        for volume in self.docker.volumes().label(&label).await.unwrap().volumes {
            all.push(volume.raw());
        }
        let all = held(&all.into()).unwrap_or_default();
        let text = serde_json::to_string_pretty(&all).unwrap();
        self.seen.push((format!("at a terminal, {when}: what the engine holds"), text));
    }

    async fn day(mut self, whose: &str) -> Seen {
        self.steps("docker ps -f label").await;
        self.holds("after the first runs").await;
        self.steps("docker pause").await;
        self.shells().await;
        self.steps("docker rm $ME-site").await;
        self.holds("before anything is removed").await;
        self.steps("docker rmi $ME-img").await;
        self.holds("with a committed image").await;
        self.steps("docker volume rm").await;
        self.holds("with networks and volumes").await;
        self.steps("").await;
        self.holds("in the evening").await;
        // To be read by people, where a line is not as it should be.
        let text = self.seen.iter().map(|(line, seen)| format!("$ {line}\n{seen}\n\n"));
        let text = text.collect::<String>();
        std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(whose), text).unwrap();
        assert!(self.wrong.is_empty(), "by {whose}: {:#?}", self.wrong);
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Side {
    /// Nothing of a day is left, so that the other begins as this one did.
    fn drop(&mut self) {
        let script = "docker ps -aq -f label=dk.day=$ME | xargs -r docker rm -fv; \
            docker network ls -q -f label=dk.day=$ME | xargs -r docker network rm; \
            docker volume rm -f $ME-data $ME-vol; \
            docker images -q -f reference=\"$ME*\" -f reference=\"$ME*:*\" | sort -u | xargs -r docker rmi -f; \
            docker images -aq -f label=dk.day=$ME | xargs -r docker rmi -f; docker rmi -f $BOX";
        let mut clear = std::process::Command::new("sh");
        // The docker command's, also where dk is what is being mended.
        let path = std::env::var("PATH").unwrap_or_default();
        clear.args(["-c", script]).envs(self.env()).env("PATH", path);
        let _ = clear.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// The docker command of this machine; another one by BOWLINE_DOCKER_CLI.
fn docker_command() -> PathBuf {
    if let Some(path) = std::env::var_os("BOWLINE_DOCKER_CLI") {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("docker"));
    found.find(|path| path.exists()).unwrap_or_else(|| {
        panic!(
            "this test needs the docker command: on Debian and Ubuntu, apt-get install docker.io"
        )
    })
}

#[tokio::test]
async fn a_day_is_the_same_as_with_the_docker_command() {
    let me = unique("day");
    let theirs = Side::new(&docker_command(), &me).await.day("dk-day-of-docker.txt").await;
    let ours = Side::new(&example("dk"), &me).await.day("dk-day-of-dk.txt").await;
    let mut differ = String::new();
    assert_eq!(theirs.len(), ours.len());
    for ((line, theirs), (_, ours)) in theirs.iter().zip(&ours).filter(|(a, b)| a != b) {
        let lines = |one: &str, other: &str| {
            let other: Vec<&str> = other.lines().collect();
            let new = one.lines().filter(|line| !other.contains(line));
            new.map(|line| format!("    {line}\n")).collect::<String>()
        };
        let (missing, more) = (lines(theirs, ours), lines(ours, theirs));
        writeln!(differ, "$ {line}\n  docker:\n{missing}  dk:\n{more}").unwrap();
    }
    assert!(differ.is_empty(), "dk is not as the docker command:\n{differ}");
}

#[tokio::test]
async fn every_command_explains_itself() {
    let help = async |words: Vec<&str>| {
        let output = Command::new(example("dk")).args(&words).arg("--help").output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words:?}: {text}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let usage =
            ["Usage: dk"].into_iter().chain(words.iter().copied()).collect::<Vec<_>>().join(" ");
        assert!(text.contains(&usage), "{text}");
        let commands = text.split_once("Commands:\n").map_or("", |(_, behind)| behind);
        let lines = commands.lines().take_while(|line| !line.is_empty());
        lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    let all: Vec<String> = help(vec![]).await;
    for command in &all {
        for second in help(vec![command]).await {
            assert_eq!(help(vec![command, &second]).await, [""; 0]);
        }
    }
    // Every one of the day is among them.
    for line in DAY.lines().filter_map(|line| line.strip_prefix("$ ")) {
        for rest in line.split(" ## ").next().unwrap().split("docker ").skip(1) {
            let word = rest.split(' ').next().unwrap();
            assert!(all.iter().any(|known| known == word), "{word} of {line}");
        }
    }
}

#[test]
fn the_filter_takes_out_what_differs_by_nature_alone() {
    assert_eq!(redacted("Up 3 seconds   x\r\n0123456789ab  y"), "Up [age]  x\n[short id]  y");
    assert_eq!(redacted("exit 3   a"), "exit 3   a");
    assert_eq!(
        held(&serde_json::json!({"Pid": 7, "A": [], "B": 1})),
        Some(serde_json::json!({"B": 1}))
    );
}
