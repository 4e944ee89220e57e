//! What happens on a real engine. Needs one: `scripts/with-engine cargo test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod life;
mod spec;
