//! What takes the keys instead of the table.

mod browser;
mod copy_and_write;
pub mod ending;
mod faults;
mod filter;
mod help;
mod keys;
mod palette;
mod prompt;
mod save;
mod sort_menu;
