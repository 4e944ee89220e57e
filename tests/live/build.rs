//! Building images.

use std::fs;

use bowline::build::BuildContext;
use bowline::image::BuildOutput;
use bowline::{Credentials, Docker, Error};

use crate::support::engine::{IMAGE, Own, docker, unique};
use crate::support::registry::{PASSWORD, Registry, USER};
use crate::support::web::{self, Web};

/// What a build made goes with all its names.
async fn remove(docker: &Docker, id: &bowline::ImageId) {
    docker.image(id.clone()).unwrap().remove().force().await.unwrap();
}

#[tokio::test]
async fn from_a_folder_to_a_running_image() {
    let own = Own::new().await;
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(
        "Dockerfile",
        "FROM busybox\nARG WHO=nobody\nCOPY . /ctx/\nRUN echo hello $WHO > /greeting\n\
         CMD [\"sh\", \"-c\", \"cat /greeting; ls -A /ctx\"]\n",
    );
    write(".dockerignore", "# secrets stay here\n*.env\n!keep.env\n");
    write("prod.env", "SECRET");
    write("keep.env", "");
    write("server.key", "");
    std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();

    let name = unique("build") + ":v1";
    let built = own.docker.build(dir.path()).tag(&*name).build_arg("WHO", "Ada").await.unwrap();
    assert_eq!(built.skipped.len(), 1, "{:?}", built.skipped);
    assert_eq!(built.secrets, [std::path::Path::new("server.key")]);
    let out = own.docker.run(&*name).output().await.unwrap();
    let said = out.stdout_lossy().into_owned();
    own.docker.container(&out.container).await.unwrap().any().unwrap().remove().await.unwrap();
    remove(&own.docker, &built.id).await;
    assert_eq!(said, "hello Ada\n.dockerignore\nDockerfile\nkeep.env\nserver.key\n");
}

#[tokio::test]
async fn steps_and_output_are_told_apart() {
    let docker = docker().await;
    let context = BuildContext::new().dockerfile_inline(format!(
        "FROM {IMAGE} AS one\nRUN echo out; echo err >&2\nFROM one AS two\nRUN false\n"
    ));
    let mut build = docker.build(context).target("one").no_cache().stream().await.unwrap();
    let (mut steps, mut text) = (Vec::new(), String::new());
    while let Some(report) = build.next().await.transpose().unwrap() {
        match report {
            BuildOutput::Step { number, total, instruction, .. } => {
                steps.push(format!("{number}/{total} {instruction}"));
            }
            BuildOutput::Text(said) => text.push_str(&said),
            _ => {}
        }
    }
    let built = build.finish().await.unwrap();
    remove(&docker, &built.id).await;
    assert_eq!(steps, ["1/2 FROM busybox AS one", "2/2 RUN echo out; echo err >&2"]);
    assert!(text.contains("out\n") && text.contains("err\n"), "{text}");
}

#[tokio::test]
async fn a_step_that_fails() {
    let own = Own::new().await;
    let mark = unique("failing");
    let context = BuildContext::new().file(
        "Dockerfile",
        format!("FROM {IMAGE}\nLABEL mark={mark}\nRUN echo before; echo the reason >&2; exit 7\n"),
    );
    let error = own.docker.build(context).await.unwrap_err();
    let Error::Build(failed) = &error else { panic!("{error:?}") };
    assert_eq!((failed.step, failed.code), (Some((3, 3)), Some(7)));
    assert!(failed.instruction.starts_with("RUN echo before"), "{failed:?}");
    assert!(failed.output.contains("the reason"), "{failed:?}");
    // What it ran in is gone; the layer before it is a nameless image.
    let left = own.docker.containers().all().label(format!("mark={mark}")).await.unwrap();
    assert_eq!(left.len(), 0);
    own.docker.prune_images().label(format!("mark={mark}")).await.unwrap();
}

