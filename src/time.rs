//! Moments, as the engine writes them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer};

/// A moment: seconds and nanoseconds since 1970 (UTC).
///
/// Parses and prints RFC 3339. The engine's "never" (the year 1) is `None` wherever it can occur.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    secs: i64,
    nanos: u32,
}

impl Timestamp {
    /// Name a moment by seconds since 1970.
    pub const fn from_secs(secs: i64) -> Timestamp {
        Timestamp { secs, nanos: 0 }
    }

    /// Name a moment by nanoseconds since 1970.
    pub const fn from_nanos(nanos: i64) -> Timestamp {
        let secs = nanos.div_euclid(1_000_000_000);
        Timestamp { secs, nanos: nanos.rem_euclid(1_000_000_000) as u32 }
    }

    /// Return the whole seconds since 1970; negative before.
    pub const fn secs(self) -> i64 {
        self.secs
    }

    /// Return the nanoseconds within the second.
    pub const fn subsec_nanos(self) -> u32 {
        self.nanos
    }

    /// Return the time from `earlier` to this moment; zero where that is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        let nanos = |t: Timestamp| i128::from(t.secs) * 1_000_000_000 + i128::from(t.nanos);
        let gap = nanos(self) - nanos(earlier);
        u64::try_from(gap).map_or(Duration::ZERO, Duration::from_nanos)
    }

    /// The moment that was so long before this one.
    pub(crate) fn before(self, gap: Duration) -> Timestamp {
        let borrow = i64::from(self.nanos < gap.subsec_nanos());
        let nanos = self.nanos + 1_000_000_000 * borrow as u32 - gap.subsec_nanos();
        let secs = i64::try_from(gap.as_secs()).unwrap_or(i64::MAX).saturating_add(borrow);
        Timestamp { secs: self.secs.saturating_sub(secs), nanos }
    }

    /// Read the date of an HTTP header, as servers write it: `Wed, 25 Nov 2026 00:20:06 GMT`.
    pub(crate) fn from_http(date: &str) -> Option<Timestamp> {
        let (_, date) = date.split_once(", ")?;
        let mut parts = date.strip_suffix(" GMT")?.split(' ');
        let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = months.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
        format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
    }

    /// Return the moment as the engine's log endpoints take it: `1700000000.000000001`.
    pub(crate) fn to_query(self) -> String {
        format!("{}.{:09}", self.secs, self.nanos)
    }

    /// The engine writes the year 1 where it means never.
    fn is_never(self) -> bool {
        self.secs <= -62_135_596_800
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Timestamp {
        match time.duration_since(UNIX_EPOCH) {
            Ok(d) => Timestamp { secs: d.as_secs() as i64, nanos: d.subsec_nanos() },
            Err(e) => {
                let d = e.duration();
                let up = i64::from(d.subsec_nanos() > 0);
                let nanos = (1_000_000_000 - d.subsec_nanos()) % 1_000_000_000;
                Timestamp { secs: -(d.as_secs() as i64) - up, nanos }
            }
        }
    }
}

/// A text that is not a moment in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a moment in RFC 3339, such as 2026-11-24T10:52:00.5Z")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(s: &str) -> Result<Timestamp, TimestampError> {
        parse(s.as_bytes()).ok_or(TimestampError)
    }
}

