//! Any bytes as a configuration: what is refused names lines that are there, what is accepted prints back
//! to itself.
//!
//! `fuzz_targets/config.rs` feeds it new bytes, `tests/properties/config.rs` those of its own.

use sockeye::config::{Fault, parse, to_toml};

/// One input.
pub fn run(bytes: &[u8]) {
    match parse(bytes) {
        Ok(config) => {
            let printed = to_toml(&config);
            assert_eq!(parse(printed.as_bytes()), Ok(config), "printed: {printed}");
        }
        Err(faults) => name_their_lines(bytes, &faults),
    }
}

/// Each line once, in order, with something to say of it.
fn name_their_lines(bytes: &[u8], faults: &[Fault]) {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').count();
    assert!(!faults.is_empty(), "refused for nothing");
    assert!(faults.is_sorted_by(|a, b| a.line < b.line), "{faults:?}");
    for fault in faults {
        assert!(
            (1..=lines.max(1)).contains(&fault.line),
            "{fault:?} of {lines}"
        );
        assert!(!fault.message.is_empty(), "{fault:?}");
        assert!(!fault.message.contains(char::is_control), "{fault:?}");
    }
}
