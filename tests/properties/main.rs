//! What must hold for every input: properties, tried on arbitrary values.

mod app;
mod filter;
mod order;
mod rows;
mod track;

#[path = "../support/stage.rs"]
mod stage;
