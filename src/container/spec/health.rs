//! How the engine finds out whether a container is healthy.

use std::time::Duration;

use super::checks::Checks;
use super::wire::body;

body! {
    /// A check of health as the engine reads it; times are in nanoseconds.
    struct HealthConfig {
        test: Vec<String>,
        interval: Option<i64>,
        timeout: Option<i64>,
        start_period: Option<i64>,
        start_interval: Option<i64>,
        retries: Option<u32>,
    }
}

/// How the engine finds out whether a container is healthy.
///
/// ```
/// use std::time::Duration;
/// use bowline::container::spec::Healthcheck;
///
/// let check = Healthcheck::shell("wget -q -O- localhost")
///     .interval(Duration::from_secs(5))
///     .retries(3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Healthcheck {
    pub(super) config: HealthConfig,
    pub(super) checks: Checks,
}

impl Healthcheck {
    fn of(test: Vec<String>) -> Healthcheck {
        let config = HealthConfig { test, ..HealthConfig::default() };
        Healthcheck { config, checks: Checks::default() }
    }

    /// Run a program with arguments in the container; it is healthy where that exits with 0.
    pub fn cmd<A: Into<String>>(command: impl IntoIterator<Item = A>) -> Healthcheck {
        let command: Vec<String> = command.into_iter().map(Into::into).collect();
        let mut checks = Checks::default();
        checks.no_nul("health check", &command);
        if command.first().is_none_or(String::is_empty) {
            checks.fail("health check", command.join(" "), "must begin with a program");
        }
        let test = std::iter::once("CMD".to_owned()).chain(command).collect();
        Healthcheck { checks, ..Healthcheck::of(test) }
    }

    /// Run a line of the container's shell: `--health-cmd`.
    pub fn shell(line: impl Into<String>) -> Healthcheck {
        let mut checks = Checks::default();
        let line = checks.text("health check", line).unwrap_or_default();
        Healthcheck { checks, ..Healthcheck::of(vec!["CMD-SHELL".to_owned(), line]) }
    }

    /// Check nothing, whatever the image says: `--no-healthcheck`.
    pub fn none() -> Healthcheck {
        Healthcheck::of(vec!["NONE".to_owned()])
    }

    /// Check as the image says, with other times.
    pub fn of_image() -> Healthcheck {
        Healthcheck::of(Vec::new())
    }

    /// Set the time between two checks: `--health-interval`. At least 1 ms; 30 s unless set.
    pub fn interval(mut self, time: Duration) -> Healthcheck {
        self.config.interval = nanoseconds(&mut self.checks, "health interval", time);
        self
    }

    /// Set how long one check may take: `--health-timeout`. At least 1 ms; 30 s unless set.
    pub fn timeout(mut self, time: Duration) -> Healthcheck {
        self.config.timeout = nanoseconds(&mut self.checks, "health timeout", time);
        self
    }

    /// Set how long failures do not count after the start: `--health-start-period`.
    pub fn start_period(mut self, time: Duration) -> Healthcheck {
        self.config.start_period = nanoseconds(&mut self.checks, "health start period", time);
        self
    }

    /// Set the time between two checks during the start period: `--health-start-interval`.
    /// API 1.44.
    pub fn start_interval(mut self, time: Duration) -> Healthcheck {
        self.config.start_interval = nanoseconds(&mut self.checks, "health start interval", time);
        self.checks.since(44, "a health start interval");
        self
    }

    /// Set how many failures in a row are unhealthy: `--health-retries`. 3 unless set.
    pub fn retries(mut self, retries: u32) -> Healthcheck {
        self.config.retries = Some(retries);
        self
    }

    /// Return what stands behind `HEALTHCHECK` in a Dockerfile, and what is wrong with it.
    pub(crate) fn instruction(self) -> (String, Checks) {
        let Healthcheck { config, mut checks } = self;
        let mut words = String::new();
        for (flag, time) in [
            ("interval", config.interval),
            ("timeout", config.timeout),
            ("start-period", config.start_period),
            ("start-interval", config.start_interval),
        ] {
            if let Some(time) = time.filter(|time| *time > 0) {
                words.push_str(&format!("--{flag}={time}ns "));
            }
        }
        if let Some(retries) = config.retries.filter(|retries| *retries > 0) {
            words.push_str(&format!("--retries={retries} "));
        }
        let mut test = config.test.into_iter();
        match (test.next().as_deref(), test.next()) {
            (Some("NONE"), _) => words = "NONE".to_owned(),
            (Some("CMD-SHELL"), Some(line)) if is_plain(&line) => {
                words.push_str(&format!("CMD {line}"));
            }
            (Some("CMD-SHELL"), Some(line)) => {
                let shell = ["/bin/sh".to_owned(), "-c".to_owned(), line];
                words.push_str(&format!("CMD {}", json_list(shell)));
            }
            (Some(_), Some(program)) => {
                let command = std::iter::once(program).chain(test);
                words.push_str(&format!("CMD {}", json_list(command)));
            }
            _ => checks.fail("health check", "", "must say what to run"),
        }
        (words, checks)
    }
}

/// Say whether a line means the same in a Dockerfile: it is not cut at its ends, taken for a list,
/// or for more than one line.
fn is_plain(line: &str) -> bool {
    line.trim() == line && !line.starts_with('[') && !line.ends_with('\\') && !line.contains('\n')
}

/// Write words as a JSON list. That always succeeds.
pub(crate) fn json_list(words: impl IntoIterator<Item = String>) -> String {
    let words: Vec<String> = words.into_iter().collect();
    serde_json::to_string(&words).unwrap_or_default()
}

/// Zero is "as the image says" to the engine; a shorter time than a millisecond it refuses.
fn nanoseconds(checks: &mut Checks, what: &'static str, time: Duration) -> Option<i64> {
    match i64::try_from(time.as_nanos()) {
        Ok(n) if n == 0 || n >= 1_000_000 => Some(n),
        Ok(_) => {
            checks.fail(what, format!("{time:?}"), "must be zero, or 1 ms or more");
            None
        }
        Err(_) => {
            checks.fail(what, format!("{time:?}"), "must be less than 292 years");
            None
        }
    }
}
