//! The table: cursor, views, pinned ports, mouse, settings, time.

mod cursor;
mod find;
mod groups;
mod kinds;
mod marks;
mod mouse;
mod pinned;
mod ports;
mod settings;
mod themes;
mod time;
mod trouble;
mod widths;
