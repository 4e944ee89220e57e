//! Dockerfile instructions that change an image's settings as it is made.

use std::fmt;

use crate::container::spec::{Checks, Healthcheck, PortSpec, json_list};
use crate::error::Error;
use crate::wire::Call;

/// Longer lines an engine does not read.
const LONGEST: usize = (64 << 10) - 1;

/// A change to the settings of an image that is made of a container or of an archive of files:
/// what `--change` is to `docker commit` and `docker import`.
///
/// The constructors take a value as it is: whatever it holds, the image has the same. What cannot
/// be written in a Dockerfile is refused when the verb it was given to is awaited, before anything
/// is sent. A text is an instruction as one writes it in a Dockerfile, where quotes, backslashes
/// and `$` mean something.
///
/// The values of variables may be secrets: `Debug` shows none.
///
/// ```
/// use bowline::CommitOptions;
/// use bowline::image::Instruction;
///
/// let options = CommitOptions::new()
///     .change(Instruction::cmd(["serve", "--name", "the \"big\" one"]))
///     .change(Instruction::env("PRICE", "$5"))
///     .change("EXPOSE 80 443");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Instruction {
    line: String,
    checks: Checks,
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instruction").field(&keyword(&self.line)).finish_non_exhaustive()
    }
}

impl From<&str> for Instruction {
    fn from(text: &str) -> Instruction {
        Instruction::raw(text)
    }
}

impl From<String> for Instruction {
    fn from(text: String) -> Instruction {
        Instruction::raw(text)
    }
}

impl Instruction {
    /// Set the command and its arguments: `CMD`.
    pub fn cmd<A: Into<String>>(command: impl IntoIterator<Item = A>) -> Instruction {
        Instruction::command("CMD", command)
    }

    /// Set the program that the command is given to: `ENTRYPOINT`. A command that was there
    /// before is forgotten, unless an earlier change has set it.
    pub fn entrypoint<A: Into<String>>(command: impl IntoIterator<Item = A>) -> Instruction {
        Instruction::command("ENTRYPOINT", command)
    }

    /// Set an environment variable: `ENV`. The value must be one line, as a Dockerfile can hold no
    /// other.
    pub fn env(name: impl Into<String>, value: impl Into<String>) -> Instruction {
        Instruction::pair("ENV", "env", name.into(), value.into())
    }

    /// Say that a container listens on ports, 80 or "8000-8010/udp": `EXPOSE`.
    pub fn expose(ports: impl Into<PortSpec>) -> Instruction {
        let mut checks = Checks::default();
        let ports = checks.take(ports.into().exposed_range()).unwrap_or_default();
        Instruction::of(format!("EXPOSE {ports}"), checks)
    }

    /// Set how health is found out: `HEALTHCHECK`. A shell's line of several lines is given to
    /// `/bin/sh`.
    pub fn healthcheck(check: Healthcheck) -> Instruction {
        let (words, checks) = check.instruction();
        Instruction::of(format!("HEALTHCHECK {words}"), checks)
    }

    /// Label the image: `LABEL`. The value must be one line.
    pub fn label(key: impl Into<String>, value: impl Into<String>) -> Instruction {
        Instruction::pair("LABEL", "label", key.into(), value.into())
    }

    /// Let a build that begins from the image do this first: `ONBUILD`. Here any instruction may
    /// be said that a Dockerfile's stage may have, such as "COPY . /src".
    pub fn onbuild(instruction: impl Into<Instruction>) -> Instruction {
        let Instruction { line, mut checks } = instruction.into();
        let keyword = keyword(&line).to_ascii_uppercase();
        if ["ONBUILD", "FROM", "MAINTAINER"].contains(&&*keyword) {
            checks.fail("instruction", keyword, "cannot be put off by ONBUILD");
        }
        Instruction::of(format!("ONBUILD {line}"), checks)
    }

    /// Set the signal that asks a container to end: `STOPSIGNAL`. Docker 20.10 refuses it here,
    /// unlike in a Dockerfile.
    pub fn stop_signal(signal: impl Into<String>) -> Instruction {
        Instruction::value("STOPSIGNAL", "stop signal", signal.into())
    }

    /// Set the user, "name", "uid" or "uid:gid": `USER`.
    pub fn user(user: impl Into<String>) -> Instruction {
        Instruction::value("USER", "user", user.into())
    }

