//! Replies from tomorrow's engine: what does not fit the model is dropped, value by value, and
//! never takes the whole reply with it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How many misfits one reply may hold before it counts as no reply of the kind expected.
const MISFITS: usize = 1_000;

/// Decode a reply. Where a value does not fit the model, leave out that value (the model's
/// default stands in for it) and try again; broken JSON stays an error.
///
/// The error speaks of JSON: where the reply does not fit, what is there, and what was expected.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    // Checked as UTF-8 once and whole, which is much cheaper than string by string.
    let decoded = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    match decoded {
        Ok(value) => return Ok(value),
        Err(error) if error.is_data() => {}
        Err(_) if bytes.is_empty() => return Err("the body is empty".into()),
        Err(error) => return Err(error.to_string()),
    }
    let mut value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let mut first = None;
    for _ in 0..MISFITS {
        match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(decoded) => return Ok(decoded),
            Err(misfit) => {
                let what = describe(&misfit);
                if !drop_at(&mut value, misfit.path()) {
                    return Err(what);
                }
                first.get_or_insert(what);
            }
        }
    }
    Err(format!("more than {MISFITS} values do not fit; first {}", first.unwrap_or_default()))
}

/// Put a misfit into words without naming our own types.
///
/// serde has no other account of it than a text. What of that text is not known here is left out,
/// so that neither a type nor a value, which may be a secret, is shown.
fn describe(misfit: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let said = misfit.inner().to_string();
    let place = match misfit.path().iter().next() {
        Some(_) => format!("at {}", misfit.path()),
        None => "at its root".to_owned(),
    };
    if let Some(rest) = said.strip_prefix("missing field `") {
        let field = rest.split('`').next().unwrap_or_default();
        return format!("\"{field}\" is missing {place}");
    }
    let known = |words: &[(&str, &'static str)], text: &str| {
        words.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, is)| *is)
    };
    let found = said.split_once(": ").and_then(|(_, rest)| known(FOUND, rest));
    let wanted = said.rsplit_once(", expected ").and_then(|(_, rest)| known(WANTED, rest));
    let found = found.unwrap_or("a value");
    match wanted {
        Some(wanted) => format!("{found} is {place} where {wanted} was expected"),
        None => format!("{found} {place} does not fit"),
    }
}

/// How serde calls what is there, by its first words.
const FOUND: &[(&str, &str)] = &[
    ("null", "null"),
    ("boolean", "a boolean"),
    ("integer", "a number"),
    ("floating point", "a number"),
    ("number", "a number"),
    ("string", "a string"),
    ("sequence", "an array"),
    ("map", "an object"),
    ("unit", "null"),
];

/// How serde calls what it expected, by its first words; `struct X` and the like say the type.
const WANTED: &[(&str, &str)] = &[
    ("struct ", "an object"),
    ("a map", "an object"),
    ("map", "an object"),
    ("internally tagged", "an object"),
    ("a sequence", "an array"),
    ("tuple ", "an array"),
    ("an array", "an array"),
    ("a tuple", "an array"),
    ("a string", "a string"),
    ("a borrowed string", "a string"),
    ("string", "a string"),
    ("a text", "a string"),
    ("enum ", "a string"),
    ("variant ", "a string"),
    ("a boolean", "a boolean"),
    ("unit", "null"),
    ("f64", "a number"),
    ("i32", "a whole number"),
    ("i64", "a whole number"),
    ("u16", "a whole number that is not negative"),
    ("u32", "a whole number that is not negative"),
    ("u64", "a whole number that is not negative"),
    ("usize", "a whole number that is not negative"),
];

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

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "PascalCase")]
    struct Strict {
        #[allow(dead_code)]
        pid: u32,
    }

    #[derive(Deserialize, Debug)]
    enum Kind {
        One,
    }

    #[test]
    fn a_misfit_is_told_without_our_types_and_without_its_value() {
        let said = |e: String| {
            assert!(!e.contains("canary") && !e.contains("Row") && !e.contains("Strict"), "{e}");
            e
        };
        let row = |json: &str| said(from_slice::<Row>(json.as_bytes()).unwrap_err());
        assert_eq!(row("7"), "a number is at its root where an object was expected");
        assert_eq!(
            row("\"canary, expected i\""),
            "a string is at its root where an object was expected"
        );
        assert_eq!(row("true"), "a boolean is at its root where an object was expected");
        assert_eq!(row("null"), "null is at its root where an object was expected");
        let rows = |json: &str| said(from_slice::<Vec<Row>>(json.as_bytes()).unwrap_err());
        assert_eq!(
            rows("{\"message\":\"canary\"}"),
            "an object is at its root where an array was expected"
        );
        let strict = |json: &str| said(from_slice::<Strict>(json.as_bytes()).unwrap_err());
        assert_eq!(strict("{}"), "\"Pid\" is missing at its root");
        // Left out, it is missing.
        assert_eq!(strict("{\"Pid\":\"canary\"}"), "\"Pid\" is missing at its root");
        let said = |e: String| assert_eq!(e, "a value at its root does not fit");
        said(from_slice::<Kind>(b"\"canary\"").unwrap_err());
        assert!(from_slice::<Vec<u32>>(b"[-1, 1.5, 3]").unwrap() == [3]);
        let many = format!("[{}7]", "\"canary\",".repeat(MISFITS + 1));
        assert_eq!(
            from_slice::<Vec<u32>>(many.as_bytes()).unwrap_err(),
            "more than 1000 values do not fit; first a string is at [0] where a whole number that is not negative was expected"
        );
    }
}
