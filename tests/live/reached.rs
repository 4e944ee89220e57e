//! Where a container's ports are reached from here.

use std::net::IpAddr;
use std::time::Duration;

use bowline::container::spec::Mount;
use bowline::throwaway::{
    Addresses, ContainerPort, Family, NoAddressReason, Ready, StartPhase, Subject,
};
use bowline::{Container, ContainerSpec, Docker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::engine::{IMAGE, Own};
use crate::support::inside::{DEED, inside};

const LIMIT: Duration = Duration::from_secs(20);

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
    Ready::inside_port(8080).until(&Subject::new(&own.docker, &c, "c")).await.unwrap();
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

/// Whether this machine has a loopback of IPv6; a test that needs one says where there is none.
fn has_ipv6() -> bool {
    let has = std::net::TcpListener::bind("[::1]:0").is_ok();
    if !has {
        println!("this machine has no ::1, and nothing was tried there");
    }
    has
}

#[tokio::test]
async fn a_tcp_port_by_ipv6() {
    if !has_ipv6() {
        return;
    }
    let own = Own::new().await;
    let server = ["nc", "-ll", "-p", "8080", "-e", "echo", "hello"];
    let spec = own.spec(server).publish("[::1]::8080").publish("[::1]::9090");
    let c = own.docker.throwaway(spec).ready(Ready::inside_port(8080)).await.unwrap();
    let addr = c.addr(8080).unwrap();
    assert_eq!((&*addr.host, c.addresses().v6(8080).unwrap()), ("::1", addr.clone()));
    let error = c.addresses().v4(8080).unwrap_err();
    assert_eq!(error.reason, NoAddressReason::OtherFamily(Family::V4));
    // As an address, and as a text.
    let mut said = String::new();
    let mut stream = TcpStream::connect(addr.socket_addr().unwrap()).await.unwrap();
    stream.read_to_string(&mut said).await.unwrap();
    let mut stream = TcpStream::connect(addr.to_string()).await.unwrap();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello\nhello\n");
    c.close().await.unwrap();
}

/// One port of the container, at one port of each family on the host, which may differ.
#[tokio::test]
async fn a_udp_port_by_both_families() {
    let own = Own::new().await;
    let spec = own.idle().publish("127.0.0.1::5353/udp").publish(5353);
    let spec = if has_ipv6() { spec.publish("[::1]::5353/udp") } else { spec };
    let c = inside(&own.docker, spec, "reached::here", "echo").await.start().await.unwrap();
    let on = Subject::new(&own.docker, &c, "c");
    Ready::log("<<listens>>").until(&on).await.unwrap();
    let of = addresses(&own, &c).await;
    let port = ContainerPort::udp(5353);
    let mut addrs = vec![of.get(port.clone()).unwrap()];
    assert_eq!(addrs[0], of.v4(port.clone()).unwrap());
    addrs.extend(has_ipv6().then(|| of.v6(port).unwrap()));
    for addr in addrs {
        let addr = addr.socket_addr().unwrap();
        let any = if addr.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).await.unwrap();
        socket.connect(addr).await.unwrap();
        socket.send(b"ping").await.unwrap();
        let mut said = [0; 16];
        let heard = tokio::time::timeout(LIMIT, socket.recv(&mut said)).await;
        let heard = heard.unwrap_or_else(|_| panic!("nothing came back from {addr}")).unwrap();
        assert_eq!(&said[..heard], b"ping");
    }
}

