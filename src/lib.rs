//! The Docker Engine, from Rust, with the container's life in the type system.
//!
//! ```no_run
//! use bowline::{ContainerSpec, Docker};
//!
//! # async fn f() -> Result<(), bowline::Error> {
//! let docker = Docker::connect().await?;
//!
//! // docker run --rm busybox ls -la
//! let listing = docker.run(ContainerSpec::new("busybox").cmd(["ls", "-la"]).rm()).output().await?;
//! print!("{}", listing.stdout_lossy());
//!
//! // docker run --detach, exec, stop, rm
//! let web = docker.run(ContainerSpec::new("busybox").cmd(["httpd", "-f"])).spawn().await?;
//! let ps = web.exec(["ps"]).await?;
//! print!("{}", ps.stdout_lossy());
//! let web = web.stop().await?;
//! println!("it ended with {}", web.status());
//! web.remove().await?;
//! # Ok(()) }
//! ```
//!
//! Tokio only. Made for engines that speak API 1.41 (Docker 20.10, Podman 4) or newer.
//!
//! | on | |
//! |---|---|
//! | Linux | tested with Docker 20.10; the tests of containers, runs, exec, logs, networks and volumes with Docker 28.5 (API 1.51) too. With Podman 4.3 most of those: it knows no fractions of a second in logs, no log attributes, and other refusals |
//! | macOS and other Unix | meant to work, and not tested |
//! | Windows | by named pipe or TCP; the default build is type-checked, and was never run. Without `throwaway`, `ssh`, `terminal` and `copy_out`; the end of a process's input cannot be told over a pipe |
//!
//! A docker command's Rust is found in [the cookbook](crate::guide::cookbook); whoever comes
//! [from bollard](crate::guide::coming_from_bollard) or
//! [from testcontainers](crate::guide::coming_from_testcontainers) finds the calls they know; and
//! [the course](crate::guide::course) teaches Docker by programs to run.
//!
//! # The life of a container
//!
//! ```text
//!  create ──▶ Created ──start──▶ Running ──pause──▶ Paused
//!                │                │ ▲ │ ◀─unpause──   │
//!                │         restart└─┘ │               │
//!               run                   │ stop, kill,   │
//!                │                    ▼ wait          │
//!                └────────────────▶ Exited ◀──────────┘
//!                                     │  start ──▶ Running
//!            remove (from any state)  ▼
//!                                   gone: there is no handle
//! ```
//!
//! [`Container<S>`](Container) is a container in state `S`. A verb exists only on the handle that
//! can perform it, a transition takes the handle and returns the next, and so this does not
//! compile:
//!
//! ```compile_fail
//! # async fn f(docker: bowline::Docker) -> Result<(), bowline::Error> {
//! let created = docker.create("busybox").await?;
//! created.exec(["ls"]).await?; // error: no method `exec` on `Container<Created>`;
//!                              // the method was found for `Container<Running>`
//! # Ok(()) }
//! ```
//!
//! The type says what this handle saw last, and the engine is the truth: a process may end at any
//! moment. A transition succeeds when the container is where it leads, also when it was there
//! already. When it fails, [`TransitionError`] gives the handle back, as one that claims nothing;
//! [`Container::lookup`] sorts it anew. What each verb comes to in each state is written down in
//! [`container`].
//!
//! # Values and verbs
//!
//! Everything here is one of two things:
//!
//! - **Values** say what is wanted or what was found: [`ContainerSpec`], [`CommitOptions`],
//!   [`ImageRef`], [`Timeouts`]. They hold no connection; they can be stored, cloned, compared.
//!   Setters are named after the CLI's flags, and never fail: a value that breaks a rule is
//!   refused at the first `.await` that uses it, before anything is sent, by an
//!   [`Error::InvalidInput`] that names it and the rule.
//! - **Verbs** do something: `docker.create(..)`, `web.exec(..)`, `docker.containers()`. They can be
//!   set further and are then awaited. Nothing is sent before.
//!
//! # Where things are
//!
//! | to | see |
//! |---|---|
//! | reach an engine | [`Docker::connect`], [`Connect`], [`Host`] |
//! | wait for one that is not up yet | [`Connect::wait`] |
//! | say what to create | [`ContainerSpec`] |
//! | run to the end, with output | [`Docker::run`], [`Output`], [`ExitStatus`] |
//! | create, start, stop, wait, remove | [`Docker::create`], [`Container`] |
//! | run a second process | [`Container::exec`](Container#method.exec) |
//! | talk to a process as it runs | [`Container::attach`], [`Exec::session`](container::Exec::session) |
//! | give it the local terminal: `docker run -it` | `container::terminal` (feature `terminal`) |
//! | list, filter, remove many, prune | [`Docker::containers`], [`Docker::prune_containers`] |
//! | find by name or unique id prefix | [`Docker::container`], [`Lookup`] |
//! | read logs | [`Container::logs`] |
//! | see what a container has changed | [`Container::changes`] |
//! | see its processes, watch what it uses | [`top`](Container#method.top), [`Container::stats`] |
//! | write its processes to disk and go on later | [`Container::checkpoint`](Container#method.checkpoint) |
//! | watch what happens on the engine | [`Docker::events`], [`events`] |
//! | make an image of a container | [`Container::commit`], [`CommitOptions`], [`Image`] |
//! | pull, push, tag and remove images | [`Docker::pull`], [`Image`] |
//! | list, search and prune images | [`Docker::images`], [`Docker::search`], [`Docker::prune_images`] |
//! | build from a Dockerfile | [`Docker::build`], [`BuildContext`] |
//! | save, load and import archives | [`Docker::save`], [`Docker::load`], [`Docker::import`] |
//! | put containers on a network of their own | [`Docker::create_network`], [`network`] |
//! | keep files beyond their container | [`Docker::create_volume`], [`volume`] |
//! | ask what the engine is and what it uses | [`Docker::info`], [`Docker::disk_usage`] |
//! | clear away what nobody uses | [`Docker::prune`] |
//! | install and set plugins | [`Docker::install_plugin`], [`plugin`] |
//! | call what has no verb here | [`Docker::raw`] |
//! | name an image | [`ImageRef`] |
//! | have a container for a test, gone when the test is | [`throwaway`] |
//! | do without `async` | `blocking` (feature `blocking`) |
//! | log in at a registry | [`Docker::login`], [`Credentials`] |
//! | tell errors apart | [`Error`] |
//! | limit the time | [`Timeouts`], and `.timeout(..)` on every verb |
//!
//! # Time-outs and cancellation
//!
//! Each part of a call has a limit of its own: connecting, the answer's beginning, the gap between
//! two pieces of it, and the whole ([`Timeouts`]). Waits and streams have none unless one is set on
//! the verb. The error says which limit it was.
//!
//! Any future of this crate may be dropped at any point: its connection is closed with it, and
//! never reused half-read. What the engine had begun it finishes; so a dropped
//! [`create`](Docker::create), [`run`](Docker::run) or [`commit`](Container::commit) is followed
//! up in the background, and what it made is removed. That needs the runtime to live on for a
//! moment.
//!
//! A request is sent a second time only if not a byte of it had left. Otherwise the error says
//! [`maybe_applied`](Error::maybe_applied).
//!
//! # Features
//!
//! - `throwaway`, on by default: containers, networks and volumes that are gone when their process
//!   is, in [`throwaway`].
//! - `blocking`, off by default: `.block()` beside every `.await`, for plain threads and `#[test]`
//!   functions, in `blocking`. It adds no crate.
//! - `tls`, off by default: engines behind TLS, by the docker command's variables, by contexts with
//!   keys, or by `Tls` in code. rustls with ring.
//! - `ssh`, off by default: `ssh://user@host`, by the system's own `ssh`, as the docker command does.
//! - `terminal`, off by default: the local terminal for a process in a container, with raw mode,
//!   window size and detach keys, in `container::terminal`.
//! - `tracing`, off by default: what the `tracing` crate's subscribers are told, all under the target
//!   `bowline`. A span `call` for each call, at the level DEBUG, has the fields `method`, `route` (such
//!   as `/containers/{id}/start`), `engine`, `api_version`, `status`, `elapsed_ms`, and `error`, which
//!   is one word; that of a stream ends with the answer's head, and an event tells when the stream
//!   did. Other events: a connection dialled or reused, a call retried on another connection, the
//!   version agreed, a lost stream resumed, a dropped call followed up. Never an id, a name, a query, a
//!   header, a body, or an engine's words.
//!
//! # How the crate is laid out
//!
//! Imports point down: `docker` (the engine, and the doors to the nouns) → `container/*`,
//! `image/*`, `network`, `volume`, `events`, `system` (handles and verbs, a file for each) → the
//! values → `transport`, `stream`, `registry`, `tty` (connections, pool, limits; frames; credentials;
//! the local terminal) → `wire`, `error` (requests as values, replies that drop what they do not
//! understand). `throwaway` and `blocking` stand above all of them, and are made of public names. Handles hold a
//! transport and never a `Docker`. Every verb builds its request in a pure function, which a
//! snapshot test can see, and sends it in one line.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(windows, any(feature = "ssh", feature = "terminal")))]
compile_error!("bowline's features `ssh` and `terminal` are for Unix");

