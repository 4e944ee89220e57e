//! What runs before `main` in every program that uses throwaway containers: a look at one variable.
//!
//! The process that cleans up is this very program once more, because no other is sure to be there,
//! and the one place at which a library can turn a program into another is before its `main`: a
//! test binary's belongs to libtest. Where the variable is not set, all that happens is the look.
#![allow(
    unsafe_code,
    reason = "a function is run before main by the section it stands in, and four calls of the \
              system have no safe wrapper"
)]

use std::env;
use std::ffi::OsString;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};

/// Names the record to hold. Set for the lease's process alone.
pub(super) const HOLD: &str = "BOWLINE_LEASE_HOLDS";

static RAN: AtomicBool = AtomicBool::new(false);

#[used]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static HOOK: extern "C" fn() = before_main;

/// Say whether the hook ran in this process: then it runs in this program's next process too.
pub(super) fn ran() -> bool {
    RAN.load(Ordering::Relaxed)
}

/// Have this done when the process ends by itself: by `exit`, or with `main`.
pub(in crate::throwaway) fn at_exit(work: extern "C" fn()) {
    // SAFETY: the function is this program's own, and does not unwind. Where there is no room for
    // one more, the end is not seen.
    unsafe { libc::atexit(work) };
}

extern "C" fn before_main() {
    RAN.store(true, Ordering::Relaxed);
    if let Some(record) = env::var_os(HOLD) {
        be_the_lease(record);
    }
}

fn be_the_lease(record: OsString) -> ! {
    // A terminal, a shutdown and whoever ends the whole process tree end the user's process by
    // these, and that is when there is work to do. A write to an engine that hung up is an error,
    // as it is after `main` began.
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE] {
        // SAFETY: to ignore a signal installs no handler; there is one thread, and it is here.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // What the user's program left open to its children is not for this one: somebody may wait for
    // its end. Where the kernel does not know the call, it stays open.
    #[cfg(target_os = "linux")]
    // SAFETY: nothing of this process's own is open yet but the first three.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
    let done = catch_unwind(|| super::hold(record.into()));
    // SAFETY: it does not return. The program's own exit handlers are not run: what they would end
    // has not begun.
    unsafe { libc::_exit(i32::from(!done.unwrap_or(false))) }
}
