//! The whole program: the real binary in a real terminal, in a network namespace of each test's own.
//!
//! A test opens real sockets, presses keys and waits for what a person would see.

mod bind_test;
mod browser;
mod changes;
mod clocks;
mod config;
mod crashes;
mod endings;
mod filter;
mod groups;
mod guarded;
mod hands;
mod hostile;
mod hung;
mod jobs;
mod layout;
mod linear;
mod long_run;
mod marks;
mod moments;
mod order;
mod outcomes;
mod panes;
mod ports;
mod pressure;
mod quiet;
mod recordings;
mod rights;
mod scene;
mod selection;
mod silence;
mod size;
mod stalls;
mod start;
mod themes;
mod trouble;
mod views;
