//! What goes into a build's archive: the Dockerfile, the ignore file, and what is added.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::ignore::{Ignore, clean};
use super::walk::Walk;
use crate::error::Error;
use crate::tar::{Content, Entry, Kind};

/// A file that is not on disk.
#[derive(Clone)]
pub(super) struct Added {
    pub(super) mode: u32,
    pub(super) data: Bytes,
}

/// Which Dockerfile is meant.
pub(super) enum Dockerfile {
    /// The one called "Dockerfile".
    Usual,
    At(PathBuf),
    Text(Bytes),
}

/// Where most of the files come from.
pub(super) enum Ground {
    Memory,
    Folder(PathBuf),
    Tar,
}

/// A context that was looked at: what goes into the archive.
pub(super) struct Plan {
    pub(super) dockerfile: Option<String>,
    pub(super) added: Vec<Entry>,
    pub(super) walk: Option<Walk>,
}

/// Where the Dockerfile was found.
enum Found {
    /// In a tar archive, which the engine opens.
    Unseen(Option<String>),
    /// In the context, by this path from its root.
    Inside(String),
    /// Elsewhere: to be added.
    Outside(Bytes),
}

impl Plan {
    pub(super) fn make(
        ground: Ground,
        files: Vec<(String, Added)>,
        dockerfile: Dockerfile,
    ) -> Result<Plan, Error> {
        let mut added = BTreeMap::new();
        for (path, file) in files {
            added.insert(added_path(&path)?, file);
        }
        let root = match &ground {
            Ground::Folder(path) => Some(path.canonicalize().map_err(|e| {
                Error::invalid(
                    "build context",
                    path.to_string_lossy(),
                    format!("cannot be read: {e}"),
                )
            })?),
            Ground::Memory | Ground::Tar => None,
        };
        let root = root.as_deref();

        // The name under which the Dockerfile is asked for is also the ignore file's.
        let name = match dockerfile {
            Dockerfile::Usual => Some(usual_name(root, &added)),
            Dockerfile::At(ref path) => Some(path.clone()),
            Dockerfile::Text(_) => None,
        };
        let found = match (&name, dockerfile) {
            (Some(_), Dockerfile::Usual) if matches!(ground, Ground::Tar) => Found::Unseen(None),
            (Some(name), _) => find(name, &ground, root, &added)?,
            (None, Dockerfile::Text(text)) => Found::Outside(text),
            (None, _) => Found::Unseen(None),
        };

        let walk = match root {
            Some(root) => Some(begin_walk(root, name.as_deref(), &added)?),
            None => None,
        };
        let (dockerfile, mut walk) = match found {
            Found::Unseen(name) => (name, walk),
            Found::Inside(path) => (Some(path.clone()), walk.map(|w| w.keep(path))),
            Found::Outside(text) => {
                let made_up = made_up_name();
                hide(&made_up, root, &mut added)?;
                added.insert(made_up.clone(), Added { mode: 0o644, data: text });
                (Some(made_up), walk)
            }
        };
        for path in added.keys() {
            walk = walk.map(|w| w.replace(path.as_bytes()));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or_default();
        let entry = |(path, file): (String, Added)| Entry {
            path: path.into_bytes(),
            mode: file.mode,
            modified: now,
            owner: (0, 0),
            kind: Kind::File(Content::Memory(file.data)),
        };
        Ok(Plan { dockerfile, added: added.into_iter().map(entry).collect(), walk })
    }
}

/// Clean the path of an added file.
fn added_path(path: &str) -> Result<String, Error> {
    let refuse = |rule: &str| Err(Error::invalid("path in the build context", path, rule));
    if path.starts_with('/') {
        return refuse("must be relative to the context's root");
    }
    if path.ends_with('/') || path.contains('\0') {
        return refuse("must name a file");
    }
    let clean = String::from_utf8_lossy(&clean(path.as_bytes())).into_owned();
    match &*clean {
        "." => refuse("must name a file"),
        ".." => refuse("must not lead out of the context"),
        leads_out if leads_out.starts_with("../") => refuse("must not lead out of the context"),
        _ => Ok(clean),
    }
}

/// "Dockerfile", or "dockerfile" if only that exists.
fn usual_name(root: Option<&Path>, added: &BTreeMap<String, Added>) -> PathBuf {
    let there = |name: &str| {
        added.contains_key(name) || root.is_some_and(|r| r.join(name).symlink_metadata().is_ok())
    };
    let lower = !there("Dockerfile") && there("dockerfile");
    PathBuf::from(if lower { "dockerfile" } else { "Dockerfile" })
}

/// Find the Dockerfile that is asked for by name.
fn find(
    name: &Path,
    ground: &Ground,
    root: Option<&Path>,
    added: &BTreeMap<String, Added>,
) -> Result<Found, Error> {
    if let Some(path) = relative(name) {
        if added.contains_key(&path) {
            return Ok(Found::Inside(path));
        }
        if matches!(ground, Ground::Tar) {
            return Ok(Found::Unseen(Some(path)));
        }
    }
    let shown = root.unwrap_or(Path::new("")).join(name);
    let refuse = |rule: String| Error::invalid("Dockerfile", shown.to_string_lossy(), rule);
    let unreadable = |e: io::Error| refuse(format!("cannot be read: {e}"));
    let full = match root {
        Some(root) => root.join(name),
        None if name.is_absolute() => name.to_owned(),
        None => return Err(refuse("is not among the context's files".into())),
    };
    // A link is followed here: the engine is told the file's own path, or gets what is in it.
    let full = full.canonicalize().map_err(unreadable)?;
    if let Some(inside) = root.and_then(|root| full.strip_prefix(root).ok()) {
        return match inside.to_str() {
            Some(path) => Ok(Found::Inside(path.to_owned())),
            None => Err(refuse("must have a path in UTF-8".into())),
        };
    }
    std::fs::read(&full).map(|text| Found::Outside(text.into())).map_err(unreadable)
}

/// The path from the context's root, as added files have it; `None` if it begins elsewhere.
fn relative(path: &Path) -> Option<String> {
    path.to_str().and_then(|path| added_path(path).ok())
}

/// Begin the walk through a folder, with the rules that hold there.
fn begin_walk(
    root: &Path,
    dockerfile: Option<&Path>,
    added: &BTreeMap<String, Added>,
) -> Result<Walk, Error> {
    let own = dockerfile.map(|path| {
        let mut name = OsString::from(path);
        name.push(".dockerignore");
        PathBuf::from(name)
    });
    let mut ignore = Ignore::default();
    let mut keep = None;
    for file in own.iter().map(PathBuf::as_path).chain([Path::new(".dockerignore")]) {
        let Some(text) = read_here(file, root, added)? else { continue };
        ignore = Ignore::parse(&root.join(file).to_string_lossy(), &text)?;
        // One that bears the Dockerfile's name means nothing to the engine.
        keep = (file == Path::new(".dockerignore")).then_some(".dockerignore");
        break;
    }
    let walk = Walk::new(root.to_owned(), ignore).map_err(|e| {
        let why = e.get_ref().and_then(|e| e.source()).map(|e| e.to_string()).unwrap_or_default();
        Error::invalid("build context", root.to_string_lossy(), format!("cannot be read: {why}"))
    })?;
    Ok(match keep {
        Some(path) => walk.keep(path),
        None => walk,
    })
}

/// Read a small file of the context, if it is there.
fn read_here(
    file: &Path,
    root: &Path,
    added: &BTreeMap<String, Added>,
) -> Result<Option<Bytes>, Error> {
    if let Some(added) = relative(file).and_then(|path| added.get(&path)) {
        return Ok(Some(added.data.clone()));
    }
    let full = root.join(file);
    match std::fs::read(&full) {
        Ok(text) => Ok(Some(text.into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::invalid(
            "ignore file",
            full.to_string_lossy(),
            format!("cannot be read: {e}"),
        )),
    }
}

/// Have the engine hide a file that was made up: the older builder does so if `.dockerignore` says
/// so. Where there is none, it is made up too and hides itself.
fn hide(file: &str, root: Option<&Path>, added: &mut BTreeMap<String, Added>) -> Result<(), Error> {
    const NAME: &str = ".dockerignore";
    let text = match root {
        Some(root) => read_here(Path::new(NAME), root, added)?,
        None => added.get(NAME).map(|file| file.data.clone()),
    };
    let mut text = text.map_or_else(|| NAME.as_bytes().to_vec(), |text| text.to_vec());
    text.extend_from_slice(format!("\n{file}\n").as_bytes());
    let mode = added.get(NAME).map_or(0o644, |file| file.mode);
    added.insert(NAME.to_owned(), Added { mode, data: text.into() });
    Ok(())
}

/// A name that no file has.
fn made_up_name() -> String {
    // The standard library seeds its hash maps from the system's randomness.
    let random = || RandomState::new().build_hasher().finish();
    let digits = format!("{:016x}{:016x}", random(), random());
    format!(".dockerfile.{}", digits.get(..20).unwrap_or(&digits))
}
