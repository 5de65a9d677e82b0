//! The program as a state machine: messages in, effects out.
//!
//! Pure: it knows no terminal, no clock and no thread. `runtime` feeds it and carries out
//! what it asks for.

mod input;

pub use input::{Input, Key, Mouse};
