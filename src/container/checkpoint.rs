//! Checkpoints: a container's processes written to disk, to go on from there later.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::wait::{Armed, Condition};
use super::{Container, ExitStatus, Exited, Running, TransitionError, Unknown, name};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::{Call, Patience, null_default};

/// The verb behind [`Container::checkpoint`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Checkpoint {
    on: Container<Unknown>,
    name: String,
    dir: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    #[serde(rename = "CheckpointID")]
    name: &'a str,
    #[serde(rename = "CheckpointDir", skip_serializing_if = "Option::is_none")]
    dir: Option<&'a str>,
    exit: bool,
}

impl Checkpoint {
    pub(super) fn new(on: Container<Unknown>, name: String) -> Checkpoint {
        Checkpoint { on, name, dir: None }
    }

    /// Set the folder of the engine's machine to write to: `--checkpoint-dir`.
    ///
    /// Engines start no container from one that lies elsewhere than where they keep their own.
    pub fn dir(mut self, dir: impl Into<String>) -> Checkpoint {
        self.dir = Some(dir.into());
        self
    }

    /// Let the processes run on: `--leave-running`.
    pub fn leave_running(self) -> CheckpointRunning {
        CheckpointRunning { on: self.on, name: self.name, dir: self.dir }
    }

    async fn run(self) -> Result<Container<Exited>, TransitionError> {
        let Checkpoint { on, name, dir } = self;
        let ended = async {
            let call = create(&on, &name, dir.as_deref(), true)?;
            // The answer comes when all is written, and the end a moment after it.
            let armed = Armed::new(&on, Condition::NextExit).await?;
            on.transport.done(&call).await?;
            armed.status(&on).await
        };
        let ended: Result<ExitStatus, Error> = ended.await;
        match ended {
            Ok(status) => Ok(on.with(Exited { status })),
            Err(error) => Err(on.failed(error)),
        }
    }
}

verb!(Checkpoint, on => Result<Container<Exited>, TransitionError>);

/// The verb behind [`Checkpoint::leave_running`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct CheckpointRunning {
    on: Container<Unknown>,
    name: String,
    dir: Option<String>,
}

impl CheckpointRunning {
    /// Set the folder of the engine's machine to write to, as [`Checkpoint::dir`].
    pub fn dir(mut self, dir: impl Into<String>) -> CheckpointRunning {
        self.dir = Some(dir.into());
        self
    }

    async fn run(self) -> Result<Container<Running>, TransitionError> {
        let made = async {
            let call = create(&self.on, &self.name, self.dir.as_deref(), false)?;
            self.on.transport.done(&call).await
        };
        match made.await {
            Ok(_) => Ok(self.on.with(Running(()))),
            Err(error) => Err(self.on.failed(error)),
        }
    }
}

verb!(CheckpointRunning, on => Result<Container<Running>, TransitionError>);

fn create(
    on: &Container<Unknown>,
    name: &str,
    dir: Option<&str>,
    exit: bool,
) -> Result<Call, Error> {
    let body = Body { name: checked(name)?, dir: dir.map(folder).transpose()?, exit };
    // It takes as long as the memory takes to be written.
    Ok(on.post("checkpoints").json(&body).patience(Patience::Endless))
}

/// The name of a checkpoint. Engines check it where one is made and not where one is removed:
/// there `..` would be the container's own folder.
pub(super) fn checked(name: &str) -> Result<&str, Error> {
    name::whole("checkpoint name", name)
}

/// Another folder for checkpoints. Engines take a relative one from wherever they were started.
fn folder(dir: &str) -> Result<&str, Error> {
    match Path::new(dir).is_absolute() {
        true => Ok(dir),
        false => Err(Error::invalid("checkpoint folder", dir, "must be an absolute path")),
    }
}

/// The verb behind [`Container::checkpoints`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct ListCheckpoints {
    on: Container<Unknown>,
    dir: Option<String>,
}

/// A line of `docker checkpoint ls`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CheckpointSummary {
    /// Its name.
    #[serde(deserialize_with = "null_default")]
    pub name: String,
}

