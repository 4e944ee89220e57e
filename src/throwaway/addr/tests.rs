//! Every way to an engine, and every form a published port can have.

use super::*;
use crate::transport::Host;

fn binding(text: &str) -> PortBinding {
    let (ip, port) = text.rsplit_once(':').unwrap();
    let host_ip = ip.trim_matches(['[', ']']).parse().ok();
    PortBinding { host_ip, host_port: port.parse().ok() }
}

/// Ports as `docker inspect` has them: ("80/tcp", "0.0.0.0:8080 [::]:8081").
fn addresses(way: Way, ports: &[(&str, &str)]) -> Addresses {
    let places = |places: &str| places.split(' ').filter(|p| !p.is_empty()).map(binding).collect();
    let ports = ports.iter().map(|(port, at)| ((*port).to_owned(), places(at))).collect();
    Addresses { way, host_network: false, ports }
}

fn shown(addr: Result<HostPort, NoAddress>) -> String {
    addr.map_or_else(|e| format!("{:?}", e.reason), |addr| addr.to_string())
}

#[test]
fn the_way_to_an_engine() {
    let by = Ipv4Addr::new(172, 17, 0, 1);
    let gateway = Some(by);
    let outside = Around::default();
    let inside = Around { container: true, gateway, with_engine: Some(false), ..outside.clone() };
    let given = |host: &str| Around { given: Some(host.into()), ..inside.clone() };
    let host = |host: &str| Way::Host(host.into());
    for (n, (engine, around, way)) in [
        ("unix:///var/run/docker.sock", outside.clone(), Way::Local),
        ("tcp://127.0.0.1:2375", outside.clone(), Way::Local),
        ("tcp://LocalHost", outside.clone(), Way::Local),
        ("tcp://[::1]", outside.clone(), Way::Local),
        ("tcp://engine.example:2375", outside.clone(), host("engine.example")),
        ("tcp://10.0.0.7:2375", outside.clone(), host("10.0.0.7")),
        ("tcp://[fd00::7]:2375", outside.clone(), host("fd00::7")),
        // In a container, with the engine's socket mounted.
        ("unix:///var/run/docker.sock", inside.clone(), Way::Gateway(by)),
        // The engine may be anywhere then.
        ("tcp://docker:2375", inside.clone(), host("docker")),
        // Not known whether the engine is here too.
        ("unix:///run/d.sock", Around { with_engine: None, ..inside.clone() }, Way::Gateway(by)),
        // The engine is in the same container, or we in the host's network.
        ("unix:///run/d.sock", Around { with_engine: Some(true), ..inside.clone() }, Way::Local),
        ("unix:///run/d.sock", Around { gateway: None, ..inside.clone() }, Way::Local),
        (
            "unix:///run/d.sock",
            given("host.docker.internal"),
            Way::Given("host.docker.internal".into()),
        ),
        ("tcp://10.0.0.7", given("[fd00::1]"), Way::Given("fd00::1".into())),
    ]
    .into_iter()
    .enumerate()
    {
        let engine: Host = engine.parse().unwrap();
        assert_eq!(Way::to(&engine, &around), way, "case {n}: {engine}");
    }
}

#[test]
fn a_published_port_by_every_way() {
    let both = "0.0.0.0:1004 [::]:1006";
    let turned = "[::]:1006 0.0.0.0:1004";
    let lan = "192.168.1.5:1004";
    let looped = "127.0.0.1:1004 [::1]:1006";
    let one = "127.0.0.3:1004";
    let none = "Unreachable";
    let other = |family: &str| format!("OtherFamily({family})");
    let gateway = Way::Gateway(Ipv4Addr::new(172, 17, 0, 1));
    let host = |host: &str| Way::Host(host.into());
    let given = |host: &str| Way::Given(host.into());
    for (way, at, any, v4, v6) in [
        (Way::Local, both, "127.0.0.1:1004", "127.0.0.1:1004", "[::1]:1006"),
        (Way::Local, turned, "127.0.0.1:1004", "127.0.0.1:1004", "[::1]:1006"),
        (Way::Local, looped, "127.0.0.1:1004", "127.0.0.1:1004", "[::1]:1006"),
        (Way::Local, one, "127.0.0.3:1004", "127.0.0.3:1004", &other("V6")),
        (Way::Local, lan, "192.168.1.5:1004", "192.168.1.5:1004", &other("V6")),
        (Way::Local, "[::]:1006", "[::1]:1006", &other("V4"), "[::1]:1006"),
        (Way::Local, "[fd00::9]:1006", "[fd00::9]:1006", &other("V4"), "[fd00::9]:1006"),
        // Podman: no address at all.
        (Way::Local, ":1004", "127.0.0.1:1004", "127.0.0.1:1004", &other("V6")),
        (gateway.clone(), both, "172.17.0.1:1004", "172.17.0.1:1004", none),
        (gateway.clone(), looped, none, none, none),
        (gateway.clone(), lan, "192.168.1.5:1004", "192.168.1.5:1004", &other("V6")),
        (gateway, "[::]:1006", none, &other("V4"), none),
        (
            host("engine.example"),
            both,
            "engine.example:1004",
            "engine.example:1004",
            "engine.example:1006",
        ),
        (host("10.0.0.7"), both, "10.0.0.7:1004", "10.0.0.7:1004", none),
        (host("fd00::7"), both, "[fd00::7]:1006", none, "[fd00::7]:1006"),
        (host("10.0.0.7"), looped, none, none, none),
        (host("10.0.0.7"), lan, "192.168.1.5:1004", "192.168.1.5:1004", &other("V6")),
        (given("h"), looped, "h:1004", "h:1004", "h:1006"),
        (given("fd00::1"), both, "[fd00::1]:1006", none, "[fd00::1]:1006"),
    ] {
        let of = addresses(way.clone(), &[("80/tcp", at)]);
        let all = [of.get(80), of.v4(80), of.v6(80)].map(shown);
        let all = all.map(|text| match text.starts_with(none) {
            true => none.to_owned(),
            false => text,
        });
        assert_eq!(all, [any, v4, v6], "{way:?} to {at}");
    }
}

