//! What the crate does against a scripted daemon: no engine is needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod runtimes;
mod timeouts;