fn parse(s: &[u8]) -> Option<Timestamp> {
    let (date, rest) = s.split_at_checked(19)?;
    let number = |from: usize, to: usize| -> Option<i64> {
        date.get(from..to)?
            .iter()
            .try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let mark = |at: usize, set: &[u8]| date.get(at).is_some_and(|b| set.contains(b));
    if !(mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ") && mark(13, b":") && mark(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut zone = rest;
    let mut nanos: u32 = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for at in 0..9 {
            let digit = fraction.get(at).filter(|_| at < digits).map_or(0, |b| b - b'0');
            nanos = nanos * 10 + u32::from(digit);
        }
        zone = fraction.get(digits..)?;
    }
    let offset = match zone {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let digits = [h1, h2, m1, m2];
            if !digits.iter().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let of = |a: &u8, b: &u8| i64::from(a - b'0') * 10 + i64::from(b - b'0');
            let seconds = of(h1, h2) * 3600 + of(m1, m2) * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let secs = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp { secs: secs - offset, nanos })
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, counting years from March so that a leap day ends one.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.secs.div_euclid(86_400));
        let second = self.secs.rem_euclid(86_400);
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}")?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Read a moment in either of the engine's spellings; "never" and nonsense are `None`.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    struct Spelling;
    impl serde::de::Visitor<'_> for Spelling {
        type Value = Option<Timestamp>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a moment")
        }
        fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
            Ok(parse(s.as_bytes()).filter(|t| !t.is_never()))
        }
        fn visit_i64<E>(self, secs: i64) -> Result<Self::Value, E> {
            Ok(Some(Timestamp::from_secs(secs)))
        }
        fn visit_u64<E>(self, secs: u64) -> Result<Self::Value, E> {
            Ok(i64::try_from(secs).ok().map(Timestamp::from_secs))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    d.deserialize_any(Spelling)
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        lenient(d)?.ok_or_else(|| serde::de::Error::custom(TimestampError))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_every_spelling() {
        let t = |s: &str| s.parse::<Timestamp>();
        assert_eq!(t("1970-01-01T00:00:00Z"), Ok(Timestamp::from_secs(0)));
        assert_eq!(
            t("2000-02-29T23:59:59.5Z"),
            Ok(Timestamp { secs: 951_868_799, nanos: 500_000_000 })
        );
        assert_eq!(t("2000-03-01T01:59:59+02:00"), Ok(Timestamp::from_secs(951_868_799)));
        assert_eq!(t("1969-12-31T23:59:59.000000001Z").unwrap().secs(), -1);
        for odd in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-11-24",
            "2026-11-24T10:00:00",
            "2026-13-01T00:00:00Z",
            "2026-11-24T10:00:00.Z",
            "2026-11-24T24:00:00Z",
            "é026-11-24T10:00:00Z",
            "Tue Sep 15 11:02:57 2026",
        ] {
            assert_eq!(t(odd), Err(TimestampError), "{odd}");
        }
        assert_eq!(Timestamp { secs: 1, nanos: 20 }.to_query(), "1.000000020");
        assert_eq!(
            t("2026-01-01T00:00:00Z").unwrap().since(t("2026-01-01T00:00:01Z").unwrap()),
            Duration::ZERO
        );
    }

    #[test]
    fn moments_by_nanoseconds_and_by_http() {
        let t = |s: &str| s.parse::<Timestamp>().unwrap();
        let late = Timestamp::from_nanos(1_795_565_998_867_086_066);
        assert_eq!(late, t("2026-11-25T00:19:58.867086066Z"));
        assert_eq!(Timestamp::from_nanos(-1), t("1969-12-31T23:59:59.999999999Z"));
        assert_eq!(late.before(Duration::from_millis(1_900)), t("2026-11-25T00:19:56.967086066Z"));
        assert_eq!(late.before(Duration::from_secs(1)), t("2026-11-25T00:19:57.867086066Z"));
        assert!(late.before(Duration::MAX) < late);
        let http = Timestamp::from_http;
        assert_eq!(http("Wed, 25 Nov 2026 00:20:06 GMT"), Some(t("2026-11-25T00:20:06Z")));
        for odd in ["", "Wed, 25 Nov 2026 00:20:06 CET", "Wed, 25 anF 2026 00:20:06 GMT", "Wed, 5"]
        {
            assert_eq!(http(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_year_one_is_never() {
        let read = |s: &str| lenient(&mut serde_json::Deserializer::from_str(s)).unwrap();
        assert_eq!(read("\"0001-01-01T00:00:00Z\""), None);
        assert_eq!(read("null"), None);
        assert_eq!(read("\"Tue Sep 15\""), None);
        assert_eq!(read("17"), Some(Timestamp::from_secs(17)));
    }

    proptest::proptest! {
        #[test]
        fn printed_and_parsed_again(secs in -60_000_000_000i64..250_000_000_000, nanos in 0u32..1_000_000_000) {
            let t = Timestamp { secs, nanos };
            proptest::prop_assert_eq!(t.to_string().parse::<Timestamp>(), Ok(t));
        }
    }
}
