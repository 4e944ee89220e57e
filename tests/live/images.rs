//! Images: to a registry and back, out as an archive and back.

use bowline::container::spec::PullPolicy;
use bowline::image::Instruction;
use bowline::image::reference::ImageName;
use bowline::{Credentials, Docker, Error, Image};
use tokio::io::AsyncReadExt;

use crate::support::engine::{IMAGE, Own, docker, unique};
use crate::support::registry::{PASSWORD, Registry, USER};
use crate::support::web::{self, Web};

/// An image of this test's own, removed with all its names when this is dropped.
struct Made {
    docker: Docker,
    names: Vec<String>,
}

impl Made {
    /// Make an image with a file in a layer of its own.
    async fn new(name: &str) -> (Made, Image) {
        let own = Own::new().await;
        let script = format!("echo {name} > /made; head -c 300000 /dev/urandom > /noise");
        let c = own.docker.create(own.spec(["sh", "-c", &script])).await.unwrap();
        let image = c.run().await.unwrap().commit(name).await.unwrap();
        // Its names may move on; its id stays.
        let names = vec![name.to_owned(), image.name().to_string()];
        (Made { docker: own.docker.clone(), names }, image)
    }

    fn also(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let (docker, names) = (self.docker.clone(), std::mem::take(&mut self.names));
        let clear = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                for name in names {
                    let _ = docker.image(&*name).unwrap().remove().force().await;
                }
            });
        });
        let _ = clear.join();
    }
}

#[tokio::test]
async fn pushed_and_pulled_again() {
    let registry = Registry::open();
    let docker = docker().await;
    let name = registry.image("team/app:v1");
    let (_made, image) = Made::new(&name).await;
    let ImageName::Id(id) = image.name().clone() else { panic!("{image:?}") };

    let mut push = docker.image(&*name).unwrap().push().anonymous().stream().await.unwrap();
    let mut reports = Vec::new();
    while let Some(report) = push.next().await.transpose().unwrap() {
        reports.push(report);
    }
    let pushed = push.finish().await.unwrap();
    assert!(pushed.digest.starts_with("sha256:") && pushed.size > 0, "{pushed:?}");
    assert_eq!(pushed.tag, "v1");
    assert!(reports.iter().any(|r| r.status == "Pushed" && r.id.is_some()), "{reports:?}");
    assert!(reports.iter().any(|r| r.current.is_some()), "{reports:?}");

    docker.image(&*name).unwrap().remove().await.unwrap();
    let mut pull = docker.pull(&*name).stream().await.unwrap();
    let mut layers = std::collections::BTreeSet::new();
    let mut totals = 0;
    while let Some(report) = pull.next().await.transpose().unwrap() {
        totals += usize::from(report.total.is_some());
        layers.extend(report.id);
    }
    let pulled = pull.finish().await.unwrap();
    assert_eq!((pulled.id, pulled.digest.as_deref()), (Some(id), Some(&*pushed.digest)));
    assert!(pulled.newer);
    // One report names the tag; the layers that are here already are named too.
    assert!(layers.len() >= 2, "{layers:?}");
    assert!(totals > 0);

    let there = docker.distribution(&*name).await.unwrap();
    assert_eq!(there.descriptor.digest, pushed.digest);
    assert_eq!(there.platforms[0].os, "linux");

    let again = docker.pull(&*name).await.unwrap();
    assert!(!again.newer);
    assert_eq!(again.digest, Some(pushed.digest.clone()));
    // By its digest, it is the same.
    let by_digest = format!("{}@{}", registry.image("team/app"), pushed.digest);
    let same = docker.pull(&*by_digest).await.unwrap();
    assert_eq!(same.digest, Some(pushed.digest));
    same.image.remove().await.unwrap();
}

#[tokio::test]
async fn latest_unless_said_and_all_tags_only_when_asked() {
    let registry = Registry::open();
    let docker = docker().await;
    let base = registry.image("many");
    let (mut made, image) = Made::new(&format!("{base}:latest")).await;
    for tag in ["one", "two"] {
        let name = format!("{base}:{tag}");
        image.tag(&*name).await.unwrap();
        made.also(&name);
    }
    docker.image(&*base).unwrap().push().await.unwrap();
    assert_eq!(registry.ask("/v2/many/manifests/latest"), 200);
    assert_eq!(registry.ask("/v2/many/manifests/one"), 404);
    docker.image(&*base).unwrap().push().all_tags().await.unwrap();
    assert_eq!(registry.ask("/v2/many/manifests/two"), 200);

    let names = ["latest", "one", "two"].map(|tag| format!("{base}:{tag}"));
    let there = || async {
        let mut tags = Vec::new();
        for image in docker.images().reference(&base).await.unwrap() {
            tags.extend(image.repo_tags);
        }
        tags.sort();
        tags
    };
    for name in &names {
        docker.image(&**name).unwrap().remove().await.unwrap();
    }
    docker.pull(&*base).await.unwrap();
    assert_eq!(there().await, names[..1]);
    let all = docker.pull(&*base).all_tags().await.unwrap();
    assert!(all.id.is_none());
    assert_eq!(there().await, names);
}

