//! The Docker Engine, from Rust, with the container's life in the type system.

pub mod error;
pub mod image;
mod wire;

pub use error::Error;
pub use wire::ApiVersion;

/// The exit status.
#[derive(Debug)]
pub struct ExitStatus;