/// Many kernels are built without SCTP; then the engine refuses, and its words are in the error.
#[tokio::test]
async fn an_sctp_port() {
    use socket2::{Domain, Protocol, Socket, Type};
    let own = Own::new().await;
    let start = own.docker.throwaway(own.idle()).publish("7000/sctp").publish(7000);
    match Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::SCTP)) {
        Ok(socket) => {
            let c = start.await.unwrap();
            let addr = c.addr(ContainerPort::sctp(7000)).unwrap();
            let details = c.inspect().await.unwrap();
            let places = &details.network_settings.ports["7000/sctp"];
            assert!(places.iter().any(|place| place.host_port == Some(addr.port)));
            // The engine's side listens, whatever the container does.
            socket.connect(&addr.socket_addr().unwrap().into()).unwrap();
            c.close().await.unwrap();
        }
        Err(reason) => {
            println!("this kernel has no SCTP ({reason}): only its refusal was tried");
            let error = start.await.unwrap_err();
            assert_eq!(error.story.phase, StartPhase::Start);
            assert!(error.to_string().contains("protocol not supported"), "{error}");
        }
    }
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
    let ready = Ready::port(port);
    ready.until(&Subject::new(&own.docker, &c, "c")).await.unwrap();
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

/// This program in a container, with the engine's socket mounted, as tests run in many a CI.
async fn from_within(network: Option<&str>) -> Option<(String, Option<IpAddr>)> {
    let own = Own::new().await;
    let Some(socket) = own.docker.host().socket_path().and_then(|path| path.to_str()) else {
        println!("{} is no socket that a container could be given", own.docker.host());
        return None;
    };
    let spec = own.spec([""; 0]).mount(Mount::bind(socket, "/run/engine.sock"));
    let spec = spec.env("DOCKER_HOST", "unix:///run/engine.sock").env("HOME", "/tmp");
    let spec = network.into_iter().fold(spec, ContainerSpec::network);
    let c = inside(&own.docker, spec, "reached::here", "reach").await.start().await.unwrap();
    let details = c.inspect().await.unwrap();
    let gateway = details.network_settings.networks.values().find_map(|end| end.gateway);
    let c = c.wait().await.unwrap();
    let output = c.logs().collect().await.unwrap();
    let said = format!("{}{}", output.stdout_lossy(), output.stderr_lossy());
    assert!(c.status().success(), "{said}");
    let (_, host) = said.split_once("<<reached at>>").expect(&said);
    Some((host.lines().next().unwrap().to_owned(), gateway))
}

#[tokio::test]
async fn from_within_a_container() {
    let Some((host, gateway)) = from_within(None).await else { return };
    assert_eq!(host.parse().ok(), gateway);
}

#[tokio::test]
async fn from_within_a_container_in_the_hosts_network() {
    let Some((host, _)) = from_within(Some("host")).await else { return };
    assert_eq!(host, "127.0.0.1");
}

/// What this program does in a container; nothing outside.
#[tokio::test]
async fn here() {
    match std::env::var(DEED).as_deref() {
        Ok("echo") => {
            let socket = UdpSocket::bind("0.0.0.0:5353").await.unwrap();
            println!("<<listens>>");
            let mut said = [0; 16];
            loop {
                let (heard, from) = socket.recv_from(&mut said).await.unwrap();
                socket.send_to(&said[..heard], from).await.unwrap();
            }
        }
        Ok("reach") => {
            let docker = Docker::connect().await.unwrap();
            let spec = ContainerSpec::new(IMAGE).publish(8080).publish("127.0.0.1::9090");
            let spec = spec.cmd(["nc", "-ll", "-p", "8080", "-e", "echo", "hello"]);
            // From inside and from outside, where "outside" is another container.
            let ready = Ready::all([Ready::inside_port(8080), Ready::port(8080)]);
            let c = docker.throwaway(spec).ready(ready.within(LIMIT)).await.unwrap();
            let addr = c.addr(8080).unwrap();
            let mut said = String::new();
            let mut stream = TcpStream::connect(addr.to_string()).await.unwrap();
            stream.read_to_string(&mut said).await.unwrap();
            assert_eq!(said, "hello\n");
            // The loopback of the engine's host is this one's only in that host's network.
            let looped = c.addr(9090);
            match addr.ip().unwrap().is_loopback() {
                true => assert!(looped.unwrap().ip().unwrap().is_loopback()),
                false => {
                    let reason = looped.unwrap_err().reason;
                    assert!(matches!(reason, NoAddressReason::Unreachable { .. }), "{reason:?}");
                }
            }
            c.close().await.unwrap();
            println!("<<reached at>>{}", addr.host);
        }
        _ => {}
    }
}
