//! Checkpoints, as an engine answers that can take them.

use bowline::{Container, Running};
use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen};

fn answer(seen: &Seen) -> Reply {
    match seen.route().as_str() {
        "GET /containers/web/json" => {
            Reply::json(200, json!({"Id": "f00", "State": {"Status": "running"}}))
        }
        "GET /containers/f00/json" => {
            Reply::json(200, json!({"Id": "f00", "State": {"Status": "exited", "ExitCode": 137}}))
        }
        "POST /containers/f00/checkpoints" => match String::from_utf8_lossy(&seen.body) {
            body if body.contains("taken") => {
                let said =
                    "cannot checkpoint container f00: checkpoint with name taken already exists";
                Reply::json(500, json!({ "message": said }))
            }
            _ => Reply::empty(201),
        },
        "POST /containers/f00/wait" => Reply::json(200, json!({"StatusCode": 137, "Error": null})),
        "GET /containers/f00/checkpoints" => match seen.query().is_empty() {
            true => Reply::json(200, json!([{"Name": "p1"}, {"Name": null, "More": 1}])),
            false => Reply::json(200, json!(null)),
        },
        "DELETE /containers/f00/checkpoints/p1" => Reply::empty(204),
        "POST /containers/f00/start" => match seen.query() == [("checkpoint", "p1")] {
            true => Reply::empty(204),
            false => {
                let said = "checkpoint p9 does not exist for container /web";
                Reply::json(500, json!({ "message": said }))
            }
        },
        _ => Reply::json(404, json!({"message": seen.route()})),
    }
}

async fn web(fake: &Fake) -> Container<Running> {
    fake.docker().await.container("web").await.unwrap().running().unwrap()
}

#[tokio::test]
async fn made_listed_started_from_and_removed() {
    let fake = Fake::new(answer);
    let c = web(&fake).await.checkpoint("p1").dir("/var/cp").leave_running().await.unwrap();
    let names: Vec<_> =
        c.checkpoints().await.unwrap().into_iter().map(|found| found.name).collect();
    assert_eq!(names, ["p1", ""]);
    assert_eq!(c.checkpoints().dir("/var/cp").await.unwrap(), []);
    let c = c.checkpoint("p2").await.unwrap();
    assert_eq!(c.status().code(), 137);
    let c = c.start().checkpoint("p1").await.unwrap();
    c.remove_checkpoint("p1").await.unwrap();

    let failed = c.checkpoint("taken").leave_running().await.unwrap_err();
    assert!(failed.to_string().contains("taken already exists"), "{failed}");
    // The wait for the end is there before the end can be.
    let routes = fake.routes();
    let wait = routes.iter().position(|route| route.ends_with("/wait")).unwrap();
    assert_eq!(routes[wait + 1], "POST /containers/f00/checkpoints");
}

#[tokio::test]
async fn a_refused_checkpoint_ends_nothing() {
    let fake = Fake::new(answer);
    let failed = web(&fake).await.checkpoint("taken").await.unwrap_err();
    assert_eq!(failed.error.status(), Some(500));
    let stopped = failed.container.lookup().await.unwrap().exited().unwrap();
    let failed = stopped.start().checkpoint("p9").await.unwrap_err();
    assert!(failed.to_string().contains("p9 does not exist"), "{failed}");
    // What no engine would take, or all would take for something else, is not sent.
    let (web, sent) = (web(&fake).await, fake.requests().len());
    assert!(web.remove_checkpoint("..").await.unwrap_err().to_string().contains("must begin"));
    let failed = web.checkpoint("p/1").await.unwrap_err();
    assert!(failed.to_string().starts_with("checkpoint name \"p/1\" must consist"), "{failed}");
    assert_eq!(fake.requests().len(), sent);
}
