//! Where a container's ports are reached from here.

use bowline::Container;
use bowline::throwaway::{Addresses, ContainerPort, NoAddressReason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::engine::Own;

async fn addresses<S: bowline::container::State>(own: &Own, c: &Container<S>) -> Addresses {
    Addresses::of(&own.docker, &c.inspect().await.unwrap()).await
}

#[tokio::test]
async fn a_tcp_port_by_ipv4_and_by_name() {
    let own = Own::new().await;
    let script = "while :; do echo hello | nc -l -p 8080; done";
    let spec = own.spec(["sh", "-c", script]).publish(8080).publish("127.0.0.1::9090").expose(70);
    let c = own.docker.run(spec).spawn().await.unwrap();
    let of = addresses(&own, &c).await;
    let addr = of.get(8080).unwrap();
    assert_eq!(of.v4(8080).unwrap(), addr);
    bowline::throwaway::Ready::inside_port(8080)
        .until(&bowline::throwaway::Subject::new(&own.docker, &c, "c"))
        .await
        .unwrap();
    let mut said = String::new();
    let mut stream = TcpStream::connect(addr.to_string()).await.unwrap();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello\n");
    // Bound to one address, of one family.
    assert!(of.get(9090).unwrap().ip().unwrap().is_loopback());
    assert!(matches!(of.v6(9090).unwrap_err().reason, NoAddressReason::OtherFamily(_)));
    // What there is instead of what was asked for.
    let error = of.get(70).unwrap_err();
    assert_eq!(error.reason, NoAddressReason::NotPublished);
    assert_eq!(error.published, ["8080/tcp", "9090/tcp"]);
    assert_eq!(error.exposed, ["70/tcp"]);
    assert!(of.get(ContainerPort::udp(8080)).is_err());
}

/// Nothing in the image listens on UDP; but the container's kernel counts what it must refuse.
#[tokio::test]
async fn a_udp_port() {
    let own = Own::new().await;
    let c = own.docker.run(own.idle().publish("5353/udp").publish(5353)).spawn().await.unwrap();
    let of = addresses(&own, &c).await;
    let addr = of.get(ContainerPort::udp(5353)).unwrap();
    let refused = async || {
        let snmp = c.exec(["cat", "/proc/net/snmp"]).await.unwrap();
        let snmp = snmp.stdout_lossy().into_owned();
        let mut udp = snmp.lines().filter(|line| line.starts_with("Udp:"));
        let (titles, numbers) = (udp.next().unwrap(), udp.next().unwrap());
        let at = titles.split(' ').position(|title| title == "NoPorts").unwrap();
        numbers.split(' ').nth(at).unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(refused().await, 0);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(addr.to_string()).await.unwrap();
    socket.send(b"ping").await.unwrap();
    let arrives = async { while refused().await == 0 {} };
    let arrived = tokio::time::timeout(std::time::Duration::from_secs(20), arrives).await;
    assert!(arrived.is_ok(), "nothing came from {addr}");
}

#[tokio::test]
async fn in_the_hosts_network() {
    let own = Own::new().await;
    // A free port of the host's, as a container there takes it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let script = format!("nc -ll -p {port} -e cat");
    let spec = own.spec(["sh", "-c", &script]).network("host");
    let c = own.docker.run(spec).spawn().await.unwrap();
    let ready = bowline::throwaway::Ready::port(port);
    ready.until(&bowline::throwaway::Subject::new(&own.docker, &c, "c")).await.unwrap();
    let addr = addresses(&own, &c).await.get(port).unwrap();
    let mut stream = TcpStream::connect(addr.to_string()).await.unwrap();
    stream.write_all(b"echo").await.unwrap();
    let mut said = [0; 4];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"echo");
}

/// In a process of its own, whose environment says so.
#[tokio::test]
async fn by_the_host_that_the_environment_names() {
    const GIVEN: (&str, &str) = ("TESTCONTAINERS_HOST_OVERRIDE", "203.0.113.9");
    if std::env::var(GIVEN.0).as_deref() != Ok(GIVEN.1) {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "reached::by_the_host_that_the_environment_names"]);
        let output = child.env(GIVEN.0, GIVEN.1).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let own = Own::new().await;
    let c = own.docker.run(own.idle().publish("127.0.0.1::80")).spawn().await.unwrap();
    let details = c.inspect().await.unwrap();
    let addr = Addresses::of(&own.docker, &details).await.get(80).unwrap();
    assert_eq!((&*addr.host, Some(addr.port)), (GIVEN.1, details.host_port(80)));
}
