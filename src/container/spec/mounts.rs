//! Files from elsewhere in a container's tree: mounts, and the short texts of `--volume` and
//! `--tmpfs`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ByteSize;
use super::checks::{Checks, absolute, from_root, full, has_drive};
use super::wire::body;
use crate::error::InvalidInput;
use crate::image::reference::IntoImageName;
use crate::options::DriverOptions;

body! {
    /// A mount as the engine reads it.
    struct MountBody {
        #[serde(rename = "Type")]
        kind: &'static str,
        source: Option<String>,
        target: String,
        read_only: bool,
        consistency: Option<String>,
        bind_options: BindOptions,
        volume_options: VolumeOptions,
        image_options: ImageOptions,
        tmpfs_options: TmpfsOptions,
    }
}

body! {
    struct BindOptions {
        propagation: Option<Propagation>,
        non_recursive: bool,
        create_mountpoint: bool,
        read_only_non_recursive: bool,
        read_only_force_recursive: bool,
    }
}

body! {
    struct VolumeOptions {
        no_copy: bool,
        labels: BTreeMap<String, String>,
        driver_config: DriverConfig,
        subpath: Option<String>,
    }
}

body! {
    struct DriverConfig {
        name: Option<String>,
        options: DriverOptions,
    }
}

body! {
    struct ImageOptions {
        subpath: Option<String>,
    }
}

body! {
    struct TmpfsOptions {
        size_bytes: Option<i64>,
        mode: Option<u32>,
    }
}

/// Whether mounts made below a bind mount are seen on its other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Propagation {
    /// Neither way.
    Private,
    /// Neither way, and so in all that lies below. What holds unless set.
    RPrivate,
    /// Both ways.
    Shared,
    /// Both ways, and so in all that lies below.
    RShared,
    /// From the host into the container.
    Slave,
    /// From the host into the container, and so in all that lies below.
    RSlave,
}

/// Files from elsewhere at a place in a container's tree: `--mount`.
///
/// An option that the kind of mount does not have is an error when the container is created.
///
/// ```
/// use bowline::ContainerSpec;
/// use bowline::container::spec::Mount;
///
/// let spec = ContainerSpec::new("busybox")
///     .mount(Mount::bind("/srv/www", "/www").read_only())
///     .mount(Mount::volume("data", "/data").label("app", "shop"))
///     .mount(Mount::tmpfs("/scratch").size("64m"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Mount {
    pub(super) body: MountBody,
    pub(super) checks: Checks,
}

const BIND: &str = "bind";
const VOLUME: &str = "volume";
const TMPFS: &str = "tmpfs";
const IMAGE: &str = "image";
const NPIPE: &str = "npipe";

impl Mount {
    fn of(kind: &'static str, source: Option<String>, target: String) -> Mount {
        let mut checks = Checks::default();
        let target = checks.take(absolute("mount target", target)).unwrap_or_default();
        let body = MountBody { kind, source, target, ..MountBody::default() };
        Mount { body, checks }
    }

    /// Mount a file or directory of the host, which must be there.
    pub fn bind(source: impl Into<String>, target: impl Into<String>) -> Mount {
        let mut mount = Mount::of(BIND, None, target.into());
        mount.body.source = mount.checks.take(absolute("mount source", source.into()));
        mount
    }

    /// Mount a volume, which is made where there is none of that name.
    pub fn volume(name: impl Into<String>, target: impl Into<String>) -> Mount {
        let mut mount = Mount::of(VOLUME, None, target.into());
        mount.body.source = mount.checks.take(volume_name(name.into()));
        mount
    }

    /// Mount a new volume that has no name of its own.
    pub fn anonymous_volume(target: impl Into<String>) -> Mount {
        Mount::of(VOLUME, None, target.into())
    }

    /// Mount an empty file system in memory.
    pub fn tmpfs(target: impl Into<String>) -> Mount {
        Mount::of(TMPFS, None, target.into())
    }

