//! Answers as they came, for what is not modelled.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::from_slice;

/// An answer, or a row of one, as it came. It may hold secrets: `Debug` shows none of it.
#[derive(Clone, Default)]
pub(crate) struct Raw(pub(crate) Bytes);

impl Raw {
    /// Read it as JSON; null where there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

/// Decode the rows of a list, and keep what each came as. A row that is none of the kind is left
/// out.
pub(crate) fn rows<T: DeserializeOwned>(rows: &[Value], keep: impl Fn(T, Raw) -> T) -> Vec<T> {
    let row = |value: &Value| {
        let raw = Raw(serde_json::to_vec(value).ok()?.into());
        let row = T::deserialize(value).or_else(|_| from_slice(&raw.0).map_err(|_| ())).ok()?;
        Some(keep(row, raw))
    };
    rows.iter().filter(|value| value.is_object()).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Row {
        id: String,
        size: u64,
        #[serde(skip)]
        raw: Raw,
    }

    #[test]
    fn rows_are_kept_as_they_came() {
        let all: Vec<Value> =
            from_slice(br#"[{"id":"a","size":"big","new":[1]},7,null,{"id":"b","size":2}]"#)
                .unwrap();
        let all: Vec<Row> = rows(&all, |row, raw| Row { raw, ..row });
        assert_eq!(
            all.iter().map(|r| (r.id.as_str(), r.size)).collect::<Vec<_>>(),
            [("a", 0), ("b", 2)]
        );
        assert_eq!(all[0].raw.json()["new"][0], 1);
        assert_eq!(format!("{:?}", all[1].raw), "<19 bytes>");
        assert_eq!(Raw::default().json(), Value::Null);
    }
}