#[tokio::test]
async fn what_is_no_dockerfile() {
    let docker = docker().await;
    for bad in ["", "FROM", "NONSENSE here", "FROM busybox\nCOPY absent /\n"] {
        let context = BuildContext::new().file("Dockerfile", bad.to_owned());
        let error = docker.build(context).await.unwrap_err();
        assert!(matches!(error, Error::Api(_) | Error::Build(_)), "{bad:?}: {error:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let error = docker.build(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    // Refused before the folder is looked at.
    let error = docker.build("/no/such/folder").tag("UPPER").await.unwrap_err();
    assert!(matches!(error, Error::ImageRef(_)), "{error:?}");
    docker.ping().await.unwrap();
}

#[tokio::test]
async fn from_a_private_registry() {
    let registry = Registry::locked();
    let docker = docker().await;
    let base = registry.image("base:1");
    let right = || Credentials::password(USER, PASSWORD);
    let image = docker.image(IMAGE).unwrap().tag(&*base).await.unwrap();
    image.push().credentials(right()).await.unwrap();
    image.remove().await.unwrap();

    let context = || BuildContext::new().file("Dockerfile", format!("FROM {base}\nLABEL a=b\n"));
    let refused = docker.build(context()).anonymous().await.unwrap_err();
    assert!(refused.to_string().contains("no basic auth credentials"), "{refused}");
    let built = docker.build(context()).credentials(registry.host(), right()).await.unwrap();
    remove(&docker, &built.id).await;
    image.remove().await.unwrap();
}

/// As the docs of `build_arg` warn.
#[tokio::test]
async fn fault_107_a_build_argument_is_seen_in_the_history() {
    let docker = docker().await;
    let lines = format!("FROM {IMAGE}\nARG TOKEN\nRUN test -n \"$TOKEN\"\n");
    let context = BuildContext::new().file("Dockerfile", lines);
    let built = docker.build(context).build_arg("TOKEN", "c4n4ry").await.unwrap();
    let history = docker.image(&built.id).unwrap().history().await.unwrap();
    let seen = history.iter().any(|entry| entry.created_by.contains("TOKEN=c4n4ry"));
    remove(&docker, &built.id).await;
    assert!(seen, "{history:?}");
}

/// Two hundred MiB pass through without being held.
#[tokio::test]
async fn a_large_context_is_streamed() {
    let docker = docker().await;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Dockerfile"), format!("FROM {IMAGE}\nLABEL a=large\n")).unwrap();
    let file = fs::File::create(dir.path().join("large")).unwrap();
    file.set_len(200 << 20).unwrap();
    let before = peak();
    let built = docker.build(dir.path()).await.unwrap();
    let grown = peak() - before;
    remove(&docker, &built.id).await;
    // Other tests run in this process as well.
    assert!(grown < 64 << 10, "{grown} KiB more");
}

/// The most memory this process has had at once, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn from_what_the_engine_fetches() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let dockerfile = format!("FROM {IMAGE}\nCOPY file /file\nCMD [\"cat\", \"/file\"]\n");
    fs::write(dir.path().join("sub/Other"), dockerfile).unwrap();
    fs::write(dir.path().join("file"), "fetched\n").unwrap();
    let tar = std::process::Command::new("tar")
        .args(["-c", "-C"])
        .args([dir.path(), ".".as_ref()])
        .output()
        .unwrap();
    assert!(tar.status.success());
    let served = Web::new(move |_, asked| match &*asked.target {
        "/context.tar" => web::answer(200, "application/x-tar", tar.stdout.clone()),
        "/Dockerfile" => web::answer(
            200,
            "text/plain",
            format!("FROM {IMAGE}\nARG A\nENV A=$A\nLABEL from=afar\n"),
        ),
        _ => web::answer(404, "text/plain", "no"),
    });
    let own = Own::new().await;
    let url = |path: &str| format!("http://{}/{path}", served.host());

    let built = own.docker.build_remote(url("context.tar")).dockerfile("sub/Other").await.unwrap();
    let out = own.docker.run(own.spec_of(built.id.as_ref(), [""; 0]).rm()).output().await;
    remove(&own.docker, &built.id).await;
    assert_eq!(out.unwrap().stdout_lossy(), "fetched\n");

    let built = own.docker.build_remote(url("Dockerfile")).build_arg("A", "1").await.unwrap();
    let details = built.image.inspect().await;
    remove(&own.docker, &built.id).await;
    let config = details.unwrap().config;
    assert_eq!((config.labels.get("from"), config.env.get("A")), (Some("afar"), Some("1")));
    assert!(built.skipped.is_empty() && built.secrets.is_empty());

    let error = own.docker.build_remote(url("absent")).await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    let error = own.docker.build_remote("").await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
}
