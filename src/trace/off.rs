//! The same names as in `on`, for a build that tells nobody anything.

use crate::error::Error;
use crate::transport::Host;
use crate::wire::{ApiVersion, Call};

pub(crate) struct Span;

impl Span {
    #[inline]
    pub(crate) fn of(_: &Call, _: &Host) -> Span {
        Span
    }

    #[inline]
    pub(crate) fn around<F: Future>(&self, work: F) -> F {
        work
    }

    #[inline]
    pub(crate) fn answered(self, _: ApiVersion, _: Result<u16, &Error>, _: bool) -> Rest {
        Rest
    }
}

pub(crate) struct Rest;

impl Rest {
    #[inline]
    pub(crate) fn none() -> Rest {
        Rest
    }

    #[inline]
    pub(crate) fn whole(&mut self) {}

    #[inline]
    pub(crate) fn broken(&mut self) {}
}

#[inline]
pub(crate) fn in_clear(_: &Host) {}

#[cfg(feature = "tls")]
#[inline]
pub(crate) fn key_is_open(_: &std::path::Path) {}

#[inline]
pub(crate) fn dialled(_: &Host) {}

#[inline]
pub(crate) fn reused() {}

#[inline]
pub(crate) fn retried() {}

#[inline]
pub(crate) fn agreed(_: ApiVersion, _: ApiVersion) {}

#[inline]
pub(crate) fn resumed(_: u32) {}

#[inline]
pub(crate) fn followed_up(_: bool) {}
