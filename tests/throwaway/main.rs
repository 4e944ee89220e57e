//! Containers that are gone when you are, on a real engine: every way to end is taken for real, by
//! this program once more, and what is left is counted by label.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod blocking;
mod companions;
mod copies;
mod drops;
mod ends;
mod helper;
mod images;
mod kept;
mod leases;
mod prefix;
mod reuse;
mod services;
mod shared;
mod starts;
mod sweeps;
mod together;
mod ways;
