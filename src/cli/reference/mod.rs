//! Commands that print what the program knows of itself: keys, man pages, completions.

pub mod completions;
pub mod keys;
pub mod man;
