//! Read on: docker commands in Rust, and the way here from other crates.
//!
//! - [`cookbook`]: the `docker` command on the left, the Rust on the right.
//! - [`coming_from_bollard`]: its calls and these.
//! - [`coming_from_testcontainers`]: its calls and these.
//! - [`course`]: the programs in `examples/`, in the order of a first day.
//!
//! This module holds documentation only; nothing of it is in a program.

mod recipes;

pub use recipes::cookbook;

#[doc = include_str!("guide/coming_from_bollard.md")]
pub mod coming_from_bollard {}

#[doc = include_str!("guide/coming_from_testcontainers.md")]
pub mod coming_from_testcontainers {}

#[doc = include_str!("guide/course.md")]
pub mod course {}
