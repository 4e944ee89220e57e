//! When a container is ready: each kind as it comes, as it does not, and with the container's end
//! in between.

use std::time::{Duration, SystemTime};

use bowline::container::spec::Healthcheck;
use bowline::events::{Action, EventKind};
use bowline::throwaway::{NotReady, NotReadyCause, NotYet, Readiness, Ready, Subject};
use bowline::{Condition, Container, ContainerSpec, Docker, Running, StdStream, Timestamp};
use tokio::net::{TcpListener, UnixStream};

use crate::support::drops::poll_times;
use crate::support::engine::Own;

/// A container that goes on when it is told to: its script waits for that with `$GO`.
struct Told {
    own: Own,
    container: Container<Running>,
}

const GO: &str = "until [ -e /go ]; do sleep 0.02; done";

impl Told {
    async fn new(script: &str) -> Told {
        Told::with(script, |spec| spec).await
    }

    async fn with(script: &str, more: impl FnOnce(ContainerSpec) -> ContainerSpec) -> Told {
        let own = Own::new().await;
        let script = script.replace("$GO", GO);
        let spec = more(own.spec(["sh", "-c", &script])).publish(8080);
        let container = own.docker.run(spec).spawn().await.unwrap();
        Told { own, container }
    }

    fn subject(&self) -> Subject<'_> {
        Subject::new(&self.own.docker, &self.container, "told")
    }

    async fn go(&self) {
        let touched = self.container.exec(["touch", "/go"]).await.unwrap();
        assert!(touched.status.success(), "{}", touched.stderr_lossy());
    }

    /// Wait for it, and tell it to go on once it is certain that it is not ready before that.
    async fn ready_once_told(&self, ready: Ready) {
        let told = std::sync::atomic::AtomicBool::new(false);
        let subject = self.subject();
        let until = async {
            let result = ready.until(&subject).await;
            assert!(told.load(std::sync::atomic::Ordering::SeqCst), "{ready}: ready too early");
            result
        };
        let go = async {
            // The waits have had some looks by now: each takes no longer than these.
            for _ in 0..3 {
                self.container.exec(["true"]).await.unwrap();
            }
            told.store(true, std::sync::atomic::Ordering::SeqCst);
            self.go().await;
        };
        let (result, ()) = tokio::join!(until, go);
        result.unwrap_or_else(|e| panic!("{e}"));
    }

    async fn fails(&self, ready: Ready) -> NotReady {
        let error = ready.until(&self.subject()).await.unwrap_err();
        assert_eq!(error.container, "told");
        error
    }
}

fn short() -> Duration {
    Duration::from_millis(700)
}

fn timed_out(error: &NotReady) -> bool {
    matches!(error.cause, NotReadyCause::TimedOut(_))
}

#[derive(Debug)]
struct Contains(&'static str);

impl Readiness for Contains {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        let file = on.container().read_file("/etc/motd").await?;
        match String::from_utf8_lossy(&file).trim() {
            text if text == self.0 => Ok(()),
            "closed" => Err(NotYet::never("closed for good")),
            other => Err(NotYet::new(format!("it says {other:?}"))),
        }
    }
}

#[tokio::test]
async fn logs_by_text_in_whatever_pieces() {
    // A line without an end, which the logs do not have before the container ends.
    let told = Told::new("$GO; printf 'ready to '; sleep 0.1; printf accept; sleep 1000").await;
    told.ready_once_told(Ready::log("ready to accept")).await;
    // Two frames.
    let told = Told::new("echo ready to; $GO; echo accept; sleep 1000").await;
    told.ready_once_told(Ready::log("ready to\naccept")).await;
    // Over the border of a frame of 16 KiB.
    let script = "$GO; head -c 16380 /dev/zero | tr '\\0' x; echo ready to accept; sleep 1000";
    let told = Told::new(script).await;
    told.ready_once_told(Ready::log("xready to accept")).await;
    // As pieces of a terminal's output.
    let told = Told::with("$GO; echo ready; sleep 1000", |spec| spec.tty()).await;
    told.ready_once_told(Ready::log("ready\r\n").on(StdStream::Out)).await;
}

