//! Sizes as the docker command reads them: "512m", "1.5 GiB", 1024.

use crate::error::InvalidInput;

/// A number of bytes: a `u64`, or a text such as "512m" or "1.5g".
///
/// The units are `b`, `k`, `m`, `g`, `t` and `p`, in any case, and each is 1024 times the one
/// before; "kb" and "kib" say the same as "k". A text is read when the verb it was given to is
/// awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteSize(Repr);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Repr {
    Number(u64),
    Text(String),
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> ByteSize {
        ByteSize(Repr::Number(bytes))
    }
}

impl From<&str> for ByteSize {
    fn from(text: &str) -> ByteSize {
        ByteSize(Repr::Text(text.to_owned()))
    }
}

impl From<String> for ByteSize {
    fn from(text: String) -> ByteSize {
        ByteSize(Repr::Text(text))
    }
}

impl ByteSize {
    /// Return the number of bytes, as the engine takes it.
    pub(crate) fn bytes(&self, what: &'static str) -> Result<i64, InvalidInput> {
        let (bytes, said) = match &self.0 {
            Repr::Number(bytes) => {
                (i64::try_from(*bytes).map_err(|_| TOO_LARGE), bytes.to_string())
            }
            Repr::Text(text) => (parse(text), text.clone()),
        };
        bytes.map_err(|rule| InvalidInput::new(what, said, rule))
    }

    /// Return the number of bytes, or -1 where "-1" was said, which means without end.
    pub(crate) fn or_endless(&self, what: &'static str) -> Result<i64, InvalidInput> {
        match &self.0 {
            Repr::Text(text) if text == "-1" => Ok(-1),
            _ => self.bytes(what),
        }
    }
}

const SHAPE: &str =
    "must be a number of bytes with or without a unit, such as \"512m\" or \"1.5g\"";
const TOO_LARGE: &str = "is more bytes than an engine can count";

fn parse(text: &str) -> Result<i64, &'static str> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or(SHAPE)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return Err(SHAPE);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let unit = ["ib", "b"].iter().find_map(|end| unit.strip_suffix(end)).unwrap_or(&unit);
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(SHAPE),
    };
    // Exact in integers: a float would lose the last bytes of a large number.
    let scale = 1024_u128.pow(power);
    let whole = whole.parse::<u128>().ok().and_then(|n| n.checked_mul(scale)).ok_or(TOO_LARGE)?;
    // Beyond eighteen places no digit is worth a byte.
    let part = part.get(..18).unwrap_or(part);
    let fraction = match part.parse::<u128>() {
        Ok(n) => n * scale / 10_u128.pow(part.len() as u32),
        Err(_) => 0,
    };
    i64::try_from(whole.saturating_add(fraction)).map_err(|_| TOO_LARGE)
}
