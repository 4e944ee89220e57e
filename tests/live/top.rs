//! The processes of a container.

use crate::support::engine::Own;

#[tokio::test]
async fn processes_of_a_running_and_of_a_frozen_one() {
    let own = Own::new().await;
    let c = own.docker.run(own.spec(["sleep", "1000"])).spawn().await.unwrap();
    let all = c.top().await.unwrap();
    assert!(all.rows.iter().all(|row| row.len() == all.titles.len()), "{all:?}");
    assert_eq!(all.column("CMD").collect::<Vec<_>>(), ["sleep 1000"]);
    let some = c.top().ps_args("-o pid,args").await.unwrap();
    assert_eq!(some.titles, ["PID", "COMMAND"]);
    assert_eq!(some.column("COMMAND").collect::<Vec<_>>(), ["sleep 1000"]);
    assert!(some.column("PID").all(|pid| pid.parse::<u32>().is_ok()), "{some:?}");
    assert_eq!(c.top().ps_args("-o args").await.unwrap_err().status(), Some(500));

    let c = c.pause().await.unwrap();
    assert_eq!(c.top().await.unwrap().column("CMD").count(), 1);
    let evidence = c.top();
    let _c = c.kill().await.unwrap();
    assert!(evidence.await.unwrap_err().is_conflict());
}
