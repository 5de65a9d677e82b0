//! The panes below the table, pause and recordings.

pub mod bind;
mod details;
mod events;
mod focus;
mod moments;
mod pause;
mod recorded;
mod stats;
