//! Streams over lost connections: a cut is an error and never an end, and where it is resumed
//! nothing is lost and nothing comes twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bowline::error::StreamFault;
use bowline::events::{Action, Event, EventKind};
use bowline::{Container, Docker, Error, LogLine, StdStream};
use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen, frame};

fn is_cut(error: &Error) -> bool {
    matches!(error, Error::Stream(e) if e.fault == StreamFault::Cut)
}

/// The moment that a request asks from, as seconds and nanoseconds.
fn since(seen: &Seen) -> Option<(i64, u32)> {
    let (_, since) = seen.query().into_iter().find(|(key, _)| *key == "since")?;
    let (secs, nanos) = since.split_once('.').unwrap();
    Some((secs.parse().unwrap(), nanos.parse().unwrap()))
}

/// Answers that are asked for anew each time, by what they hold and when it happened. The first
/// is cut after so many bytes; the others come from the moment asked for, whole.
struct Log {
    entries: Vec<((i64, u32), Vec<u8>)>,
    /// With the proper end.
    ends: bool,
}

impl Log {
    fn from(&self, from: Option<(i64, u32)>) -> Vec<u8> {
        let due = self.entries.iter().filter(|(at, _)| from.is_none_or(|from| *at >= from));
        due.flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    fn answer(&self, seen: &Seen, cut: Option<usize>, kind: &str) -> Reply {
        let mut bytes = self.from(since(seen));
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        // An empty chunk would be the proper end.
        let chunks = Some(bytes).filter(|bytes| !bytes.is_empty());
        let reply = Reply::chunks(200, chunks).header("Content-Type", kind);
        match (cut, self.ends) {
            (Some(_), _) => reply.close(),
            (None, true) => reply,
            (None, false) => reply.stall(),
        }
    }
}

/// What a container printed, in the order in which it was written down: not that of the moments.
fn printed(tty: bool) -> Log {
    let mut entries = Vec::new();
    let mut line = |at: (i64, u32), stream: u8, text: &str| {
        let moment = format!("2026-01-01T00:00:{:02}.{:09}Z {text}", at.0, at.1);
        let bytes = if tty { moment.into_bytes() } else { frame(stream, moment) };
        entries.push(((1_767_225_600 + at.0, at.1), bytes));
    };
    line((1, 5), 1, "one\n");
    line((1, 5), 1, "one\n");
    line((1, 9), 1, "two\n");
    if !tty {
        // A line in two pieces, and another stream's in between, long after its beginning; one
        // that was late.
        line((1, 20), 1, "long, ");
        line((4, 1), 2, "err\n");
        line((1, 20), 1, "and longer\n");
        line((4, 0), 1, "late\n");
    }
    line((4, 3), 1, "\n");
    line((7, 0), 1, "seven\n");
    line((7, 1), 1, "rest");
    Log { entries, ends: true }
}

async fn web(docker: &Docker) -> Container {
    docker.container("web").await.unwrap().any().unwrap()
}

fn text(line: &LogLine) -> String {
    let stream = if line.stream == StdStream::Err { "err: " } else { "" };
    format!("{stream}{}@{}", line.text_lossy(), line.time.map_or(0, |t| t.secs() % 60))
}

const LINES: [&str; 8] =
    ["one@1", "one@1", "two@1", "err: err@4", "long, and longer@1", "late@4", "@4", "seven@7"];

fn engine(tty: bool, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
    Fake::new(move |seen| match seen.route().as_str() {
        "GET /containers/web/json" => Reply::json(
            200,
            json!({"Id": "f00", "State": {"Status": "running"}, "Config": {"Tty": tty}}),
        ),
        "GET /containers/f00/logs" => answer(seen),
        other => panic!("{other}"),
    })
}

#[tokio::test(start_paused = true)]
async fn logs_cut_at_every_byte() {
    for tty in [false, true] {
        let whole = printed(tty).from(None).len();
        // Where it is cut; every answer but the last is.
        let cut = Arc::new(AtomicUsize::new(0));
        let fake = engine(tty, {
            let (cut, log) = (cut.clone(), printed(tty));
            move |seen| {
                let cut = cut.swap(usize::MAX, Ordering::Relaxed);
                log.answer(seen, (cut < usize::MAX).then_some(cut), "")
            }
        });
        let c = web(&fake.docker().await).await;
        let wanted: Vec<_> = match tty {
            false => LINES.into_iter().chain(["rest@7"]).collect(),
            true => vec!["one@1", "one@1", "two@1", "@4", "seven@7", "rest@7"],
        };
        for at in 0..=whole {
            cut.store(at, Ordering::Relaxed);
            let mut lines = c.logs().follow().lines().resume().await.unwrap();
            let mut got = Vec::new();
            while let Some(line) = lines.next().await {
                got.push(text(&line.unwrap()));
            }
            assert_eq!(got, wanted, "cut at {at}, terminal: {tty}");

            // Without it: an error, and before it all that had come.
            cut.store(at, Ordering::Relaxed);
            let mut lines = c.logs().follow().timestamps().lines().await.unwrap();
            let mut came = Vec::new();
            let error = loop {
                match lines.next().await.expect("a cut is no end") {
                    Ok(line) if line.partial => {}
                    Ok(line) => came.push(text(&line)),
                    Err(error) => break error,
                }
            };
            assert!(is_cut(&error), "{error}");
            assert_eq!(came, wanted[..came.len()]);
            assert!(lines.next().await.is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn logs_cut_again_and_again() {
    // Each answer gives a little more than the one before.
    let given = Arc::new(AtomicUsize::new(0));
    let fake = engine(false, {
        let log = printed(false);
        move |seen| {
            let all = log.from(since(seen)).len();
            let n = given.fetch_add(29, Ordering::Relaxed);
            log.answer(seen, (n < all).then_some(n), "")
        }
    });
    let c = web(&fake.docker().await).await;
    let mut lines = c.logs().follow().lines().resume().await.unwrap();
    let mut got = Vec::new();
    while let Some(line) = lines.next().await {
        got.push(text(&line.unwrap()));
    }
    assert_eq!(got[..8], LINES);
    assert_eq!(got.len(), 9);
    assert!(fake.routes().len() > 10, "{:?}", fake.routes());
}

#[tokio::test(start_paused = true)]
async fn the_last_lines_are_not_asked_for_twice() {
    let fake = engine(false, |seen| match since(seen) {
        None => Reply::chunks(200, [frame(1, "2026-01-01T00:00:07.000000005Z a\n")])
            .header("Date", "Thu, 01 Jan 2026 00:00:09 GMT")
            .close(),
        Some(_) => Reply::chunks(200, [frame(1, "2026-01-01T00:00:09.000000000Z b\n")]),
    });
    let c = web(&fake.docker().await).await;
    let asked = |n: usize| {
        let requests = fake.requests();
        let logs: Vec<_> = requests.iter().filter(|r| r.route().ends_with("/logs")).collect();
        logs[n].query().into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&")
    };
    let mut lines = c.logs().follow().tail(1).lines().resume().await.unwrap();
    for wanted in ["a", "b"] {
        assert_eq!(lines.next().await.unwrap().unwrap().text_lossy(), wanted);
    }
    assert!(lines.next().await.is_none());
    assert_eq!(asked(0), "stdout=1&stderr=1&follow=1&timestamps=1&tail=1");
    // Not from a second before: what was printed there was not asked for.
    assert_eq!(asked(1), "stdout=1&stderr=1&follow=1&timestamps=1&since=1767225607.000000005");
}

#[tokio::test(start_paused = true)]
async fn none_of_the_last_lines_and_nothing_yet() {
    let fake = engine(false, |seen| match since(seen) {
        None => Reply::chunks(200, [""; 0]).header("Date", "Thu, 01 Jan 2026 00:00:09 GMT").close(),
        Some(from) => {
            assert_eq!(from, (1_767_225_609, 0), "by the engine's clock");
            Reply::chunks(200, [frame(1, "2026-01-01T00:00:09.000000000Z b\n")])
        }
    });
    let c = web(&fake.docker().await).await;
    let mut lines = c.logs().follow().tail(0).lines().resume().await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().text_lossy(), "b");
    assert!(lines.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stays_away() {
    let gone = Arc::new(AtomicUsize::new(0));
    let fake = engine(false, {
        let gone = gone.clone();
        move |_| match gone.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::chunks(200, [frame(1, "2026-01-01T00:00:07.000000005Z a\n")]).close(),
            _ => Reply::raw("").close(),
        }
    });
    let c = web(&fake.docker().await).await;
    let began = tokio::time::Instant::now();
    let mut lines = c.logs().follow().lines().resume().await.unwrap();
    assert!(lines.next().await.unwrap().is_ok());
    let error = lines.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert!(lines.next().await.is_none());
    assert_eq!(gone.load(Ordering::Relaxed), 11);
    let took = began.elapsed().as_secs();
    assert!((20..60).contains(&took), "{took}");
}

/// The limit of the verb holds while it is tried to get back, to the moment.
#[tokio::test(start_paused = true)]
async fn a_limit_holds_while_nobody_answers() {
    let fake = Fake::new(|seen| match (seen.route().as_str(), since(seen)) {
        ("GET /containers/web/json", _) => {
            Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}}))
        }
        ("GET /containers/f00/logs", None) => {
            Reply::chunks(200, [frame(1, "2026-01-01T00:00:07.000000005Z a\n")]).close()
        }
        ("GET /events", None) => Reply::chunks(200, [event((100, 1), "create", "a").1]).close(),
        _ => Reply::raw("").close(),
    });
    let docker = fake.docker().await;
    let c = web(&docker).await;
    let limit = std::time::Duration::from_secs(9);
    let is_late = |error: Error, begun: tokio::time::Instant| {
        let Error::Timeout(e) = error else { panic!("{error}") };
        assert_eq!((e.phase, e.after), (bowline::error::Phase::Overall, limit));
        let took = begun.elapsed();
        assert!(took >= limit && took < limit + limit / 100, "{took:?}");
    };
    let begun = tokio::time::Instant::now();
    let mut lines = c.logs().follow().lines().resume().timeout(limit).await.unwrap();
    assert!(lines.next().await.unwrap().is_ok());
    is_late(lines.next().await.unwrap().unwrap_err(), begun);
    assert!(lines.next().await.is_none());
    let begun = tokio::time::Instant::now();
    let mut events = docker.events().resume().timeout(limit).await.unwrap();
    assert!(events.next().await.unwrap().is_ok());
    is_late(events.next().await.unwrap().unwrap_err(), begun);
}

/// An engine that goes away and leaves its containers running ends their logs as if all were said.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_followed_log_while_its_process_runs() {
    const DATE: &str = "Thu, 01 Jan 2026 00:00:09 GMT";
    let before = "2026-01-01T00:00:09.5Z";
    let after = "2026-01-01T00:00:10Z";
    for (status, started, ends) in [
        ("running", before, false),
        ("paused", before, false),
        ("running", after, true),
        ("restarting", before, true),
        ("exited", before, true),
        ("", "", true),
        ("away", "", false),
    ] {
        // What inspect says once the log has ended the first time.
        let ended = Arc::new(AtomicUsize::new(0));
        let fake = Fake::new({
            let ended = ended.clone();
            move |seen| match seen.route().as_str() {
                "GET /containers/web/json" => {
                    Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}}))
                }
                "GET /containers/f00/logs" if ended.fetch_add(1, Ordering::SeqCst) == 0 => {
                    Reply::chunks(200, [frame(1, "2026-01-01T00:00:09.000000007Z a\n")])
                        .header("Date", DATE)
                }
                // Asked again, it tells the rest, and the process has ended.
                "GET /containers/f00/logs" => {
                    let line =
                        |n, text| frame(1, format!("2026-01-01T00:00:0{n}.000000007Z {text}\n"));
                    Reply::chunks(200, [line(9, "a"), line(9, "b")])
                        .header("Date", "Thu, 01 Jan 2026 00:00:20 GMT")
                }
                "GET /containers/f00/json" if ended.load(Ordering::SeqCst) > 1 => {
                    Reply::json(200, json!({"Id": "f00", "State": {"Status": "exited"}}))
                }
                "GET /containers/f00/json" => match status {
                    "" => Reply::json(404, json!({"message": "No such container: f00"})),
                    "away" => Reply::raw("").close(),
                    _ => Reply::json(
                        200,
                        json!({"Id": "f00", "State": {"Status": status, "StartedAt": started}}),
                    ),
                },
                other => panic!("{other}"),
            }
        });
        let c = web(&fake.docker().await).await;
        let mut logs = c.logs().follow().await.unwrap();
        assert!(logs.next().await.unwrap().is_ok());
        match logs.next().await {
            None => assert!(ends, "{status} since {started}"),
            Some(Err(error)) => {
                assert!(is_cut(&error) && !ends, "{status} since {started}: {error}")
            }
            Some(Ok(chunk)) => panic!("{chunk:?}"),
        }
        assert!(logs.next().await.is_none());

        ended.store(0, Ordering::SeqCst);
        let mut lines = c.logs().follow().lines().resume().await.unwrap();
        let mut came = Vec::new();
        while let Some(line) = lines.next().await {
            came.push(line.unwrap().text_lossy().into_owned());
        }
        let wanted: &[&str] = if ends { &["a"] } else { &["a", "b"] };
        assert_eq!(came, wanted, "{status} since {started}");

        // What is not followed, or only until a moment, ends while the process runs.
        ended.store(0, Ordering::SeqCst);
        c.logs().collect().await.unwrap();
        ended.store(0, Ordering::SeqCst);
        let until = bowline::Timestamp::from_secs(1_767_225_610);
        c.logs().follow().until(until).collect().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_gone_meanwhile() {
    let fake = engine(false, |seen| match since(seen) {
        None => Reply::chunks(200, [frame(1, "2026-01-01T00:00:07.000000005Z a\n half")]).close(),
        Some(_) => Reply::json(404, json!({"message": "No such container: f00"})),
    });
    let c = web(&fake.docker().await).await;
    let mut lines = c.logs().follow().lines().resume().await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().text_lossy(), "a");
    let half = lines.next().await.unwrap().unwrap();
    assert_eq!((half.text_lossy().as_ref(), half.partial), (" half", true));
    assert!(lines.next().await.unwrap().unwrap_err().is_not_found());
    assert!(lines.next().await.is_none());
}