#[cfg(any(feature = "blocking", feature = "throwaway"))]
mod aside;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
pub mod build;
mod config;
pub mod container;
pub mod docker;
pub mod error;
pub mod events;
mod guard;
#[cfg(all(any(doc, test), feature = "terminal", feature = "throwaway"))]
#[cfg_attr(docsrs, doc(cfg(all())))]
pub mod guide;
pub mod image;
mod labels;
mod local;
pub mod network;
mod options;
mod pieces;
pub mod plugin;
pub mod raw;
pub mod registry;
mod stream;
pub mod system;
mod tar;
mod text;
#[cfg(all(feature = "throwaway", unix))]
#[cfg_attr(docsrs, doc(cfg(feature = "throwaway")))]
pub mod throwaway;
mod time;
mod trace;
mod transport;
#[cfg(feature = "terminal")]
mod tty;
mod verb;
pub mod volume;
mod wire;

pub use build::BuildContext;
pub use container::{
    CommitOptions, Condition, Container, ContainerId, ContainerName, ContainerSpec, Created,
    ExitStatus, Exited, Lookup, Output, Paused, Running, Status, TransitionError, Unknown,
};
pub use docker::{Connect, Docker};
pub use error::Error;
pub use image::Image;
pub use image::reference::{ImageId, ImageName, ImageRef, ImageRefError};
pub use labels::Labels;
pub use network::{Network, NetworkSpec};
pub use options::DriverOptions;
pub use registry::Credentials;
pub use stream::{Chunk, LogLine, StdStream, TarStream};
pub use text::Text;
#[cfg(all(feature = "throwaway", unix))]
#[cfg_attr(docsrs, doc(cfg(feature = "throwaway")))]
pub use throwaway::Throwaway;
pub use time::{Timestamp, TimestampError};
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub use transport::Tls;
pub use transport::{DockerContext, Host, Timeouts};
pub use volume::{Volume, VolumeSpec};
pub use wire::ApiVersion;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
