//! Images: their names, and what one can do with one.

pub mod reference;
