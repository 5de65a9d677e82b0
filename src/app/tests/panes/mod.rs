//! The panes below the table, pause and recordings.

pub mod bind;
mod details;
mod pause;
mod recorded;
mod stats;