#[tokio::test]
async fn logs_by_stream_and_number() {
    let script = "echo up; echo up >&2; echo UP 17; $GO; echo up up UP 4; sleep 1000";
    let told = Told::new(script).await;
    told.fails(Ready::log("up").on(StdStream::Err).times(2).within(short())).await;
    let error = told.fails(Ready::log("up").times(3).within(short())).await;
    assert!(timed_out(&error), "{error}");
    let seen = &error.waits[0].seen;
    assert!(seen.starts_with("2 of 3 times; the log ends in\n"), "{seen}");
    assert!(seen.contains("UP 17"), "{seen}");
    let waits = Ready::all([
        Ready::log("up").times(4),
        Ready::log("up").times(3).on(StdStream::Out),
        Ready::log_regex(r"^up.*UP \d$"),
        Ready::log_regex(r"(?i)up").times(6),
    ]);
    told.ready_once_told(waits).await;
    let now = Ready::log_regex(r"UP \d\d").on(StdStream::Out);
    now.until(&told.subject()).await.unwrap();
    told.fails(Ready::log_regex(r"UP \d\d").on(StdStream::Err).within(short())).await;
}

/// What was printed before the end counts, however the two race; what comes with no end does not.
#[tokio::test]
async fn logs_are_read_to_the_containers_end() {
    for _ in 0..5 {
        let told = Told::new("$GO; printf done; exit 3").await;
        told.ready_once_told(Ready::log("done")).await;
        Ready::log_regex("^done$").until(&told.subject()).await.unwrap();
        let error = told.fails(Ready::log("gone")).await;
        assert!(matches!(error.cause, NotReadyCause::Died(s) if s.code() == 3), "{error}");
    }
}

#[tokio::test]
async fn logs_of_a_driver_that_cannot_be_read() {
    let script = "$GO; echo ready; sleep 1000";
    let told = Told::with(script, |spec| spec.log_driver("none")).await;
    let error = told.fails(Ready::log("ready").within(short())).await;
    assert!(error.waits[0].seen.contains("not seen"), "{error}");
    told.ready_once_told(Ready::log("ready")).await;
    let error = told.fails(Ready::log_regex("ready")).await;
    assert!(matches!(&error.cause, NotReadyCause::Engine(e) if e.status() == Some(501)));
}

#[tokio::test]
async fn ports_from_both_sides() {
    let told = Told::new("$GO; nc -ll -p 8080 -e cat").await;
    let error = told.fails(Ready::port(8080).within(short())).await;
    assert!(timed_out(&error), "{error}");
    // The proxy takes it, and finds nobody.
    assert!(error.waits[0].seen.contains("127.0.0.1:"), "{error}");
    let error = told.fails(Ready::inside_port(8080).within(short())).await;
    assert_eq!(error.waits[0].seen, "nothing listens there", "{error}");
    told.ready_once_told(Ready::all([Ready::port(8080), Ready::inside_port(8080)])).await;
    let error = told.fails(Ready::port(81)).await;
    assert!(matches!(&error.cause, NotReadyCause::Never(why) if why.contains("8080/tcp")));
    assert!(error.elapsed < Duration::from_secs(5), "at once: {error}");
}

/// A way to the engine by which its processes cannot be seen: a TCP port that hands on to it.
async fn from_afar(own: &Own) -> Docker {
    let socket = own.docker.host().socket_path().expect("an engine on a socket").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut engine = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut client, &mut engine).await },
            );
        }
    });
    Docker::connect().host(format!("tcp://{at}")).await.unwrap()
}

