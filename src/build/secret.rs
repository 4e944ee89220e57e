//! Files that look as if they were secrets, by their names.

use std::path::Path;

use crate::local;

/// Endings of keys and certificates with keys.
const ENDINGS: [&[u8]; 7] = [b".pem", b".key", b".p12", b".pfx", b".jks", b".kdbx", b".tfstate"];

const NAMES: [&[u8]; 12] = [
    b".env",
    b".netrc",
    b".npmrc",
    b".pypirc",
    b".pgpass",
    b".git-credentials",
    b".htpasswd",
    b".dockercfg",
    b".vault-token",
    b"credentials.json",
    b"secrets.yaml",
    b"secrets.yml",
];

/// Private keys as ssh names them; what ends in ".pub" is none.
const KEYS: [&[u8]; 6] =
    [b"id_rsa", b"id_dsa", b"id_ecdsa", b"id_ecdsa_sk", b"id_ed25519", b"id_ed25519_sk"];

/// Where programs keep passwords, below a home.
const PLACES: [(&[u8], &[u8]); 4] = [
    (b".aws", b"credentials"),
    (b".docker", b"config.json"),
    (b".kube", b"config"),
    (b".cargo", b"credentials.toml"),
];

/// Folders that hold secrets, or the whole history, which may hold old ones.
const FOLDERS: [&[u8]; 3] = [b".git", b".ssh", b".gnupg"];

/// What is made to be shown, by the last part of ".env.example".
const EXAMPLES: [&[u8]; 4] = [b"example", b"sample", b"template", b"dist"];

/// Return the part of a file's path that looks like a secret: the whole, or the folder it is in.
pub(super) fn part(path: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    let mut above: &[u8] = b"";
    for name in path.split(|b| *b == b'/') {
        at += name.len();
        if at == path.len() {
            return looks_secret(above, name).then_some(path);
        }
        if FOLDERS.contains(&name) {
            return path.get(..at);
        }
        above = name;
        at += 1;
    }
    None
}

/// Say whether a part that looks like a secret does so as a folder, whatever is in it.
pub(super) fn is_folder(part: &Path) -> bool {
    part.file_name().is_some_and(|name| FOLDERS.contains(&local::bytes(name)))
}

fn looks_secret(above: &[u8], name: &[u8]) -> bool {
    let environment = name.strip_prefix(b".env.").is_some_and(|rest| {
        !EXAMPLES.contains(&rest.rsplit(|b| *b == b'.').next().unwrap_or_default())
    });
    environment
        || NAMES.contains(&name)
        || KEYS.contains(&name)
        || PLACES.contains(&(above, name))
        || ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_their_names() {
        let all = [
            (".env", ".env"),
            ("a/.env.production", "a/.env.production"),
            (".env.example", ""),
            (".env.local.sample", ""),
            (".environment", ""),
            ("deploy/id_rsa", "deploy/id_rsa"),
            ("id_rsa.pub", ""),
            ("tls/server.pem", "tls/server.pem"),
            (".pem", ""),
            ("a.pem/readme", ""),
            (".git/objects/ab/cd", ".git"),
            ("sub/.git/config", "sub/.git"),
            (".git", ""),
            (".gitignore", ""),
            ("home/.ssh/known_hosts", "home/.ssh"),
            (".aws/credentials", ".aws/credentials"),
            (".aws/config", ""),
            ("credentials", ""),
            (".docker/config.json", ".docker/config.json"),
            ("config.json", ""),
            ("src/main.rs", ""),
            ("", ""),
        ];
        for (path, found) in all {
            assert_eq!(part(path.as_bytes()).unwrap_or_default(), found.as_bytes(), "{path}");
        }
    }
}
