//! Networks and volumes beside throwaway containers.

use std::time::Duration;

use bowline::container::spec::Mount;
use bowline::{ContainerSpec, VolumeSpec};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::helper::{Helper, settled};
use crate::support::engine::{IMAGE, docker, unique};

/// Two that find one another by name, and files that outlive the one that wrote them.
#[tokio::test]
async fn containers_talk_by_name_and_share_files() {
    let docker = docker().await;
    let net = docker.throwaway_network().await.unwrap();
    let data = docker.throwaway_volume().await.unwrap();
    let on = |cmd: &'static str| {
        let spec = ContainerSpec::new(IMAGE).cmd(["sh", "-c", cmd]);
        spec.mount(Mount::volume(data.name(), "/data")).stop_signal("KILL")
    };
    let server = "echo knots > /data/index.html; exec httpd -f -p 80 -h /data";
    let web = docker.throwaway(on(server)).network(&*net).network_alias("web").await.unwrap();
    let asking = "until wget -q -O - http://web/; do :; done; exec sleep 1000";
    let client = docker.throwaway(on(asking)).network(&*net).await.unwrap();
    let mut lines = client.logs().follow().stdout().lines().await.unwrap();
    let line = tokio::time::timeout(Duration::from_secs(60), lines.next()).await.unwrap();
    assert_eq!(&*line.unwrap().unwrap().data, b"knots");
    drop(lines);

    web.close().await.unwrap();
    let kept = client.exec(["cat", "/data/index.html"]).await.unwrap();
    assert_eq!(kept.stdout_lossy(), "knots\n");

    let (network, volume) = ((*net).clone(), (*data).clone());
    // In the wrong order: the network and the volume wait until nobody uses them.
    let closing = tokio::spawn(async move { (net.close().await, data.close().await) });
    client.close().await.unwrap();
    let (net, data) = closing.await.unwrap();
    net.unwrap();
    data.unwrap();
    assert!(network.inspect().await.unwrap_err().is_not_found());
    assert!(volume.inspect().await.unwrap_err().is_not_found());
}

/// What somebody else has made is not taken for ours.
#[tokio::test]
async fn a_volume_that_is_there_is_not_thrown_away() {
    let docker = docker().await;
    let name = unique("volume");
    let theirs = docker.create_volume(name.as_str()).await.unwrap();
    let error = docker.throwaway_volume().spec(VolumeSpec::new(&*name)).await.unwrap_err();
    assert!(error.to_string().contains("must not be there already"), "{error}");
    theirs.inspect().await.unwrap();
    theirs.remove().await.unwrap();

    // One without a name keeps what else was said of it.
    let spec = VolumeSpec::unnamed().label("knot", "bowline");
    let ours = docker.throwaway_volume().spec(spec).await.unwrap();
    assert_eq!(ours.inspect().await.unwrap().labels.get("knot"), Some("bowline"));
    ours.close().await.unwrap();
}

#[tokio::test]
async fn they_are_gone_after_a_kill() {
    let state = TempDir::new().unwrap();
    let mut helper = Helper::start("companions", 1, state.path()).await;
    helper.go();
    let made = helper.hear("made");
    let (network, volume) = made.split_once(' ').unwrap();
    let docker = &helper.own.docker;
    let network = docker.network(network).await.unwrap();
    let volume = docker.volume(volume).unwrap();
    volume.inspect().await.unwrap();
    helper.signal_group(Signal::KILL);
    helper.end();
    settled(&state, Duration::from_secs(30)).await;
    assert!(network.inspect().await.unwrap_err().is_not_found());
    assert!(volume.inspect().await.unwrap_err().is_not_found());
    assert_eq!(helper.own.left().await, 0);
}
