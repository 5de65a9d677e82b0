//! Opened, changed and closed sockets: the log, its timeline, and the counts of the last minutes.

pub(crate) mod history;
mod timeline;
mod update;
mod view;
