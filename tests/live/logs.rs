//! What a container has printed.

use bowline::StdStream;

use crate::support::engine::Own;
use crate::support::proxy::Proxy;

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

async fn lines(logs: bowline::container::LogLines) -> Vec<bowline::LogLine> {
    let mut stream = logs.await.unwrap();
    let mut out = Vec::new();
    while let Some(line) = stream.next().await {
        out.push(line.unwrap());
    }
    out
}

#[tokio::test]
async fn lines_with_moments_and_attributes() {
    let own = Own::new().await;
    let spec = own.spec(["sh", "-c", "echo one two; echo err >&2; echo; printf rest"]);
    let spec = spec.log_opt("tag", "a b,c=d").log_opt("labels", "bowline.test");
    let c = own.docker.create(spec).await.unwrap().run().await.unwrap();
    let all = lines(c.logs().timestamps().details().lines()).await;
    let (_, label) =
        own.label().split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap();
    for line in &all {
        assert_eq!(line.attributes["tag"], "a b,c=d");
        assert_eq!(line.attributes["bowline.test"], label);
        assert!(line.time.is_some() && !line.partial);
    }
    let said = |stream| -> Vec<_> {
        let of = all.iter().filter(|line| line.stream == stream);
        of.map(|line| line.text_lossy().into_owned()).collect()
    };
    assert_eq!(said(StdStream::Out), ["one two", "", "rest"]);
    assert_eq!(said(StdStream::Err), ["err"]);
    // With a terminal, and without what was not asked for.
    let spec = own.spec(["sh", "-c", "echo one two; printf rest"]).tty();
    let c = own.docker.create(spec).await.unwrap().run().await.unwrap();
    for asked in [false, true] {
        let logs = if asked { c.logs().timestamps().details() } else { c.logs() };
        let all = lines(logs.lines()).await;
        assert_eq!(all.iter().map(|l| &l.data[..]).collect::<Vec<_>>(), [&b"one two"[..], b"rest"]);
        assert!(all.iter().all(|l| l.time.is_some() == asked && l.attributes.is_empty()));
    }
}

#[tokio::test]
async fn a_line_longer_than_any_buffer() {
    let own = Own::new().await;
    let script =
        "head -c 300000 /dev/zero | tr '\\0' x; echo; head -c 16384 /dev/zero | tr '\\0' y; echo";
    for tty in [false, true] {
        let spec = own.spec(["sh", "-c", script]);
        let spec = if tty { spec.tty() } else { spec };
        let c = own.docker.create(spec).await.unwrap().run().await.unwrap();
        for logs in [c.logs(), c.logs().timestamps().details()] {
            let all = lines(logs.clone().lines()).await;
            let lengths: Vec<_> = all.iter().map(|l| l.data.len()).collect();
            assert_eq!(lengths, [300_000, 16_384], "terminal: {tty}");
            assert!(all[0].data.iter().all(|b| *b == b'x'));
            let parts = lines(logs.lines().max_line(100_000)).await;
            let parts: Vec<_> = parts.iter().map(|l| (l.data.len(), l.partial)).collect();
            assert_eq!(
                parts,
                [(100_000, true), (100_000, true), (100_000, false), (16_384, false)]
            );
        }
    }
}

#[tokio::test]
async fn as_a_file() {
    let own = Own::new().await;
    let c = ended(&own, "echo out; echo err >&2; printf rest").await;
    let mut text = String::new();
    let mut reader = c.logs().stdout().await.unwrap().into_reader();
    tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text).await.unwrap();
    assert_eq!(text, "out\nrest");
}

/// Through a proxy that cuts every connection, at any byte: an engine's own clock, and its own
/// idea of what comes after a moment.
#[tokio::test]
async fn followed_over_lost_connections() {
    let own = Own::new().await;
    let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done";
    let c = own.docker.run(own.spec(["sh", "-c", script])).spawn().await.unwrap();
    let engine = own.docker.host().to_string();
    let proxy = Proxy::new(engine.strip_prefix("unix://").expect("an engine on a socket"));
    let docker = proxy.docker().await;
    let c = docker.container(c.forget().id()).await.unwrap().any().unwrap();
    let mut lines = c.logs().follow().lines().resume().await.unwrap();
    let (mut out, mut err) = (0, 0);
    while let Some(line) = lines.next().await {
        let line = line.unwrap();
        let (word, n) = match line.stream {
            StdStream::Out => ("line", &mut out),
            StdStream::Err => ("err", &mut err),
        };
        assert_eq!(line.text_lossy(), format!("{word} {n}"));
        *n += 1;
        if (out + err) % 500 == 250 {
            proxy.heal().await;
        }
    }
    assert_eq!((out, err), (3000, 3000));
}
