//! A digest by which configurations are told apart: what they hold, secrets for one, does not show
//! in it, and it is the same in every build of a program.

use hmac_sha256::Hash;

/// Return so many hexadecimal digits of the SHA-256 of these texts, in this order.
pub(super) fn digest(texts: &[&str], digits: usize) -> String {
    let mut hash = Hash::new();
    for text in texts {
        // With its length, so that no two lists look the same.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let mut out: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    out.truncate(digits);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other builds of a program find what this one made.
    #[test]
    fn it_is_the_same_everywhere() {
        let out = std::process::Command::new("sh")
            .args(["-c", r"printf '\0\0\0\0\0\0\0\003abc\0\0\0\0\0\0\0\0' | sha256sum"])
            .output()
            .unwrap();
        let told = String::from_utf8(out.stdout).unwrap();
        assert_eq!(told.split(' ').next(), Some(&*digest(&["abc", ""], 64)));
    }

    #[test]
    fn lists_that_differ_have_digests_that_differ() {
        assert_ne!(digest(&["ab", "c"], 12), digest(&["a", "bc"], 12));
        assert_ne!(digest(&["a"], 12), digest(&["a", ""], 12));
        assert_eq!(digest(&["a"], 12).len(), 12);
    }
}
