//! An engine of a test's own, to be killed: the one that is there belongs to others too.
//!
//! It lives in namespaces of its own, so that it meets the other neither by its network nor by its
//! files in /run, and ends with all its containers when this is dropped, or when this process dies
//! in any way. It has no network for containers.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use bowline::Docker;
use tempfile::TempDir;

use super::engine::{IMAGE, docker};

/// The first process of the namespaces: told by its input what to do. With the input's end it ends,
/// and everything in there with it.
const KEEPER: &str = r#"
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
# Not the engine's child: it would die with it, and an engine that is back too soon waits for it.
containerd --root "$FOLDER/containerd" --state /run/containerd >>"$FOLDER/log" 2>&1 </dev/null &
while read -r word; do
    case $word in
        start) dockerd "$@" >>"$FOLDER/log" 2>&1 </dev/null & ;;
        *) kill -s "$word" $!; wait $! || : ;;
    esac
    echo done
done
exit 0
"#;

/// A running engine. Its containers outlive it when it is killed, until this is dropped.
pub struct OwnEngine {
    keeper: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: TempDir,
}

impl OwnEngine {
    /// Start one, with the image of all tests.
    pub async fn start() -> OwnEngine {
        let uid = std::fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(uid, 0, "this test starts an engine of its own, which takes root");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut keeper = Command::new("unshare");
        keeper.args(["--net", "--mount", "--pid", "--fork", "--propagation", "private"]);
        keeper.args(["sh", "-ec", KEEPER, "keeper"]);
        keeper.args(["--host", &format!("unix://{}", at("docker.sock"))]);
        keeper.args(["--data-root", &at("data"), "--live-restore"]);
        keeper.args(["--containerd", "/run/containerd/containerd.sock"]);
        // Nothing that a kernel or the file system below may lack.
        keeper.args(["--storage-driver", "vfs", "--bridge", "none", "--iptables=false"]);
        keeper.env("FOLDER", folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        keeper.stderr(File::options().append(true).create(true).open(at("log")).unwrap());
        let mut keeper = match keeper.spawn() {
            Ok(keeper) => keeper,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                panic!("this test needs \"unshare\", of util-linux, in PATH")
            }
            Err(e) => panic!("unshare: {e}"),
        };
        let words = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().unwrap());
        let mut engine = OwnEngine { keeper, words, answers, folder };
        engine.again();
        let own = engine.docker().await;
        let archive = docker().await.save([IMAGE]).await.unwrap();
        own.load(archive).await.unwrap();
        engine
    }

    /// Connect to it, as soon as it answers.
    pub async fn docker(&self) -> Docker {
        let host = format!("unix://{}", self.folder.path().join("docker.sock").display());
        match Docker::connect().host(host).wait(Duration::from_secs(60)).await {
            Ok(docker) => docker,
            Err(e) => panic!(
                "{e}\n\nthis test needs dockerd and containerd in PATH; the engine's last words:\n{}",
                self.last_words()
            ),
        }
    }

    /// End the engine by a signal, "KILL" or "TERM", and wait until it is gone.
    pub fn end(&mut self, signal: &str) {
        self.say(signal);
    }

    /// Start it again.
    pub fn again(&mut self) {
        self.say("start");
    }

    fn say(&mut self, word: &str) {
        let mut answer = String::new();
        let said = writeln!(self.words.as_mut().unwrap(), "{word}");
        let heard = said.and_then(|()| self.answers.read_line(&mut answer));
        if !matches!(heard, Ok(1..)) {
            panic!("the engine's keeper has ended: {}", self.last_words());
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        drop(self.words.take());
        // Its folder can go only when nothing writes there any more.
        let _ = self.keeper.wait();
    }
}
