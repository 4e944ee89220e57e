//! What is an image reference for us is one for the engine, and what is none is never sent.

use bowline::container::spec::PullPolicy;
use bowline::{ContainerSpec, Docker, Error};

use crate::support::engine::{IMAGE, docker, unique};

/// Ask for a container of this image, and take it away again where the image is there. Returns
/// the status.
async fn create(docker: &Docker, image: &str) -> u16 {
    match docker.create(ContainerSpec::new(image).pull(PullPolicy::Never)).await {
        Ok(container) => {
            container.remove().await.unwrap();
            201
        }
        Err(e) => e.status().unwrap_or_else(|| panic!("{image}: {e}")),
    }
}

#[tokio::test]
async fn the_engine_understands_what_we_accept() {
    let docker = docker().await;
    let hex64 = "0123456789abcdef".repeat(4);
    for image in [
        "ubuntu",
        "ubuntu:22.04",
        "docker.io/ubuntu",
        "index.docker.io/ubuntu",
        "docker/cli",
        "foo/bar/baz",
        "localhost/img",
        "localhost:5000/img",
        "localhost:5000",
        "example.com",
        "127.0.0.1/img:t",
        "FOO.com/img:Tag",
        &format!("img:t@sha256:{hex64}"),
        &format!("img@sha512:{hex64}{hex64}"),
        "a__b",
        "a---------b",
        "img:_t",
        &format!("img:{}", "t".repeat(128)),
        &"a".repeat(63),
        &format!("sha256:{hex64}"),
        "host_name/img",
        "my_host.io/img",
    ] {
        let printed = docker.image(image).unwrap().name().to_string();
        for text in [image, &printed] {
            let status = create(&docker, text).await;
            assert!(matches!(status, 201 | 404), "{text}: {status}");
        }
    }
    // Engines since 2022 understand these too; older ones count the registry into the length,
    // take its upper case for a namespace's, and know no IPv6 address.
    for image in ["[::1]:5000/img", "Foo/img", &format!("reg.io/{}", "a".repeat(255))] {
        assert!(docker.image(image).is_ok());
        let status = create(&docker, image).await;
        assert!(matches!(status, 400 | 404), "{image}: {status}");
    }
}

#[tokio::test]
async fn what_is_none_is_refused_before_anything_is_sent() {
    let docker = docker().await;
    let present = docker.image(IMAGE).unwrap();
    let hex64 = "0123456789abcdef".repeat(4);
    let long_tag = format!("img:{}", "t".repeat(129));
    let upper = format!("img@sha256:{}", "A".repeat(64));
    let md5 = format!("img@md5:{}", "a".repeat(32));
    let digest_first = format!("img@sha256:{hex64}:t");
    let long_path = format!("library/{}", "a".repeat(255));
    let bad = "a___b|a..b|a._b|-a|a-|_a|a/-b|a//b|/a|a/|UPPER|foo/UPPER|img:|img:-t|img:.t\
               |img@sha256:abc||reg.io:80a/img|reg-.io/img|reg.io./img|host_name:80/img\
               |[fe80::1%eth0]/img|http://reg.io/img|img name|img:t:u|bücher/img";
    let long = [&*long_tag, &upper, &md5, &digest_first, &long_path];
    for text in bad.split('|').chain(long) {
        assert!(matches!(docker.image(text), Err(Error::ImageRef(_))), "{text}");
        let given = present.tag(text).await;
        assert!(matches!(given, Err(Error::ImageRef(_))), "{text}: {given:?}");
    }
    // An id names an image, and cannot be given to one as a name.
    assert!(docker.image(&*hex64).is_ok());
    assert!(matches!(present.tag(hex64).await, Err(Error::ImageRef(_))));
}

#[tokio::test]
async fn a_given_name_means_the_image_in_every_form() {
    let docker = docker().await;
    let name = unique("ref");
    let given = docker.image(IMAGE).unwrap().tag(&name).await.unwrap();
    let long = format!("docker.io/library/{name}:latest");
    for text in [&*name, &format!("{name}:latest"), &long] {
        assert_eq!(create(&docker, text).await, 201, "{text}");
    }
    assert_eq!(given.remove().await.unwrap().untagged, [format!("{name}:latest")]);
    assert_eq!(create(&docker, &long).await, 404);
}

/// Briefly, these names would be an id and a path on the host "a.b".
#[tokio::test]
async fn names_that_cannot_be_shortened_are_not() {
    let docker = docker().await;
    let hex64 = format!("{:064x}", std::process::id());
    for name in [format!("library/{hex64}"), format!("docker.io/a.b/{}", unique("ref"))] {
        let given = docker.image(IMAGE).unwrap().tag(&name).await.unwrap();
        assert_eq!(create(&docker, &given.name().to_string()).await, 201, "{name}");
        given.remove().await.unwrap();
        assert_eq!(create(&docker, &given.name().to_string()).await, 404, "{name}");
    }
}

/// "my_host.io" is no host, for its underscore: engines take the whole for a path.
#[tokio::test]
async fn a_name_on_no_registry_is_given_and_never_fetched() {
    let docker = docker().await;
    let name = format!("my_host.io/{}", unique("ref"));
    let given = docker.image(IMAGE).unwrap().tag(&name).await.unwrap();
    assert_eq!(create(&docker, &name).await, 201);
    assert!(matches!(given.push().await, Err(Error::ImageRef(_))));
    given.remove().await.unwrap();
    // Where the image is not there, nobody has it.
    let error = docker.create(ContainerSpec::new(&*name)).await.unwrap_err();
    assert!(error.to_string().contains("must begin with a registry's host"), "{error}");
    assert!(matches!(docker.pull(&*name).await, Err(Error::ImageRef(_))));
}
