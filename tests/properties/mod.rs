//! What must hold for every input: properties, tried on arbitrary values.

use crate::{schema, stage};

mod app;
mod columns;
#[cfg(unix)]
mod commands;
mod config;
mod corpus;
mod cursor;
mod filter;
mod groups;
mod mutation;
mod order;
mod redaction;
mod replay;
mod rows;
mod track;
