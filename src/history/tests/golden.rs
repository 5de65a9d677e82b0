//! A segment of version 1, which every later version has to read.
//!
//! `SOCKEYE_WRITE_GOLDEN=1` writes it anew: only while the version was never released.

use std::path::{Path, PathBuf};

use super::machine::Machine;
use super::{Folder, assert_is_stored, forward, written};
use crate::history::*;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/history/tests/golden-1.seg")
}

#[test]
fn the_segment_of_version_1_is_read() {
    let snapshots = Machine::new(1).snapshots(60, 1000);
    if std::env::var_os("SOCKEYE_WRITE_GOLDEN").is_some() {
        let folder = Folder::new();
        written(&folder, &snapshots);
        let history = History::open(&folder.0).unwrap();
        let path_of = history.segments[0].source.path().unwrap();
        std::fs::copy(path_of, path()).unwrap();
    }
    let mut history = History::open(path()).unwrap();
    assert_is_stored(&forward(&mut history), &snapshots);
    assert_eq!(history.verify().unwrap(), []);
    let mut query = HolderQuery::new(443);
    query.has_connections = false;
    let spans = history.holders(&query).unwrap();
    assert_eq!((spans.len(), spans[0].end), (1, SpanEnd::RecorderStopped));
}