impl ListCheckpoints {
    pub(super) fn new(on: Container<Unknown>) -> ListCheckpoints {
        ListCheckpoints { on, dir: None }
    }

    /// List those in this folder of the engine's machine: `--checkpoint-dir`.
    pub fn dir(mut self, dir: impl Into<String>) -> ListCheckpoints {
        self.dir = Some(dir.into());
        self
    }

    fn call(&self) -> Result<Call, Error> {
        let dir = self.dir.as_deref().map(folder).transpose()?;
        Ok(self.on.get("checkpoints").maybe("dir", dir))
    }

    async fn run(self) -> Result<Vec<CheckpointSummary>, Error> {
        // Where there are none, engines say null.
        let found: Option<Vec<CheckpointSummary>> = self.on.transport.json(&self.call()?).await?;
        Ok(found.unwrap_or_default())
    }
}

verb!(ListCheckpoints, on => Result<Vec<CheckpointSummary>, Error>);

/// The verb behind [`Container::remove_checkpoint`].
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct RemoveCheckpoint {
    on: Container<Unknown>,
    name: String,
    dir: Option<String>,
}

impl RemoveCheckpoint {
    pub(super) fn new(on: Container<Unknown>, name: String) -> RemoveCheckpoint {
        RemoveCheckpoint { on, name, dir: None }
    }

    /// Remove it from this folder of the engine's machine: `--checkpoint-dir`.
    pub fn dir(mut self, dir: impl Into<String>) -> RemoveCheckpoint {
        self.dir = Some(dir.into());
        self
    }

    fn call(&self) -> Result<Call, Error> {
        let (name, dir) = (checked(&self.name)?, self.dir.as_deref().map(folder).transpose()?);
        let segments = ["containers", self.on.id.as_str(), "checkpoints", name];
        Ok(Call::delete(&segments).maybe("dir", dir))
    }

    async fn run(self) -> Result<(), Error> {
        self.on.transport.done(&self.call()?).await.map(drop)
    }
}

verb!(RemoveCheckpoint, on => Result<(), Error>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::example;

    #[test]
    fn calls() {
        let on = example();
        let calls = [
            create(&on, "p1", None, true),
            create(&on, "p1", Some("/var/cp"), false),
            on.checkpoints().call(),
            on.checkpoints().dir("/var/cp").call(),
            on.remove_checkpoint("p1").call(),
            on.remove_checkpoint("p1").dir("/var/cp").call(),
        ];
        let calls: Vec<_> = calls.into_iter().map(|call| call.unwrap().to_string()).collect();
        insta::assert_snapshot!(calls.join("\n"), @r#"
        POST /containers/f00f00f00f00/checkpoints
        {
          "CheckpointID": "p1",
          "Exit": true
        }
        POST /containers/f00f00f00f00/checkpoints
        {
          "CheckpointDir": "/var/cp",
          "CheckpointID": "p1",
          "Exit": false
        }
        GET /containers/f00f00f00f00/checkpoints
        GET /containers/f00f00f00f00/checkpoints?dir=%2Fvar%2Fcp
        DELETE /containers/f00f00f00f00/checkpoints/p1
        DELETE /containers/f00f00f00f00/checkpoints/p1?dir=%2Fvar%2Fcp
        "#);
    }

    #[test]
    fn no_name_or_folder_leads_elsewhere() {
        let on = example();
        for bad in ["", "p", "..", "../x", "a/b", ".hidden"] {
            assert!(create(&on, bad, None, true).is_err(), "{bad}");
            assert!(on.remove_checkpoint(bad).call().is_err(), "{bad}");
        }
        for bad in ["", "here", "../there"] {
            let error = create(&on, "p1", Some(bad), true).unwrap_err().to_string();
            assert_eq!(error, format!("checkpoint folder \"{bad}\" must be an absolute path"));
            assert!(on.checkpoints().dir(bad).call().is_err());
            assert!(on.remove_checkpoint("p1").dir(bad).call().is_err());
        }
    }
}
