//! Images of real services, from this system's own packages: see `scripts/service-rootfs`.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bowline::{Docker, Image};
use tokio::process::Command;

/// Build the image of a service, "redis", "postgres" or "nginx".
pub async fn service(docker: &Docker, name: &str) -> Image {
    let folder = rootfs(name).await;
    docker.build(folder).label("bowline.test", "service").await.unwrap().image
}

/// The folder to build it from. It is kept from run to run, as the packages are fetched for it.
async fn rootfs(name: &str) -> PathBuf {
    let uid = std::fs::metadata("/proc/self").unwrap().uid();
    let folder = PathBuf::from(format!("/var/tmp/bowline-services-{uid}")).join(name);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/service-rootfs");
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let output = Command::new(script).arg(name).arg(&folder).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the image of {name} cannot be made:\n{said}");
    folder
}
