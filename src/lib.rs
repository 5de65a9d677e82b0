//! `sockeye`: a live port monitor for the terminal. See every socket. Know why the port is taken.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | the state machine behind the screen; pure |
//! | [`bind`] | whether a port can be bound: targets, real binds, who holds it |
//! | [`columns`] | the columns of the table: text, width, order; pure |
//! | [`model`] | sockets, processes, owners, snapshots; pure |
//! | [`track`] | what changed between two snapshots; pure |

pub mod app;
pub mod bind;
pub mod columns;
pub mod model;
pub mod track;
