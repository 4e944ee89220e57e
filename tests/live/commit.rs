//! From a changed container to an image, and to a container of that.

use bowline::container::ChangeKind;
use bowline::{CommitOptions, ContainerSpec, Error};

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
        .change(r#"CMD ["cat", "/app"]"#)
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
    let error = c.commit(CommitOptions::new().change("CMD a\nRUN b")).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
}
