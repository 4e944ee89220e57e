//! What travels: requests as values, and the shapes of replies. Imports nothing of the crate.

mod call;
mod filters;
mod raw;
mod tolerant;
mod version;

pub(crate) use call::{Call, Patience};
pub(crate) use filters::Filters;
/// Methods, as calls have them.
pub(crate) use hyper::Method;
/// Headers for all who set or read one; below this, only `transport` knows of hyper.
pub(crate) use hyper::header::{HeaderMap, HeaderName, HeaderValue};
pub(crate) use raw::{Raw, rows};
pub(crate) use tolerant::{from_slice, null_default};
pub use version::ApiVersion;
