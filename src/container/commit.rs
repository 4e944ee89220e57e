//! Making an image of a container's files.

use serde::Deserialize;

use super::{Container, Unknown};
use crate::error::{DecodeError, Error};
use crate::guard;
use crate::image::Image;
use crate::image::instruction::{self, Instruction};
use crate::image::reference::{ImageId, ImageName, ImageRef, ImageRefError, IntoImageRef};
use crate::transport::Transport;
use crate::verb::{verb, within};
use crate::wire::{Call, Patience, null_default};

/// What to make of a container's files: see [`Container::commit`].
///
/// ```
/// use bowline::CommitOptions;
///
/// let options = CommitOptions::new()
///     .name("app:tuned")
///     .author("Ada")
///     .message("with the cache filled")
///     .cmd(["serve"])
///     .env("MODE", "fast")
///     .change("EXPOSE 80");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct CommitOptions {
    name: Option<Result<ImageRef, ImageRefError>>,
    author: Option<String>,
    message: Option<String>,
    changes: Vec<Instruction>,
    no_pause: bool,
}

impl CommitOptions {
    /// Begin with an image that has an id and no name.
    pub fn new() -> CommitOptions {
        CommitOptions::default()
    }

    /// Name the image: "app", "app:tuned". An image that had the name before loses it.
    pub fn name(mut self, name: impl IntoImageRef) -> CommitOptions {
        self.name = Some(name.into_image_ref());
        self
    }

    /// Say who made it: `--author`.
    pub fn author(mut self, author: impl Into<String>) -> CommitOptions {
        self.author = Some(author.into());
        self
    }

    /// Say what was changed: `--message`.
    pub fn message(mut self, message: impl Into<String>) -> CommitOptions {
        self.message = Some(message.into());
        self
    }

    /// Set the command and its arguments: `--change CMD`.
    pub fn cmd<A: Into<String>>(self, command: impl IntoIterator<Item = A>) -> CommitOptions {
        self.change(Instruction::cmd(command))
    }

    /// Set the program that the command is given to: `--change ENTRYPOINT`. The command is
    /// forgotten, unless it was set here before.
    pub fn entrypoint<A: Into<String>>(
        self,
        command: impl IntoIterator<Item = A>,
    ) -> CommitOptions {
        self.change(Instruction::entrypoint(command))
    }

    /// Set an environment variable: `--change ENV`.
    pub fn env(self, name: impl Into<String>, value: impl Into<String>) -> CommitOptions {
        self.change(Instruction::env(name, value))
    }

    /// Label the image: `--change LABEL`.
    pub fn label(self, key: impl Into<String>, value: impl Into<String>) -> CommitOptions {
        self.change(Instruction::label(key, value))
    }

    /// Set the user, "name", "uid" or "uid:gid": `--change USER`.
    pub fn user(self, user: impl Into<String>) -> CommitOptions {
        self.change(Instruction::user(user))
    }

    /// Set the working directory: `--change WORKDIR`.
    pub fn workdir(self, path: impl Into<String>) -> CommitOptions {
        self.change(Instruction::workdir(path))
    }

    /// Apply a Dockerfile instruction, a typed one or a text such as `EXPOSE 80`: `--change`. Each
    /// call adds one.
    pub fn change(mut self, instruction: impl Into<Instruction>) -> CommitOptions {
        self.changes.push(instruction.into());
        self
    }

    /// Let the container run on while its files are read: `--pause=false`. What it writes
    /// meanwhile may be taken by halves.
    pub fn no_pause(mut self) -> CommitOptions {
        self.no_pause = true;
        self
    }
}

/// A name alone is options enough: `web.commit("app:tuned")`.
impl From<&str> for CommitOptions {
    fn from(name: &str) -> CommitOptions {
        CommitOptions::new().name(name)
    }
}

/// The verb behind [`Container::commit`].
///
/// It takes as long as the engine takes to copy the files. Dropped meanwhile, it is finished in
/// the background, and the image removed: nobody else would know of it.
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Commit {
    on: Container<Unknown>,
    options: CommitOptions,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Answer {
    #[serde(deserialize_with = "null_default")]
    id: String,
}

impl Commit {
    pub(super) fn new(on: Container<Unknown>, options: CommitOptions) -> Commit {
        Commit { on, options }
    }

    fn call(&self) -> Result<Call, Error> {
        let CommitOptions { name, author, message, changes, no_pause } = &self.options;
        let name = name.clone().transpose()?;
        let (repo, tag) = name.as_ref().map(ImageRef::to_give).transpose()?.unzip();
        let call = Call::post(&["commit"])
            .arg("container", self.on.id.as_str())
            .maybe("repo", repo)
            .maybe("tag", tag)
            .maybe("author", author.as_ref())
            .maybe("comment", message.as_ref())
            .maybe("pause", no_pause.then_some(0))
            .patience(Patience::Endless);
        instruction::apply(changes, call)
    }

    async fn run(self) -> Result<Image, Error> {
        let call = self.call()?;
        // The limit is on the waiting, not on the exchange: that is finished in any case.
        let limit = self.on.transport.own_limit();
        let label = call.label();
        let making = send(self.on.transport.unlimited(), call);
        within(&label, limit, guard::finish_or_undo(making, undo)).await
    }
}

verb!(Commit, on => Result<Image, Error>);

async fn send(transport: Transport, call: Call) -> Result<Image, Error> {
    let answer: Answer = transport.json(&call).await?;
    match answer.id.parse::<ImageId>() {
        Ok(id) => Ok(Image::new(transport, ImageName::Id(id))),
        Err(e) => Err(Error::Decode(DecodeError { call: call.label(), reason: e.to_string() })),
    }
}

async fn undo(image: Image) {
    // Nobody is left to be told of a failure.
    let _ = image.remove().force().timeout(guard::PATIENCE).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Traits;
    use crate::transport::Host;

    #[test]
    fn what_is_asked_for() {
        let host = Host::unix("/nowhere").unwrap();
        let transport = Transport::new(host, "test".into(), Default::default(), None).unwrap();
        let said = |options: CommitOptions| {
            let transport = transport.clone();
            let id = serde_json::from_str("\"f00\"").unwrap();
            let on = Container { transport, id, traits: Traits::default(), state: Unknown(()) };
            Commit::new(on, options).call().map(|call| call.to_string())
        };
        insta::assert_snapshot!(said(CommitOptions::new()).unwrap(), @"POST /commit?container=f00");
        let all = CommitOptions::new().name("reg:5000/app").author("Ada").message("a b").no_pause();
        let all = all.workdir("/w").change("EXPOSE 80").label("a", "b c").user("x").env("A", "1");
        insta::assert_snapshot!(said(all.entrypoint(["e"])).unwrap(), @r#"
        POST /commit?container=f00&repo=reg%3A5000%2Fapp&tag=latest&author=Ada&comment=a%20b&pause=0&changes=WORKDIR%20%2Fw&changes=EXPOSE%2080&changes=LABEL%20a%3D%22b%20c%22&changes=USER%20x&changes=ENV%20A%3D1&changes=ENTRYPOINT%20%5B%22e%22%5D
        "#);
        insta::assert_snapshot!(said(CommitOptions::new().change("x\ny")).unwrap_err(),
            @r#"instruction "x" must be one line, without a NUL"#);
    }
}
