//! A text of the user's never changes the route: what reaches the engine has the segments and the
//! query keys of its verb, whatever stands in names and values, or nothing is sent at all.

use std::cell::Cell;

use bowline::{CommitOptions, Container, ContainerSpec, Docker, Running};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::fake::{Fake, Reply, Seen};

/// Texts with all that has a meaning in a path, a query, a header or a terminal.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-z0-9/?#%&=+. :;@\\\\\"\r\n\t\0é\u{202e}-]{0,24}",
        1 => "\\PC{0,24}",
        1 => "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,12}",
        1 => proptest::sample::select(vec![
            "", ".", "..", "/", "//", "../images/busybox", "a/../../images/x", "%2e%2e", "x%2f..%2fy",
            "a?force=1&v=1", "a#b", "a b", "a\r\nHost: evil", "\0", "json", "prune", "create", "*",
            "http://evil/x", "a/json?x=", "\u{ff0f}", ".%00.", "%", "%zz", "+", "a&b=c", "=", ";",
        ]).prop_map(str::to_owned),
    ]
}

fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8().unwrap().into_owned()
}

/// What one verb may send: its method, its segments after the version (`None` stands for the
/// user's text), and its query keys.
struct Shape {
    method: &'static str,
    segments: &'static [Option<&'static str>],
    keys: &'static [&'static str],
}

const ID: Option<&str> = Some("f00");

/// Hold what was sent against the shape; nothing at all is fine as well.
fn check(what: &str, text: &str, sent: &[Seen], shape: &Shape) -> Result<(), TestCaseError> {
    prop_assert!(sent.len() <= 1, "{what} {text:?} sent {sent:#?}");
    let Some(seen) = sent.first() else { return Ok(()) };
    prop_assert_eq!(&seen.method, shape.method);
    let segments = seen.segments();
    prop_assert_eq!(
        segments.len(),
        shape.segments.len() + 1,
        "{} {:?}: {}",
        what,
        text,
        &seen.target
    );
    prop_assert_eq!(segments[0], "v1.43");
    for (got, due) in segments[1..].iter().zip(shape.segments) {
        match due {
            Some(due) => prop_assert_eq!(got, due),
            None => {
                let name = decoded(got);
                // A look-up takes a name with the engine's slash before it.
                prop_assert!(
                    name == text || format!("/{name}") == text,
                    "{what}: {got} for {text:?}"
                );
                prop_assert!(!["", ".", ".."].contains(got));
                prop_assert!(
                    got.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b))
                );
            }
        }
    }
    let keys: Vec<_> = seen.query().iter().map(|(key, _)| *key).collect();
    prop_assert_eq!(&keys, shape.keys, "{} {:?}: {}", what, text, &seen.target);
    let raw = seen.target.bytes().all(|b| b.is_ascii_graphic());
    prop_assert!(raw && !seen.target.contains('#'), "{}", &seen.target);
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let known = [
        "host",
        "user-agent",
        "content-type",
        "content-length",
        "connection",
        "upgrade",
        "transfer-encoding",
    ];
    prop_assert!(names.iter().all(|name| known.contains(&&**name)), "{names:?}");
    Ok(())
}

#[test]
fn a_text_never_changes_the_route() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fake = runtime.block_on(async { Fake::new(answer).api("1.43") });
    let docker = runtime.block_on(fake.docker());
    let sent = Cell::new(fake.requests().len());
    let since = || {
        let new = fake.requests_after(sent.get());
        sent.set(sent.get() + new.len());
        new
    };
    let web = || -> Container<Running> {
        let web = runtime.block_on(async { docker.container("web").await.unwrap() });
        since();
        web.running().unwrap()
    };
    let reached = Cell::new(0);
    let mut runner =
        TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&texts(), |text| {
        let t = text.as_str();
        let hold = |what: &str, shape: Shape| {
            let sent = since();
            reached.set(reached.get() + sent.len());
            check(what, t, &sent, &shape)
        };
        let running = web();
        macro_rules! verb {
            ($what:literal, $verb:expr, $method:literal, $segments:expr, $keys:expr) => {
                let verb = $verb.into_future();
                let _ = runtime.block_on(verb);
                hold($what, Shape { method: $method, segments: &$segments, keys: &$keys })?;
            };
        }
        verb!("find", docker.container(t), "GET", [Some("containers"), None, Some("json")], []);
        verb!(
            "rename",
            running.rename(t),
            "POST",
            [Some("containers"), ID, Some("rename")],
            ["name"]
        );
        verb!(
            "create",
            docker.create(ContainerSpec::new(t).cmd([t])),
            "POST",
            [Some("containers"), Some("create")],
            []
        );
        verb!(
            "exec",
            running.exec([t]).env(t, t).user(t).detach(),
            "POST",
            [Some("containers"), ID, Some("exec")],
            []
        );
        let options = CommitOptions::new().author(t).message(t).cmd([t]);
        verb!(
            "commit",
            running.commit(options),
            "POST",
            [Some("commit")],
            ["container", "author", "comment", "changes"]
        );
        verb!(
            "list",
            docker.containers().name(t).label(t).network(t).volume(t).ancestor(t),
            "GET",
            [Some("containers"), Some("json")],
            ["filters"]
        );
        let last = fake.requests_after(sent.get() - 1).pop().unwrap();
        let filters: Value = serde_json::from_str(&decoded(last.query()[0].1)).unwrap();
        for key in ["name", "label", "network", "volume", "ancestor"] {
            prop_assert_eq!(&filters[key], &json!([t]));
        }
        verb!(
            "prune",
            docker.prune_containers().until(t).label(t).without_label(t),
            "POST",
            [Some("containers"), Some("prune")],
            ["filters"]
        );
        verb!(
            "stop",
            web().stop().signal(t),
            "POST",
            [Some("containers"), ID, Some("stop")],
            ["signal"]
        );
        verb!(
            "kill",
            web().kill().signal(t),
            "POST",
            [Some("containers"), ID, Some("kill")],
            ["signal"]
        );
        verb!(
            "restart",
            web().restart().signal(t),
            "POST",
            [Some("containers"), ID, Some("restart")],
            ["signal"]
        );
        files(&runtime, &web(), t, &hold)?;
        checkpoints(&runtime, &web(), t, &hold)?;
        image(&docker, &runtime, t, &since, &reached)
    });
    outcome.unwrap();
    // Most texts are sent by some verb, or nothing would be proven.
    assert!(reached.get() > 400, "{}", reached.get());
}

