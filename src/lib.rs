//! `sockeye`: a live port monitor for the terminal. See every socket. Know why the port is taken.
//!
//! # The map
//!
//! | module | what it is | may import |
//! |---|---|---|
//! | [`app`] | the state machine behind the screen: messages in, effects out, a view to draw; one file or folder for each part of the screen; pure | `model`, `track`, `columns`, `filter`, `bind`, `theme`, `query`, `keymap`, `settings` |
//! | [`bind`] | which sockets conflict, real binds, verdicts and fixes, choosing a port; pure except for `probe` and `free/claim` | `model`, `track` |
//! | [`clock`] | the one place that reads the clock | `model` |
//! | [`columns`] | the columns, all in one table; text measured and laid out in cells; pure | `model`, `track` |
//! | [`config`] | the config file, all keys in one table; pure except for `file` | `model`, `columns`, `filter`, `theme`, `query`, `keymap`, `settings` |
//! | [`filter`] | the filter language: parse, print, match; pure | `model`, `track` |
//! | [`history`] | snapshots on disk and in memory, read at any time: who had a port | `model`, `source` |
//! | [`inspect`] | the evidence about one port that explains a bind: rows, owners, options, limits, redirects; runs the bind test | `model`, `bind`, `source`, `clock` |
//! | [`keymap`] | keys and actions, all in one table; pure | `columns` |
//! | [`linear`] | the live table as lines of text: commands in, lines out; pure | `model`, `track`, `columns`, `filter`, `bind`, `theme`, `query`, `keymap`, `settings`, `app` |
//! | [`model`] | sockets, processes, owners, origins, snapshots; pure | – |
//! | [`query`] | which rows are shown, in which order: views, filter, sort, groups; the feed of changes; pure | `model`, `track`, `columns`, `filter` |
//! | [`report`] | tables, changes and verdicts as text, JSON and CSV; pure | `model`, `track`, `columns`, `query`, `bind`, `history` |
//! | [`runtime`] | the loop, threads, terminal, signals, and started programs | everything |
//! | [`settings`] | what a user can set; pure | `model`, `columns`, `filter`, `theme`, `query`, `keymap` |
//! | [`source`] | where snapshots come from: `linux` (netlink, owners, control groups, other kinds of sockets, and in `background` what is behind an owner), netstat2 for other systems, `recording` | `model` |
//! | [`theme`] | the style of each meaning, as data, and what a terminal can show of it; pure | `model`, `filter` |
//! | [`track`] | what changed between two snapshots, the event log; pure | `model` |
//! | [`ui`] | draws the view that `app` makes; decides nothing | `app`, `columns`, `theme` |
//!
//! The command line (`src/cli`, one file or folder for each command) may import everything too. `tests/architecture` checks this,
//! and that pure modules import no terminal, system, clock or thread.

pub mod app;
pub mod bind;
pub mod clock;
pub mod columns;
pub mod config;
pub mod filter;
pub mod history;
pub mod inspect;
pub mod keymap;
pub mod linear;
pub mod model;
pub mod query;
pub mod report;
pub mod runtime;
pub mod settings;
pub mod source;
pub mod theme;
pub mod track;
pub mod ui;
