//! The Docker Engine, from Rust, with the container's life in the type system.

pub mod container;
pub mod docker;
pub mod error;
mod guard;
pub mod image;
mod stream;
pub mod system;
mod time;
mod transport;
mod verb;
mod wire;

pub use container::{
    CommitOptions, Condition, Container, ContainerId, ContainerName, ContainerSpec, Created,
    ExitStatus, Exited, Lookup, Output, Paused, Running, Status, TransitionError, Unknown,
};
pub use docker::{Connect, Docker};
pub use error::Error;
pub use image::Image;
pub use image::reference::{ImageId, ImageName, ImageRef, ImageRefError};
pub use stream::{Chunk, StdStream};
pub use time::{Timestamp, TimestampError};
pub use transport::{Host, Timeouts};
pub use wire::ApiVersion;