    /// Mount an image's files. API 1.48.
    pub fn image(image: impl IntoImageName, target: impl Into<String>) -> Mount {
        let mut mount = Mount::of(IMAGE, None, target.into());
        match image.into_image_name() {
            Ok(image) => mount.body.source = Some(image.to_string()),
            Err(e) => mount.checks.fail("image to mount", e.text, e.rule),
        }
        mount.checks.since(48, "an image mount");
        mount
    }

    /// Mount a named pipe of a Windows host.
    pub fn npipe(source: impl Into<String>, target: impl Into<String>) -> Mount {
        let mut mount = Mount::of(NPIPE, None, target.into());
        mount.body.source = mount.checks.text("mount source", source);
        mount
    }

    /// Let the container only read: `readonly`.
    pub fn read_only(mut self) -> Mount {
        self.body.read_only = true;
        self
    }

    /// Set how current each side must see the other's changes, "cached" for one: `consistency`.
    /// Only Docker Desktop for Mac heeds it.
    pub fn consistency(mut self, consistency: impl Into<String>) -> Mount {
        self.body.consistency = self.checks.text("mount consistency", consistency);
        self
    }

    /// Set whether mounts below are seen on the other side: `bind-propagation`.
    pub fn propagation(mut self, propagation: Propagation) -> Mount {
        self.only(&[BIND], "propagation");
        self.body.bind_options.propagation = Some(propagation);
        self
    }

    /// Leave out what is mounted below the source: `bind-recursive=disabled`.
    pub fn non_recursive(mut self) -> Mount {
        self.only(&[BIND], "non_recursive");
        self.body.bind_options.non_recursive = true;
        self
    }

    /// Let the container write to what is mounted below a read-only source:
    /// `bind-recursive=writable`. API 1.44; older engines always do.
    pub fn read_only_non_recursive(mut self) -> Mount {
        self.only(&[BIND], "read_only_non_recursive");
        self.checks.since(44, "a mount that is read-only at its top");
        self.body.bind_options.read_only_non_recursive = true;
        self
    }

    /// Fail where what is mounted below cannot be made read-only: `bind-recursive=readonly`.
    /// API 1.44.
    pub fn read_only_force_recursive(mut self) -> Mount {
        self.only(&[BIND], "read_only_force_recursive");
        self.checks.since(44, "a mount that is read-only all the way down");
        self.body.bind_options.read_only_force_recursive = true;
        self
    }

    /// Make the source directory where there is none. API 1.42.
    pub fn create_mountpoint(mut self) -> Mount {
        self.only(&[BIND], "create_mountpoint");
        self.checks.since(42, "a bind mount that makes its source");
        self.body.bind_options.create_mountpoint = true;
        self
    }

    /// Leave a new volume empty instead of copying the image's files there: `volume-nocopy`.
    pub fn no_copy(mut self) -> Mount {
        self.only(&[VOLUME], "no_copy");
        self.body.volume_options.no_copy = true;
        self
    }

    /// Label the volume, if it is new: `volume-label`.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Mount {
        self.only(&[VOLUME], "label");
        self.body.volume_options.labels.extend(self.checks.pair("volume label", key, value));
        self
    }

    /// Set the volume's driver: `volume-driver`.
    pub fn driver(mut self, driver: impl Into<String>) -> Mount {
        self.only(&[VOLUME], "driver");
        self.body.volume_options.driver_config.name = self.checks.text("volume driver", driver);
        self
    }

    /// Set an option of the volume's driver: `volume-opt`.
    pub fn driver_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Mount {
        self.only(&[VOLUME], "driver_option");
        let option = self.checks.pair("volume driver option", name, value);
        self.body.volume_options.driver_config.options.extend(option);
        self
    }

    /// Mount only a part of the volume (`volume-subpath`, API 1.45) or image (`image-subpath`,
    /// API 1.48): a relative path.
    pub fn subpath(mut self, path: impl Into<String>) -> Mount {
        self.only(&[VOLUME, IMAGE], "subpath");
        let path = self.checks.take(relative(path.into()));
        match self.body.kind {
            IMAGE => self.body.image_options.subpath = path,
            _ => {
                self.checks.since(45, "a volume's subpath");
                self.body.volume_options.subpath = path;
            }
        }
        self
    }

    /// Limit the file system in memory: `tmpfs-size`.
    pub fn size(mut self, size: impl Into<ByteSize>) -> Mount {
        self.only(&[TMPFS], "size");
        self.body.tmpfs_options.size_bytes = self.checks.take(size.into().bytes("tmpfs size"));
        self
    }

    /// Set the permissions of the file system in memory, `0o1777` for one: `tmpfs-mode`.
    pub fn mode(mut self, mode: u32) -> Mount {
        self.only(&[TMPFS], "mode");
        self.body.tmpfs_options.mode = self.checks.within("tmpfs mode", mode, (0, 0o7777));
        self
    }

    fn only(&mut self, kinds: &[&'static str], option: &str) {
        if !kinds.contains(&self.body.kind) {
            let rule = format!("is not for a mount of type {}", self.body.kind);
            self.checks.fail("mount option", option, &rule);
        }
    }
}

