//! libFuzzer's side of `trials/history.rs`.
#![no_main]

#[path = "../trials/history.rs"]
mod trial;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trial::run(bytes));
