//! What an image is built from: [`BuildContext`].

mod context;
mod ignore;
mod packed;
mod plan;
mod secret;
mod walk;

pub use context::BuildContext;
pub(crate) use ignore::Ignore;
pub use packed::ContextTar;
pub(crate) use walk::{Notes, Walk, entry, open_file};
pub use walk::{SkipReason, Skipped};
