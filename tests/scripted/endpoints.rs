//! Every operation of the Engine API has a verb that calls it, or a reason why not: the table is
//! `tests/endpoints.txt`.

use std::collections::{BTreeMap, BTreeSet};

use bowline::{Container, ContainerSpec, Credentials, Docker, Lookup, Running};
use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen};

const TABLE: &str = include_str!("../endpoints.txt");

/// "GET /containers/{id}/json", and what serves it.
fn table() -> Vec<(&'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(" -> ").unwrap_or((line, ""))).collect()
}

/// Say whether a route as it was sent is one of the table's.
fn is(sent: &str, route: &str) -> bool {
    let (sent, route) = (sent.split('/'), route.split('/'));
    sent.clone().count() == route.clone().count()
        && sent.zip(route).all(|(sent, part)| part.starts_with('{') || part == sent)
}

/// Answer what later calls of a verb are made of, and refuse the rest: a refusal ends a verb.
fn answer(seen: &Seen) -> Reply {
    let route = seen.route();
    let parts: Vec<&str> = route.split([' ', '/']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        ["GET", "containers", state, "json"] => Reply::json(
            200,
            json!({"Id": "f00", "State": {"Status": state}, "Config": {"Tty": true}}),
        ),
        ["POST", "containers", _, "exec"] => Reply::json(201, json!({"Id": "e1"})),
        ["POST", "containers", _, "wait"] => Reply::chunks(200, [r#"{"StatusCode":3}"#]),
        ["POST", "exec", _, "start"] => Reply::empty(200),
        ["GET", "networks", _] => Reply::json(200, json!({"Id": "n1", "Name": "n"})),
        ["GET", "volumes", _] => Reply::json(200, json!({"Name": "v", "ClusterVolume": {}})),
        ["GET", "plugins", "privileges"] => Reply::json(200, json!([])),
        _ => Reply::json(403, json!({"message": "no"})),
    }
}

/// What each verb sent, by the verb's name. A name stands beside its call: it cannot be one that
/// is not there.
async fn sent_by_each() -> Vec<(&'static str, Vec<String>)> {
    let fake = Fake::new(answer).api("1.55");
    let docker = &fake.docker().await;
    let mut out = Vec::new();
    macro_rules! verbs {
        ($($name:literal: $verb:expr;)*) => {$(
            let before = fake.requests().len();
            let _ = $verb.await;
            out.push(($name, fake.requests_after(before).iter().map(Seen::route).collect()));
        )*};
    }
    let found = async |state: &str| docker.container(state).await.unwrap();
    let running = async || -> Container<Running> { found("running").await.running().unwrap() };
    let paused = async || match found("paused").await {
        Lookup::Paused(paused) => paused,
        other => panic!("{other:?}"),
    };
    let exited = async || found("exited").await.exited().unwrap();
    let web = running().await;
    let exec = web.exec(["x"]).tty().detach().await.unwrap();
    let network = docker.network("n").await.unwrap();
    let volume = docker.volume("v").unwrap();
    let image = docker.image("busybox").unwrap();
    let plugin = docker.plugin("p").unwrap();
    let anybody = || Credentials::password("ada", "p?w");
    let here = tempfile::tempdir().unwrap();
    verbs! {
        "Docker::ping": docker.ping();
        "Docker::login": docker.login("registry:5000", anybody());
        "Docker::events": docker.events();
        "Docker::info": docker.info();
        "Docker::disk_usage": docker.disk_usage();
        "Docker::version": docker.version();
        "Docker::create": docker.create(ContainerSpec::new("busybox"));
        "Docker::containers": docker.containers();
        "Docker::prune_containers": docker.prune_containers();
        "Container::remove": running().await.remove();
        "Container::copy_out": web.copy_out("/x", here.path());
        "Container::stat": web.stat("/x");
        "Container::put_archive": web.put_archive("/x", &b""[..]);
        "Container::attach": web.attach();
        "Container::changes": web.changes();
        "Container::checkpoint": running().await.checkpoint("one");
        "Container::checkpoints": web.checkpoints();
        "Container::remove_checkpoint": web.remove_checkpoint("one");
        "Container::export": web.export();
        "Container::inspect": web.inspect();
        "Container::kill": running().await.kill();
        "Container::logs": web.logs();
        "Container::pause": running().await.pause();
        "Container::rename": web.rename("other");
        "Container::resize": web.resize(24, 80);
        "Container::restart": running().await.restart();
        "Container::start": exited().await.start();
        "Container::stats": web.stats();
        "Container::stop": running().await.stop();
        "Container::top": web.top();
        "Container::unpause": paused().await.unpause();
        "Container::update": web.update().memory("64m");
        "Container::wait": running().await.wait();
        "Container::exec": web.exec(["x"]).detach();
        "ExecHandle::inspect": exec.inspect();
        "ExecHandle::resize": exec.resize(24, 80);
        "Docker::build_remote": docker.build_remote("https://example.com/x.git");
        "Docker::prune_build_cache": docker.prune_build_cache();
        "Container::commit": web.commit("app:1");
        "Docker::pull": docker.pull("busybox").anonymous();
        "Docker::save": docker.save(["busybox"]);
        "Docker::images": docker.images();
        "Docker::load": docker.load(&b""[..]);
        "Docker::prune_images": docker.prune_images();
        "Docker::search": docker.search("busybox");
        "Image::remove": image.remove();
        "Image::history": image.history();
        "Image::inspect": image.inspect();
        "Image::push": image.push().anonymous();
        "Image::tag": image.tag("other");
        "Docker::volumes": docker.volumes();
        "Docker::create_volume": docker.create_volume("v");
        "Docker::prune_volumes": docker.prune_volumes();
        "Volume::remove": volume.remove();
        "Volume::inspect": volume.inspect();
        "Volume::update": volume.update();
        "Docker::networks": docker.networks();
        "Docker::create_network": docker.create_network("n");
        "Docker::prune_networks": docker.prune_networks();
        "Docker::network": docker.network("n");
        "Network::remove": network.remove();
        "Network::inspect": network.inspect();
        "Network::connect": network.connect(&web);
        "Network::disconnect": network.disconnect(&web);
        "Docker::distribution": docker.distribution("busybox");
        "Docker::plugins": docker.plugins();
        "Docker::create_plugin": docker.create_plugin("p", &b""[..]);
        "Docker::plugin_privileges": docker.plugin_privileges("p").credentials(anybody());
        "Docker::install_plugin": docker.install_plugin("p").credentials(anybody());
        "Plugin::remove": plugin.remove();
        "Plugin::disable": plugin.disable();
        "Plugin::enable": plugin.enable();
        "Plugin::inspect": plugin.inspect();
        "Plugin::push": plugin.push().credentials(anybody());
        "Plugin::set": plugin.set(["A=1"]);
        "Plugin::upgrade": plugin.upgrade("p").credentials(anybody());
        "Docker::prune": docker.prune();
    }
    out
}

/// An engine that does not like HEAD is asked in the old way.
async fn sent_by_an_old_ping() -> Vec<String> {
    let fake = Fake::raw(|mut peer| async move {
        while let Some(seen) = peer.request().await {
            match seen.method.as_str() {
                "HEAD" => peer.write("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n").await,
                _ => peer.pong("1.55").await,
            };
        }
    });
    Docker::connect().host(fake.url()).await.unwrap();
    fake.requests().iter().map(Seen::route).collect()
}

#[tokio::test]
async fn every_operation_has_a_verb_or_a_reason() {
    let mut sent: BTreeMap<&str, Vec<String>> = sent_by_each().await.into_iter().collect();
    sent.get_mut("Docker::ping").unwrap().extend(sent_by_an_old_ping().await);
    let table = table();
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    for (route, serves) in &table {
        if !known.insert(route) {
            wrong.push(format!("{route} is there twice"));
        }
        if let Some(reason) = serves.strip_prefix("later: ").or(serves.strip_prefix("no: ")) {
            if reason.trim().is_empty() {
                wrong.push(format!("{route} has no reason"));
            }
            continue;
        }
        match sent.get(serves) {
            None => wrong.push(format!("{route}: there is no verb {serves:?}")),
            Some(sent) if !sent.iter().any(|sent| is(sent, route)) => {
                wrong.push(format!("{route}: {serves} sends {sent:?}"));
            }
            Some(_) => {}
        }
    }
    for (verb, sent) in &sent {
        if sent.is_empty() {
            wrong.push(format!("{verb} sends nothing"));
        }
        let strange = sent.iter().filter(|sent| !table.iter().any(|(route, _)| is(sent, route)));
        wrong.extend(strange.map(|sent| format!("{verb} sends {sent}, which is not in the table")));
    }
    assert!(wrong.is_empty(), "tests/endpoints.txt:\n  {}", wrong.join("\n  "));
    // As many as the API has: a line that is lost is noticed.
    assert_eq!(table.len(), 115);
}
