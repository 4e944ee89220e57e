//! A port that takes connections, from outside and from inside.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::probe::{NotYet, Readiness};
use super::run::run;
use super::until::Subject;
use crate::throwaway::addr::ContainerPort;

/// A port that can be connected to from here.
#[derive(Debug, Clone)]
pub(super) struct Outside {
    pub(super) port: ContainerPort,
}

/// A connection that stands so long has somebody at its other end. Docker's proxy closes one that
/// it cannot hand on within a few milliseconds.
const STANDS: Duration = Duration::from_millis(100);

impl Readiness for Outside {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        let addr = on.addr(self.port.clone()).await?;
        let at = |error: std::io::Error| NotYet::new(format!("{addr}: {error}"));
        let mut stream = TcpStream::connect((&*addr.host, addr.port)).await.map_err(at)?;
        match tokio::time::timeout(STANDS, stream.read(&mut [0])).await {
            Err(_) | Ok(Ok(1..)) => Ok(()),
            Ok(Ok(0)) => Err(NotYet::new(format!("{addr}: taken, and closed at once"))),
            Ok(Err(error)) => Err(at(error)),
        }
    }

    fn describe(&self) -> String {
        format!("port {} from outside", self.port)
    }
}

/// A port that something in the container listens on.
#[derive(Debug, Clone)]
pub(super) struct Inside {
    pub(super) port: u16,
}

impl Readiness for Inside {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        match self.listens(on).await? {
            true => Ok(()),
            false => Err(NotYet::new("nothing listens there")),
        }
    }

    fn describe(&self) -> String {
        format!("port {} from inside", self.port)
    }
}

impl Inside {
    async fn listens(&self, on: &Subject<'_>) -> Result<bool, NotYet> {
        if on.docker().host().socket_path().is_some() {
            let details = on.container().inspect().await?;
            if let Some(tables) = tables_here(details.state.pid, on.container().id().as_str()) {
                return Ok(listens(&tables, self.port));
            }
        }
        let by_cat = run(on, ["cat", "/proc/net/tcp", "/proc/net/tcp6"], TABLES).await?;
        // Without IPv6 there is no tcp6, and cat says 1.
        if by_cat.output.contains(TITLE) {
            return Ok(listens(&by_cat.output, self.port));
        }
        let by_sh = run(on, ["sh", "-c", PRINT], TABLES).await?;
        if by_sh.output.contains(TITLE) {
            return Ok(listens(&by_sh.output, self.port));
        }
        if !by_sh.status.not_found() && !by_sh.status.cannot_run() {
            return Err(NotYet::new(format!("sh: {}: {}", by_sh.status, by_sh.output)));
        }
        Err(NotYet::never(
            "the image has neither cat nor sh to look from inside, and the engine's processes \
             cannot be seen from here; wait for the port from outside",
        ))
    }
}

/// A word that each table begins with.
const TITLE: &str = "local_address";
/// More than this of them is not read.
const TABLES: usize = 1 << 20;
/// Print them with nothing but what is built into a shell.
const PRINT: &str = "while read -r line; do echo \"$line\"; done </proc/net/tcp; \
                     while read -r line; do echo \"$line\"; done </proc/net/tcp6";

/// Read the tables by the container's process, where that can be seen from here. A number alone
/// proves nothing, the engine may count otherwise: so its control group must name the container.
fn tables_here(pid: i64, id: &str) -> Option<String> {
    if pid <= 0 || id.is_empty() {
        return None;
    }
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
    if !read("cgroup")?.contains(id) {
        return None;
    }
    let mut tables = read("net/tcp")?;
    tables.push_str(&read("net/tcp6").unwrap_or_default());
    Some(tables)
}

/// Say whether the kernel's tables have a socket that listens on this port: state 0A.
fn listens(tables: &str, port: u16) -> bool {
    tables.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        let (local, state) = (words.nth(1), words.nth(1));
        let of = local.and_then(|local| local.rsplit_once(':')).map(|(_, port)| port);
        state == Some("0A") && of.and_then(|p| u16::from_str_radix(p, 16).ok()) == Some(port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_by_the_kernels_table() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17821 1
   1: 0100007F:0050 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 17822 1
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:1A0B 00000000000000000000000000000000:0000 0A 00000000
";
        assert!(listens(table, 8080));
        assert!(listens(table, 6667));
        assert!(!listens(table, 80), "a connection is no listener");
        assert!(!listens(table, 40000));
        assert!(!listens("", 0));
    }

    #[test]
    fn a_strangers_process_tells_nothing() {
        let me = i64::from(std::process::id());
        assert_eq!(tables_here(me, "4dd7f71339cd4dd7f71339cd"), None);
        assert_eq!(tables_here(0, "x"), None);
    }
}
