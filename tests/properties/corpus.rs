//! What fuzzing found worth keeping (`fuzz/corpus`), through the very code of the fuzz targets.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/trials/config.rs"]
pub mod config;
#[path = "../../fuzz/trials/filter.rs"]
mod filter;
#[path = "../../fuzz/trials/history.rs"]
mod history;
#[path = "../../fuzz/trials/replay.rs"]
mod replay;

/// Runs every input of a target; one that panics is named by its file.
fn try_all(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let inputs = fs::read_dir(&folder).expect("the corpus is there");
    let mut tried = 0;
    for input in inputs {
        let path = input.expect("the corpus can be read").path();
        let bytes = fs::read(&path).expect("the corpus can be read");
        let held = std::panic::catch_unwind(|| run(&bytes));
        assert!(held.is_ok(), "{}", path.display());
        tried += 1;
    }
    assert!(tried > 0, "no input in {}", folder.display());
}

#[test]
fn every_configuration_of_the_corpus_is_refused_line_by_line_or_prints_back() {
    try_all("config", config::run);
}

#[test]
fn every_filter_of_the_corpus_is_refused_in_its_place_or_prints_back() {
    try_all("filter", filter::run);
}

#[test]
fn every_recording_of_the_corpus_is_refused_or_shown_and_reported_clean() {
    try_all("replay", replay::run);
}

#[test]
fn every_history_of_the_corpus_is_read_as_far_as_it_can_be() {
    try_all("history", history::run);
}