#[tokio::test]
async fn the_answer_says_how_it_is_framed() {
    let raw = "application/vnd.docker.raw-stream";
    let framed = "application/vnd.docker.multiplexed-stream";
    // How the container was made counts only where the answer does not say it.
    for (kind, tty, terminal) in [
        (raw, false, true),
        (framed, true, false),
        ("application/octet-stream", true, true),
        ("application/octet-stream", false, false),
        ("", true, true),
        ("", false, false),
    ] {
        let body = if terminal { b"a line\n".to_vec() } else { frame(1, "a line\n") };
        let fake = engine(tty, move |_| Reply::of_type(200, kind, body.clone()));
        let c = web(&fake.docker().await).await;
        assert_eq!(&c.logs().collect().await.unwrap().stdout, b"a line\n", "{kind} {tty}");
        assert_eq!(fake.routes().len(), 2, "found, and read");
    }
}

fn event(at: (i64, u32), action: &str, id: &str) -> ((i64, u32), Vec<u8>) {
    let nanos = at.0 * 1_000_000_000 + i64::from(at.1);
    let event = json!({"Type": "container", "Action": action, "scope": "local", "time": at.0,
        "timeNano": nanos, "Actor": {"ID": id, "Attributes": {"exitCode": "7", "name": "}{"}}});
    (at, format!("{event}\n").into_bytes())
}

