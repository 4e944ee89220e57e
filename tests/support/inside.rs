//! This test program once more, in a container.

use std::path::Path;
use std::process::Command;

use bowline::{Container, ContainerSpec, Created, Docker};

/// Set for the program in there: what it is to do.
pub const DEED: &str = "BOWLINE_TEST_INSIDE";

/// Make a container in which this program runs one of its tests. The image needs nothing for that:
/// the program's libraries come along.
pub async fn inside(
    docker: &Docker,
    spec: ContainerSpec,
    test: &str,
    deed: &str,
) -> Container<Created> {
    let cmd = ["/test/program", test, "--exact", "--nocapture", "--test-threads=1"];
    let spec = spec.cmd(cmd).env(DEED, deed).env("LD_LIBRARY_PATH", "/test");
    let container = docker.create(spec).await.unwrap();
    let files = std::io::Cursor::new(archive());
    container.put_archive("/", files).await.unwrap();
    container
}

fn archive() -> Vec<u8> {
    let program = std::env::current_exe().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    // Engines do not know the form in which holes are left out.
    tar.sparse(false);
    tar.append_path_with_name(&program, "test/program").unwrap();
    let listed = Command::new("ldd").arg(&program).output().expect("glibc comes with ldd");
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        // "libc.so.6 => /lib/libc.so.6 (0x…)"; the loader, which is named by its whole path, has one
        // word; what the kernel brings has no path.
        let (name, path) = line.split_once("=>").unwrap_or((line, line));
        let first = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
        let (name, path) = (first(name), first(path));
        if !path.starts_with('/') {
            continue;
        }
        let name = match name.strip_prefix('/') {
            Some(loader) => loader.to_owned(),
            None => format!("test/{name}"),
        };
        // Not as the link that it may be.
        let file = Path::new(&path).canonicalize().unwrap();
        tar.append_path_with_name(file, name).unwrap();
    }
    tar.into_inner().unwrap()
}
