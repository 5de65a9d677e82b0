//! libFuzzer's side of `trials/filter.rs`.
#![no_main]

#[path = "../trials/filter.rs"]
mod trial;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trial::run(bytes));
