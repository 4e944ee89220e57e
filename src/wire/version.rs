//! The Engine API's version number.

use std::fmt;
use std::str::FromStr;

/// A version of the Engine API, such as 1.41.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// The oldest version that this crate speaks (Docker 20.10).
    pub const OLDEST: ApiVersion = ApiVersion::new(1, 41);
    /// The newest version that this crate speaks.
    pub const NEWEST: ApiVersion = ApiVersion::new(1, 55);

    /// Name a version by its two numbers.
    pub const fn new(major: u16, minor: u16) -> ApiVersion {
        ApiVersion { major, minor }
    }

    pub(crate) fn to_bits(self) -> u32 {
        u32::from(self.major) << 16 | u32::from(self.minor)
    }

    pub(crate) fn from_bits(bits: u32) -> ApiVersion {
        ApiVersion { major: (bits >> 16) as u16, minor: bits as u16 }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Debug for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an API version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an API version is MAJOR.MINOR, such as 1.41")]
pub struct ApiVersionError;

impl FromStr for ApiVersion {
    type Err = ApiVersionError;

    /// Parse "1.41", also with a leading "v" and blanks around it, as the CLI does.
    fn from_str(s: &str) -> Result<ApiVersion, ApiVersionError> {
        let s = s.trim();
        let s = s.strip_prefix('v').unwrap_or(s);
        let (major, minor) = s.split_once('.').ok_or(ApiVersionError)?;
        let number = |t: &str| -> Result<u16, ApiVersionError> {
            if t.is_empty() || !t.bytes().all(|b| b.is_ascii_digit()) {
                return Err(ApiVersionError);
            }
            t.parse().map_err(|_| ApiVersionError)
        };
        Ok(ApiVersion { major: number(major)?, minor: number(minor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_as_the_cli_does() {
        assert_eq!(" v1.43 ".parse(), Ok(ApiVersion::new(1, 43)));
        assert_eq!(ApiVersion::from_bits(ApiVersion::NEWEST.to_bits()), ApiVersion::NEWEST);
        for bad in ["", "1", "abc", "1.", ".4", "1.4.0", "1.+4", "-1.4", "1.99999"] {
            assert_eq!(bad.parse::<ApiVersion>(), Err(ApiVersionError), "{bad}");
        }
        assert!(ApiVersion::new(1, 9) < ApiVersion::OLDEST);
    }
}
