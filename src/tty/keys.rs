//! The keys that leave a session: the docker command's notation, and how they are found in what is
//! typed.

use bytes::BytesMut;
use serde::Deserialize;

use crate::config::read_json;
use crate::error::Error;
use crate::transport::Surroundings;

const DEFAULT: &str = "ctrl-p,ctrl-q";

/// What `ctrl-` goes with beside the letters, from 27 on.
const SIGNS: [&str; 5] = ["[", "\\", "]", "^", "_"];

/// A sequence of keys, and how far it has been typed.
#[derive(Debug)]
pub(crate) struct DetachKeys {
    text: String,
    codes: Vec<u8>,
    /// So many of them were typed last and are held back.
    typed: usize,
}

impl DetachKeys {
    /// Take the keys that were given; else those of the docker command's `config.json`; else the
    /// engine's own.
    pub(crate) fn choose(given: Option<&str>, around: &Surroundings) -> Result<DetachKeys, Error> {
        if let Some(text) = given.filter(|text| !text.is_empty()) {
            return DetachKeys::parse("detach keys", text);
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Config {
            detach_keys: Option<String>,
        }
        let config: Config = match around.config_dir() {
            Some(dir) => read_json(&dir.join("config.json"))?.unwrap_or_default(),
            None => Config::default(),
        };
        match config.detach_keys.filter(|text| !text.is_empty()) {
            Some(text) => DetachKeys::parse("detachKeys of config.json", &text),
            None => DetachKeys::parse("detach keys", DEFAULT),
        }
    }

    fn parse(what: &'static str, text: &str) -> Result<DetachKeys, Error> {
        let codes = text.split(',').map(code).collect::<Option<Vec<u8>>>().ok_or_else(|| {
            let rule = "must be single characters, ctrl-a to ctrl-z, or ctrl- and one of @[\\]^_, \
                        with commas between";
            Error::invalid(what, text, rule)
        })?;
        Ok(DetachKeys { text: text.to_owned(), codes, typed: 0 })
    }

    /// Return what the engine is to be told: nothing where it would watch for the same anyway.
    pub(crate) fn for_engine(&self) -> Option<String> {
        (self.text != DEFAULT).then(|| self.text.clone())
    }

    /// Return how many bytes may be read at most, so that none behind the sequence is: what is
    /// typed there is for whoever reads next.
    pub(crate) fn missing(&self) -> usize {
        self.codes.len() - self.typed
    }

    /// Pass on what was typed, but for a beginning of the sequence that may become it. Returns
    /// whether it was typed whole.
    pub(crate) fn pass(&mut self, typed: &[u8], on: &mut BytesMut) -> bool {
        for &byte in typed {
            let mut held = self.codes.get(..self.typed).unwrap_or_default().to_vec();
            held.push(byte);
            let kept = (0..=held.len())
                .find(|&from| held.get(from..).is_some_and(|rest| self.codes.starts_with(rest)))
                .unwrap_or(held.len());
            on.extend_from_slice(held.get(..kept).unwrap_or_default());
            self.typed = held.len() - kept;
            if self.typed == self.codes.len() {
                return true;
            }
        }
        false
    }

    /// Pass on what is held back: nothing more will be typed.
    pub(crate) fn finish(&mut self, on: &mut BytesMut) {
        on.extend_from_slice(self.codes.get(..self.typed).unwrap_or_default());
        self.typed = 0;
    }
}

/// The byte a key sends.
fn code(key: &str) -> Option<u8> {
    match (key.as_bytes(), key.strip_prefix("ctrl-").map(str::as_bytes)) {
        ([byte], _) => Some(*byte),
        (_, Some(b"@")) => Some(0),
        (_, Some([letter @ b'a'..=b'z'])) => Some(letter - b'a' + 1),
        (_, Some(sign)) => {
            let at = SIGNS.iter().position(|known| known.as_bytes() == sign)?;
            u8::try_from(27 + at).ok()
        }
        (b"DEL", _) => Some(127),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str) -> Result<Vec<u8>, String> {
        DetachKeys::parse("keys", text).map(|k| k.codes).map_err(|e| e.to_string())
    }

    /// What goes on of each piece, and after which of them the session is left.
    fn run(keys: &str, pieces: &[&[u8]]) -> (Vec<u8>, Option<usize>) {
        let mut keys = DetachKeys::parse("keys", keys).unwrap();
        let mut on = BytesMut::new();
        for (n, piece) in pieces.iter().enumerate() {
            if keys.pass(piece, &mut on) {
                return (on.to_vec(), Some(n));
            }
        }
        keys.finish(&mut on);
        (on.to_vec(), None)
    }

    #[test]
    fn the_notation_is_the_commands() {
        assert_eq!(codes("ctrl-p,ctrl-q").unwrap(), [16, 17]);
        assert_eq!(codes("ctrl-@,ctrl-a,ctrl-z").unwrap(), [0, 1, 26]);
        assert_eq!(
            codes("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL").unwrap(),
            [27, 28, 29, 30, 31, 127]
        );
        assert_eq!(codes("~,.,a,A, ").unwrap(), *b"~.aA ");
        for bad in
            ["zzz", "ctrl-", "ctrl-A", "ctrl-ab", "ctrl-1", "a,,b", ",", "é", "CTRL-p", "del"]
        {
            assert!(codes(bad).unwrap_err().contains("must be single"), "{bad}");
        }
    }

    #[test]
    fn they_are_found_however_they_come() {
        for pieces in
            [&[&b"ab\x10\x11"[..]][..], &[b"ab\x10", b"\x11"], &[b"a", b"b", b"\x10", b"\x11"]]
        {
            assert_eq!(run("ctrl-p,ctrl-q", pieces), (b"ab".to_vec(), Some(pieces.len() - 1)));
        }
        // Begun, and gone on with otherwise.
        assert_eq!(
            run("ctrl-p,ctrl-q", &[b"\x10", b"x\x11\x10"]),
            (b"\x10x\x11\x10".to_vec(), None)
        );
        assert_eq!(run("ctrl-p,ctrl-q", &[b"\x10\x10", b"\x11"]), (b"\x10".to_vec(), Some(1)));
        assert_eq!(run("a,a,b", &[b"aaab"]), (b"a".to_vec(), Some(0)));
        assert_eq!(run("a,b,a,c", &[b"ababac"]), (b"ab".to_vec(), Some(0)));
    }

    #[test]
    fn they_come_from_the_program_the_configuration_or_the_engine() {
        let dir = tempfile::tempdir().unwrap();
        let around = Surroundings::of(&[("DOCKER_CONFIG", dir.path().as_os_str())]);
        let chosen = |given| {
            DetachKeys::choose(given, &around)
                .map(|keys| (keys.text.clone(), keys.for_engine()))
                .map_err(|e| e.to_string())
        };
        let own = (DEFAULT.to_owned(), None);
        let told = |text: &str| (text.to_owned(), Some(text.to_owned()));
        assert_eq!(chosen(None).unwrap(), own);
        let write = |json| std::fs::write(dir.path().join("config.json"), json).unwrap();
        write(r#"{"detachKeys":"ctrl-x,y"}"#);
        assert_eq!(chosen(None).unwrap(), told("ctrl-x,y"));
        assert_eq!(chosen(Some("")).unwrap(), told("ctrl-x,y"));
        assert_eq!(chosen(Some("ctrl-e")).unwrap(), told("ctrl-e"));
        write(r#"{"detachKeys":""}"#);
        assert_eq!(chosen(None).unwrap(), own);
        write(r#"{"detachKeys":"ctrl"}"#);
        assert!(
            chosen(None).unwrap_err().starts_with("detachKeys of config.json \"ctrl\" must be")
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_behind_is_read(
            typed in prop::collection::vec(prop::sample::select(b"ab".to_vec()), 0..40),
            keys in prop::sample::select(vec!["a,b", "a,a", "a,b,a", "b,a,a,b", "a"]),
        ) {
            // As the session reads: no more at once than is missing.
            let mut watched = DetachKeys::parse("keys", keys).unwrap();
            let mut on = BytesMut::new();
            let mut rest = &typed[..];
            let mut left = false;
            while !rest.is_empty() && !left {
                let (piece, behind) = rest.split_at(rest.len().min(watched.missing()));
                left = watched.pass(piece, &mut on);
                rest = behind;
            }
            let codes = codes(keys).unwrap();
            match typed.windows(codes.len()).position(|window| window == codes) {
                Some(at) => {
                    prop_assert!(left);
                    prop_assert_eq!(&on[..], &typed[..at]);
                    prop_assert_eq!(rest, &typed[at + codes.len()..]);
                }
                None => {
                    watched.finish(&mut on);
                    prop_assert!(!left);
                    prop_assert_eq!(&on[..], &typed[..]);
                }
            }
        }
    }
}
