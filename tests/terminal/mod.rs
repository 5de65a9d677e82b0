//! How the program takes the terminal, and how it gives it back, whatever ends it.
//!
//! Each test runs a small program (`program.rs`) in a pty. It is this test binary itself: started
//! again with only that one test selected.

mod endings;
mod program;
mod stops;
mod use_of_it;