fn happened() -> Log {
    let entries = vec![
        event((100, 1), "create", "a"),
        event((100, 5), "start", "a"),
        event((100, 5), "start", "b"),
        event((100, 5), "start", "b"),
        event((100, 3), "exec_start: sh -c echo: }", "a"),
        event((101, 0), "melt", "a"),
        event((105, 0), "die", "a"),
    ];
    Log { entries, ends: false }
}

fn said(event: &Event) -> String {
    format!("{} {} {:?}", event.action, event.actor.id, event.exit_code())
}

#[tokio::test(start_paused = true)]
async fn events_cut_at_every_byte() {
    let whole = happened().from(None).len();
    let cut = Arc::new(AtomicUsize::new(0));
    let fake = Fake::new({
        let (cut, log) = (cut.clone(), happened());
        move |seen| {
            assert_eq!(seen.route(), "GET /events");
            let cut = cut.swap(usize::MAX, Ordering::Relaxed);
            let reply = log.answer(seen, (cut < usize::MAX).then_some(cut), "application/json");
            reply.header("Date", "Thu, 01 Jan 1970 00:01:40 GMT")
        }
    });
    let docker = fake.docker().await;
    let wanted = [
        "create a None",
        "start a None",
        "start b None",
        "start b None",
        "exec_start: sh -c echo: } a None",
        "melt a None",
        "die a Some(7)",
    ];
    for at in 0..=whole {
        cut.store(at, Ordering::Relaxed);
        let mut events = docker.events().resume().await.unwrap();
        for wanted in wanted {
            assert_eq!(said(&events.next().await.unwrap().unwrap()), wanted, "cut at {at}");
        }
        // Nothing comes twice: there is nothing more to come.
        let more = std::pin::pin!(events.next());
        let more = tokio::time::timeout(std::time::Duration::from_secs(1), more).await;
        assert!(more.is_err(), "cut at {at}: {more:?}");

        cut.store(at, Ordering::Relaxed);
        let mut events = docker.events().await.unwrap();
        let mut came = 0;
        let error = loop {
            match events.next().await.expect("a cut is no end") {
                Ok(event) => assert_eq!(said(&event), wanted[came]),
                Err(error) => break error,
            }
            came += 1;
        };
        assert!(is_cut(&error), "{error}");
        assert!(events.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn events_end_where_they_are_asked_to_and_nowhere_else() {
    let fake = Fake::new(|seen| {
        let answer = Log { ends: true, ..happened() }.answer(seen, None, "application/json");
        match seen.query().iter().any(|(key, _)| *key == "filters") {
            true => Reply::chunks(200, ["{\"Type\":\"pod\",\"Action\":7}\u{1e}{}\n{\"Type\":"]),
            false => answer,
        }
    });
    let docker = fake.docker().await;
    let mut events = docker.events().until(bowline::Timestamp::from_secs(200)).await.unwrap();
    for _ in 0..7 {
        events.next().await.unwrap().unwrap();
    }
    assert!(events.next().await.is_none());
    // An engine that goes away closes its streams as if all were said.
    let mut events = docker.events().await.unwrap();
    for _ in 0..7 {
        events.next().await.unwrap().unwrap();
    }
    assert!(is_cut(&events.next().await.unwrap().unwrap_err()));
    assert!(events.next().await.is_none());
    // What is not known costs nothing, and what is no event ends it.
    let mut events = docker.events().kind(EventKind::Container).await.unwrap();
    let odd = events.next().await.unwrap().unwrap();
    assert_eq!((odd.kind, odd.action), (EventKind::Other("pod".into()), Action::Other("".into())));
    assert_eq!(events.next().await.unwrap().unwrap().time, None);
    assert!(is_cut(&events.next().await.unwrap().unwrap_err()));
}

#[tokio::test]
async fn statistics_that_break_off() {
    let record = r#"{"read":"2026-01-01T00:00:07Z","cpu_stats":{"online_cpus":2}}"#;
    for cut in 1..record.len() {
        let fake = Fake::new(move |seen| match seen.route().as_str() {
            "GET /containers/web/json" => {
                Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}}))
            }
            _ => Reply::chunks(200, [&[record, "\n", &record[..cut]].concat()[..]]),
        });
        let c = web(&fake.docker().await).await;
        let mut stats = c.stats().await.unwrap();
        assert_eq!(stats.next().await.unwrap().unwrap().cpu.online_cpus, Some(2));
        assert!(is_cut(&stats.next().await.unwrap().unwrap_err()), "whatever the framing says");
        assert!(stats.next().await.is_none());
    }
}

#[tokio::test]
async fn processes_of_another_engine() {
    let fake = Fake::new(|seen| match seen.route().as_str() {
        "GET /containers/web/json" => {
            Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}}))
        }
        _ => Reply::json(
            200,
            json!({"Titles": ["PID", "CMD"], "Processes": ["1 sh -c ls", ["2 ps"], ["3", "x y"]]}),
        ),
    });
    let c = fake.docker().await.container("web").await.unwrap().running().unwrap();
    let all = c.top().ps_args("-o pid,args").await.unwrap();
    assert_eq!(all.column("CMD").collect::<Vec<_>>(), ["sh -c ls", "ps", "x y"]);
    assert_eq!(fake.requests().last().unwrap().query(), [("ps_args", "-o%20pid%2Cargs")]);
}
