//! `sockeye`: a live port monitor for the terminal. See every socket. Know why the port is taken.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | the state machine behind the screen; pure |
//! | [`bind`] | whether a port can be bound and why not, and choosing one: rules, real binds, verdicts; pure but for `probe` and `free/claim` |
//! | [`clock`] | reads the time |
//! | [`columns`] | the columns of the table: text, width, order; pure |
//! | [`config`] | the settings of the live table and the file that holds them; pure but for `file` |
//! | [`filter`] | the filter language: parse, print, match; pure |
//! | [`inspect`] | everything about one port that explains a bind: rows, owners, options, limits, redirects, and the bind test |
//! | [`model`] | sockets, processes, owners, snapshots; pure |
//! | [`report`] | tables, changes and verdicts as text, JSON and CSV; pure |
//! | [`runtime`] | the loop, the threads, the clock, the terminal, waiting, programs that are started |
//! | [`source`] | where snapshots come from (this machine, or a recording) |
//! | [`theme`] | what each meaning looks like, and what a terminal can show of it; pure |
//! | [`track`] | what changed between two snapshots; pure |
//! | [`ui`] | draws what `app` says; decides nothing |
//!
//! # The dependency rule
//!
//! `model` ← `track`, `columns`, `filter`, `bind` ← `app` ← `ui`, `config`; `model` ← `source`;
//! `filter` ← `theme` ← `app`; `columns`, `bind` ← `report`; `source`, `bind`, `clock` ← `inspect`. Only `runtime` and the command line see everything. `tests/architecture` holds the
//! pure modules to it.
#![cfg_attr(not(windows), forbid(unsafe_code))]

pub mod app;
pub mod bind;
pub mod clock;
pub mod columns;
pub mod config;
pub mod filter;
pub mod inspect;
pub mod model;
pub mod report;
pub mod runtime;
pub mod source;
pub mod theme;
pub mod track;
pub mod ui;