    /// Keep the files at this path in a volume: `VOLUME`.
    pub fn volume(path: impl Into<String>) -> Instruction {
        let mut checks = Checks::default();
        let path = checks.text("volume", path).unwrap_or_default();
        // Each path of the list is read as a word once more.
        Instruction::of(format!("VOLUME {}", json_list([word(&path)])), checks)
    }

    /// Set the working directory: `WORKDIR`. A path that does not begin at the root begins at the
    /// directory that was set before.
    pub fn workdir(path: impl Into<String>) -> Instruction {
        Instruction::value("WORKDIR", "working directory", path.into())
    }

    /// Take an instruction as it stands in a Dockerfile. It must be one line; the engine says
    /// whether it understands it.
    pub fn raw(text: impl Into<String>) -> Instruction {
        let line = text.into().trim().to_owned();
        let mut checks = Checks::default();
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        let rule = if keyword(&line).is_empty() {
            Some("must begin with a Dockerfile's keyword")
        } else if line.contains(['\n', '\0']) {
            Some("must be one line, without a NUL")
        } else if backslashes == 1 {
            Some("must not end with a backslash, which takes the next line in")
        } else {
            None
        };
        if let Some(rule) = rule {
            // What follows may be a secret.
            checks.fail("instruction", keyword(&line), rule);
        }
        Instruction::of(line, checks)
    }

    fn command<A: Into<String>>(
        keyword: &'static str,
        command: impl IntoIterator<Item = A>,
    ) -> Instruction {
        let command: Vec<String> = command.into_iter().map(Into::into).collect();
        let mut checks = Checks::default();
        checks.no_nul(keyword, &command);
        if command.is_empty() {
            // An engine would leave what the container has.
            checks.fail(keyword, "", "must have one word or more");
        }
        Instruction::of(format!("{keyword} {}", json_list(command)), checks)
    }

    fn pair(keyword: &str, what: &'static str, key: String, value: String) -> Instruction {
        const RULE: &str = "must have a name without '=', and no NUL or line break in either part";
        let mut checks = Checks::default();
        let unsaid = |text: &str| text.contains(['\n', '\0']);
        if key.is_empty() || key.contains('=') || unsaid(&key) || unsaid(&value) {
            // What stands behind a "=" may be a secret.
            checks.fail(what, key.split('=').next().unwrap_or_default(), RULE);
        }
        Instruction::of(format!("{keyword} {}={}", word(&key), word(&value)), checks)
    }

    fn value(keyword: &str, what: &'static str, value: String) -> Instruction {
        let mut checks = Checks::default();
        let value = checks.text(what, value).unwrap_or_default();
        if value.contains('\n') {
            let rule = "must be one line, as a Dockerfile can hold no other";
            checks.fail(what, value.as_str(), rule);
        }
        Instruction::of(format!("{keyword} {}", word(&value)), checks)
    }

    fn of(line: String, mut checks: Checks) -> Instruction {
        if line.len() > LONGEST {
            checks.fail("instruction", keyword(&line), "must be shorter than 64 KiB");
        }
        Instruction { line, checks }
    }
}

/// Add changes to a call, in their order.
pub(crate) fn apply(changes: &[Instruction], mut call: Call) -> Result<Call, Error> {
    for change in changes {
        change.checks.fault()?;
        call = change.checks.mark(call).arg("changes", &change.line);
    }
    Ok(call)
}

