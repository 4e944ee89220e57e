//! What happens on a real engine. Needs one: `scripts/with-engine cargo test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod attach;
mod build;
mod cancel;
mod checkpoint;
mod commit;
mod copy;
mod dk;
mod drift;
mod events;
mod exec;
mod find;
mod ignore;
mod image_ref;
mod images;
mod killed;
mod life;
mod login;
mod logs;
mod model;
mod network;
mod proxied;
#[cfg(feature = "throwaway")]
mod reached;
#[cfg(feature = "throwaway")]
mod ready;
mod runs;
mod spec;
mod ssh;
mod stats;
#[cfg(feature = "throwaway")]
mod story;
mod system;
mod terminal;
mod tls;
mod top;
mod tutorials;
mod volume;
mod ways;
