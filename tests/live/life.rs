//! One container from its creation to its removal.

use std::time::Duration;

use bowline::ContainerSpec;

use crate::support::engine::{IMAGE, docker};

#[tokio::test]
async fn from_created_to_gone() {
    let docker = docker().await;
    let c = docker.create(ContainerSpec::new(IMAGE).cmd(["sleep", "1000"])).await.unwrap();
    let c = c.start().await.unwrap();
    let out = c.exec(["sh", "-c", "echo hi; echo oops >&2; exit 7"]).await.unwrap();
    assert_eq!((out.status.code(), &*out.stdout, &*out.stderr), (7, &b"hi\n"[..], &b"oops\n"[..]));
    let c = c.pause().await.unwrap();
    let c = c.unpause().await.unwrap();
    let c = c.stop().time(Duration::ZERO).await.unwrap();
    assert_eq!(c.status().signal(), Some(9));
    let id = c.id().clone();
    c.remove().await.unwrap();
    assert!(docker.container(id).await.unwrap_err().is_not_found());
}