#[tokio::test]
async fn a_port_inside_by_what_the_image_has() {
    for gone in ["", "rm /bin/cat;", "rm /bin/cat /bin/sh;"] {
        let told = Told::new(&format!("{gone} $GO; exec nc -ll -p 8080 -e true")).await;
        let docker = from_afar(&told.own).await;
        let found = docker.container(told.container.id()).await.unwrap();
        let bowline::Lookup::Running(container) = found else { panic!("{found:?}") };
        let subject = Subject::new(&docker, &container, "told");
        let early = Ready::inside_port(8080).within(short()).until(&subject).await.unwrap_err();
        if gone.contains("sh") {
            assert!(matches!(&early.cause, NotReadyCause::Never(_)), "{early}");
            continue;
        }
        assert_eq!(early.waits[0].seen, "nothing listens there", "{gone} {early}");
        told.go().await;
        Ready::inside_port(8080).until(&subject).await.unwrap();
    }
}

#[tokio::test]
async fn http_by_status_header_and_body() {
    let script =
        "mkdir /www; httpd -p 8080 -h /www; $GO; echo all is well >/www/health; sleep 1000";
    let told = Told::new(script).await;
    let error = told.fails(Ready::http(8080, "/health").within(short())).await;
    assert!(error.waits[0].seen.contains("status 404"), "{error}");
    assert!(error.waits[0].what.starts_with("GET 8080/tcp /health"), "{error}");
    Ready::http(8080, "/health").status(500).status(404).until(&told.subject()).await.unwrap();
    let wanted = Ready::http(8080, "/health")
        .status(200)
        .header("Content-Length", "12")
        .body("is well")
        .body("all");
    told.ready_once_told(wanted).await;
    for (not, seen) in [
        (Ready::http(8080, "/health").header("content-length", "13"), "header content-length: 12"),
        (Ready::http(8080, "/health").header("x-none", ""), "without a header x-none"),
        (Ready::http(8080, "/health").body("well?"), "without \"well?\" in its body\nall is well"),
    ] {
        let error = told.fails(not.within(short())).await;
        assert!(error.waits[0].seen.contains(seen), "{error}");
    }
}

#[tokio::test]
async fn a_health_check() {
    let every = Duration::from_millis(50);
    let check = |line: &str| Healthcheck::shell(line).interval(every).retries(1000);
    let asks = check("echo looking; [ -e /go ]");
    let told = Told::with("sleep 1000", |spec| spec.healthcheck(asks)).await;
    let error = told.fails(Ready::healthy().within(short())).await;
    assert!(error.waits[0].seen.starts_with("starting"), "{error}");
    told.ready_once_told(Ready::healthy()).await;

    let fails = check("echo no luck; exit 1").retries(2);
    let told = Told::with("sleep 1000", |spec| spec.healthcheck(fails)).await;
    let error = told.fails(Ready::healthy()).await;
    assert!(matches!(&error.cause, NotReadyCause::Never(why) if why.contains("no luck")));

    let told = Told::new("sleep 1000").await;
    let error = told.fails(Ready::healthy()).await;
    assert!(error.to_string().contains("it has no health check"), "{error}");
}

#[tokio::test]
async fn commands_and_files() {
    let told = Told::new("$GO; sleep 1000").await;
    let asks = ["sh", "-c", "echo still closed; [ -e /go ] && exit 9; exit 4"];
    let error = told.fails(Ready::exec(asks).code(9).within(short())).await;
    assert_eq!(error.waits[0].seen, "exit status 4\nstill closed", "{error}");
    let error = told.fails(Ready::file("/go").within(short())).await;
    assert_eq!(error.waits[0].seen, "there is nothing", "{error}");
    let waits = [Ready::exec(["test", "-e", "/go"]), Ready::exec(asks).code(9), Ready::file("/go")];
    told.ready_once_told(Ready::all(waits)).await;
    // One look has a limit of its own.
    let slow = Ready::exec(["sleep", "1000"]).each(Duration::from_millis(50)).within(short());
    let error = told.fails(slow).await;
    assert_eq!(error.waits[0].seen, "no answer within 50ms", "{error}");
}

