//! What the benches share: an engine that answers from memory, hand-written clients to compare
//! with, and a way of measuring both that a busy machine does not spoil.

#![allow(dead_code, reason = "each bench uses its part")]

pub(crate) mod args;
pub(crate) mod count;
pub(crate) mod measure;
pub(crate) mod raw;
pub(crate) mod replay;
pub(crate) mod streams;
