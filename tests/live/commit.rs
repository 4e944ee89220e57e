//! From a changed container to an image, and to a container of that.

use std::time::Duration;

use bowline::container::ChangeKind;
use bowline::container::spec::Healthcheck;
use bowline::image::{ImageDetails, Instruction};
use bowline::{BuildContext, CommitOptions, ContainerSpec, Error, Image};

use crate::support::engine::{Own, unique};

#[tokio::test]
async fn change_commit_tag_run() {
    let own = Own::new().await;
    let c = own.docker.create(own.spec(["sh", "-c", "echo tuned > /app"])).await.unwrap();
    let c = c.run().await.unwrap();
    let changes = c.changes().await.unwrap();
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((change.path.as_str(), change.kind), ("/app", ChangeKind::Added));
    let (one, two) = (unique("app") + ":v1", unique("app"));
    let options = CommitOptions::new()
        .name(&one)
        .author("Ada")
        .message("with the file")
        .cmd(["cat", "/app"])
        .change("ENV MODE=fast");
    let image = c.commit(options).await.unwrap();
    assert!(image.name().to_string().starts_with("sha256:"), "{image:?}");
    let tagged = image.tag(&two).await.unwrap();
    for name in [&one, &two] {
        let out = own.docker.run(ContainerSpec::new(name).rm()).output().await.unwrap();
        assert_eq!(out.stdout_lossy(), "tuned\n");
    }
    let gone = tagged.remove().await.unwrap();
    assert_eq!((gone.untagged.len(), gone.deleted.len()), (1, 0));
    let gone = own.docker.image(&one).unwrap().remove().await.unwrap();
    assert!(!gone.deleted.is_empty());
    assert!(image.remove().await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn changes_of_every_kind() {
    let own = Own::new().await;
    let script = "echo x > /etc/new; chmod 600 /etc/passwd; rm /etc/group";
    let c = own.docker.create(own.spec(["sh", "-c", script])).await.unwrap();
    assert_eq!(c.changes().await.unwrap(), []);
    let changes = c.run().await.unwrap().changes().await.unwrap();
    let mut lines: Vec<_> =
        changes.iter().map(|change| format!("{} {}", change.kind.letter(), change.path)).collect();
    lines.sort();
    assert_eq!(lines, ["A /etc/new", "C /etc", "C /etc/passwd", "D /etc/group"]);
}

#[tokio::test]
async fn from_every_state() {
    let own = Own::new().await;
    let c = own.created().await;
    c.commit(CommitOptions::new()).await.unwrap().remove().await.unwrap();
    let c = c.start().await.unwrap();
    c.commit(CommitOptions::new().no_pause()).await.unwrap().remove().await.unwrap();
    let c = c.pause().await.unwrap();
    c.commit(CommitOptions::new()).await.unwrap().remove().await.unwrap();
    let c = c.kill().await.unwrap();
    c.commit(CommitOptions::new()).await.unwrap().remove().await.unwrap();
}

#[tokio::test]
async fn what_makes_no_image_is_refused_before() {
    let own = Own::new().await;
    let c = own.created().await;
    for bad in ["UPPER", "a:b:c", ""] {
        let error = c.commit(bad).await.unwrap_err();
        assert!(matches!(error, Error::ImageRef(_)), "{error}");
    }
    for bad in [Instruction::raw("CMD a\nRUN b"), Instruction::env("A", "a\nb")] {
        let error = c.commit(CommitOptions::new().change(bad)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    }
    // The engine knows what it takes here.
    let error = c.commit(CommitOptions::new().change("RUN touch /x")).await.unwrap_err();
    assert!(error.to_string().contains("not a valid change command"), "{error}");
}

/// The signal that an image says its containers are stopped with.
async fn stop_signal(image: &Image) -> String {
    image.inspect().await.unwrap().config.stop_signal.unwrap_or_default()
}

/// What an engine makes of a change of the stop signal: it is refused as no change at all, or it is
/// in the image.
async fn refused_or_there(made: Result<Image, Error>) {
    match made {
        Ok(image) => {
            let signal = stop_signal(&image).await;
            image.remove().await.unwrap();
            assert_eq!(signal, "SIGUSR1");
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.to_lowercase().contains("stopsignal is not a valid change"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_stop_signal_is_refused_as_a_change_and_kept_elsewhere() {
    let own = Own::new().await;
    let c = own.docker.create(own.idle().stop_signal("SIGUSR2")).await.unwrap();
    let signal = || Instruction::stop_signal("SIGUSR1");
    refused_or_there(c.commit(CommitOptions::new().change(signal())).await).await;
    let empty = std::io::Cursor::new(vec![0; 1024]);
    refused_or_there(own.docker.import(empty).change(signal()).await).await;

    // The container's own goes with it; and builds to come, and Dockerfiles, may say one.
    let options = CommitOptions::new().change(Instruction::onbuild(signal()));
    let image = c.commit(options).await.unwrap();
    let begun = stop_signal(&image).await;
    let dockerfile = format!("FROM {}\n", image.name());
    let built = own.docker.build(BuildContext::new().file("Dockerfile", dockerfile)).await;
    let built = built.unwrap().image;
    let later = stop_signal(&built).await;
    built.remove().no_prune().await.unwrap();
    image.remove().await.unwrap();
    assert_eq!((&*begun, &*later), ("SIGUSR2", "SIGUSR1"));
}

/// Whatever a shell, a Dockerfile's parser or JSON might read as something else.
const ODD: [&str; 16] = [
    "a b",
    " a ",
    "\"",
    "'",
    "it's \"so\"",
    "\\",
    "a\\",
    "\\\\\"",
    "$HOME",
    "${X:-y} $$",
    "#a",
    "[\"a\"]",
    "a\tb\r",
    "--a=b",
    "`id`;é\u{2028}\u{feff}\u{85}\u{1}",
    "=a=b",
];

/// Every change that takes any text, with every odd one.
fn odd_changes() -> Vec<Instruction> {
    let mut all = vec![
        Instruction::entrypoint(ODD.map(|odd| format!("{odd}\n"))),
        Instruction::cmd(ODD.map(|odd| format!("{odd}\n"))),
        Instruction::expose("80"),
        Instruction::expose("8000-8001/udp"),
        Instruction::user(ODD.concat()),
        Instruction::workdir(format!("/w{}", ODD.concat().replace('/', ""))),
        Instruction::onbuild("COPY . \"/a b\""),
    ];
    for (n, odd) in ODD.into_iter().enumerate() {
        all.push(Instruction::env(format!("E{n}"), odd));
        all.push(Instruction::env(format!("N {}", odd.replace('=', "")), "x"));
        all.push(Instruction::label(format!("L{n}"), odd));
        all.push(Instruction::volume(format!("/v{odd}\n")));
    }
    all
}

/// That each is in the image as it was said.
fn odd_settings(details: &ImageDetails) {
    let config = &details.config;
    let with_newlines = ODD.map(|odd| format!("{odd}\n"));
    assert_eq!(config.entrypoint, with_newlines);
    assert_eq!(config.cmd, with_newlines);
    assert_eq!(config.exposed_ports, ["80/tcp", "8000/udp", "8001/udp"]);
    assert_eq!(config.user, ODD.concat());
    assert_eq!(config.working_dir, format!("/w{}", ODD.concat().replace('/', "")));
    for (n, odd) in ODD.into_iter().enumerate() {
        assert_eq!(config.env.get(&format!("E{n}")), Some(odd), "of {odd:?}");
        assert_eq!(config.env.get(&format!("N {}", odd.replace('=', ""))), Some("x"), "{odd:?}");
        assert_eq!(config.labels.get(&format!("L{n}")), Some(odd), "of {odd:?}");
        assert!(config.volumes.contains(&format!("/v{odd}\n")), "{odd:?} in {:?}", config.volumes);
    }
}

#[tokio::test]
async fn changes_hold_any_text() {
    let own = Own::new().await;
    let c = own.created().await;
    let options = odd_changes().into_iter().fold(CommitOptions::new(), CommitOptions::change);
    let image = c.commit(options).await.unwrap();
    let details = image.inspect().await;
    image.remove().await.unwrap();
    odd_settings(&details.unwrap());

    let empty = std::io::Cursor::new(vec![0; 1024]);
    let import =
        odd_changes().into_iter().fold(own.docker.import(empty), |i, change| i.change(change));
    let image = import.await.unwrap();
    let details = image.inspect().await;
    image.remove().await.unwrap();
    odd_settings(&details.unwrap());
}

#[tokio::test]
async fn changes_of_health_and_builds_to_come() {
    let own = Own::new().await;
    let c = own.created().await;
    let second = Duration::from_secs(1);
    let shell = |line: &str| Healthcheck::shell(line);
    for (check, test) in [
        (Healthcheck::cmd(["a b", "$c\n"]).interval(second).retries(7), r#"["CMD","a b","$c\n"]"#),
        (shell("a \"$b\" || \\c").timeout(second * 90), r#"["CMD-SHELL","a \"$b\" || \\c"]"#),
        (shell("a\nb"), r#"["CMD","/bin/sh","-c","a\nb"]"#),
        (shell("[\"a\"]"), r#"["CMD","/bin/sh","-c","[\"a\"]"]"#),
        (Healthcheck::none(), r#"["NONE"]"#),
    ] {
        let options = CommitOptions::new()
            .change(Instruction::healthcheck(check))
            .change(Instruction::onbuild(Instruction::env("A", "x \"$y\"")));
        let image = c.commit(options).await.unwrap();
        // What the handle does not tell of, the CLI does.
        let format = "{{json .Config.Healthcheck.Test}} {{json .Config.OnBuild}}";
        let told = std::process::Command::new("docker")
            .args(["image", "inspect", "--format", format, &image.name().to_string()])
            .output();
        image.remove().await.unwrap();
        let told = String::from_utf8(told.unwrap().stdout).unwrap();
        let told = told.replace("\\u0026", "&");
        assert_eq!(told.trim_end(), format!(r#"{test} ["ENV A=\"x \\\"\\$y\\\"\""]"#));
    }
}