#[tokio::test]
async fn an_exit() {
    let told = Told::new("$GO; exit 7").await;
    told.ready_once_told(Ready::exit(7)).await;
    // It has ended already.
    Ready::exit(7).until(&told.subject()).await.unwrap();
    let error = told.fails(Ready::exit(0)).await;
    assert!(matches!(error.cause, NotReadyCause::Died(s) if s.code() == 7), "{error}");
    // What was printed counts beside it.
    let told = Told::new("$GO; echo done; exit 0").await;
    told.ready_once_told(Ready::all([Ready::exit(0), Ready::log("done")])).await;
}

#[tokio::test]
async fn several_and_ones_own() {
    let told = Told::new("echo shut >/etc/motd; $GO; echo open >/etc/motd; sleep 1000").await;
    let error = told.fails(Ready::custom(Contains("open")).within(short())).await;
    assert_eq!(error.waits[0].what, "Contains(\"open\"), within 700ms");
    assert_eq!(error.waits[0].seen, "it says \"shut\"");
    let mixed = Ready::all([
        Ready::custom(Contains("open")),
        Ready::any([Ready::file("/nowhere"), Ready::file("/go"), Ready::exit(0)]),
        Ready::after(Duration::from_millis(10)),
    ]);
    told.ready_once_told(mixed).await;
    // The limit of a part, and what had come by then.
    let part = Ready::any([Ready::file("/go"), Ready::file("/nowhere")]);
    let late = Ready::file("/never").within(Duration::from_millis(200));
    let error = told.fails(Ready::all([part, late])).await;
    assert!(matches!(error.cause, NotReadyCause::TimedOut(t) if t.as_millis() == 200), "{error}");
    let open: Vec<_> = error.waits.iter().map(|w| w.what.as_str()).collect();
    assert_eq!(open, ["file /never, within 200ms"]);
    // All of `any` must fail.
    told.container.exec(["sh", "-c", "echo closed >/etc/motd"]).await.unwrap();
    let begun = std::time::Instant::now();
    let never = [Ready::custom(Contains("x")), Ready::file("/never").within(short())];
    let error = told.fails(Ready::any(never)).await;
    assert!(timed_out(&error) && begun.elapsed() >= short(), "{error}");
    let error = told.fails(Ready::custom(Contains("x"))).await;
    assert!(error.to_string().contains("closed for good"), "{error}");
}

#[tokio::test]
async fn a_mistake_is_told_before_anything_is_done() {
    let told = Told::new("sleep 1000").await;
    for (wrong, rule) in [
        (Ready::log(""), "empty"),
        (Ready::log("x").times(0), "zero"),
        (Ready::port(80).times(2), "logs"),
        (Ready::log("x").status(200), "HTTP"),
        (Ready::exit(0).code(2), "exec"),
        (Ready::log_regex("("), "pattern"),
        (Ready::http(80, "health"), "slash"),
        (Ready::http(80, "/a b"), "path"),
        (Ready::port(bowline::throwaway::ContainerPort::udp(53)), "53/udp"),
        (Ready::exec(Vec::<String>::new()), "program"),
        (Ready::file("x"), "absolute"),
        (Ready::any(Vec::<Ready>::new()), "nothing"),
        (Ready::all([Ready::any([Ready::file("x")])]), "absolute"),
    ] {
        let error = told.fails(wrong).await;
        let NotReadyCause::Invalid(said) = &error.cause else { panic!("{error}") };
        assert!(said.contains(rule), "{said}");
        assert!(error.elapsed < Duration::from_millis(50), "{error}");
    }
    Ready::all(Vec::<Ready>::new()).until(&told.subject()).await.unwrap();
}

