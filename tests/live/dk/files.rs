//! What a day begins with: a Dockerfile, and a package that can be installed offline.

use std::fs;
use std::path::Path;

/// A program for a package: letters made of lines, as far as a shell script goes.
const FIGLET: &str = r#"#!/bin/sh
line=$(printf '%s' "$*" | sed 's/./=/g')
printf '+=%s=+\n| %s |\n+=%s=+\n' "$line" "$*" "$line"
"#;

const CONTROL: &str = "Package: figlet\nVersion: 1.0\nArchitecture: all\n\
    Maintainer: nobody <nobody@example.invalid>\nDescription: a banner\n";

const DOCKERFILE: &str = "FROM busybox
ARG WHO=nobody
COPY . /here
RUN echo built by $WHO > /here/built
CMD [\"cat\", \"/here/built\"]
";

/// Write them to a folder. Whose they are is in the Dockerfile, so that no step is in anybody's
/// cache, and what a failed build leaves is found.
pub(super) fn write(folder: &Path, whose: &str) {
    let put = |name: &str, data: &[u8]| fs::write(folder.join(name), data).unwrap();
    put("figlet.deb", &deb());
    put("Dockerfile", DOCKERFILE.replace("ARG", &format!("LABEL dk.day={whose}\nARG")).as_bytes());
    put(
        "Dockerfile.broken",
        format!("FROM busybox\nLABEL dk.day={whose}\nRUN exit 9\n").as_bytes(),
    );
    put(".dockerignore", b"*.deb\n*.tar\nDockerfile*\nsecret\n");
    put("secret", b"not for everybody\n");
}

/// A Debian package: an archive by `ar`, of which two members are archives by `tar`.
fn deb() -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, data) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", tar(&[("./control", CONTROL, 0o644)])),
        ("data.tar", tar(&[("./bin/figlet", FIGLET, 0o755)])),
    ] {
        let (mtime, owner, mode, size) = (0, 0, 100_644, data.len());
        out.extend(
            format!("{name:<16}{mtime:<12}{owner:<6}{owner:<6}{mode:<8}{size:<10}`\n").bytes(),
        );
        out.extend(&data);
        out.resize(out.len().next_multiple_of(2), b'\n');
    }
    out
}

fn tar(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text, mode) in files {
        let mut header = tar::Header::new_gnu();
        // As packages have it: "./control", which the archive's own setter would make "control".
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(*mode);
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}
