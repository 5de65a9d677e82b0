//! `sockeye`: a live port monitor for the terminal. See every socket. Know why the port is taken.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | the state machine behind the screen; pure |
//! | [`bind`] | whether a port can be bound and why not, and choosing one: rules, real binds, verdicts; pure but for `probe` and `free/claim` |
//! | [`columns`] | the columns of the table: text, width, order; pure |
//! | [`config`] | the settings of the live table and the file that holds them; pure but for `file` |
//! | [`filter`] | the filter language: parse, print, match; pure |
//! | [`keymap`] | the keys, and what each does: one table; pure |
//! | [`model`] | sockets, processes, owners, snapshots; pure |
//! | [`query`] | which rows are chosen, and in which order: views, filter, sort, the feed of changes; pure |
//! | [`report`] | tables, changes and verdicts as text, JSON and CSV; pure |
//! | [`runtime`] | the loop, the threads, the clock, the terminal, waiting, programs that are started |
//! | [`settings`] | what a user may set; pure |
//! | [`source`] | where snapshots come from (this machine, or a recording), and what is known of one port |
//! | [`theme`] | what each meaning looks like, and what a terminal can show of it; pure |
//! | [`track`] | what changed between two snapshots; pure |
//! | [`ui`] | draws what `app` says; decides nothing |
//!
//! # The dependency rule
//!
//! `model` ← `track`, `columns`, `filter`, `bind` ← `query`, `keymap` ← `settings` ← `app` ← `ui`; `settings` ← `config`;
//! `model` ← `source`; `filter` ← `theme` ← `settings`; `columns`, `bind` ← `report`. Only `runtime` and the command line see everything. `tests/architecture` holds the
//! pure modules to it.
#![cfg_attr(not(windows), forbid(unsafe_code))]

pub mod app;
pub mod bind;
pub mod columns;
pub mod config;
pub mod filter;
pub mod keymap;
pub mod model;
pub mod query;
pub mod report;
pub mod runtime;
pub mod settings;
pub mod source;
pub mod theme;
pub mod track;
pub mod ui;
