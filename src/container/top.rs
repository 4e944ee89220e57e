//! The processes of a container.

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Container, Unknown};
use crate::error::Error;
use crate::verb::verb;
use crate::wire::{Call, null_default};

/// The verb behind [`top`](Container#method.top).
///
/// ```no_run
/// # async fn f(web: bowline::Container<bowline::Running>) -> Result<(), bowline::Error> {
/// let processes = web.top().ps_args("-o pid,args").await?;
/// for command in processes.column("COMMAND") {
///     println!("{command}");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before this is awaited"]
pub struct Top {
    on: Container<Unknown>,
    ps_args: Option<String>,
}

/// The processes of a container, as `ps` on the engine's host lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Processes {
    /// What the columns are called: "PID", "CMD".
    pub titles: Vec<String>,
    /// For each process the values of the columns. Process ids are the host's.
    pub rows: Vec<Vec<String>>,
}

impl Processes {
    /// Go through the values of one column; none where there is no such column.
    pub fn column(&self, title: &str) -> impl Iterator<Item = &str> {
        let at = self.titles.iter().position(|t| t == title);
        self.rows.iter().filter_map(move |row| row.get(at?).map(String::as_str))
    }
}

impl Top {
    pub(super) fn new(on: Container<Unknown>) -> Top {
        Top { on, ps_args: None }
    }

    /// Set the options of `ps`, such as `-o pid,args`. A column of process ids must be among
    /// what they ask for. Unless set, `-ef`.
    pub fn ps_args(mut self, args: impl Into<String>) -> Top {
        self.ps_args = Some(args.into());
        self
    }

    fn call(&self) -> Call {
        self.on.get("top").maybe("ps_args", self.ps_args.as_ref())
    }

    async fn run(self) -> Result<Processes, Error> {
        let listed: Listed = self.on.transport.json(&self.call()).await?;
        Ok(listed.into())
    }
}

verb!(Top, on => Result<Processes, Error>);

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Listed {
    #[serde(deserialize_with = "null_default")]
    titles: Vec<String>,
    #[serde(deserialize_with = "null_default")]
    processes: Vec<Row>,
}

/// A row: its values, or all of them in one text.
#[derive(Debug)]
struct Row(Vec<String>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Row, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = Row;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a process")
            }
            fn visit_str<E>(self, line: &str) -> Result<Row, E> {
                Ok(Row(vec![line.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Row, A::Error> {
                let mut row = Vec::new();
                while let Some(value) = values.next_element::<Value>()? {
                    row.push(value.0);
                }
                Ok(Row(row))
            }
        }
        d.deserialize_any(Values)
    }
}

/// A value of a row. One that is no text is empty, so that the others stay in their columns.
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Value, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Value;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value(String::new()))
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value(String::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut odd: A) -> Result<Value, A::Error> {
                while odd.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value(String::new()))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut odd: A,
            ) -> Result<Value, A::Error> {
                while odd.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value(String::new()))
            }
        }
        d.deserialize_any(Text)
    }
}

impl From<Listed> for Processes {
    fn from(listed: Listed) -> Processes {
        let columns = listed.titles.len();
        let row = |Row(values): Row| match &values[..] {
            // Podman joins the values; only the last of them, the command, may hold blanks.
            [line] if columns > 1 => split(line, columns),
            _ => values,
        };
        Processes { rows: listed.processes.into_iter().map(row).collect(), titles: listed.titles }
    }
}

fn split(line: &str, columns: usize) -> Vec<String> {
    let mut rest = line.trim();
    let mut values = Vec::new();
    while values.len() + 1 < columns {
        let Some((value, after)) = rest.split_once(char::is_whitespace) else { break };
        values.push(value.to_owned());
        rest = after.trim_start();
    }
    values.push(rest.to_owned());
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn read(json: &str) -> Processes {
        wire::from_slice::<Listed>(json.as_bytes()).unwrap().into()
    }

    #[test]
    fn rows_in_every_shape() {
        let rows = [["1", "sh -c  ls"], ["2", "top"]];
        for shape in [
            r#"[["1","sh -c  ls"],["2","top"]]"#,
            r#"[["1 sh -c  ls"],["2\ttop "]]"#,
            r#"["  1   sh -c  ls","2 top"]"#,
        ] {
            let read = read(&format!(r#"{{"Titles":["PID","CMD"],"Processes":{shape},"New":1}}"#));
            assert_eq!(read.rows, rows, "{shape}");
            assert_eq!(read.column("CMD").collect::<Vec<_>>(), ["sh -c  ls", "top"]);
            assert_eq!(read.column("USER").count(), 0);
        }
    }

    #[test]
    fn odd_values_stay_in_their_columns() {
        let odd = r#"{"Titles":["PID","%CPU","CMD"],
            "Processes":[[7,0.5,"a"],[null,{"x":[1]},"b"],["3"],7,[]]}"#;
        let read = read(odd);
        assert_eq!(read.rows, [vec!["7", "0.5", "a"], vec!["", "", "b"], vec!["3"], vec![]]);
        assert_eq!(read.column("CMD").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(super::tests::read(r#"{"Titles":null,"Processes":null}"#), Processes::default());
        assert_eq!(
            super::tests::read(r#"{"Titles":["CMD"],"Processes":[["a b"]]}"#).rows,
            [["a b"]]
        );
    }
}
