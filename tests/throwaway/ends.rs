//! Every way a process can end, and what is left behind.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::helper::{Helper, Volumes, clean, ending, leases, settled};
use crate::support::engine::Own;

/// On a machine that does nothing else it is tenths of a second; the test says which, and fails
/// at this.
const LIMIT: Duration = Duration::from_secs(30);

enum How {
    Itself,
    Signal(Signal),
    Group(Signal),
}

fn name(signal: Signal) -> String {
    format!("{signal:?}").replace('"', "").replace("Signal::", "SIG")
}

#[tokio::test]
async fn nothing_is_left_however_it_ends() {
    use How::{Group, Itself, Signal as One};
    let ways = [
        ("pass", Itself, "exit 0"),
        ("panic", Itself, "exit 101"),
        ("failed assertion", Itself, "exit 101"),
        ("static, and pass", Itself, "exit 0"),
        ("static, and panic", Itself, "exit 101"),
        ("mem::forget", Itself, "exit 0"),
        ("process::exit", Itself, "exit 7"),
        ("abort", Itself, "signal 6"),
        ("segfault", Itself, "signal 11"),
        ("exec", Itself, "signal 9"),
        ("pass", One(Signal::INT), "signal 2"),
        ("pass", One(Signal::TERM), "signal 15"),
        ("pass", One(Signal::HUP), "signal 1"),
        ("pass", One(Signal::QUIT), "signal 3"),
        ("pass", One(Signal::KILL), "signal 9"),
        ("pass", Group(Signal::INT), "signal 2"),
        ("pass", Group(Signal::TERM), "signal 15"),
        ("pass", Group(Signal::HUP), "signal 1"),
        ("pass", Group(Signal::QUIT), "signal 3"),
        ("pass", Group(Signal::KILL), "signal 9"),
    ];
    println!("| way to end | containers and volumes left | clean after |\n|---|---|---|");
    for (deed, how, expected) in ways {
        let state = TempDir::new().unwrap();
        let mut helper = Helper::start(deed, 1, state.path()).await;
        let volumes = Volumes::of(&helper.own).await;
        let since = Instant::now();
        let way = match how {
            Itself => {
                helper.go();
                deed.to_owned()
            }
            One(signal) => {
                helper.signal(signal);
                name(signal)
            }
            Group(signal) => {
                helper.signal_group(signal);
                format!("{} to the group", name(signal))
            }
        };
        let time = clean(&helper.own, since, LIMIT).await;
        if deed == "exec" {
            // Another program by now, which holds nothing.
            helper.signal(Signal::KILL);
        }
        assert_eq!(ending(helper.end()), expected, "{way}");
        volumes.gone(LIMIT).await;
        settled(&state, LIMIT).await;
        let left = helper.own.left().await;
        println!("| {way} | {left} | {} ms |", time.as_millis());
        assert_eq!(left, 0, "{way}");
    }
}

/// Under a second, unless the engine itself takes longer for as many, which is measured beside it.
#[tokio::test]
async fn eight_containers_are_gone_at_once_after_a_kill() {
    let own = Own::new().await;
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let spec = own.spec(["sleep", "1000"]).volume("/data");
        starts.spawn(own.docker.run(spec).spawn().into_future());
    }
    let running: Vec<_> = starts.join_all().await.into_iter().map(Result::unwrap).collect();
    let since = Instant::now();
    let mut removals = JoinSet::new();
    for container in running {
        removals.spawn(container.remove().force().volumes().into_future());
    }
    removals.join_all().await.into_iter().for_each(Result::unwrap);
    let by_itself = since.elapsed();

    let state = TempDir::new().unwrap();
    let mut helper = Helper::start("pass", 8, state.path()).await;
    let since = Instant::now();
    helper.signal_group(Signal::KILL);
    let time = clean(&helper.own, since, LIMIT).await;
    println!("8 containers, after SIGKILL {time:?}, by eight calls at once {by_itself:?}");
    assert!(time < (by_itself * 2).max(Duration::from_secs(1)), "{time:?} {by_itself:?}");
    helper.end();
    settled(&state, LIMIT).await;
    assert_eq!(helper.own.left().await, 0);
}

/// The end comes while containers are being made: those that are not there yet, too.
#[tokio::test]
async fn nothing_is_left_of_starts_that_a_kill_meets() {
    for delay in [0, 20, 40, 60, 80, 120, 180, 250] {
        let state = TempDir::new().unwrap();
        let (command, own) = Helper::prepare("start", 4, state.path()).await;
        let mut helper = Helper::run(command, own);
        helper.hear("begin");
        // Not to wait for something: to meet it at different moments.
        tokio::time::sleep(Duration::from_millis(delay)).await;
        helper.signal_group(Signal::KILL);
        helper.end();
        // Killed before there was a lease, it had made nothing.
        let ended = Instant::now();
        while !leases(state.path()).is_empty() {
            assert!(ended.elapsed() < Duration::from_secs(45), "the lease does not end");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(helper.own.left().await, 0, "after {delay} ms");
    }
}

/// An image made of a throwaway container bears its labels, and shares its fate.
#[tokio::test]
async fn an_image_that_was_made_goes_too() {
    let state = TempDir::new().unwrap();
    let mut helper = Helper::start("commit", 1, state.path()).await;
    helper.go();
    let image = helper.hear("image");
    let image = helper.own.docker.image(&image).unwrap();
    image.inspect().await.unwrap();
    helper.signal(Signal::KILL);
    helper.end();
    settled(&state, LIMIT).await;
    assert!(image.inspect().await.unwrap_err().is_not_found());
}
