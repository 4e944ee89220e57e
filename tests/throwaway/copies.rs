//! Files copied in before the start, and out after it.

use std::fs;

use bowline::throwaway::{Ready, Source, StartCause, StartError, StartPhase};
use bowline::{Error, Status};
use tempfile::TempDir;

use crate::support::engine::Own;

#[tokio::test]
async fn files_are_there_when_it_starts_and_come_out_after_its_end() {
    let own = Own::new().await;
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("site")).unwrap();
    fs::write(dir.path().join("site/index"), "folder\n").unwrap();
    fs::write(dir.path().join("one"), "file\n").unwrap();
    // It reads them at once: copied after the start, they would be missing.
    let script = "cat /site/index /etc/one /etc/key && stat -c '%a %u %g' /etc/key /site/index && \
                  echo done >/out && exec sleep 1000";
    let held = own.docker.throwaway(own.spec(["sh", "-c", script]));
    let held = held
        .copy_in(dir.path().join("site"), "/site")
        .copy_in(dir.path().join("one").to_str().unwrap(), "/etc")
        .copy_in(Source::bytes("wrong\n"), "/etc/key")
        .copy_in(Source::bytes("bytes\n").mode(0o600).owner(7, 8), "/etc/key")
        .ready(Ready::file("/out"))
        .await
        .unwrap();
    let logs = held.logs().collect().await.unwrap();
    let mode = fs::metadata(dir.path().join("site/index")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777;
    let said = format!("folder\nfile\nbytes\n600 7 8\n{mode:o} 0 0\n");
    assert_eq!(String::from_utf8_lossy(&logs.stdout), said);

    assert_eq!(&held.read_file("/out").await.unwrap()[..], b"done\n");
    let found = own.docker.container(held.name()).await.unwrap().running().unwrap();
    drop(found.kill().await.unwrap());
    // It has ended, and the handle holds it all the same.
    assert_eq!(&held.read_file("/out").await.unwrap()[..], b"done\n");
    let copied = held.copy_out("/site", dir.path().join("back")).await.unwrap();
    assert_eq!(copied.files, 1);
    assert_eq!(fs::read_to_string(dir.path().join("back/index")).unwrap(), "folder\n");
    held.close().await.unwrap();
    assert_eq!(own.left().await, 0);
}

fn invalid(error: &StartError) -> String {
    match &error.cause {
        StartCause::Engine(Error::InvalidInput(invalid)) => invalid.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_copy_that_fails_leaves_nothing() {
    let own = Own::new().await;
    let docker = &own.docker;
    let before = |error: StartError| {
        // A container is given its name when it is made.
        assert_eq!((error.story.phase, &*error.story.name), (StartPhase::CopyIn, ""), "{error}");
        invalid(&error)
    };
    let start = docker.throwaway(own.idle()).copy_in("/no/such/source", "/etc");
    let error = before(start.await.unwrap_err());
    assert!(error.contains("/no/such/source") && error.contains("cannot be read"), "{error}");
    let start = docker.throwaway(own.idle()).copy_in(Source::path("/etc/hosts").mode(0o600), "/x");
    assert!(before(start.await.unwrap_err()).contains("0o600"));
    let start = docker.throwaway(own.idle()).copy_in(b"x", "/etc/");
    assert!(before(start.await.unwrap_err()).contains("must name a file"));
    let start = docker.throwaway(own.idle()).copy_in(b"x", "");
    assert!(before(start.await.unwrap_err()).contains("must not be empty"));

    // This the engine alone can know.
    let start = docker.throwaway(own.idle()).copy_in(b"x", "/no/such/folder/x");
    let error = start.await.unwrap_err();
    assert_eq!(own.left().await, 0);
    assert_eq!(error.story.phase, StartPhase::CopyIn, "{error}");
    assert_eq!(error.story.state, Some(Status::Created));
    assert!(matches!(&error.cause, StartCause::Engine(e) if e.is_not_found()), "{error}");
    assert!(error.to_string().contains("failed to copy files in"), "{error}");
}

#[test]
fn bytes_are_not_shown() {
    let shown = format!("{:?}", Source::bytes("hunter2").mode(0o600));
    assert_eq!(shown, "Source { bytes: 7, mode: Some(384), owner: (0, 0) }");
}
