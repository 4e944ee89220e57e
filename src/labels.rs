//! The labels of what an engine keeps.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};

/// Labels, as the engine lists them: keys and values.
///
/// All are kept in one text, so that a list of many containers stays cheap. They are in the order
/// in which the engine gave them, which for Docker is that of the keys.
///
/// ```no_run
/// # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
/// for c in docker.containers().label("com.docker.compose.project").await? {
///     println!("{} is {:?}", c.name, c.labels.get("com.docker.compose.service"));
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Keys and values, one after the other.
    text: String,
    /// Where in it each key and each value ends.
    ends: Vec<u32>,
}

impl Labels {
    /// Return the value of a label; "" for a label that has none.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// Go through the labels: keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        let mut next = move |end: &u32| {
            let piece = self.text.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            piece
        };
        self.ends.chunks_exact(2).filter_map(move |pair| match pair {
            [key, value] => Some((next(key), next(value))),
            _ => None,
        })
    }

    /// Return how many there are.
    pub fn len(&self) -> usize {
        self.ends.len() / 2
    }

    /// Say whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn push(&mut self, piece: &str) {
        if self.ends.is_empty() {
            // Room for what most containers carry, in one go.
            self.text.reserve(160);
            self.ends.reserve(8);
        }
        self.text.push_str(piece);
        // An answer is far below 4 GiB; beyond that, labels would be read as empty.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Labels, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Labels;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Labels::default();
                while map.next_key_seed(Piece(&mut labels))?.is_some() {
                    map.next_value_seed(Piece(&mut labels))?;
                }
                Ok(labels)
            }
        }
        d.deserialize_map(All)
    }
}

/// A key or a value, put where it belongs as it is read.
struct Piece<'a>(&'a mut Labels);

impl<'de> DeserializeSeed<'de> for Piece<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl Visitor<'_> for Piece<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, piece: &str) -> Result<(), E> {
        self.0.push(piece);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push("");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn labels_are_found_again() {
        let text = br#"{"b":"1","a":"","\u00e9\n":"x=y","long.key.of.some.length":null}"#;
        let labels: Labels = wire::from_slice(text).unwrap();
        assert_eq!((labels.len(), labels.is_empty()), (4, false));
        assert_eq!(labels.get("b"), Some("1"));
        assert_eq!((labels.get("a"), labels.get("")), (Some(""), None));
        assert_eq!(labels.get("é\n"), Some("x=y"));
        let all: Vec<_> = labels.iter().collect();
        assert_eq!(all.last(), Some(&("long.key.of.some.length", "")));
        assert_eq!(
            format!("{labels:?}"),
            r#"{"b": "1", "a": "", "é\n": "x=y", "long.key.of.some.length": ""}"#
        );
        // One that is no text costs only itself.
        let labels: Labels = wire::from_slice(br#"{"a":"1","b":[7],"c":"3"}"#).unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("c", "3")]);
        assert!(wire::from_slice::<Labels>(b"{}").unwrap().is_empty());
    }
}
