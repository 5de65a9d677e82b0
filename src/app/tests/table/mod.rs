//! The table: cursor, views, pinned ports, mouse, settings, time.

mod cursor;
mod kinds;
mod mouse;
mod namespaces;
mod pinned;
mod ports;
mod settings;
mod themes;
mod time;
mod trouble;
mod widths;
