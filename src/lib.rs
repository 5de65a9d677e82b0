//! `sockeye`: a live port monitor for the terminal. See every socket. Know why the port is taken.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | the state machine behind the screen: messages in, effects out, a view to draw; pure |
//! | [`bind`] | the rules of bind, real binds, verdicts and fixes, choosing a port; pure but for `probe` and `free/claim` |
//! | [`clock`] | the one place that reads the clock |
//! | [`columns`] | the columns of the table: text, width, order; pure |
//! | [`config`] | the config file; pure but for `file` |
//! | [`filter`] | the filter language: parse, print, match; pure |
//! | [`inspect`] | everything about one port that explains a bind: rows, owners, options, limits, redirects; the bind test |
//! | [`keymap`] | the keys and actions: one table; pure |
//! | [`model`] | origins, sockets, processes, owners, snapshots; pure |
//! | [`query`] | which rows are shown, in which order: views, filter, sort, and the feed of changes; pure |
//! | [`report`] | tables, changes and verdicts as text, JSON and CSV; pure |
//! | [`runtime`] | the loop, threads, terminal, signals, and started programs |
//! | [`settings`] | what a user can set; pure |
//! | [`source`] | where snapshots come from: this machine or a recording |
//! | [`theme`] | the style of each meaning, and what a terminal can show of it; pure |
//! | [`track`] | what changed between two snapshots; pure |
//! | [`ui`] | draws the view that `app` makes; decides nothing |
//!
//! # The dependency rule
//!
//! `model` ← `track`, `columns`, `filter`, `bind` ← `query`, `keymap` ← `settings` ← `app` ← `ui`; `settings` ← `config`;
//! `filter` ← `theme` ← `settings`; `query`, `bind` ← `report`; `model` ← `source`; `source`, `bind`, `clock` ← `inspect`.
//! Only `runtime` and the command line may import everything. `tests/architecture` checks this, and that pure modules import
//! no terminal, system, clock or thread.
#![cfg_attr(not(windows), forbid(unsafe_code))]

pub mod app;
pub mod bind;
pub mod clock;
pub mod columns;
pub mod config;
pub mod filter;
pub mod inspect;
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