#[test]
fn protocols_are_kept_apart() {
    let of = addresses(
        Way::Local,
        &[
            ("53/tcp", "0.0.0.0:1001"),
            ("53/udp", "0.0.0.0:1002 [::]:1003"),
            ("53/sctp", "0.0.0.0:1005"),
        ],
    );
    assert_eq!(shown(of.get(53)), "127.0.0.1:1001");
    assert_eq!(shown(of.get(ContainerPort::udp(53))), "127.0.0.1:1002");
    assert_eq!(shown(of.v6(ContainerPort::udp(53))), "[::1]:1003");
    assert_eq!(shown(of.get((53, PortProtocol::Sctp))), "127.0.0.1:1005");
    assert_eq!(shown(of.get(ContainerPort::sctp(54))), "NotPublished");
}

#[test]
fn the_hosts_network_has_every_port() {
    let of = Addresses { host_network: true, ..addresses(Way::Local, &[]) };
    assert_eq!(shown(of.get(80)), "127.0.0.1:80");
    assert_eq!(shown(of.v6(ContainerPort::udp(80))), "[::1]:80");
}

#[test]
fn errors_list_what_there_is() {
    let of = addresses(
        Way::Gateway(Ipv4Addr::new(10, 0, 0, 1)),
        &[("80/tcp", "127.0.0.1:1004"), ("443/tcp", "0.0.0.0:1005"), ("9000/udp", "")],
    );
    insta::assert_snapshot!(of.get(9000).unwrap_err(), @"port 9000/tcp is not published; published: 443/tcp, 80/tcp; exposed only: 9000/udp");
    insta::assert_snapshot!(of.v6(443).unwrap_err(), @"port 443/tcp is not published for IPv6; published: 443/tcp, 80/tcp; exposed only: 9000/udp");
    insta::assert_snapshot!(of.get(80).unwrap_err(), @"port 80/tcp is published at 127.0.0.1 of the engine's host, which cannot be reached from here; published: 443/tcp, 80/tcp; exposed only: 9000/udp");
    let none = addresses(Way::Local, &[]);
    insta::assert_snapshot!(none.get(80).unwrap_err(), @"port 80/tcp is not published; none is");
}

#[test]
fn pairs_are_addresses() {
    let v6 = HostPort::new("::1", 80);
    assert_eq!((v6.to_string(), v6.socket_addr()), ("[::1]:80".into(), "[::1]:80".parse().ok()));
    assert_eq!(v6.to_socket_addrs().unwrap().collect::<Vec<_>>(), ["[::1]:80".parse().unwrap()]);
    let name = HostPort::new("engine", 80);
    assert_eq!((name.to_string(), name.socket_addr()), ("engine:80".into(), None));
}

#[test]
fn the_default_gateway() {
    let routes = "\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
eth0	00000000	010011AC	0003	0	0	0	00000000	0	0	0
";
    if cfg!(target_endian = "little") {
        assert_eq!(around::gateway(routes), Some(Ipv4Addr::new(172, 17, 0, 1)));
    }
    assert_eq!(around::gateway("Iface\nlo 00000000 00000000 0001 0 0 0 00000000\n"), None);
    assert_eq!(around::gateway(""), None);
}
