//! Raw mode: every key goes through as it is typed. It is given back on every way out.
//!
//! A return, an error and a dropped future give it back by [`RawMode`]'s drop, and so does a panic
//! that unwinds. A hook does so before a panic is reported, so that the report can be read, and
//! also where a panic aborts. For signals there is a thread, so that it does not matter what the
//! runtime is at: it gives the terminal back and then does what the signal does where nobody
//! handles it. A handler cannot be taken back, so the thread goes on with that after the session.

use std::io::{self, stdin};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode, is_raw_mode_enabled};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::terminal_error;
use crate::error::Error;

/// One for the process, as its terminal is.
static STATE: Mutex<State> = Mutex::new(State { held: false, before: false, watched: false });

struct State {
    /// A session has the terminal.
    held: bool,
    /// The program had it raw already, and goes on with it so.
    before: bool,
    /// Panics and signals are looked after.
    watched: bool,
}

fn state() -> MutexGuard<'static, State> {
    // Nothing in here can be left half-done by a panic.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The local terminal in raw mode, for as long as this lives.
#[derive(Debug)]
pub(crate) struct RawMode(());

impl RawMode {
    /// Put the terminal that is standard input into raw mode.
    pub(crate) fn enter() -> Result<RawMode, Error> {
        let mut state = state();
        if state.held {
            let taken = io::Error::other("another session of this program has it");
            return Err(terminal_error("set raw mode")(taken));
        }
        if !state.watched {
            watch().map_err(terminal_error("watch for signals"))?;
            state.watched = true;
        }
        state.before = is_raw();
        enable_raw_mode().map_err(terminal_error("set raw mode"))?;
        state.held = true;
        Ok(RawMode(()))
    }

    /// Set it anew where a panic elsewhere in the program has ended it: that this is called shows
    /// that the session outlives it.
    pub(crate) fn renew(&self) {
        let _state = state();
        if !is_raw() && is_ours() {
            // The terminal is gone otherwise, and the next read says so.
            let _ = enable_raw_mode();
        }
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let mut state = state();
        state.held = false;
        if !state.before {
            give_back();
        }
    }
}

fn is_raw() -> bool {
    // On Unix it does not fail.
    is_raw_mode_enabled().unwrap_or(false)
}

/// Say whether the terminal listens to us: to set it from the background would stop the process.
fn is_ours() -> bool {
    // Where it is not the terminal of our session there are no others to be in the way.
    tcgetpgrp(stdin()).map_or(true, |foreground| foreground == getpgrp())
}

fn give_back() {
    if is_ours() {
        // It fails where the terminal is gone, and then there is nobody to tell.
        let _ = disable_raw_mode();
    }
}

fn watch() -> io::Result<()> {
    let mut signals =
        Signals::new(unhandled([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT]))?;
    let watcher = std::thread::Builder::new().name("bowline-terminal".to_owned());
    watcher.spawn(move || signals.forever().for_each(received))?;
    if !std::thread::panicking() {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if state().held {
                give_back();
            }
            before(info);
        }));
    }
    Ok(())
}

fn received(signal: i32) {
    // Held until the end of the process, so that no session makes the terminal raw again.
    let state = state();
    if state.held && signal == SIGCONT {
        // Whoever had the terminal meanwhile has set it as they like it.
        if is_ours() {
            let _ = disable_raw_mode().and_then(|()| enable_raw_mode());
        }
        return;
    }
    if state.held {
        give_back();
    }
    // Does not return but for SIGTSTP, and there once the process goes on; SIGCONT comes next.
    let _ = emulate_default_handler(signal);
}

/// Leave out the signals that the program handles or ignores itself. Only Linux tells.
fn unhandled(signals: impl IntoIterator<Item = i32>) -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let taken = taken(&status);
    signals.into_iter().filter(|signal| taken & (1 << (signal - 1)) == 0).collect()
}

fn taken(status: &str) -> u64 {
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
    };
    mask("SigIgn:") | mask("SigCgt:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_looked_after_is_left_alone() {
        let status = "Name:\tx\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000001001\n\
                      SigCgt:\t0000000180004002\n";
        let taken = taken(status);
        let free = |signal: i32| taken & (1 << (signal - 1)) == 0;
        assert!(!free(SIGHUP) && !free(SIGINT) && !free(SIGTERM) && free(SIGQUIT) && free(SIGTSTP));
        assert_eq!(super::taken("no such thing"), 0);
    }
}
