//! The edge of the program: the only place with a terminal, a clock and threads.
//!
//! Each piece does one thing and hands what happens to a callback, so that the main loop alone
//! decides what follows from it.

pub mod backend;
pub mod child;
pub mod collector;
pub mod descriptors;
pub mod end_process;
mod fault;
pub mod hand_over;
pub mod input;
mod jobs;
pub mod live;
mod notice;
pub mod output;
pub mod panic;
pub mod refresh;
pub mod signals;
pub mod terminal;
pub mod wait;
pub mod watch;
