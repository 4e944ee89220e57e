//! Waiting for a container.

use serde::Deserialize;

use super::{Container, ExitStatus, Exited, Status, TransitionError, Unknown, details};
use crate::error::{Error, StreamError, StreamFault};
use crate::transport::{Body, engine_message};
use crate::verb::verb;
use crate::wire::{self, Call, Patience, null_default};

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Condition {
    /// That it does not run. True at once for a container that was never started, with code 0.
    #[default]
    NotRunning,
    /// That it ends once more, or is removed. An exited container must be started for that.
    NextExit,
    /// That it is gone.
    Removed,
}

impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Condition::NotRunning => "not-running",
            Condition::NextExit => "next-exit",
            Condition::Removed => "removed",
        }
    }
}

fn call(on: &Container<Unknown>, condition: Condition) -> Call {
    on.post("wait").arg("condition", condition.as_str()).patience(Patience::Endless)
}

#[derive(Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    status_code: i64,
    #[serde(deserialize_with = "null_default")]
    error: Message,
}

impl Default for Answer {
    fn default() -> Answer {
        Answer { status_code: -1, error: Message::default() }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Message {
    #[serde(deserialize_with = "null_default")]
    message: String,
}

/// A wait that the engine has registered: nothing that happens from now on is missed.
pub(super) struct Armed {
    body: Body,
    condition: Condition,
}

impl Armed {
    /// Register the wait. The engine sends the head of its answer once it listens.
    pub(super) async fn new(on: &Container<Unknown>, condition: Condition) -> Result<Armed, Error> {
        let body = on.transport.send(&call(on, condition)).await?.body;
        Ok(Armed { body, condition })
    }

    /// Wait for the answer; a wait that breaks off is an error.
    pub(super) async fn unbroken(mut self) -> Result<ExitStatus, Error> {
        let body = self.body.collect().await?;
        answer(&body, self.body.call().to_owned())
    }

    /// Wait for the answer. Where the engine goes away under the wait, ask it again once it is
    /// back: containers outlive a restart of a live-restoring engine.
    pub(super) async fn status(mut self, on: &Container<Unknown>) -> Result<ExitStatus, Error> {
        loop {
            let label = self.body.call().to_owned();
            match self.body.collect().await {
                Ok(body) => return answer(&body, label),
                Err(error @ (Error::Stream(_) | Error::Transport(_))) => {
                    let Ok(seen) = details::see(on).await else { return Err(error) };
                    match seen.status() {
                        Status::Running | Status::Paused | Status::Restarting => {
                            self = Armed::new(on, self.condition).await?;
                        }
                        Status::Exited if self.condition != Condition::Removed => {
                            return Ok(seen.exit());
                        }
                        _ => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn answer(body: &[u8], call: String) -> Result<ExitStatus, Error> {
    let fail = |message: String| {
        Error::Stream(StreamError { call: call.clone(), fault: StreamFault::Engine(message) })
    };
    match wire::from_slice::<Answer>(body) {
        // A late refusal has the shape of any error; its message is what counts.
        Ok(a) if a.error.message.is_empty() && a.status_code >= 0 => {
            Ok(ExitStatus::new(a.status_code))
        }
        Ok(a) if !a.error.message.is_empty() => Err(fail(a.error.message)),
        _ => Err(fail(engine_message(body).unwrap_or_else(|| "an empty answer".into()))),
    }
}

/// The verb behind `wait`.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Wait {
    on: Container<Unknown>,
}

impl Wait {
    pub(super) fn new(on: Container<Unknown>) -> Wait {
        Wait { on }
    }

    async fn run(self) -> Result<Container<Exited>, TransitionError> {
        let on = self.on;
        match wait(&on, Condition::NotRunning).await {
            Ok(status) => Ok(on.with(Exited { status })),
            Err(error) => Err(on.failed(error)),
        }
    }
}

verb!(Wait, on => Result<Container<Exited>, TransitionError>);

/// The verb behind [`Container::wait_for`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct WaitFor {
    on: Container<Unknown>,
    condition: Condition,
}

impl WaitFor {
    pub(super) fn new(on: Container<Unknown>, condition: Condition) -> WaitFor {
        WaitFor { on, condition }
    }

    async fn run(self) -> Result<ExitStatus, Error> {
        wait(&self.on, self.condition).await
    }
}

verb!(WaitFor, on => Result<ExitStatus, Error>);

pub(super) async fn wait(
    on: &Container<Unknown>,
    condition: Condition,
) -> Result<ExitStatus, Error> {
    let armed = Armed::new(on, condition).await?;
    // An engine looks the container up first and listens then; if it goes in between, the wait
    // would have no end (Docker 20.10). Once it listens, look.
    if condition != Condition::NotRunning {
        match details::see(on).await {
            Err(gone) if gone.is_not_found() => return Err(gone),
            _ => {}
        }
    }
    armed.status(on).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_every_shape() {
        let read = |b: &str| answer(b.as_bytes(), "POST /x".into());
        assert_eq!(read(r#"{"StatusCode":3,"Error":null}"#).unwrap().code(), 3);
        assert_eq!(read(r#"{"StatusCode":0}"#).unwrap().code(), 0);
        for (body, words) in [
            (r#"{"StatusCode":0,"Error":{"Message":"stuck"}}"#, "stuck"),
            (r#"{"message":"late"}"#, "late"),
            ("<html>bad gateway</html>", "bad gateway"),
            ("", "empty"),
            (r#"{"StatusCode":-1,"Error":null}"#, "StatusCode"),
        ] {
            assert!(read(body).unwrap_err().to_string().contains(words), "{body}");
        }
    }
}
