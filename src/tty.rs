//! The terminal this program was started from: its raw mode, its size, and what is typed at it.

mod input;
mod keys;
mod raw;

use std::io::{self, IsTerminal, stdin, stdout};

pub(crate) use input::Input;
pub(crate) use keys::DetachKeys;
pub(crate) use raw::RawMode;

use crate::error::{Error, TerminalError};

/// Say what was being done at the terminal.
pub(crate) fn terminal_error(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Terminal(TerminalError { what, error })
}

/// The terminal was closed: a read gives nothing, which raw mode does not otherwise do.
pub(crate) fn hung_up() -> Error {
    let error = io::Error::new(io::ErrorKind::UnexpectedEof, "it was hung up");
    terminal_error("read standard input")(error)
}

/// Return rows and columns. None where there is no terminal, or none that knows its size.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = match stdout().is_terminal() {
        true => rustix::termios::tcgetwinsize(stdout()),
        false => rustix::termios::tcgetwinsize(stdin()),
    };
    let size = size.ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}
