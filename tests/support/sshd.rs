//! An SSH server of a test's own, on this machine's loopback.
