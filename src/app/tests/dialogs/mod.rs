//! What takes the keys instead of the table.

mod copy_and_write;
pub mod ending;
mod ending_several;
mod faults;
mod filter;
mod keys;
mod palette;
mod prompt;
