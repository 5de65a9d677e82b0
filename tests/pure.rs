//! What needs no kernel: sources, docs, pictures, drawn screens, and properties of the pure modules.
//!
//! One crate, so that a change links one test program instead of five.
#![allow(
    clippy::duplicate_mod,
    reason = "the example that draws the pictures has a part of the stage too"
)]

#[path = "support/schema.rs"]
mod schema;
#[path = "support/segment.rs"]
mod segment;
#[path = "support/stage.rs"]
mod stage;

mod architecture;
mod docs;
mod pictures;
mod properties;
mod screens;
