//! Credential helpers: programs that keep passwords in a keychain, or make them up from a cloud's.
//!
//! `docker-credential-NAME get` is given the registry on its standard input, and answers with JSON;
//! `list` answers with the registries it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::{Credentials, Secret};
use crate::error::{CredentialsFault, excerpt};
use crate::transport::look_up;

/// A helper may take this long: some ask a server on the net.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// No credentials are larger.
const LARGEST: usize = 64 << 10;
/// By these words, and a failure, a helper says that it knows nothing of the registry.
const NOT_FOUND: &[u8] = b"credentials not found in native keychain";
/// The user's name where the secret is an identity token.
const TOKEN: &str = "<token>";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(rename = "Username", alias = "username")]
    username: Option<String>,
    #[serde(rename = "Secret", alias = "secret")]
    secret: Option<Secret>,
}

/// Name the program of a helper.
pub(super) fn program(name: &str) -> String {
    format!("docker-credential-{}", excerpt(name, 80))
}

/// Ask a helper for a registry's credentials.
pub(super) async fn get(
    name: &str,
    server: &str,
    dirs: &[PathBuf],
    patience: Duration,
) -> Result<Option<Credentials>, CredentialsFault> {
    match ask(name, "get", server, dirs, patience).await? {
        (out, None) => understood(&out),
        (out, Some(_)) if out.trim_ascii() == NOT_FOUND => Ok(None),
        (out, Some(status)) => Err(CredentialsFault::HelperFailed(words(&out, &status))),
    }
}

/// Ask a helper which registries it knows, in the words it knows them by.
pub(super) async fn list(
    name: &str,
    dirs: &[PathBuf],
    patience: Duration,
) -> Result<BTreeSet<String>, CredentialsFault> {
    match ask(name, "list", "", dirs, patience).await? {
        (out, None) => {
            // The users' names are of no interest, nor is their type.
            let known: Result<BTreeMap<String, IgnoredAny>, _> =
                BTreeMap::deserialize(&mut serde_json::Deserializer::from_slice(&out));
            let known = known.map_err(|_| {
                CredentialsFault::Malformed("answered with something else than JSON".into())
            })?;
            Ok(known.into_keys().collect())
        }
        (out, Some(status)) => Err(CredentialsFault::HelperFailed(words(&out, &status))),
    }
}

/// Run a helper.
async fn ask(
    name: &str,
    verb: &str,
    input: &str,
    dirs: &[PathBuf],
    patience: Duration,
) -> Result<Said, CredentialsFault> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.is_empty() || name.starts_with(['-', '.']) || !name.bytes().all(fine) {
        return Err(CredentialsFault::HelperName);
    }
    let path = look_up(&program(name), dirs).ok_or(CredentialsFault::HelperMissing)?;
    let failed = |e: std::io::Error| CredentialsFault::HelperIo(e.to_string());
    let mut child = Command::new(path)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Not shown, as a helper that logs may well log a secret.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let answer = match tokio::time::timeout(patience, talk(&mut child, input)).await {
        Ok(answer) => answer.map_err(failed)?,
        Err(_) => return Err(CredentialsFault::HelperTimeout(patience)),
    };
    answer.ok_or(CredentialsFault::HelperTooLarge(LARGEST))
}

/// What a helper wrote, and how it failed if it did.
type Said = (Zeroizing<Vec<u8>>, Option<String>);

/// Tell it what is asked and hear the answer: none if it is too large.
async fn talk(child: &mut Child, input: &str) -> std::io::Result<Option<Said>> {
    if let Some(mut stdin) = child.stdin.take() {
        // A helper is free not to listen; what matters is its answer.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(4 << 10));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LARGEST as u64 + 1).read_to_end(&mut out).await?;
    }
    if out.len() > LARGEST {
        return Ok(None);
    }
    let status = child.wait().await?;
    Ok(Some((out, (!status.success()).then(|| status.to_string()))))
}

fn understood(out: &[u8]) -> Result<Option<Credentials>, CredentialsFault> {
    // As the CLI: the first value counts, whatever follows.
    let Ok(answer) = Answer::deserialize(&mut serde_json::Deserializer::from_slice(out)) else {
        return Err(CredentialsFault::Malformed("answered with something else than JSON".into()));
    };
    let user = answer.username.unwrap_or_default();
    let Some(secret) = answer.secret.filter(|secret| !secret.expose().is_empty()) else {
        return Ok(None);
    };
    Ok(Some(match user == TOKEN {
        true => Credentials::identity_token(secret),
        false => Credentials::password(user, secret),
    }))
}

/// The first line of a failed helper's answer, by custom the reason. Never what might be an answer
/// after all.
fn words(out: &[u8], status: &str) -> String {
    let out = Zeroizing::new(String::from_utf8_lossy(out).into_owned());
    let like_json = out.contains('{') || out.to_ascii_lowercase().contains("secret");
    match out.trim().lines().next() {
        Some(line) if !like_json => format!("{} ({status})", excerpt(line, 200)),
        _ => status.to_owned(),
    }
}
