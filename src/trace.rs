//! What a `tracing` subscriber is told; nothing at all, at no cost, without the feature of that name.
//!
//! Said are a call's method, the pattern of its path, the engine's address, the API version, the
//! status and the time it took. Nothing else of a call is ever handed on from here: no id, name, query,
//! header or body, and of an error its kind alone, since an engine's words may repeat what it was
//! sent.

#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;
#[cfg(feature = "tracing")]
mod routes;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::*;
#[cfg(feature = "tracing")]
pub(crate) use on::*;
