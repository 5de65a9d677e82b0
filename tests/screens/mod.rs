//! What the screen looks like: readings of the table go through the tracker and the program, and
//! what is drawn is held against a picture in `snapshots` and against the meaning of its colours.
//!
//! A picture that changed on purpose is renewed with `INSTA_UPDATE=always cargo test --test pure screens`
//! and read before it is committed.

use crate::stage;

mod canvas;
mod clicks;
mod colours;
mod hostile;
mod kinds;
mod meanings;
mod mistakes;
mod pictures;
mod scenes;
mod sizes;
mod themes;
