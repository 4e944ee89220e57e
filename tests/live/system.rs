//! What a real engine says of itself, and clearing away; calls without a verb; plugins.

use std::collections::HashMap;

use bowline::ContainerSpec;
use bowline::container::spec::Mount;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::engine::{Own, docker, unique};

#[tokio::test]
async fn info_and_its_raw_answer() {
    let docker = docker().await;
    let (info, version) = (docker.info().await.unwrap(), docker.version().await.unwrap());
    assert_eq!(info.server_version, version.version);
    assert_eq!((info.os_type.as_str(), &info.kernel_version), ("linux", &version.kernel_version));
    assert!(info.ncpu > 0 && info.mem_total > 1 << 20 && !info.id.is_empty());
    assert!(info.plugins.network.iter().any(|name| name == "bridge"));
    assert!(info.plugins.volume.iter().any(|name| name == "local"));
    assert!(info.runtimes.contains(&info.default_runtime) && !info.driver.is_empty());
    assert!(info.images > 0 && info.system_time.is_some());
    assert_eq!(info.swarm.local_node_state, "inactive");
    assert!(info.raw()["RegistryConfig"].is_object());
}

#[tokio::test]
async fn disk_usage_knows_what_we_made() {
    let own = Own::new().await;
    let volume = own.docker.create_volume(own.volume()).await.unwrap();
    let spec: ContainerSpec = own.idle().mount(Mount::volume(&volume, "/data"));
    // It never runs: an engine may list one that has just ended as running still.
    let web = own.docker.create(spec).await.unwrap();
    for path in ["/file", "/data/file"] {
        web.write_file(path, vec![0; 50_000]).await.unwrap();
    }
    let df = own.docker.disk_usage().verbose().await.unwrap();
    let ours = df.containers.items.iter().find(|c| c.id == *web.id()).unwrap();
    assert!((50_000..90_000).contains(&ours.size_rw), "{}", ours.size_rw);
    let kept = df.volumes.items.iter().find(|v| v.name == volume.name()).unwrap();
    assert!((50_000..90_000).contains(&kept.usage_data.size), "{kept:?}");
    assert_eq!(kept.usage_data.ref_count, 1);
    assert!(df.containers.size >= 50_000 && df.containers.reclaimable >= 50_000);
    assert!(df.volumes.active >= 1 && df.volumes.size >= 50_000);
    assert!(df.images.total >= 1 && df.images.size >= df.images.reclaimable);
    assert_eq!(df.images.total as usize, df.images.items.len());
    assert!(df.raw().is_object());
}

/// By a label of our own: others work on this engine too.
#[tokio::test]
async fn a_prune_of_everything_by_label() {
    let own = Own::new().await;
    let spec = own.spec(["true"]);
    let web = own.docker.create(spec).await.unwrap().run().await.unwrap();
    let network = own.docker.create_network(own.network()).await.unwrap();
    let volume = own.docker.create_volume(own.volume()).await.unwrap();
    let pruned = own.docker.prune().label(own.label()).volumes().await.unwrap();
    assert!(pruned.failed.is_empty(), "{:?}", pruned.failed);
    assert_eq!(
        (&pruned.containers[..], &pruned.networks[..]),
        (&[web.id().clone()][..], &[network.name().to_owned()][..])
    );
    // It has a name.
    assert!(pruned.volumes.is_empty());
    volume.inspect().await.unwrap();
    assert!(pruned.images.deleted.is_empty() && pruned.build_cache.is_empty());
    let none = own.docker.prune_build_cache().id(unique("none")).await.unwrap();
    assert_eq!((none.caches.len(), none.space_reclaimed), (0, 0));
}

#[tokio::test]
async fn calls_without_a_verb() {
    let own = Own::new().await;
    let web = own.docker.run(own.spec(["cat"]).interactive()).spawn().await.unwrap();
    let id = web.id().as_str();
    let rows: Value = own
        .docker
        .raw("GET", "/containers/json")
        .query("filters", json!({"label": [own.label()]}))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(rows[0]["Id"], id);
    let gone = own.docker.raw("GET", ["containers", &unique("none"), "json"]).await.unwrap_err();
    assert!(gone.is_not_found());
    let attach = own.docker.raw("POST", ["containers", id, "attach"]);
    let attach = attach.query("stream", 1).query("stdin", 1).query("stdout", 1);
    let mut both = attach.upgrade().await.unwrap();
    both.write_all(b"hello\n").await.unwrap();
    both.shutdown().await.unwrap();
    let mut all = Vec::new();
    both.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"\x01\0\0\0\0\0\0\x06hello\n");
}

/// A plugin that only stands there: the engine asks it nothing until it is used.
/// Engines keep what plugins have in common once, and two at a time get into each other's way there:
/// so each is unlike any other.
fn idle_plugin(name: &str) -> std::io::Cursor<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let config = json!({
        "Description": "for a test", "Documentation": name, "Entrypoint": ["/bin/none"],
        "Interface": {"Types": ["bowline.test/1.0"], "Socket": "x.sock"},
        "Network": {"Type": "none"}, "Linux": {"Capabilities": []},
        "Env": [{"Name": "LEVEL", "Settable": ["value"], "Value": "1"}],
    })
    .to_string();
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(config.len() as u64);
    tar.append_data(&mut header, "config.json", config.as_bytes()).unwrap();
    let own = format!("rootfs/{}", name.replace(['/', ':'], "-"));
    for folder in ["rootfs", &own] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        tar.append_data(&mut header, folder, std::io::empty()).unwrap();
    }
    std::io::Cursor::new(tar.into_inner().unwrap())
}

#[tokio::test]
async fn a_plugin_from_files() {
    let docker = docker().await;
    let name = format!("{}:1", unique("plugin"));
    let plugin = docker.create_plugin(&name, idle_plugin(&name)).await.unwrap();
    // Whatever is found, it is removed before that is judged.
    let found = async {
        let made = plugin.inspect().await?;
        plugin.set(["LEVEL=7"]).await?;
        let set = plugin.inspect().await?;
        let listed = docker.plugins().enabled(false).await?;
        let enabled = plugin.enable().wait(std::time::Duration::from_secs(1)).await;
        let (disabled, pushed) = (plugin.disable().await, plugin.set(["NONE=1"]).await);
        Ok::<_, bowline::Error>((made, set, listed, enabled, disabled, pushed))
    };
    let found = found.await;
    let removed = plugin.remove().force().await;
    let again = plugin.remove().await;
    let (made, set, listed, enabled, disabled, unknown) = found.unwrap();
    removed.unwrap();
    again.unwrap();
    assert_eq!((made.name.as_str(), made.enabled), (name.as_str(), false));
    assert_eq!(made.config.description, "for a test");
    assert_eq!(made.config.interface.types, ["bowline.test/1.0"]);
    assert_eq!(
        (made.settings.env.get("LEVEL"), set.settings.env.get("LEVEL")),
        (Some("1"), Some("7"))
    );
    let listed: HashMap<_, _> = listed.into_iter().map(|p| (p.name, p.id)).collect();
    assert_eq!(listed.get(&name), Some(&made.id));
    // Its program is not there; and what is not enabled cannot be disabled.
    assert!(enabled.is_err() && disabled.is_err() && unknown.is_err());
    assert!(plugin.inspect().await.unwrap_err().is_not_found());
}