#[tokio::test]
async fn a_container_pulls_its_image_as_it_is_told() {
    let registry = Registry::open();
    let own = Own::new().await;
    let name = registry.image("policy:1");
    let (_made, old) = Made::new(&name).await;
    let image = own.docker.image(&*name).unwrap();
    image.push().await.unwrap();
    let spec = |policy| own.spec_of(&name, ["true"]).pull(policy);
    let made_of = |spec: bowline::ContainerSpec| async {
        let c = own.docker.create(spec).await?;
        let id = c.inspect().await?.image_id;
        c.remove().await?;
        Ok::<_, Error>(id)
    };

    image.remove().await.unwrap();
    let error = made_of(spec(PullPolicy::Never)).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(made_of(spec(PullPolicy::Missing)).await.unwrap(), old.name().to_string());

    // The registry's moves on; what is here stays, unless asked for anew.
    let (_other, new) = Made::new(&registry.image("policy:2")).await;
    let new = new.tag(&*name).await.unwrap().inspect().await.unwrap().id;
    image.push().await.unwrap();
    image.remove().await.unwrap();
    let here = own.docker.pull(&*name).await.unwrap().id.unwrap().to_string();
    assert_eq!(here, new);
    own.docker.image(IMAGE).unwrap().tag(&*name).await.unwrap();
    assert_ne!(made_of(spec(PullPolicy::Missing)).await.unwrap(), new);
    assert_eq!(made_of(spec(PullPolicy::Always)).await.unwrap(), new);

    // What is not found need not be the image.
    let lost = own.spec(["true"]).volumes_from(unique("absent"));
    let error = own.docker.create(lost).await.unwrap_err();
    assert!(error.to_string().contains("No such container"), "{error}");
}

