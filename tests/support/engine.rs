//! A real engine, and what a test makes on it.

use std::sync::atomic::{AtomicU32, Ordering};

use bowline::{
    Container, ContainerId, ContainerSpec, Created, Docker, NetworkSpec, Running, VolumeSpec,
};

/// The image that every engine of ours has: see `scripts/with-engine`.
pub const IMAGE: &str = "busybox";

/// Connect to the engine, or fail saying how to get one.
pub async fn docker() -> Docker {
    match Docker::connect().await {
        Ok(docker) => docker,
        Err(e) => panic!("{e}\n\nthese tests need an engine: scripts/with-engine cargo test"),
    }
}

/// A name that no other test has, in this run or another.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("bowline-{what}-{}-{n}", std::process::id())
}

/// Wait until what dropped futures have left to do is done: nothing else of a test is a task.
pub async fn followed_up() {
    let tasks = tokio::runtime::Handle::current().metrics();
    let done = async {
        while tasks.num_alive_tasks() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), done).await.unwrap();
}

/// What one test makes on the engine: it bears a label of its own, and is gone when the test is.
pub struct Own {
    pub docker: Docker,
    label: String,
}

impl Own {
    pub async fn new() -> Own {
        Own::on(docker().await)
    }

    /// The same by another way to the engine.
    pub fn on(docker: Docker) -> Own {
        Own { docker, label: unique("test") }
    }

    /// Describe a container that belongs to this test.
    pub fn spec<A: Into<String>>(&self, cmd: impl IntoIterator<Item = A>) -> ContainerSpec {
        self.spec_of(IMAGE, cmd)
    }

    /// The same of another image.
    pub fn spec_of<A: Into<String>>(
        &self,
        image: &str,
        cmd: impl IntoIterator<Item = A>,
    ) -> ContainerSpec {
        ContainerSpec::new(image).cmd(cmd).label("bowline.test", &self.label)
    }

    /// Describe one that does nothing for a long time, and ends at once when asked.
    pub fn idle(&self) -> ContainerSpec {
        self.spec(["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"])
    }

    pub async fn created(&self) -> Container<Created> {
        self.docker.create(self.idle()).await.unwrap()
    }

    pub async fn running(&self) -> Container<Running> {
        self.created().await.start().await.unwrap()
    }

    /// Describe a network that belongs to this test, on a subnet that no other test has.
    pub fn network(&self) -> NetworkSpec {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed) % 250;
        // Another process of the same tests is in another block of addresses.
        let block = 128 + std::process::id() % 100;
        NetworkSpec::new(unique("net"))
            .subnet(format!("10.{block}.{n}.0/24"))
            .label("bowline.test", &self.label)
    }

    /// Describe a volume that belongs to this test.
    pub fn volume(&self) -> VolumeSpec {
        VolumeSpec::new(unique("vol")).label("bowline.test", &self.label)
    }

    /// The label's filter: "bowline.test=…".
    pub fn label(&self) -> String {
        format!("bowline.test={}", self.label)
    }

    /// Look where a container is: its state, or "gone".
    ///
    /// For a moment after a thaw an engine may say "paused" again: it takes its own late report of
    /// the pause for news. So that word counts only once it has stood for a while.
    pub async fn state(&self, id: &ContainerId) -> String {
        let look = || async {
            match self.docker.container(id).await {
                Ok(found) => found.state().to_string(),
                Err(e) if e.is_not_found() => "gone".to_owned(),
                Err(e) => panic!("{e}"),
            }
        };
        let state = look().await;
        if state != "paused" {
            return state;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        look().await
    }

    /// Count what of this test is on the engine, in any state.
    pub async fn left(&self) -> usize {
        self.docker.containers().all().label(self.label()).await.unwrap().len()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let (docker, label) = (self.docker.clone(), self.label());
        // The test's own runtime may be gone, or be the one that drops us.
        let clear = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let all = docker.containers().all().label(&label);
                let _ = all.remove().force().volumes().await;
                for found in docker.networks().label(&label).await.unwrap_or_default() {
                    if let Ok(network) = docker.network(found.id).await {
                        let _ = network.remove().await;
                    }
                }
                for found in docker.volumes().label(&label).await.unwrap_or_default().volumes {
                    if let Ok(volume) = docker.volume(found.name) {
                        let _ = volume.remove().await;
                    }
                }
            });
        });
        let _ = clear.join();
    }
}
