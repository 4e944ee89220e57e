//! Devices of the host, and devices that a driver finds.

use super::checks::{Checks, absolute};
use super::wire::body;
use crate::error::InvalidInput;
use crate::options::DriverOptions;

body! {
    /// A device of the host in the container.
    struct DeviceMapping {
        path_on_host: String,
        path_in_container: String,
        cgroup_permissions: String,
    }
}

impl DeviceMapping {
    /// Read "/dev/a", "/dev/a:/dev/b", "/dev/a:rw" or "/dev/a:/dev/b:rw".
    pub(super) fn parse(text: &str) -> Result<DeviceMapping, InvalidInput> {
        let wrong = |rule| Err(InvalidInput::new("device", text, rule));
        let mut parts = text.split(':');
        let host = absolute("device", parts.next().unwrap_or_default().to_owned())?;
        let (inside, permissions) = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => (host.as_str(), "rwm"),
            (Some(permissions), None, _) if permitted(permissions) => (host.as_str(), permissions),
            (Some(inside), None, _) => (inside, "rwm"),
            (Some(inside), Some(permissions), None) => (inside, permissions),
            _ => return wrong("must be HOST, HOST:CONTAINER or HOST:CONTAINER:rwm"),
        };
        if !permitted(permissions) {
            return wrong("must have permissions of the letters r, w and m, each once");
        }
        Ok(DeviceMapping {
            path_in_container: absolute("device", inside.to_owned())?,
            cgroup_permissions: permissions.to_owned(),
            path_on_host: host,
        })
    }
}

fn permitted(text: &str) -> bool {
    let once = |letter: char| text.matches(letter).count() <= 1;
    !text.is_empty() && text.chars().all(|letter| "rwm".contains(letter) && once(letter))
}

body! {
    /// A wish for devices as the engine reads it.
    struct RequestBody {
        driver: Option<String>,
        count: Option<i64>,
        #[serde(rename = "DeviceIDs")]
        device_ids: Vec<String>,
        capabilities: Vec<Vec<String>>,
        options: DriverOptions,
    }
}

/// A wish for devices that a driver of the engine's finds, such as GPUs.
///
/// From a number it asks for so many, from "all" for all of them.
///
/// ```
/// use bowline::container::spec::DeviceRequest;
///
/// let two = DeviceRequest::ids(["0", "GPU-fef8089b"]).capabilities(["gpu", "compute"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct DeviceRequest {
    pub(super) body: RequestBody,
    pub(super) checks: Checks,
}

impl DeviceRequest {
    fn of(body: RequestBody) -> DeviceRequest {
        DeviceRequest { body, checks: Checks::default() }
    }

    /// Ask for what `--gpus` asks for: devices that are GPUs, besides what else they must be.
    pub(super) fn for_gpus(mut self) -> DeviceRequest {
        let gpu = "gpu".to_owned();
        let sets = &mut self.body.capabilities;
        if sets.is_empty() {
            sets.push(Vec::new());
        }
        for set in sets.iter_mut().filter(|set| !set.contains(&gpu)) {
            set.push(gpu.clone());
        }
        self
    }

    /// Ask for all devices.
    pub fn all() -> DeviceRequest {
        DeviceRequest::of(RequestBody { count: Some(-1), ..RequestBody::default() })
    }

    /// Ask for so many devices.
    pub fn count(count: u32) -> DeviceRequest {
        DeviceRequest::of(RequestBody { count: Some(count.into()), ..RequestBody::default() })
    }

    /// Ask for devices by number or id.
    pub fn ids<I: Into<String>>(ids: impl IntoIterator<Item = I>) -> DeviceRequest {
        let mut request = DeviceRequest::of(RequestBody::default());
        for id in ids {
            request.body.device_ids.extend(request.checks.text("device id", id));
        }
        if request.body.device_ids.is_empty() {
            request.checks.fail("device ids", "", "must name at least one");
        }
        request
    }

    /// Set the driver, "nvidia" for one, instead of leaving the choice to the engine.
    pub fn driver(mut self, driver: impl Into<String>) -> DeviceRequest {
        self.body.driver = self.checks.text("device driver", driver);
        self
    }

    /// Ask for devices that can do all of these. Each call names another set that would do.
    pub fn capabilities<C: Into<String>>(
        mut self,
        all: impl IntoIterator<Item = C>,
    ) -> DeviceRequest {
        let all = all.into_iter().filter_map(|c| self.checks.text("device capability", c));
        self.body.capabilities.push(all.collect());
        self
    }

    /// Set an option of the driver.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> DeviceRequest {
        self.body.options.extend(self.checks.pair("device option", name, value));
        self
    }
}

impl From<u32> for DeviceRequest {
    fn from(count: u32) -> DeviceRequest {
        DeviceRequest::count(count)
    }
}

impl From<&str> for DeviceRequest {
    /// "all", or a number.
    fn from(text: &str) -> DeviceRequest {
        match text.parse() {
            Ok(count) => DeviceRequest::count(count),
            Err(_) => {
                let mut request = DeviceRequest::all();
                if text != "all" {
                    request.checks.fail("devices", text, "must be \"all\" or a number");
                }
                request
            }
        }
    }
}
