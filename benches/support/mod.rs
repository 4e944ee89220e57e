//! What the benches share: an engine that answers from memory, hand-written clients to compare
//! with, and a way of measuring both that a busy machine does not spoil.

pub(crate) mod count;
pub(crate) mod measure;
pub(crate) mod raw;
pub(crate) mod replay;
