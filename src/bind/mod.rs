//! Whether a port can be bound, and what is in the way.
//!
//! Takes a [`Target`] apart, asks the kernel by real binds ([`probe()`]), and finds the rows of
//! the table that hold the port ([`holders`]). Only `probe` touches the operating system.

mod holders;
mod outcome;
mod probe;
mod target;

pub use holders::holders;
pub use outcome::{Probe, ProbeResult};
pub use probe::{Suite, probe};
pub use target::{Address, Target, TargetError};
