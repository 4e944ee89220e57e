//! What the crate does against a scripted daemon: no engine is needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod attach;
mod backpressure;
mod blocking;
mod checkpoint;
mod child;
mod connect;
mod connections;
mod dropped;
mod ended;
mod endpoints;
mod faults;
mod framing;
mod progress;
mod prune;
mod raw;
mod ready;
mod recorded;
mod refusals;
mod resume;
mod routes;
mod runtimes;
mod secrets;
mod timeouts;
mod tls;
mod uploads;
mod versions;
mod watched;
