//! A real engine behind a line that spoils what passes: an operation gives what it gives on a
//! clean line, or an error of a known kind; it never hangs, and the client works again by itself.

use std::time::Duration;

use bowline::{ContainerId, Docker, Error};

use crate::support::engine::Own;
use crate::support::proxy::Direction::{Down, Up};
use crate::support::proxy::{Proxy, Toxic};

/// The operations, each with a result that is the same every time.
const OPERATIONS: [&str; 9] =
    ["ping", "version", "list", "inspect", "exec", "logs", "wait", "run", "images"];

fn proxy(docker: &Docker) -> Proxy {
    match docker.host().socket_path() {
        Some(path) => Proxy::new(path),
        None => panic!("the engine at {} is not on a Unix socket", docker.host()),
    }
}

async fn operate(
    docker: &Docker,
    own: &Own,
    (running, exited): (&ContainerId, &ContainerId),
    what: &str,
) -> Result<String, Error> {
    let on = |id: &ContainerId| docker.container(id);
    Ok(match what {
        "ping" => format!("{:?}", docker.ping().await?),
        "version" => format!("{:?}", docker.version().await?),
        "list" => {
            let rows = docker.containers().all().label(own.label()).label("kept").await?;
            rows.iter().map(|row| row.id.to_string()).collect()
        }
        "inspect" => format!("{:?}", on(exited).await?.exited()?.inspect().await?.state),
        "exec" => {
            let script = "head -c 100000 /dev/zero; echo err >&2; exit 3";
            let out = on(running).await?.running()?.exec(["sh", "-c", script]).await?;
            format!("{} {} {}", out.status, out.stdout.len(), out.stderr_lossy())
        }
        "logs" => format!("{:?}", on(exited).await?.exited()?.logs().collect().await?),
        "wait" => {
            let status = on(exited).await?.exited()?.wait_for(Default::default()).await?;
            status.to_string()
        }
        "run" => {
            let script = "head -c 100000 /dev/zero; echo err >&2; exit 3";
            let spec = own.spec(["sh", "-c", script]).rm();
            let out = docker.run(spec).output().timeout(Duration::from_secs(20)).await?;
            format!("{} {} {}", out.status, out.stdout.len(), out.stderr_lossy())
        }
        "images" => format!("{}", docker.images().reference("busybox:latest").await?.len()),
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn a_spoilt_line_is_an_error_or_makes_no_difference() {
    let own = Own::new().await;
    let proxy = proxy(&own.docker);
    let docker = proxy.docker().await;
    let spec = own.spec(["sh", "-c", "echo out; echo err >&2; exit 3"]).label("kept", "");
    let exited = own.docker.create(spec).await.unwrap().run().await.unwrap();
    let running = own.running().await;
    let ids = (running.id(), exited.id());

    let mut clean = Vec::new();
    for what in OPERATIONS {
        clean.push(operate(&docker, &own, ids, what).await.unwrap());
    }
    let slow = Duration::from_millis(5);
    let harmless = [Toxic::Split(1), Toxic::Split(7), Toxic::Delay(slow)];
    let cuts = [0, 1, 17, 90, 200, 300, 700, 5_000, 60_000];
    let mut failed = 0;
    for (what, clean) in OPERATIONS.iter().zip(&clean) {
        for toxic in harmless {
            // One byte at a time, a hundred thousand of them are another test's matter.
            if toxic == Toxic::Split(1) && matches!(*what, "exec" | "run") {
                continue;
            }
            for direction in [Up, Down] {
                proxy.poison(direction, [toxic]).await;
                let came = operate(&docker, &own, ids, what).await;
                assert_eq!(came.as_ref().ok(), Some(clean), "{what} {toxic:?}: {came:?}");
            }
        }
        for at in cuts {
            for toxic in [Toxic::Cut(at), Toxic::Reset(at), Toxic::Corrupt(at)] {
                for direction in [Up, Down] {
                    proxy.poison(direction, [toxic]).await;
                    let work = operate(&docker, &own, ids, what);
                    let came = tokio::time::timeout(Duration::from_secs(30), work).await;
                    let came = came.unwrap_or_else(|_| panic!("{what} {toxic:?} hangs"));
                    match (came, toxic) {
                        // A bit that is turned over may turn one right answer into another.
                        (Ok(_), Toxic::Corrupt(_)) => {}
                        (Ok(came), _) => assert_eq!(&came, clean, "{what} {direction:?} {toxic:?}"),
                        (Err(_), _) => failed += 1,
                    }
                }
            }
        }
        proxy.heal().await;
        let came = operate(&docker, &own, ids, what).await.unwrap();
        assert_eq!(&came, clean, "{what} on the line that was mended");
    }
    // The line was spoilt indeed.
    assert!(failed > 100, "{failed}");
}

#[tokio::test]
async fn a_line_gone_silent_ends_at_the_limit() {
    let own = Own::new().await;
    let proxy = proxy(&own.docker);
    let docker = proxy.docker().await;
    let exited = own.docker.create(own.spec(["true"])).await.unwrap().run().await.unwrap();
    for at in [0, 30, 200] {
        proxy.poison(Down, [Toxic::Stall(at)]).await;
        let limit = Duration::from_millis(200);
        let error = docker.version().timeout(limit).await.unwrap_err();
        assert!(error.is_timeout(), "{at}: {error}");
        let error = docker.container(exited.id()).timeout(limit).await.unwrap_err();
        assert!(error.is_timeout(), "{at}: {error}");
    }
    proxy.heal().await;
    docker.ping().await.unwrap();
}

/// What was followed breaks off; what follows is heard all the same.
#[tokio::test]
async fn a_followed_log_that_breaks_off_is_no_end() {
    let own = Own::new().await;
    let proxy = proxy(&own.docker);
    let docker = proxy.docker().await;
    let c = docker.run(own.spec(["sh", "-c", "echo first; sleep 1000"])).spawn().await.unwrap();
    let mut logs = c.logs().follow().await.unwrap();
    assert_eq!(&*logs.next().await.unwrap().unwrap().data, b"first\n");
    proxy.heal().await;
    let error = logs.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Stream(_)), "{error:?}");
    assert!(c.exec(["true"]).status().await.unwrap().success());
}
