//! libFuzzer's side of `trials/config.rs`.
#![no_main]

#[path = "../trials/config.rs"]
mod trial;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trial::run(bytes));
