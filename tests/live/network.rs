//! Networks on a real engine.

use std::net::IpAddr;

use bowline::ContainerSpec;
use bowline::container::spec::Endpoint;
use bowline::network::{NetworkSpec, Subnet};

use crate::support::engine::{Own, followed_up, unique};

/// A network's first subnet, and an address of it: "10.200.7.0/24" and 9 give "10.200.7.9".
async fn address(network: &bowline::Network, last: u8) -> IpAddr {
    let subnet = network.inspect().await.unwrap().ipam.subnets[0].subnet.clone();
    let (range, _) = subnet.split_once(".0/24").unwrap();
    format!("{range}.{last}").parse().unwrap()
}

#[tokio::test]
async fn what_is_asked_for_is_made() {
    let own = Own::new().await;
    let block = std::process::id() % 250;
    let spec = NetworkSpec::new(unique("net"))
        .driver("bridge")
        .subnet(
            Subnet::new(format!("10.250.{block}.0/24"))
                .gateway(format!("10.250.{block}.254"))
                .ip_range(format!("10.250.{block}.64/26"))
                .aux_address("router", format!("10.250.{block}.70")),
        )
        .subnet(format!("fd00:{block:x}::/64"))
        .ipv6()
        .internal()
        .attachable()
        .opt("com.docker.network.driver.mtu", "1400")
        .label("bowline.test", own.label().strip_prefix("bowline.test=").unwrap())
        .label("empty", "");
    let network = own.docker.create_network(&spec).await.unwrap();
    assert_eq!((network.name(), network.warning()), (spec.name(), ""));
    let made = network.inspect().await.unwrap();
    assert_eq!((made.id.as_str(), made.name.as_str()), (network.id(), spec.name()));
    assert_eq!((made.driver.as_str(), made.scope.as_str()), ("bridge", "local"));
    assert!(made.enable_ipv6 && made.internal && made.attachable);
    assert!(!made.ingress && !made.config_only && made.config_from.is_empty());
    assert_eq!(made.options.get("com.docker.network.driver.mtu"), Some("1400"));
    assert_eq!((made.labels.len(), made.labels.get("empty")), (2, Some("")));
    assert!(made.created.is_some() && made.containers.is_empty());
    let [v4, v6] = &made.ipam.subnets[..] else { panic!("{made:?}") };
    assert_eq!(v4.gateway, Some(format!("10.250.{block}.254").parse().unwrap()));
    assert_eq!(v4.ip_range, format!("10.250.{block}.64/26"));
    assert_eq!(v4.auxiliary_addresses["router"].to_string(), format!("10.250.{block}.70"));
    assert_eq!(v6.subnet, format!("fd00:{block:x}::/64"));
    assert_eq!(made.raw()["IPAM"]["Driver"], "default");
    // A template, and one made of it.
    let template = own.network().config_only();
    let template = own.docker.create_network(template).await.unwrap();
    // Such a one may have nothing of its own, and so no label.
    let of = NetworkSpec::new(unique("net")).config_from(template.name());
    let of = own.docker.create_network(of).await.unwrap();
    let made = of.inspect().await;
    of.remove().await.unwrap();
    assert_eq!(made.unwrap().config_from, template.name());
    assert!(template.inspect().await.unwrap().config_only);
}

#[tokio::test]
async fn networks_are_found_and_listed() {
    let own = Own::new().await;
    let network = own.docker.create_network(own.network()).await.unwrap();
    let other = own.docker.create_network(own.network().internal()).await.unwrap();
    for way in [network.name(), network.id(), &network.id()[..16]] {
        assert_eq!(own.docker.network(way).await.unwrap().id(), network.id());
    }
    assert!(own.docker.network(unique("none")).await.unwrap_err().is_not_found());
    let taken = own.docker.create_network(network.name()).await.unwrap_err();
    assert!(taken.is_conflict(), "{taken}");

    let list = || own.docker.networks().label(own.label());
    let names = |list: Vec<bowline::network::NetworkDetails>| {
        let mut names: Vec<_> = list.into_iter().map(|n| n.name).collect();
        names.sort();
        names
    };
    let mut both = [network.name(), other.name()];
    both.sort();
    assert_eq!(names(list().await.unwrap()), both);
    assert_eq!(names(list().custom().driver("bridge").scope("local").await.unwrap()), both);
    assert_eq!(names(list().name(network.name()).await.unwrap()), [network.name()]);
    assert_eq!(names(list().id(&other.id()[..12]).await.unwrap()), [other.name()]);
    assert_eq!(names(list().builtin().await.unwrap()), [""; 0]);
    let one = &list().name(network.name()).await.unwrap()[0];
    assert_eq!((one.raw()["Id"].as_str(), one.containers.len()), (Some(network.id()), 0));

    let web = own.idle().network(&network);
    let web = own.docker.run(web).spawn().await.unwrap();
    // Docker 20.10 takes the other for unused as well.
    let dangling = names(list().dangling(true).await.unwrap());
    assert!(dangling.iter().any(|name| name == other.name()), "{dangling:?}");

    // None that is in use goes, and the second time is as good as the first.
    assert_eq!(network.remove().await.unwrap_err().status(), Some(403));
    web.remove().force().await.unwrap();
    network.remove().await.unwrap();
    network.remove().await.unwrap();
    assert!(network.inspect().await.unwrap_err().is_not_found());
    let pruned = own.docker.prune_networks().label(own.label()).without_label("no").await.unwrap();
    assert_eq!(pruned.networks, [other.name()]);
    assert!(list().await.unwrap().is_empty());
}

