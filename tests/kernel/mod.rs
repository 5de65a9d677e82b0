//! The source against the kernel: real sockets in a network namespace of each test's own.
//!
//! Every test opens sockets and compares every row of the snapshot with what it opened, nothing
//! more and nothing less.

mod against_ss;
mod ages;
mod churn;
mod clients;
mod closes;
mod connections;
mod counters;
mod ephemeral;
mod exact;
mod families;
mod hidden;
mod listeners;
mod owners;
mod process_events;
mod queues;
mod quiet;
mod refused;
mod rootless;
mod scene;
mod signs;
mod trace;
mod trouble;
mod udp;
