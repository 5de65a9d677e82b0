//! Counts the snapshots of a file while it plays, so that a recording of gigabytes shows its first one at once.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// How many bytes to read each time.
const PART: usize = 64 * 1024 * 1024;

/// The lines of a file that were counted so far.
pub(super) struct Count {
    lines: Box<dyn BufRead + Send>,
    /// Lines that are not empty and have an end.
    found: usize,
    /// Whether the last line, which has no end yet, is not empty.
    is_in_line: bool,
    is_done: bool,
}

impl Count {
    /// `None` for input that can't be read twice, such as a pipe.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let is_file = std::fs::metadata(path).is_ok_and(|it| it.is_file());
        let file = is_file.then(|| File::open(path).ok()).flatten()?;
        Some(Self::in_lines(Box::new(BufReader::new(file))))
    }

    fn in_lines(lines: Box<dyn BufRead + Send>) -> Self {
        Self {
            lines,
            found: 0,
            is_in_line: false,
            is_done: false,
        }
    }

    /// Counts the next part, including data appended since.
    pub(super) fn proceed(&mut self) {
        let mut left = PART;
        while left > 0 {
            // An error is reported where the line is read to be shown.
            let bytes = self.lines.fill_buf().unwrap_or_default();
            let length = bytes.len();
            self.is_done = length == 0;
            if self.is_done {
                return;
            }
            for &byte in bytes {
                if byte == b'\n' {
                    self.found += usize::from(std::mem::take(&mut self.is_in_line));
                } else {
                    self.is_in_line |= !byte.is_ascii_whitespace();
                }
            }
            self.lines.consume(length);
            left = left.saturating_sub(length);
        }
    }

    /// How many there are, if all have been counted. A line without an end counts: it may be complete.
    pub(super) fn total(&self) -> Option<usize> {
        let open = usize::from(self.is_in_line);
        self.is_done.then_some(self.found + open)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn lines_that_are_not_empty_are_counted_wherever_they_are_cut() {
        for (text, total) in [("", 0), ("\n \n", 0), ("a\nb\n", 2), ("a\n\nb\n c", 3)] {
            for size in 1..5 {
                let lines = BufReader::with_capacity(size, Cursor::new(text));
                let mut count = Count::in_lines(Box::new(lines));
                assert_eq!(count.total(), None);
                count.proceed();
                assert_eq!(count.total(), Some(total), "{text:?}, {size}");
            }
        }
    }

    #[test]
    fn what_can_be_read_only_once_is_not_counted() {
        assert!(Count::of(Path::new("/dev/zero")).is_none());
        assert!(Count::of(Path::new("/no/such/file")).is_none());
    }
}
