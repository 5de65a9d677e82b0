//! The table: cursor, views, pinned ports, mouse, settings, time.

mod cursor;
mod kinds;
mod marked;
mod mouse;
mod ports;
mod settings;
mod themes;
mod time;
mod trouble;
