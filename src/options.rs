//! Options of drivers: of networks, volumes, logs, storage.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Options of a driver, names and values, in the order of the names.
///
/// Values may be passwords and tokens (a network share's, a log service's), so `Debug` shows the
/// names alone.
///
/// ```no_run
/// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
/// let details = docker.network("backend").await?.inspect().await?;
/// println!("MTU {:?}", details.options.get("com.docker.network.driver.mtu"));
/// # Ok(()) }
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverOptions(BTreeMap<String, String>);

impl DriverOptions {
    /// Return the value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Go through the options: names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Return how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Say whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for DriverOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Extend<(String, String)> for DriverOptions {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, pairs: I) {
        self.0.extend(pairs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn values_are_not_shown() {
        let options: DriverOptions =
            wire::from_slice(br#"{"o":"password=canary","n":7,"type":"cifs"}"#).unwrap();
        assert_eq!(format!("{options:?}"), r#"{"o", "type"}"#);
        assert_eq!((options.get("o"), options.len()), (Some("password=canary"), 2));
        assert_eq!(options.iter().last(), Some(("type", "cifs")));
    }
}
