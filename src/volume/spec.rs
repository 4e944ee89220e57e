//! What volume to create: a value, made of the flags of `docker volume create`.

use std::collections::BTreeMap;

use crate::container::spec::Checks;
use crate::container::spec::wire::body;
use crate::error::{Error, InvalidInput};
use crate::options::DriverOptions;
use crate::wire::Call;

body! {
    /// The body of a create call.
    struct Body {
        name: Option<String>,
        driver: Option<String>,
        driver_opts: DriverOptions,
        labels: BTreeMap<String, String>,
    }
}

/// What volume to create. A value; a name alone is one too.
///
/// ```
/// use bowline::VolumeSpec;
///
/// let scratch = VolumeSpec::new("scratch")
///     .opt("type", "tmpfs")
///     .opt("device", "tmpfs")
///     .opt("o", "size=64m")
///     .label("stage", "test");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct VolumeSpec {
    body: Body,
    checks: Checks,
}

impl VolumeSpec {
    /// Begin with the volume's name. Without a driver its files are on the engine's disk.
    pub fn new(name: impl Into<String>) -> VolumeSpec {
        let mut spec = VolumeSpec::unnamed();
        spec.body.name = spec.checks.take(checked(name.into()));
        spec
    }

    /// Begin with no name: the engine makes one up, and counts the volume as anonymous.
    pub fn unnamed() -> VolumeSpec {
        VolumeSpec { body: Body::default(), checks: Checks::default() }
    }

    /// Return the name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.body.name.as_deref()
    }

    /// Set the driver: `--driver`. Without it, it is "local".
    pub fn driver(mut self, driver: impl Into<String>) -> VolumeSpec {
        self.body.driver = self.checks.text("volume driver", driver);
        self
    }

    /// Set an option of the driver: `--opt`.
    pub fn opt(mut self, name: impl Into<String>, value: impl Into<String>) -> VolumeSpec {
        self.body.driver_opts.extend(self.checks.pair("volume option", name, value));
        self
    }

    /// Set a label: `--label`.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> VolumeSpec {
        self.body.labels.extend(self.checks.pair("label", key, value));
        self
    }

    /// Set labels.
    pub fn labels<K: Into<String>, V: Into<String>>(
        self,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> VolumeSpec {
        labels.into_iter().fold(self, |spec, (key, value)| spec.label(key, value))
    }

    pub(super) fn call(&self) -> Result<Call, Error> {
        self.checks.fault()?;
        Ok(self.checks.mark(Call::post(&["volumes", "create"]).json(&self.body)))
    }
}

impl From<&str> for VolumeSpec {
    fn from(name: &str) -> VolumeSpec {
        VolumeSpec::new(name)
    }
}

impl From<String> for VolumeSpec {
    fn from(name: String) -> VolumeSpec {
        VolumeSpec::new(name)
    }
}

impl From<&VolumeSpec> for VolumeSpec {
    fn from(spec: &VolumeSpec) -> VolumeSpec {
        spec.clone()
    }
}

/// Check a volume's name. Drivers have rules of their own; a path, which names a bind mount
/// elsewhere, breaks those of all.
pub(super) fn checked(name: String) -> Result<String, InvalidInput> {
    let rule = if name.is_empty() {
        "must not be empty"
    } else if name.contains(['/', '\\', '\0']) {
        "must not hold a slash or a NUL"
    } else {
        return Ok(name);
    };
    Err(InvalidInput::new("volume name", name, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_of_a_volume() {
        let spec = VolumeSpec::new("data")
            .driver("local")
            .opt("type", "tmpfs")
            .labels([("stage", "test"), ("empty", "")]);
        let calls = [VolumeSpec::from("data"), VolumeSpec::unnamed(), spec];
        let calls = calls.map(|spec| spec.call().unwrap().to_string());
        insta::assert_snapshot!(calls.join("\n"), @r#"
        POST /volumes/create
        {
          "Name": "data"
        }
        POST /volumes/create
        {}
        POST /volumes/create
        {
          "Driver": "local",
          "DriverOpts": {
            "type": "tmpfs"
          },
          "Labels": {
            "empty": "",
            "stage": "test"
          },
          "Name": "data"
        }
        "#);
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let specs = [
            VolumeSpec::new(""),
            VolumeSpec::new("/srv/data"),
            VolumeSpec::new("a\0"),
            VolumeSpec::new("v").driver(""),
            VolumeSpec::new("v").opt("o", "canary\0"),
        ];
        let refused = specs.map(|spec| match spec.call() {
            Err(Error::InvalidInput(e)) => e.to_string(),
            other => panic!("{other:?}"),
        });
        insta::assert_snapshot!(refused.join("\n"), @r#"
        volume name "" must not be empty
        volume name "/srv/data" must not hold a slash or a NUL
        volume name "a\u{0}" must not hold a slash or a NUL
        volume driver "" must not be empty
        volume option "o" must not have a NUL in its value
        "#);
        let secret = VolumeSpec::new("v").opt("o", "password=canary");
        assert!(!format!("{secret:?} {:?}", secret.call()).contains("canary"));
    }
}
