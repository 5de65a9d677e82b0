//! `end`: what is planned, and what came of it, as text and as JSON.

mod json;
mod text;

pub use json::write_end_json;
pub use text::{end_line, write_end_plan};
