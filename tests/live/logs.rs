//! What a container has printed.

use bowline::StdStream;

use crate::support::engine::Own;

async fn ended(own: &Own, script: &str) -> bowline::Container<bowline::Exited> {
    own.docker.create(own.spec(["sh", "-c", script])).await.unwrap().run().await.unwrap()
}

#[tokio::test]
async fn both_streams_apart_and_each_alone() {
    let own = Own::new().await;
    let c = ended(&own, "echo out; echo err >&2; printf rest").await;
    let logs = c.logs().collect().await.unwrap();
    assert_eq!((&*logs.stdout, &*logs.stderr), (&b"out\nrest"[..], &b"err\n"[..]));
    let logs = c.logs().stdout().collect().await.unwrap();
    assert_eq!((&*logs.stdout, logs.stderr.len()), (&b"out\nrest"[..], 0));
    let logs = c.logs().stderr().collect().await.unwrap();
    assert_eq!((logs.stdout.len(), &*logs.stderr), (0, &b"err\n"[..]));
}

#[tokio::test]
async fn a_part_of_them() {
    let own = Own::new().await;
    let c = ended(&own, "for i in 1 2 3 4 5; do echo $i; done").await;
    let text = |logs: bowline::container::CollectedLogs| String::from_utf8(logs.stdout).unwrap();
    assert_eq!(text(c.logs().tail(2).collect().await.unwrap()), "4\n5\n");
    assert_eq!(text(c.logs().tail(0).collect().await.unwrap()), "");
    let stamped = text(c.logs().timestamps().collect().await.unwrap());
    let third = stamped.lines().nth(2).unwrap().split(' ').next().unwrap();
    let third = third.parse().unwrap();
    assert_eq!(text(c.logs().since(third).collect().await.unwrap()), "3\n4\n5\n");
    assert_eq!(text(c.logs().until(third).collect().await.unwrap()), "1\n2\n3\n");
}

#[tokio::test]
async fn a_terminals_are_taken_as_they_are() {
    let own = Own::new().await;
    let spec = own.spec(["sh", "-c", r"printf '\002\000\001'; echo err >&2"]).tty();
    let c = own.docker.create(spec).await.unwrap().run().await.unwrap();
    let logs = c.logs().collect().await.unwrap();
    assert_eq!((&*logs.stdout, logs.stderr.len()), (&b"\x02\0\x01err\r\n"[..], 0));
    // A handle that was looked up knows of the terminal as well.
    let found = own.docker.container(c.id()).await.unwrap().any().unwrap();
    assert_eq!(found.logs().collect().await.unwrap(), logs);
}

#[tokio::test]
async fn followed_to_the_end() {
    let own = Own::new().await;
    let script = "echo first; until [ -e /go ]; do sleep 0.02; done; echo last >&2";
    let c = own.docker.run(own.spec(["sh", "-c", script])).spawn().await.unwrap();
    let mut logs = c.logs().follow().await.unwrap();
    let first = logs.next().await.unwrap().unwrap();
    assert_eq!((first.stream, &*first.data), (StdStream::Out, &b"first\n"[..]));
    c.exec(["touch", "/go"]).await.unwrap();
    let last = logs.next().await.unwrap().unwrap();
    assert_eq!((last.stream, &*last.data), (StdStream::Err, &b"last\n"[..]));
    assert!(logs.next().await.is_none());
    assert!(logs.next().await.is_none());
}

#[tokio::test]
async fn a_driver_that_cannot_be_read() {
    let own = Own::new().await;
    let spec = own.spec(["true"]).log_driver("none");
    let c = own.docker.create(spec).await.unwrap().run().await.unwrap();
    let error = c.logs().collect().await.unwrap_err();
    assert_eq!(error.status(), Some(501), "{error}");
}
