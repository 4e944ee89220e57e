//! What a container uses.

use crate::support::engine::Own;

#[tokio::test]
async fn a_busy_one_and_its_end() {
    let own = Own::new().await;
    let busy = own.spec(["sh", "-c", "while :; do :; done"]).cpus(0.5).memory(64 << 20);
    let c = own.docker.run(busy).spawn().await.unwrap();
    let id = c.id().clone();
    let mut stats = c.stats().await.unwrap();
    let first = stats.next().await.unwrap().unwrap();
    assert_eq!((first.id.as_str(), first.cpu_percent()), (id.as_str(), None), "nothing before it");
    let second = stats.next().await.unwrap().unwrap();
    let percent = second.cpu_percent().unwrap();
    assert!(percent > 1.0 && percent < 101.0, "{percent}");
    assert!(second.read > first.read && second.preread.is_some());
    assert!(second.cpu.usage.total > first.cpu.usage.total);
    let used = second.memory_usage().unwrap();
    assert!(used > 0 && used <= second.memory.usage.unwrap(), "{used}");
    assert_eq!(second.memory.limit, Some(64 << 20));
    let share = second.memory_percent().unwrap();
    assert!(share > 0.0 && share < 100.0, "{share}");
    assert_eq!(second.pids.current, Some(1));
    assert!(second.networks.contains_key("eth0"), "{second:?}");

    // The stream goes on without a process, and ends with the container.
    c.forget().remove().force().await.unwrap();
    while let Some(record) = stats.next().await {
        let record = record.unwrap();
        if record.read.is_none() {
            assert_eq!((record.cpu_percent(), record.memory_percent()), (None, None));
        }
    }
}

#[tokio::test]
async fn one_record() {
    let own = Own::new().await;
    let c = own.running().await;
    let once = c.stats().once().await.unwrap();
    assert!(once.cpu_percent().is_some_and(f64::is_finite), "{once:?}");
    let at_once = c.stats().once().at_once().await.unwrap();
    assert_eq!(at_once.cpu_percent(), None);
    assert!(at_once.memory_usage().is_some());
    // Of one that does not run, nothing is known.
    let c = c.kill().await.unwrap();
    let after = c.stats().once().at_once().await.unwrap();
    assert_eq!((after.read, after.cpu_percent(), after.memory_usage()), (None, None, None));
    let gone = c.inspect();
    c.remove().await.unwrap();
    assert!(gone.await.unwrap_err().is_not_found());
}
