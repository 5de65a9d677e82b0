//! What must hold for every input: properties, tried on arbitrary values.

mod app;
#[cfg(unix)]
mod commands;
mod config;
mod corpus;
mod filter;
mod mutation;
mod order;
mod redaction;
mod replay;
mod rows;
mod track;

#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/stage.rs"]
mod stage;
