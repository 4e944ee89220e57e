//! What tests share: a real engine, a scripted one, and a proxy that spoils what passes through.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod dockerd;
pub mod drops;
pub mod engine;
pub mod fake;
pub mod inside;
pub mod own_engine;
pub mod proxy;
pub mod pty;
pub mod registry;
pub mod service;
pub mod sshd;
pub mod tls;
pub mod watch;
pub mod web;