/// The letters that a line begins with.
fn keyword(line: &str) -> &str {
    line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// Write a text as one word that nothing is put into.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 8);
    quoted.push('"');
    for c in text.chars() {
        if ['"', '\\', '$'].contains(&c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn said(instruction: Instruction) -> String {
        match apply(std::slice::from_ref(&instruction), Call::post(&["commit"])) {
            Ok(_) => instruction.line,
            Err(e) => format!("refused: {e}"),
        }
    }

    #[test]
    fn as_a_dockerfile_has_them() {
        let all = [
            Instruction::cmd(["a b", "\"c\"", "$d\n\\"]),
            Instruction::entrypoint([""]),
            Instruction::env("A", "1"),
            Instruction::env("A B", "a \"b\" \\ $C 'd'"),
            Instruction::env("EMPTY", ""),
            Instruction::label("com.example/a-b", "--x"),
            Instruction::expose(80),
            Instruction::expose("8000-8010/udp"),
            Instruction::user("1000:1000"),
            Instruction::workdir("/a b/$c"),
            Instruction::volume("/a b"),
            Instruction::stop_signal("SIGUSR1"),
            Instruction::onbuild("COPY . /src"),
            Instruction::onbuild(Instruction::env("A", "x y")),
            Instruction::healthcheck(Healthcheck::none()),
            Instruction::healthcheck(
                Healthcheck::cmd(["a", "b c"])
                    .interval(Duration::from_millis(1500))
                    .timeout(Duration::from_secs(5))
                    .start_period(Duration::from_nanos(1_000_001))
                    .retries(3),
            ),
            Instruction::healthcheck(Healthcheck::shell("wget -qO- $H || exit 1")),
            Instruction::healthcheck(Healthcheck::shell(" [\"a\"]\\")),
            Instruction::raw("  cmd serve all  "),
        ];
        insta::assert_snapshot!(all.map(said).join("\n"), @r#"
        CMD ["a b","\"c\"","$d\n\\"]
        ENTRYPOINT [""]
        ENV A=1
        ENV "A B"="a \"b\" \\ \$C 'd'"
        ENV EMPTY=""
        LABEL com.example/a-b="--x"
        EXPOSE 80/tcp
        EXPOSE 8000-8010/udp
        USER 1000:1000
        WORKDIR "/a b/\$c"
        VOLUME ["\"/a b\""]
        STOPSIGNAL SIGUSR1
        ONBUILD COPY . /src
        ONBUILD ENV A="x y"
        HEALTHCHECK NONE
        HEALTHCHECK --interval=1500000000ns --timeout=5000000000ns --start-period=1000001ns --retries=3 CMD ["a","b c"]
        HEALTHCHECK CMD wget -qO- $H || exit 1
        HEALTHCHECK CMD ["/bin/sh","-c"," [\"a\"]\\"]
        cmd serve all
        "#);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let all = [
            Instruction::cmd([] as [&str; 0]),
            Instruction::cmd(["a\0"]),
            Instruction::env("", "c4n4ry"),
            Instruction::env("A=c4n4ry", ""),
            Instruction::env("A", "c4n4ry\n"),
            Instruction::label("A", "c4n4ry\0"),
            Instruction::expose("80:80"),
            Instruction::user(""),
            Instruction::workdir("/a\n"),
            Instruction::volume(""),
            Instruction::onbuild("FROM x"),
            Instruction::onbuild(Instruction::onbuild("RUN x")),
            Instruction::onbuild(""),
            Instruction::healthcheck(Healthcheck::of_image()),
            Instruction::healthcheck(Healthcheck::cmd([""])),
            Instruction::raw(""),
            Instruction::raw("# escape=`"),
            Instruction::raw("ENV A=c4n4ry\nRUN x"),
            Instruction::raw("CMD x \\ "),
            Instruction::env("A", "c4n4ry".repeat(11_000)),
        ];
        assert!(!format!("{all:?}").contains("c4n4ry"));
        insta::assert_snapshot!(all.map(said).join("\n"), @r#"
        refused: CMD "" must have one word or more
        refused: CMD "a\u{0}" must not hold a NUL
        refused: env "" must have a name without '=', and no NUL or line break in either part
        refused: env "A" must have a name without '=', and no NUL or line break in either part
        refused: env "A" must have a name without '=', and no NUL or line break in either part
        refused: label "A" must have a name without '=', and no NUL or line break in either part
        refused: port to expose "80:80/tcp" must not name the host's side
        refused: user "" must not be empty
        refused: working directory "/a\n" must be one line, as a Dockerfile can hold no other
        refused: volume "" must not be empty
        refused: instruction "FROM" cannot be put off by ONBUILD
        refused: instruction "ONBUILD" cannot be put off by ONBUILD
        refused: instruction "" must begin with a Dockerfile's keyword
        refused: health check "" must say what to run
        refused: health check "" must begin with a program
        refused: instruction "" must begin with a Dockerfile's keyword
        refused: instruction "" must begin with a Dockerfile's keyword
        refused: instruction "ENV" must be one line, without a NUL
        refused: instruction "CMD" must not end with a backslash, which takes the next line in
        refused: instruction "ENV" must be shorter than 64 KiB
        "#);
        assert_eq!(said(Instruction::raw(r"CMD C:\\")), r"CMD C:\\");
    }
}
