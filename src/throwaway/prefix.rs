//! Images of Docker Hub, fetched from elsewhere: a mirror stands behind a prefix of their names.

use std::env;

use crate::container::ContainerSpec;
use crate::error::Error;
use crate::image::reference::{ImageName, ImageRef};

/// Where the prefix is looked for, the first that is set and not empty.
const PLACES: [&str; 2] = ["BOWLINE_IMAGE_PREFIX", "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX"];

const HUB: &str = "docker.io";
const OFFICIAL: &str = "library/";

/// Put the prefix before the spec's image: the one that was given, else the environment's.
pub(super) fn apply(spec: ContainerSpec, given: Option<&str>) -> Result<ContainerSpec, Error> {
    let set = |name: &&str| env::var(name).ok().filter(|prefix| !prefix.trim().is_empty());
    let prefix = match given {
        Some(prefix) => prefix.to_owned(),
        None => PLACES.iter().find_map(set).unwrap_or_default(),
    };
    match spec.get_image() {
        Some(ImageName::Ref(image)) => match prefixed(image, &prefix)? {
            Some(image) => Ok(spec.image(image)),
            None => Ok(spec),
        },
        _ => Ok(spec),
    }
}

/// Return the name behind the prefix; `None` where there is none to be put before it.
fn prefixed(image: &ImageRef, prefix: &str) -> Result<Option<ImageRef>, Error> {
    let prefix = prefix.trim().trim_end_matches('/');
    if prefix.is_empty() || image.domain() != HUB {
        return Ok(None);
    }
    let path = image.path();
    let mut text = match path.strip_prefix(OFFICIAL) {
        Some(word) if !word.contains('/') => format!("{prefix}/{word}"),
        _ => format!("{prefix}/{path}"),
    };
    for (mark, part) in [(':', image.tag()), ('@', image.digest())] {
        text.extend(part.map(|part| format!("{mark}{part}")));
    }
    let refused =
        |e| Error::invalid("image prefix", prefix, format!("cannot stand before a name: {e}"));
    text.parse().map(Some).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_docker_hub_get_it_and_no_others() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let pinned = format!("redis:7@{digest}");
        let table = [
            ("redis", "reg.corp/hub/redis"),
            ("redis:7", "reg.corp/hub/redis:7"),
            (&pinned, &format!("reg.corp/hub/redis:7@{digest}")),
            ("bitnami/redis:7", "reg.corp/hub/bitnami/redis:7"),
            ("a/b/c", "reg.corp/hub/a/b/c"),
            // The same image, however it is written.
            ("library/redis", "reg.corp/hub/redis"),
            ("library/a/b", "reg.corp/hub/library/a/b"),
            ("docker.io/redis:7", "reg.corp/hub/redis:7"),
            ("docker.io/library/redis", "reg.corp/hub/redis"),
            ("index.docker.io/bitnami/redis", "reg.corp/hub/bitnami/redis"),
            // What only the registry's host tells from a path.
            ("docker.io/a.b/c", "reg.corp/hub/a.b/c"),
            ("ghcr.io/owner/app:1", "ghcr.io/owner/app:1"),
            ("reg.corp/hub/redis:7", "reg.corp/hub/redis:7"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("my_host.io/app", "my_host.io/app"),
            (&digest, &digest),
        ];
        for prefix in ["reg.corp/hub", "reg.corp/hub/", " reg.corp/hub/ "] {
            for (image, expected) in table {
                let spec = apply(ContainerSpec::new(image), Some(prefix)).unwrap();
                assert_eq!(spec.get_image().unwrap().to_string(), expected, "{image} {prefix:?}");
            }
        }
    }

    #[test]
    fn prefixes_of_all_kinds() {
        let redis: ImageRef = "redis:7".parse().unwrap();
        let table = [
            ("localhost:5000", "localhost:5000/redis:7"),
            ("[::1]:5000/hub", "[::1]:5000/hub/redis:7"),
            // An organisation's copies on Docker Hub itself.
            ("corp", "corp/redis:7"),
        ];
        for (prefix, expected) in table {
            assert_eq!(prefixed(&redis, prefix).unwrap().unwrap().to_string(), expected);
        }
        for none in ["", " ", "/"] {
            assert_eq!(prefixed(&redis, none).unwrap(), None);
        }
        insta::assert_snapshot!(
            prefixed(&redis, "https://reg.corp").unwrap_err(),
            @r#"image prefix "https://reg.corp" cannot stand before a name: image reference "https://reg.corp/redis:7" must not begin with a scheme such as "http://""#
        );
    }
}
