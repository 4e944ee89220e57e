//! Replies from tomorrow's engine: what does not fit the model is dropped, value by value, and
//! never takes the whole reply with it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How many misfits one reply may hold before it counts as no reply of the kind expected.
const MISFITS: usize = 1_000;

/// Decode a reply. Where a value does not fit the model, leave out that value (the model's
/// default stands in for it) and try again; broken JSON stays an error.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    // Checked as UTF-8 once and whole, which is much cheaper than string by string.
    let decoded = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    let error = match decoded {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !error.is_data() {
        return Err(if bytes.is_empty() { "the body is empty".into() } else { error.to_string() });
    }
    let mut value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    for _ in 0..MISFITS {
        match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(decoded) => return Ok(decoded),
            Err(misfit) => {
                if !drop_at(&mut value, misfit.path()) {
                    return Err(error.to_string());
                }
            }
        }
    }
    Err(error.to_string())
}

/// Remove the value at `path`, or the nearest value around it that can be removed.
fn drop_at(root: &mut Value, path: &serde_path_to_error::Path) -> bool {
    use serde_path_to_error::Segment;
    let segments: Vec<&Segment> = path.iter().collect();
    for depth in (0..segments.len()).rev() {
        let (parents, rest) = segments.split_at(depth);
        let pointer: String = parents
            .iter()
            .map(|s| match s {
                Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
                Segment::Seq { index } => format!("/{index}"),
                _ => String::new(),
            })
            .collect();
        match (root.pointer_mut(&pointer), rest.first()) {
            (Some(Value::Object(map)), Some(Segment::Map { key })) if map.contains_key(key) => {
                map.remove(key);
                return true;
            }
            (Some(Value::Array(items)), Some(Segment::Seq { index })) if *index < items.len() => {
                items.remove(*index);
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Read `null` as the type's empty value, as the engine means it.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Deserialize, Debug, Default, PartialEq)]
    #[serde(default, rename_all = "PascalCase")]
    struct Row {
        id: String,
        size: i64,
        #[serde(deserialize_with = "null_default")]
        tags: Vec<String>,
        parts: BTreeMap<String, Row>,
    }

    #[test]
    fn a_misfit_costs_only_itself() {
        let rows: Vec<Row> = from_slice(
            br#"[{"Id":"a","Size":"big","Tags":null,"New":1},
                {"Id":"b","Size":3,"Tags":["x",7,"y"],"Parts":{"p/q~":{"Id":"c","Size":[]}}}]"#,
        )
        .unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].id.as_str(), rows[0].size), ("a", 0));
        assert_eq!((rows[1].size, &rows[1].tags), (3, &vec!["x".to_owned(), "y".into()]));
        assert_eq!(rows[1].parts["p/q~"], Row { id: "c".into(), ..Row::default() });
    }

    #[test]
    fn what_is_no_json_or_no_such_thing_is_an_error() {
        assert_eq!(from_slice::<Row>(b"").unwrap_err(), "the body is empty");
        assert!(from_slice::<Row>(b"{\"Id\":").unwrap_err().contains("EOF"));
        assert!(from_slice::<Row>(b"<html>").is_err());
        assert!(from_slice::<Row>(b"7").is_err());
        assert!(from_slice::<Vec<Row>>(b"{}").is_err());
    }
}
