//! `sockeye run` with real programs: their errors, exit codes, signals and terminals, and what is explained.

mod explained;
mod holders;
mod repeated;
mod scene;
mod transparent;
