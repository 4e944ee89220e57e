//! Answers of real engines, as they were recorded: the same things on each of them, a network
//! "backend", a volume "data", and a container "web" that uses both.

use std::fs;
use std::path::{Path, PathBuf};

use bowline::Docker;

use crate::support::fake::{Fake, Reply};

/// An engine that says what the one said whose answers are in `folder`.
fn engine(folder: PathBuf) -> Fake {
    Fake::new(move |seen| {
        let file = match seen.route().as_str() {
            "GET /info" => "info",
            "GET /system/df" => "df",
            "GET /networks" => "networks",
            "GET /volumes" => "volumes",
            route if route.starts_with("GET /networks/") => "network",
            route if route.starts_with("GET /volumes/") => "volume",
            _ => "container",
        };
        let answer = fs::read(folder.join(file).with_extension("json"));
        answer.map_or(Reply::empty(404), |text| Reply::of_type(200, "application/json", text))
    })
}

async fn networks(docker: &Docker, engine: &str) {
    let network = docker.network("backend").await.unwrap();
    let details = network.inspect().await.unwrap();
    let list = docker.networks().await.unwrap();
    let [row] = &list[..] else { panic!("{engine}: {list:?}") };
    for seen in [&details, row] {
        assert_eq!((seen.id.as_str(), seen.name.as_str()), (network.id(), "backend"), "{engine}");
        assert_eq!((seen.driver.as_str(), seen.enable_ipv6), ("bridge", false), "{engine}");
        assert!(seen.created.is_some() && !seen.internal, "{engine}");
        assert_eq!(seen.labels.get("stage"), Some("test"), "{engine}");
        let mtu = |(name, value): (&str, &str)| name.ends_with("mtu") && value == "1400";
        assert!(seen.options.iter().any(mtu), "{engine}");
        let [subnet] = &seen.ipam.subnets[..] else { panic!("{engine}: {seen:?}") };
        assert_eq!(subnet.subnet, "10.233.7.0/24", "{engine}");
        assert_eq!(subnet.gateway, Some("10.233.7.254".parse().unwrap()), "{engine}");
        assert_eq!(seen.raw()["Name"], "backend", "{engine}");
    }
    let (id, end) = details.containers.first_key_value().unwrap();
    assert_eq!((id.as_str().len(), end.name.as_str()), (64, "web"), "{engine}");
    let address = end.ipv4_address.unwrap();
    assert!(address.to_string().starts_with("10.233.7."), "{engine}: {address}");

    let web = docker.container("web").await.unwrap().running().unwrap();
    let web = web.inspect().await.unwrap().network_settings;
    assert_eq!(web.networks["backend"].ip_address, Some(address), "{engine}");
    assert!(web.networks["backend"].aliases.iter().any(|a| a == "www"), "{engine}");
}

async fn volumes(docker: &Docker, engine: &str) {
    let details = docker.volume("data").unwrap().inspect().await.unwrap();
    let list = docker.volumes().await.unwrap();
    let [row] = &list.volumes[..] else { panic!("{engine}: {list:?}") };
    for seen in [&details, row] {
        assert_eq!((seen.name.as_str(), seen.driver.as_str()), ("data", "local"), "{engine}");
        assert_eq!((seen.scope.as_str(), seen.labels.get("stage")), ("local", Some("test")));
        assert!(seen.created_at.is_some() && seen.mountpoint.ends_with("_data"), "{engine}");
    }
}

async fn system(docker: &Docker, engine: &str, version: &str) {
    let info = docker.info().await.unwrap();
    assert!(info.server_version.starts_with(version), "{engine}: {}", info.server_version);
    assert!(info.ncpu > 0 && info.mem_total > 0 && info.containers_running >= 1, "{engine}");
    assert!(!info.kernel_version.is_empty() && !info.driver.is_empty(), "{engine}");
    assert!(info.plugins.network.iter().any(|name| name == "bridge"), "{engine}");
}

#[tokio::test]
async fn what_real_engines_said_is_understood() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut seen = 0;
    for folder in fs::read_dir(fixtures).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let (_, version) = name.split_once('-').unwrap();
        let fake = engine(folder.clone());
        let docker = fake.docker().await;
        networks(&docker, &name).await;
        volumes(&docker, &name).await;
        system(&docker, &name, version).await;
        if folder.join("df.json").exists() {
            let df = docker.disk_usage().await.unwrap();
            let [data] = &df.volumes.items[..] else { panic!("{name}: {df:?}") };
            assert_eq!((data.name.as_str(), data.usage_data.ref_count), ("data", 1), "{name}");
            let counts = (df.containers.total, df.containers.active, df.volumes.active);
            assert_eq!(counts, (1, 1, 1), "{name}");
            assert!(df.images.total >= 1 && df.images.size > 0, "{name}");
        }
        seen += 1;
    }
    assert!(seen >= 1);
}