#[tokio::test]
async fn what_a_registry_does_not_have() {
    let registry = Registry::open();
    let docker = docker().await;
    let error = docker.pull(&*registry.image("nothing:here")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let error = docker.image(&*unique("absent")).unwrap().push().await.unwrap_err();
    assert!(!error.is_unauthorized(), "{error}");
    assert!(error.to_string().contains("does not exist"), "{error}");
    let host = registry.host();
    drop(registry);
    let error = docker.pull(&*format!("{host}/app")).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn right_wrong_and_no_credentials() {
    let registry = Registry::locked();
    let docker = docker().await;
    let name = registry.image("secret:v1");
    let (_made, _) = Made::new(&name).await;
    let image = docker.image(&*name).unwrap();
    let right = || Credentials::password(USER, PASSWORD);
    let wrong = Credentials::password(USER, "hunter2");

    for refused in [
        image.push().anonymous().await.unwrap_err(),
        image.push().credentials(wrong.clone()).await.unwrap_err(),
    ] {
        assert!(refused.is_unauthorized(), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
    image.push().credentials(right()).await.unwrap();
    image.remove().await.unwrap();
    for refused in [
        docker.pull(&*name).anonymous().await.unwrap_err(),
        docker.pull(&*name).credentials(wrong).await.unwrap_err(),
    ] {
        assert!(refused.is_unauthorized(), "{refused:?}");
    }
    // Those of another registry are not sent to this one.
    let other = right().server("registry.example");
    let error = docker.pull(&*name).credentials(other).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    docker.pull(&*name).credentials(right()).await.unwrap();
}

#[tokio::test]
async fn saved_and_loaded() {
    let docker = docker().await;
    let (one, two) = (unique("save") + ":1", unique("save") + ":2");
    let ((_a, first), (_b, second)) = (Made::new(&one).await, Made::new(&two).await);
    let mut archive = Vec::new();
    docker.save([&*one, &*two]).await.unwrap().read_to_end(&mut archive).await.unwrap();
    for image in [&one, &two] {
        docker.image(&**image).unwrap().remove().await.unwrap();
    }
    let loaded = docker.load(std::io::Cursor::new(archive)).await.unwrap();
    let mut names: Vec<_> = loaded.images.iter().map(|i| i.name().to_string()).collect();
    names.sort();
    assert_eq!(names, [one.clone(), two.clone()]);
    for (name, image) in [(&one, &first), (&two, &second)] {
        let found = docker.image(&**name).unwrap().inspect().await.unwrap();
        assert_eq!(found.id, image.name().to_string());
    }

    let gone = docker.save([&*unique("absent")]).await.unwrap_err();
    assert!(gone.is_not_found(), "{gone}");
    for garbage in [&b""[..], b"no archive at all"] {
        let error = docker.load(garbage).await.unwrap_err();
        assert!(matches!(error, Error::Stream(_) | Error::Api(_)), "{error}");
    }
}

#[tokio::test]
async fn an_archive_that_cannot_be_read() {
    struct Broken;
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("the disk is gone")))
        }
    }
    let docker = docker().await;
    let error = docker.load(Broken).await.unwrap_err();
    assert!(matches!(error, Error::Input(_)), "{error:?}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("the disk is gone"), "{source}");
    docker.ping().await.unwrap();
}

#[tokio::test]
async fn imported_from_an_archive_of_files() {
    let docker = docker().await;
    // A container's own files, by way of an image of one layer: what `save` gives holds layers.
    let output = std::process::Command::new("tar")
        .args(["-C", "/usr/share/misc", "-c", "."])
        .output()
        .unwrap();
    assert!(output.status.success());
    let name = unique("import") + ":1";
    let image = docker
        .import(std::io::Cursor::new(output.stdout))
        .name(&*name)
        .message("from files")
        .change(Instruction::cmd(["serve", "all"]))
        .change("ENV A=1")
        .await
        .unwrap();
    let details = docker.image(&*name).unwrap().inspect().await.unwrap();
    assert_eq!(details.id, image.name().to_string());
    assert_eq!(
        (details.config.cmd.join(" "), details.config.env.get("A")),
        ("serve all".into(), Some("1"))
    );
    assert_eq!((details.layers.len(), details.comment.as_str()), (1, "from files"));
    let history = image.history().await.unwrap();
    assert_eq!((history.len(), history[0].comment.as_str()), (1, "from files"));
    let listed = docker.images().reference(&name).await.unwrap();
    assert_eq!((listed.len(), listed[0].id.as_str()), (1, details.id.as_str()));
    assert!(listed[0].size > 0 && listed[0].created.is_some());
    image.remove().await.unwrap();
    assert!(image.inspect().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn listed_by_every_filter() {
    let docker = docker().await;
    let name = unique("filter") + ":1";
    let (_made, image) = Made::new(&name).await;
    let id = image.name().to_string();
    let ids = |list: bowline::image::ListImages| async move {
        list.await.unwrap().into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert!(ids(docker.images()).await.contains(&id));
    assert!(ids(docker.images().dangling(false)).await.contains(&id));
    assert!(!ids(docker.images().dangling(true)).await.contains(&id));
    assert!(ids(docker.images().label("bowline.test")).await.contains(&id));
    assert!(!ids(docker.images().label("bowline.test=other")).await.contains(&id));
    assert!(ids(docker.images().since(IMAGE)).await.contains(&id));
    assert!(!ids(docker.images().before(IMAGE)).await.contains(&id));
    let error = docker.images().shared_size().await;
    if docker.api_version() < bowline::ApiVersion::new(1, 42) {
        assert!(matches!(error, Err(Error::Unsupported(_))), "{error:?}");
    }
    // Pruning by a label that only this test's image has spares all others.
    let pruned = docker.prune_images().all().label("bowline.test=nothing-has-this").await.unwrap();
    assert_eq!((pruned.images.deleted.len(), pruned.space_reclaimed), (0, 0));
}

/// The engine's search goes to a registry's index: here to one that this test is.
#[tokio::test]
async fn searched_in_a_registry_of_ones_own() {
    let index = Web::new(|_, asked| match asked.target.split('?').next().unwrap() {
        "/v1/_ping" => web::answer(200, "application/json", "{}"),
        "/v1/search" => web::answer(
            200,
            "application/json",
            r#"{"num_results":3,"query":"box","results":[
                {"name":"busybox","description":"small","star_count":7,"is_official":true},
                {"name":"ada/box","description":"","star_count":3,"is_official":false,"new":1},
                {"name":"eve/box","description":null,"star_count":0}]}"#,
        ),
        _ => web::answer(404, "text/plain", "no"),
    });
    let docker = docker().await;
    let term = format!("{}/box", index.host());
    let names = |found: Vec<bowline::image::SearchResult>| {
        found.into_iter().map(|one| one.name).collect::<Vec<_>>().join(" ")
    };
    let found = docker.search(&*term).limit(9).await.unwrap();
    assert_eq!((found[0].stars, found[0].official, &*found[0].description), (7, true, "small"));
    assert_eq!(names(found), "busybox ada/box eve/box");
    let asked = index.asked().pop().unwrap().target;
    assert!(asked.contains("q=box") && asked.contains("n=9"), "{asked}");
    assert_eq!(names(docker.search(&*term).official(true).await.unwrap()), "busybox");
    assert_eq!(names(docker.search(&*term).official(false).stars(1).await.unwrap()), "ada/box");
    let error = docker.search(&*term).limit(101).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    let host = index.host();
    drop(index);
    let error = docker.search(format!("{host}/box")).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}
