//! Tables and verdicts as text and as JSON, for the commands and for files. Pure: everything is
//! written to a given writer.

mod check_json;
mod check_text;
mod json;
mod text;

pub use check_json::write_check_json;
pub use check_text::write_check;
pub use json::{SCHEMA, write_json};
pub use text::write_text;
