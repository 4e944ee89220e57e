//! Which connections are kept, for whom and how long.

use std::time::Duration;

use crate::support::fake::Fake;

#[tokio::test]
async fn a_hundred_pings_use_one_connection() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    for _ in 0..100 {
        docker.ping().await.unwrap();
    }
    assert_eq!((fake.connections(), fake.requests().len()), (1, 101));
}

#[tokio::test(start_paused = true)]
async fn a_connection_idle_for_8_s_is_closed() {
    let fake = Fake::idle();
    let docker = fake.docker().await;
    let begun = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    docker.ping().await.unwrap();
    assert_eq!((fake.connections(), fake.open()), (1, 1));
    fake.until("the connection is closed", |f| f.open() == 0).await;
    let idle = begun.elapsed() - Duration::from_secs(5);
    assert!((Duration::from_secs(8)..Duration::from_millis(8_100)).contains(&idle), "{idle:?}");
    docker.ping().await.unwrap();
    assert_eq!(fake.connections(), 2);
}
