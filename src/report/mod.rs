//! Tables as text and as JSON, for the commands and for files. Pure: everything is written to a
//! given writer.

mod json;
mod text;

pub use json::{SCHEMA, write_json};
pub use text::write_text;