/// Look at what one verb has sent.
type Hold<'a> = dyn Fn(&str, Shape) -> Result<(), TestCaseError> + 'a;

/// Paths in a container are the value of a key, and so are folders that an archive goes into.
fn files(
    runtime: &tokio::runtime::Runtime,
    web: &Container<Running>,
    text: &str,
    hold: &Hold<'_>,
) -> Result<(), TestCaseError> {
    const ARCHIVE: &[Option<&str>] = &[Some("containers"), ID, Some("archive")];
    let read = |method| Shape { method, segments: ARCHIVE, keys: &["path"] };
    let put =
        || Shape { method: "PUT", segments: ARCHIVE, keys: &["path", "noOverwriteDirNonDir"] };
    let _ = runtime.block_on(web.stat(text).into_future());
    hold("stat", read("HEAD"))?;
    let _ = runtime.block_on(web.archive(text).into_future());
    hold("archive", read("GET"))?;
    let _ = runtime.block_on(web.read_file(text).into_future());
    hold("read_file", read("GET"))?;
    // Refused as it is, nothing is made there.
    let _ = runtime.block_on(web.copy_out(text, "/nonexistent/bowline").into_future());
    hold("copy_out", read("GET"))?;
    let _ = runtime.block_on(web.copy_in("/dev/null", text).into_future());
    hold("copy_in", read("HEAD"))?;
    let _ = runtime.block_on(web.write_file(text, text.to_owned()).into_future());
    hold("write_file", put())?;
    let _ = runtime.block_on(web.put_archive(text, &[0; 1024][..]).into_future());
    hold("put_archive", put())
}

fn checkpoints(
    runtime: &tokio::runtime::Runtime,
    web: &Container<Running>,
    text: &str,
    hold: &Hold<'_>,
) -> Result<(), TestCaseError> {
    const ALL: &[Option<&str>] = &[Some("containers"), ID, Some("checkpoints")];
    const ONE: &[Option<&str>] = &[Some("containers"), ID, Some("checkpoints"), None];
    let _ = runtime.block_on(web.checkpoints().dir(text).into_future());
    hold("checkpoints", Shape { method: "GET", segments: ALL, keys: &["dir"] })?;
    let _ = runtime.block_on(web.remove_checkpoint(text).into_future());
    hold("remove_checkpoint", Shape { method: "DELETE", segments: ONE, keys: &[] })?;
    let _ = runtime.block_on(web.remove_checkpoint("p1").dir(text).into_future());
    const P1: &[Option<&str>] = &[Some("containers"), ID, Some("checkpoints"), Some("p1")];
    hold("remove_checkpoint", Shape { method: "DELETE", segments: P1, keys: &["dir"] })
}

/// Names of images hold slashes and colons, and stay one segment.
fn image(
    docker: &Docker,
    runtime: &tokio::runtime::Runtime,
    text: &str,
    since: &impl Fn() -> Vec<Seen>,
    reached: &Cell<usize>,
) -> Result<(), TestCaseError> {
    let Ok(image) = docker.image(text) else {
        prop_assert!(since().is_empty());
        return Ok(());
    };
    let name = image.name().to_string();
    let _ = runtime.block_on(image.remove().into_future());
    let sent = since();
    reached.set(reached.get() + sent.len());
    let shape = Shape { method: "DELETE", segments: &[Some("images"), None], keys: &[] };
    check("image remove", &name, &sent, &shape)?;
    let _ = runtime.block_on(image.tag(text).into_future());
    let shape = Shape {
        method: "POST",
        segments: &[Some("images"), None, Some("tag")],
        keys: &["repo", "tag"],
    };
    check("tag", &name, &since(), &shape)
}

/// Refuse all but what the handles need: a refusal ends a verb after its first call, whose
/// request is the one looked at.
fn answer(seen: &Seen) -> Reply {
    match seen.route().as_str() {
        "GET /containers/web/json" => {
            Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}}))
        }
        _ => Reply::json(403, json!({"message": "no"})),
    }
}
