//! What must hold for every input: properties, tried on arbitrary values.

mod filter;
mod rows;
mod track;