#[tokio::test]
async fn containers_come_and_go() {
    let own = Own::new().await;
    let network = own.docker.create_network(own.network()).await.unwrap();
    let second = own.docker.create_network(own.network()).await.unwrap();
    let db =
        own.docker.run(own.idle().network(&network).network_alias("store")).spawn().await.unwrap();
    let web = own.docker.run(own.idle().network(&second)).spawn().await.unwrap();
    let wanted = address(&network, 99).await;
    network.connect(&web).alias("front").alias("www").ip(wanted).await.unwrap();

    let ends = network.inspect().await.unwrap().containers;
    assert_eq!(ends.len(), 2);
    assert_eq!(ends[web.id()].ipv4_address, Some(wanted));
    assert!(ends[db.id()].name.len() > 2 && ends[db.id()].mac_address.len() == 17);
    let seen = web.inspect().await.unwrap().network_settings.networks;
    let end = &seen[network.name()];
    assert!(end.aliases.iter().any(|a| a == "front") && end.aliases.iter().any(|a| a == "www"));
    assert_eq!((end.ip_address, seen.len()), (Some(wanted), 2));
    // They hear each other by these names.
    let lookup = db.exec(["nslookup", "www"]).await.unwrap().stdout_lossy().into_owned();
    assert!(lookup.contains(&wanted.to_string()), "{lookup}");
    assert!(web.exec(["ping", "-c", "1", "-W", "5", "store"]).await.unwrap().status.success());

    let again = network.connect(web.id()).await.unwrap_err();
    assert_eq!(again.status(), Some(403), "{again}");
    network.disconnect(web.id()).await.unwrap();
    assert!(!network.inspect().await.unwrap().containers.contains_key(web.id()));
    assert_eq!(network.disconnect(&web).force().await.unwrap_err().status(), Some(500));
    network.disconnect(db.id().short()).force().await.unwrap();
    assert!(network.inspect().await.unwrap().containers.is_empty());
    let nobody = network.connect(unique("none")).await.unwrap_err();
    assert!(nobody.is_not_found());
}

#[tokio::test]
async fn a_spec_names_a_network_by_its_handle() {
    let own = Own::new().await;
    let network = own.docker.create_network(own.network()).await.unwrap();
    let wanted = address(&network, 77).await;
    let spec: ContainerSpec =
        own.idle().network(Endpoint::from(&network).ip(wanted).alias("named"));
    let web = own.docker.run(spec).spawn().await.unwrap();
    let ends = web.inspect().await.unwrap().network_settings.networks;
    assert_eq!(ends[network.name()].ip_address, Some(wanted));
    assert!(ends[network.name()].aliases.iter().any(|a| a == "named"));
    let on = own.docker.containers().network(&network).await.unwrap();
    assert_eq!(on.iter().map(|c| &c.id).collect::<Vec<_>>(), [web.id()]);
}

/// What an engine has begun it finishes: the follow-up removes it.
#[tokio::test]
async fn creations_cancelled_at_any_moment_leave_nothing() {
    let own = Own::new().await;
    for n in 0..20 {
        let limit = std::time::Duration::from_millis(n * 6);
        let create = own.docker.create_network(own.network()).into_future();
        if let Ok(made) = tokio::time::timeout(limit, create).await {
            made.unwrap().remove().await.unwrap();
        }
    }
    followed_up().await;
    assert!(own.docker.networks().label(own.label()).await.unwrap().is_empty());
}
