//! `sockeye`: a live port monitor for the terminal. See every socket. Know why the port is taken.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`bind`] | whether a port can be bound: targets, real binds, who holds it |
//! | [`columns`] | the columns of the table: text, width, order; pure |
//! | [`filter`] | the filter language: parse, print, match; pure |
//! | [`model`] | sockets, processes, owners, snapshots; pure |
//! | [`runtime`] | terminal, input, signals, panics: the only place with a clock and threads |
//! | [`source`] | the edge to the operating system: where snapshots come from |
//! | [`track`] | what changed between two snapshots; pure |

pub mod bind;
pub mod columns;
pub mod filter;
pub mod model;
pub mod runtime;
pub mod source;
pub mod track;
