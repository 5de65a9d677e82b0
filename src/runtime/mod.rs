//! The edge of the program: the only place with a terminal, a clock and threads.
//!
//! Each piece does one thing and passes what happens to a callback; the main loop in `live` alone decides
//! what follows from it.

pub mod collector;
pub mod end_process;
mod fault;
pub mod live;
pub mod panic;
pub mod process;
pub mod terminal;
pub mod wait;
pub mod watch;
