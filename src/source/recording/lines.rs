//! Writes recordings as version 0.1 did, one JSON object per line, to test that they can be read.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use super::frame::Frame;
use super::redact::Redactor;
use crate::model::Snapshot;

/// A recording of lines being written.
pub(crate) struct LinesWriter {
    file: File,
    /// The last snapshot that was written.
    last: Option<Frame>,
    redactor: Option<Redactor>,
}

impl LinesWriter {
    /// Starts a new file.
    pub(crate) fn create(path: &Path) -> Self {
        Self {
            file: File::create_new(path).unwrap(),
            last: None,
            redactor: None,
        }
    }

    /// Uses pseudonyms.
    pub(crate) fn redacted(self) -> Self {
        let redactor = Some(Redactor::default());
        Self { redactor, ..self }
    }

    /// Adds a snapshot.
    pub(crate) fn add(&mut self, snapshot: &Snapshot) {
        let redacted = self.redactor.as_mut().map(|it| it.redact(snapshot));
        let mut whole = Frame::of(redacted.as_ref().unwrap_or(snapshot));
        whole.redacted = redacted.is_some();
        let changes = self.last.as_ref().map(|last| whole.since(last));
        let mut line = serde_json::to_vec(changes.as_ref().unwrap_or(&whole)).unwrap();
        line.push(b'\n');
        self.file.write_all(&line).unwrap();
        self.last = Some(whole);
    }
}