/// Every kind that is not an exit, never to be ready.
fn never_ready() -> Vec<Ready> {
    vec![
        Ready::log("never"),
        Ready::log_regex("never"),
        Ready::port(8080),
        Ready::inside_port(8080),
        Ready::http(8080, "/"),
        Ready::healthy(),
        Ready::exec(["false"]),
        Ready::exec(["sleep", "1000"]),
        Ready::exit(0),
        Ready::file("/never"),
        Ready::after(Duration::from_secs(1000)).within(Duration::from_secs(2000)),
        Ready::custom(Contains("never")),
        Ready::all([Ready::log("never"), Ready::exit(0)]),
        Ready::any([Ready::log("never"), Ready::exit(0), Ready::port(8080)]),
    ]
}

/// By the engine's own moment of the container's end.
#[tokio::test]
async fn a_containers_end_is_an_error_within_200_ms() {
    for ready in never_ready() {
        let check = Healthcheck::shell("exit 1").interval(Duration::from_secs(1)).retries(1000);
        let told = Told::with("exec sleep 1000", |spec| spec.healthcheck(check)).await;
        let begun = Timestamp::from(SystemTime::now());
        let subject = told.subject();
        let until = async {
            let error = ready.until(&subject).await.unwrap_err();
            (error, Timestamp::from(SystemTime::now()))
        };
        let kill = async {
            told.container.exec(["true"]).await.unwrap();
            let other = told.own.docker.container(told.container.id()).await.unwrap();
            let bowline::Lookup::Running(other) = other else { panic!("{other:?}") };
            let _dead = other.kill().await.unwrap();
        };
        // The engine keeps the container to itself while it cleans up, and its logs with it.
        let cleaned = async {
            told.container.wait_for(Condition::NotRunning).await.unwrap();
            Timestamp::from(SystemTime::now())
        };
        let ((error, known), (), cleaned) = tokio::join!(until, kill, cleaned);
        assert!(
            matches!(error.cause, NotReadyCause::Died(s) if s.code() == 137),
            "{ready}: {error}"
        );
        assert!(!error.waits.is_empty(), "{error}");
        let id = told.container.id().as_str();
        let events = told.own.docker.events().kind(EventKind::Container).action(Action::Die);
        let mut events = events.container(id).since(begun).await.unwrap();
        let died = events.next().await.unwrap().unwrap().time.unwrap();
        let gap = known.since(died);
        let limit = Duration::from_millis(200);
        let read = error.what.contains("log") && known.since(cleaned) < limit / 2;
        assert!(gap < limit || read, "{ready}: {gap:?} after the end");
    }
}

#[tokio::test]
async fn a_removed_container_is_an_error() {
    let told = Told::new("exec sleep 1000").await;
    let subject = told.subject();
    let log = Ready::log("never");
    let remove = async {
        told.container.exec(["true"]).await.unwrap();
        let other = told.own.docker.container(told.container.id()).await.unwrap().any().unwrap();
        other.remove().force().await.unwrap();
    };
    let (error, ()) = tokio::join!(log.until(&subject), remove);
    assert!(matches!(error.unwrap_err().cause, NotReadyCause::Died(_) | NotReadyCause::Gone));
    // And when it is gone from the beginning.
    for ready in never_ready() {
        let error = told.fails(ready).await;
        assert!(matches!(error.cause, NotReadyCause::Gone), "{error}");
        assert!(error.elapsed < Duration::from_secs(5), "{error}");
    }
}

/// Dropped at any await it leaves nothing behind, and the next wait is as good.
#[tokio::test]
async fn a_wait_may_be_dropped_anywhere() {
    let told = Told::new("$GO; sleep 1000").await;
    let of = vec![
        Ready::log("never"),
        Ready::log_regex("never"),
        Ready::port(8080),
        Ready::inside_port(8080),
        Ready::http(8080, "/"),
        Ready::exec(["false"]),
        Ready::file("/never"),
        Ready::custom(Contains("never")),
    ];
    let all = Ready::all(of);
    let subject = told.subject();
    for times in 0..60 {
        assert!(poll_times(all.until(&subject), times).await.is_none());
        told.own.docker.ping().await.unwrap();
    }
    told.ready_once_told(Ready::file("/go")).await;
}