/// A volume's name, by the engine's rule, which is that of containers.
fn volume_name(name: String) -> Result<String, InvalidInput> {
    let fine = name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if fine {
        return Ok(name);
    }
    let rule = "must consist of two or more ASCII letters, digits, '_', '.' and '-', and begin \
                with a letter or digit";
    Err(InvalidInput::new("volume name", name, rule))
}

fn relative(path: String) -> Result<String, InvalidInput> {
    let path = full("mount subpath", path)?;
    if from_root(&path) || path.split('/').any(|part| part == "..") {
        let rule = "must be a relative path without \"..\"";
        return Err(InvalidInput::new("mount subpath", path, rule));
    }
    Ok(path)
}

/// What a text after `--volume` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Volume {
    /// A new volume at this path.
    Anonymous(String),
    /// "source:target" or "source:target:options", as the engine takes it.
    Bind(String),
}

/// Read "target", "source:target" or "source:target:options". A drive's colon parts nothing.
pub(super) fn volume(text: String) -> Result<Volume, InvalidInput> {
    let text = full("volume", text)?;
    let mut parts = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() || parts.is_empty() {
        let skip = if has_drive(rest) { 2 } else { 0 };
        let colon = rest.get(skip..).and_then(|r| r.find(':')).map(|at| at + skip);
        let (part, after) = match colon.and_then(|at| rest.split_at_checked(at)) {
            Some((part, after)) => (part, after.strip_prefix(':').unwrap_or(after)),
            None => (rest, ""),
        };
        parts.push(part);
        rest = after;
    }
    let wrong = |rule: &str| Err(InvalidInput::new("volume", text.as_str(), rule));
    let (source, target) = match parts.as_slice() {
        [target] => (None, *target),
        [source, target] => (Some(*source), *target),
        [source, target, options] if !options.is_empty() => (Some(*source), *target),
        _ => return wrong("must be TARGET, SOURCE:TARGET or SOURCE:TARGET:OPTIONS"),
    };
    if text.ends_with(':') {
        return wrong("must not end in a colon");
    }
    if !from_root(target) {
        return wrong("must have an absolute path in the container");
    }
    match source {
        None if has_drive(&text) && text.contains('/') => {
            wrong("must have a volume's name of two or more characters, or \"\\\" behind a drive")
        }
        None => Ok(Volume::Anonymous(text)),
        Some(path) if from_root(path) => Ok(Volume::Bind(text)),
        Some(path) if path.starts_with(['.', '~']) || path.contains('/') => {
            wrong("must have an absolute path on the host, or a volume's name")
        }
        Some(name) => volume_name(name.to_owned()).map(|_| Volume::Bind(text)),
    }
}

/// Read "target" or "target:options".
pub(super) fn tmpfs(text: String) -> Result<(String, String), InvalidInput> {
    let (target, options) = text.split_once(':').unwrap_or((&text, ""));
    let target = absolute("tmpfs", target.to_owned())?;
    if options.contains('\0') {
        return Err(InvalidInput::new("tmpfs", text, "must not hold a NUL"));
    }
    Ok((target, options.to_owned()))
}
