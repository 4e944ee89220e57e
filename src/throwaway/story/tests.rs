//! Stories as they are printed, and the ends of streams.

use super::*;
use crate::container::HealthCheckResult;

fn story() -> Story {
    Story {
        image: "redis:7".into(),
        name: "cache".into(),
        phase: StartPhase::Ready,
        elapsed: Duration::from_millis(1234),
        state: Some(Status::Exited),
        exit_code: Some(137),
        oom_killed: true,
        engine_error: String::new(),
        health: None,
        stdout: "loading\n\x1b]52;evil".into(),
        stderr: "warning: no memory\n".into(),
        gaps: Vec::new(),
        kept: None,
    }
}

/// As it is printed, which is the same by `unwrap`.
fn printed(cause: impl Into<StartCause>, story: Story) -> String {
    let error = StartError { cause: cause.into(), story: Box::new(story) };
    let text = error.to_string();
    assert_eq!(format!("{error:?}"), text);
    text
}

#[test]
fn a_whole_story() {
    let mut check = HealthCheckResult::default();
    (check.exit_code, check.output) = (1, "connection refused\ntried twice\n".into());
    let mut health = Health::default();
    (health.status, health.failing_streak, health.log) = ("unhealthy".into(), 3, vec![check]);
    let story = Story { health: Some(health), ..story() };
    insta::assert_snapshot!(printed(std::io::Error::other("the cause"), story), @r"
    container cache of image redis:7 did not start
      failed to wait until it is ready, after 1.2s
      because: the cause
      state: exited, exit code 137, killed for want of memory
      health: unhealthy, 3 failed in a row
      check, exit code 1:
        connection refused
        tried twice
      last of stdout:
        loading
        \u{1b}]52;evil
      last of stderr:
        warning: no memory
    ");
}

#[test]
fn a_story_of_little() {
    let story = Story {
        phase: StartPhase::Start,
        state: Some(Status::Created),
        exit_code: None,
        oom_killed: false,
        stdout: String::new(),
        stderr: String::new(),
        engine_error: "exec: \"nope\": not found".into(),
        gaps: vec!["its logs: no end within 2s".into()],
        ..story()
    };
    insta::assert_snapshot!(printed(std::io::Error::other("one\ntwo"), story), @r#"
    container cache of image redis:7 did not start
      failed to start the container, after 1.2s
      because:
        one
        two
      state: created
      engine: exec: "nope": not found
      not known: its logs: no end within 2s
    "#);
    let silent =
        Story { stdout: String::new(), stderr: String::new(), exit_code: Some(3), ..self::story() };
    assert!(printed(std::io::Error::other("x"), silent).ends_with("\n  it printed nothing"));
}

#[test]
fn the_end_of_a_stream() {
    let tail = |lines, bytes, pieces: &[&str]| {
        let mut tail = Tail::new(lines, bytes);
        for piece in pieces {
            tail.feed(piece.as_bytes());
            assert!(tail.kept.len() <= 2 * bytes, "memory is bounded");
        }
        tail.text()
    };
    assert_eq!(tail(2, 100, &["one\ntwo\nth", "ree\n"]), "two\nthree");
    assert_eq!(tail(9, 100, &["one\n", "two"]), "one\ntwo");
    assert_eq!(tail(9, 5, &["123456789"]), "…56789");
    assert_eq!(tail(9, 5, &["1234", "5678", "9abc", "\nd"]), "…abc\nd");
    assert_eq!(tail(1, 5, &["12345678\nd"]), "d");
    assert_eq!(tail(9, 5, &[]), "");
    let long = "x".repeat(1000);
    assert_eq!(tail(9, 5, &[&long, &long]), "…xxxxx");
}
