//! Files of the docker CLI's configuration folder, read with care. All is the user's and is only
//! read.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, InvalidInput, excerpt};

/// A larger configuration file is a mistake, not a configuration.
pub(crate) const LARGEST_FILE: u64 = 1 << 20;

/// Read a configuration file of the user's: none if there is no such file or nothing in it.
///
/// Only a regular file of at most 1 MiB is opened, so that no pipe can stop us and no device fill
/// our memory. The error names the path and never quotes the content, which may hold passwords.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    // Some editors put a byte order mark first.
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if json.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(json).map(Some).map_err(|e| {
        let fault = if e.is_data() { "has a value of the wrong kind" } else { "is not valid JSON" };
        refuse_file(path, format!("{fault} (line {}, column {})", e.line(), e.column()))
    })
}

/// Read a file of the configuration: none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(path, &e)),
    };
    if !metadata.is_file() {
        return Err(refuse_file(path, "is not a regular file".into()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|e| unreadable(path, &e))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(refuse_file(path, format!("is larger than {LARGEST_FILE} bytes")));
    }
    Ok(Some(bytes))
}

pub(crate) fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    refuse_file(path, format!("cannot be read: {e}"))
}

/// Unlike [`Error::invalid`], leave the path whole: a store's paths are long.
pub(crate) fn refuse_file(path: &Path, rule: String) -> Error {
    let value = excerpt(&path.to_string_lossy(), 4096);
    Error::InvalidInput(InvalidInput { what: "docker configuration", value, rule })
}
