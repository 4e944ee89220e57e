//! What the local system's files have that Unix and Windows tell in ways of their own.

#[cfg(unix)]
mod unix;

#[cfg(windows)]
mod windows;

/// What is neither file nor folder nor link.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(windows, allow(dead_code, reason = "std tells of none there"))]
pub(crate) enum Special {
    Socket,
    Pipe,
    Device,
}

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;
