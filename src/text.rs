//! A string for answers of many rows: short ones are kept in place.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Visitor};

/// A text from the engine, to be read like a [`str`].
///
/// Most of what a list says of a container is short ("running", "bridge", "Up 3 hours"): up to 22
/// bytes take no memory of their own, which is what makes long lists cheap.
///
/// ```
/// use bowline::Text;
///
/// let text = Text::from("bridge");
/// assert_eq!(text, "bridge");
/// assert!(text.starts_with("br"));
/// let owned: String = text.into();
/// # assert_eq!(owned, "bridge");
/// ```
#[derive(Clone)]
pub struct Text(Kept);

/// What fits beside a length in the room that a box and its tag take anyway.
const SHORT: usize = 22;

#[derive(Clone)]
enum Kept {
    Short(u8, [u8; SHORT]),
    Long(Box<str>),
}

impl Text {
    /// Return the text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Only whole strings are ever put there, so neither step can fail.
            Kept::Short(len, bytes) => bytes
                .get(..usize::from(*len))
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default(),
            Kept::Long(text) => text,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(text.as_bytes());
                Text(Kept::Short(len, bytes))
            }
            _ => Text(Kept::Long(text.into())),
        }
    }
}

impl Default for Text {
    fn default() -> Text {
        Text(Kept::Short(0, [0; SHORT]))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        match text.0 {
            Kept::Long(text) => text.into(),
            Kept::Short(..) => text.as_str().to_owned(),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Text) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Text) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Text, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text::from(text))
            }
        }
        d.deserialize_str(Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_what_they_were() {
        assert_eq!(size_of::<Text>(), size_of::<String>());
        for len in 0..40 {
            let text: String =
                "é-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF".chars().take(len).collect();
            let kept = Text::from(text.as_str());
            assert_eq!(kept, text);
            assert_eq!(matches!(kept.0, Kept::Short(..)), text.len() <= SHORT);
            assert_eq!(String::from(kept.clone()), text);
            assert_eq!(kept.cmp(&Text::from("é-b")), text.as_str().cmp("é-b"));
            assert_eq!(format!("{kept:?}|{kept:>50}"), format!("{text:?}|{text:>50}"));
        }
        assert_eq!(Text::default(), "");
        assert_eq!(serde_json::from_str::<Text>("\"a\\u0000b\"").unwrap(), "a\0b");
        assert!(serde_json::from_str::<Text>("7").is_err());
    }
}
