//! What an image is built from: [`BuildContext`].

mod context;
mod ignore;
mod packed;
mod plan;
mod walk;

pub use context::BuildContext;
pub(crate) use ignore::Ignore;
pub use packed::ContextTar;
pub use walk::{SkipReason, Skipped};
pub(crate) use walk::{Walk, entry, open_file};
