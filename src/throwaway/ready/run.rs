//! A command that ends as it should, and a file that is there.

use super::probe::{NotYet, Readiness};
use super::until::Subject;
use crate::container::ExitStatus;
use crate::throwaway::story::Tail;

/// How a command ended, and the end of what it printed on both streams.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) output: String,
}

/// Run a command in the container, and keep so many bytes of what it prints.
pub(super) async fn run<A: Into<String>>(
    on: &Subject<'_>,
    command: impl IntoIterator<Item = A>,
    keep: usize,
) -> Result<Ran, NotYet> {
    let mut session = on.container().exec(command).session().await?;
    let mut tail = Tail::new(usize::MAX, keep);
    while let Some(chunk) = session.next().await.transpose()? {
        tail.feed(&chunk.data);
    }
    Ok(Ran { status: session.wait().await?, output: tail.text() })
}

/// A command that ends with a code.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) command: Vec<String>,
    pub(super) code: i64,
}

impl Readiness for Command {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        let Ran { status, output } = run(on, self.command.iter(), 1500).await?;
        if status.code() == self.code {
            return Ok(());
        }
        Err(NotYet::new(format!("{status}\n{output}")))
    }

    fn describe(&self) -> String {
        let mut says = String::from("exec");
        for word in &self.command {
            let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
            match !word.is_empty() && word.chars().all(bare) {
                true => says.extend([" ", word]),
                false => says.push_str(&format!(" {word:?}")),
            }
        }
        if self.code != 0 {
            says.push_str(&format!(", exit code {}", self.code));
        }
        says
    }
}

/// Something at a path.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
}

impl Readiness for File {
    async fn look(&self, on: &Subject<'_>) -> Result<(), NotYet> {
        match on.container().stat(&self.path).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Err(NotYet::new("there is nothing")),
            Err(error) => Err(error.into()),
        }
    }

    fn describe(&self) -> String {
        format!("file {}", self.path)
    }
}
