//! The runtime: the only module with a terminal, a clock and threads.
//!
//! Each part does one thing and passes events to a callback; only the main loop in `live` reacts to them.

pub mod collector;
pub mod end_port;
pub mod end_process;
mod fault;
pub mod history;
pub mod live;
mod namespace;
pub mod panic;
pub mod process;
pub mod record;
pub mod recording;
pub mod run;
pub mod terminal;
pub mod wait;
pub mod watch;
