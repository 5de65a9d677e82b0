//! libFuzzer's side of `trials/replay.rs`.
#![no_main]

#[path = "../trials/replay.rs"]
mod trial;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trial::run(bytes));
