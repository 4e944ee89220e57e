//! The engine's progress streams, as they come and as they break: pull, push, build, load, import,
//! and plugins that travel.

use bowline::build::BuildContext;
use bowline::error::{Error, StreamFault};
use bowline::plugin::InstallPlugin;
use bowline::{Credentials, Docker, Image};
use serde_json::json;

use crate::support::fake::{Fake, Reply};

const ID: &str = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

const VERBS: [&str; 8] =
    ["pull", "push", "build", "load", "import", "plugin install", "plugin upgrade", "plugin push"];
/// Those whose last line says nothing that could be missed.
const WITHOUT_RESULT: &str = "plugin";

/// The lines of a stream that goes well; the result is in the last, but for a pull's.
fn lines(verb: &str) -> Vec<String> {
    let aux =
        format!(r#"{{"progressDetail":{{}},"aux":{{"Tag":"latest","Digest":"{ID}","Size":5}}}}"#);
    let all = match verb {
        "pull" => vec![
            r#"{"status":"Pulling from app","id":"latest"}"#.to_owned(),
            r#"{"status":"Waiting","progressDetail":{"current":1,"total":2},"id":"a\"}b"}"#.into(),
            format!(r#"{{"status":"Digest: {ID}"}}"#),
            r#"{"status":"Status: Downloaded newer image for app:latest"}"#.into(),
        ],
        "push" => vec![r#"{"status":"Pushed","id":"aa"}"#.into(), aux],
        "build" => vec![
            r#"{"stream":"Step 1/1 : FROM busybox"}"#.into(),
            r#"{"stream":"\n"}"#.into(),
            format!(r#"{{"aux":{{"ID":"{ID}"}}}}"#),
        ],
        "load" => vec![
            r#"{"status":"Loading layer","id":"aa"}"#.into(),
            r#"{"stream":"Loaded image: app:1\n"}"#.into(),
        ],
        plugin if plugin.starts_with(WITHOUT_RESULT) => vec![
            r#"{"status":"Downloading","progressDetail":{"current":1,"total":2},"id":"aa"}"#.into(),
            format!(r#"{{"status":"Digest: {ID}"}}"#),
        ],
        _ => vec![
            r#"{"status":"Importing","progressDetail":{}}"#.into(),
            format!(r#"{{"status":"{ID}"}}"#),
        ],
    };
    all.into_iter().map(|line| line + "\r\n").collect()
}

/// An engine that answers each post by the next of these, and knows every image or none.
async fn engine(replies: Vec<Reply>, knows: bool) -> (Fake, Docker) {
    let replies = std::sync::Mutex::new(replies.into_iter());
    let fake = Fake::new(move |seen| match seen.method.as_str() {
        "GET" if knows => Reply::json(200, json!({ "Id": ID })),
        "GET" => Reply::json(404, json!({"message": "No such image"})),
        // The fake reads no chunks, and so cannot go on after an upload.
        _ => replies.lock().unwrap().next().unwrap().header("Connection", "close"),
    });
    let docker = fake.docker().await;
    (fake, docker)
}

fn anybody() -> Credentials {
    Credentials::password("ada", "p?w")
}

fn install(docker: &Docker) -> InstallPlugin {
    docker.install_plugin("reg:5000/app").alias("app").credentials(anybody())
}

/// What a verb comes to, in a word.
async fn outcome(docker: &Docker, verb: &str) -> Result<String, Error> {
    let app: Image = docker.image("app").unwrap();
    let archive = &b"x"[..];
    match verb {
        "pull" => docker.pull("app").anonymous().await.map(|p| p.digest.unwrap()),
        "push" => app.push().anonymous().await.map(|p| p.digest),
        "build" => {
            let context = BuildContext::new().dockerfile_inline("FROM busybox");
            docker.build(context).anonymous().await.map(|b| b.id.to_string())
        }
        "plugin install" => install(docker).await.map(|p| p.name().to_owned()),
        "plugin upgrade" => {
            let upgrade = docker.plugin("app").unwrap().upgrade("app:2").credentials(anybody());
            upgrade.await.map(|p| p.name().to_owned())
        }
        "plugin push" => {
            let push = docker.plugin("app").unwrap().push().credentials(anybody());
            push.await.map(|()| "app".to_owned())
        }
        "load" => docker.load(archive).await.map(|l| l.images[0].name().to_string()),
        _ => docker.import(archive).await.map(|image| image.name().to_string()),
    }
}

fn result(verb: &str) -> &'static str {
    match verb {
        "load" => "app:1",
        plugin if plugin.starts_with(WITHOUT_RESULT) => "app",
        _ => ID,
    }
}

async fn outcome_of(verb: &str, reply: Reply) -> Result<String, Error> {
    let (_fake, docker) = engine(vec![reply], true).await;
    outcome(&docker, verb).await
}

#[tokio::test]
async fn an_error_in_either_field_or_both_at_any_line() {
    let shapes = [
        r#"{"error":"no space"}"#,
        r#"{"errorDetail":{"message":"no space"}}"#,
        r#"{"errorDetail":{"message":"no space"},"error":"no space"}"#,
        r#"{"errorDetail":{},"error":"no space"}"#,
        r#"{"errorDetail":{"code":404,"message":"no space"},"error":""}"#,
        r#"{"errorDetail":"no space"}"#,
        r#"{"error":{"message":"no space"},"status":7}"#,
    ];
    for verb in VERBS {
        for shape in shapes {
            let good = lines(verb);
            for at in 0..=good.len() {
                let mut all = good.clone();
                all.insert(at, format!("{shape}\n"));
                let case = format!("{verb}: {shape} at {at}");
                let error = outcome_of(verb, Reply::chunks(200, all)).await.expect_err(&case);
                assert!(error.to_string().contains("no space"), "{case}: {error}");
                assert_eq!(matches!(error, Error::Build(_)), verb == "build", "{case}: {error:?}");
                let told = shape.contains("404") && verb != "build";
                assert_eq!(error.is_not_found(), told, "{case}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_line_ends_nothing() {
    let unknown = [
        "{}",
        r#"{"status":1}"#,
        r#"{"new":{"of":[1,"}"]}}"#,
        r#"{"id":7,"status":null,"progressDetail":"x","stream":5}"#,
        r#"{"aux":["odd"]}"#,
        r#"{"id":"moby.buildkit.trace","aux":"Cm8KR3NoYTI1Ng=="}"#,
        r#"{"error":null,"errorDetail":null}"#,
    ];
    for verb in VERBS {
        for line in unknown {
            let good = lines(verb);
            for at in 0..=good.len() {
                let mut all = good.clone();
                all.insert(at, format!("{line}\n"));
                let got = outcome_of(verb, Reply::chunks(200, all)).await;
                assert_eq!(
                    got.as_deref().ok(),
                    Some(result(verb)),
                    "{verb}: {line} at {at}: {got:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_line_is_passed_on() {
    for line in [r#"{"status":1}"#, r#"{"aux":["odd"]}"#, r#"{"new":true}"#] {
        for verb in ["pull", "push", "build", "plugin install", "plugin push"] {
            let mut all = lines(verb);
            // The line break after a build's step is none of its output.
            let due = all.len() + usize::from(verb != "build");
            all.insert(1, line.to_owned());
            let (_fake, docker) = engine(vec![Reply::chunks(200, all)], true).await;
            let mut seen = 0;
            if verb == "build" {
                let context = BuildContext::new().dockerfile_inline("FROM busybox");
                let mut stream = docker.build(context).anonymous().stream().await.unwrap();
                while stream.next().await.transpose().unwrap().is_some() {
                    seen += 1;
                }
            } else if verb.starts_with(WITHOUT_RESULT) {
                let push = docker.plugin("app").unwrap().push().credentials(anybody());
                let mut stream = match verb {
                    "plugin push" => push.stream().await.unwrap(),
                    _ => install(&docker).stream().await.unwrap(),
                };
                while stream.next().await.transpose().unwrap().is_some() {
                    seen += 1;
                }
                assert_eq!(stream.finish().await.unwrap().name(), "app");
            } else if verb == "push" {
                let image = docker.image("app").unwrap();
                let mut stream = image.push().anonymous().stream().await.unwrap();
                while stream.next().await.transpose().unwrap().is_some() {
                    seen += 1;
                }
            } else {
                let mut stream = docker.pull("app").anonymous().stream().await.unwrap();
                while stream.next().await.transpose().unwrap().is_some() {
                    seen += 1;
                }
            }
            assert_eq!(seen, due, "{verb}: {line}");
        }
    }
}

fn is_cut(error: &Error) -> bool {
    matches!(error, Error::Stream(e) if e.fault == StreamFault::Cut)
}

#[tokio::test]
async fn a_stream_that_is_cut_is_an_error_wherever_it_is() {
    for verb in VERBS {
        let whole = lines(verb).concat();
        let cuts: Vec<usize> = (0..=whole.len()).step_by(3).chain([whole.len()]).collect();
        // The last chunk never comes, though all lines may have.
        let replies = cuts.iter().map(|&at| match at {
            0 => Reply::chunks(200, [""; 0]).close(),
            at => Reply::chunks(200, [&whole[..at]]).close(),
        });
        let (_fake, docker) = engine(replies.collect(), true).await;
        for at in cuts {
            let error = outcome(&docker, verb).await.expect_err(&format!("{verb} at {at}"));
            assert!(is_cut(&error), "{verb} at {at}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_its_result_is_an_error() {
    for verb in VERBS.into_iter().filter(|verb| !verb.starts_with(WITHOUT_RESULT)) {
        let whole = lines(verb).concat();
        let last = whole.trim_end().rfind('\n').unwrap() + 1;
        // A proper last chunk, but the line with the result is not there, or not whole.
        let cuts: Vec<usize> = (1..whole.trim_end().len()).step_by(3).chain([last]).collect();
        let replies = cuts.iter().map(|&at| Reply::chunks(200, [&whole[..at]]));
        let (_fake, docker) = engine(replies.collect(), false).await;
        for at in cuts {
            let error = outcome(&docker, verb).await.expect_err(&format!("{verb} at {at}"));
            let between = whole[..at].ends_with(['}', '\n', '\r']);
            // That a load brought nothing may be the archive's fault.
            let known = is_cut(&error) || verb == "load" && between;
            assert!(known, "{verb} at {at}: {error:?}");
        }
    }
}

#[tokio::test]
async fn split_at_any_byte_it_comes_to_the_same() {
    for verb in VERBS {
        let whole = lines(verb).concat();
        let replies = (1..whole.len()).map(|at| Reply::chunks(200, [&whole[..at], &whole[at..]]));
        let (_fake, docker) = engine(replies.collect(), true).await;
        for at in 1..whole.len() {
            let got = outcome(&docker, verb).await;
            assert_eq!(got.as_deref().ok(), Some(result(verb)), "{verb} at {at}: {got:?}");
        }
        let bytes: Vec<_> = whole.bytes().map(|b| vec![b]).collect();
        let got = outcome_of(verb, Reply::chunks(200, bytes)).await;
        assert_eq!(got.as_deref().ok(), Some(result(verb)), "{verb}: {got:?}");
    }
}
