//! What is said where something fails, and the exit code.

use std::error::Error as _;
use std::process::ExitCode;

use bowline::{Error, TransitionError};

/// What a command comes to: its exit code.
pub(crate) type Done = Result<u8, Fault>;

/// A failure, with the exit code it is told by.
pub(crate) struct Fault {
    code: u8,
    words: String,
}

impl Fault {
    /// Tell it by another exit code: `docker run` has its own for what is not the container's.
    pub(crate) fn code(self, code: u8) -> Fault {
        Fault { code, ..self }
    }

    /// Say it, and return the exit code.
    pub(crate) fn report(self) -> ExitCode {
        eprintln!("{}", self.words);
        ExitCode::from(self.code)
    }
}

impl From<String> for Fault {
    fn from(words: String) -> Fault {
        Fault { code: 1, words }
    }
}

impl From<&str> for Fault {
    fn from(words: &str) -> Fault {
        words.to_owned().into()
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        error.to_string().into()
    }
}

impl From<TransitionError> for Fault {
    fn from(error: TransitionError) -> Fault {
        Error::from(error).into()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Api(api) => format!("Error response from daemon: {}", api.message).into(),
            Error::Build(build) => {
                let code = build.code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
                Fault { code, words: build.message }
            }
            other => {
                let mut words = format!("Error: {other}");
                let mut source = other.source();
                while let Some(why) = source {
                    words += &format!(": {why}");
                    source = why.source();
                }
                words.into()
            }
        }
    }
}

/// The exit code by which `docker run` says why a container did not start.
pub(crate) fn why_not_started(error: &Error) -> u8 {
    let words = error.to_string();
    let says = |marks: &[&str]| marks.iter().any(|mark| words.contains(mark));
    if says(&["executable file not found", "no such file or directory"]) {
        127
    } else if says(&["permission denied", "is a directory"]) {
        126
    } else {
        125
    }
}

/// Do something for each of several, say what it was done for, and go on where one fails.
pub(crate) async fn each(
    names: Vec<String>,
    verb: impl AsyncFn(&str) -> Result<(), Fault>,
) -> Done {
    let mut code = 0;
    for name in &names {
        match verb(name).await {
            Ok(()) => println!("{name}"),
            Err(fault) => {
                eprintln!("{}", fault.words);
                code = fault.code;
            }
        }
    }
    Ok(code)
}
