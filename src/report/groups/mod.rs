//! `list --group`: groups of rows as text, JSON and CSV.

mod csv;
mod json;
mod text;

pub use csv::write_groups_csv;
pub use json::{write_groups_json, write_groups_ndjson};
pub use text::write_groups_text;
