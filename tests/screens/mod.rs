//! The screen: snapshots go through the tracker and the app, and the drawn screen is compared with a picture in
//! `snapshots` and with the meaning of its colours.
//!
//! To renew a picture that changed on purpose, run `INSTA_UPDATE=always cargo test --test pure screens`
//! and read the difference before you commit it.

use crate::stage;

mod canvas;
mod clicks;
mod colours;
mod containers;
mod hostile;
mod kinds;
mod meanings;
mod mistakes;
mod pictures;
mod scenes;
mod sizes;
mod themes;
