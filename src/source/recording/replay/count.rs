//! How many snapshots a file has: counted beside its playing, a part of it each time, so that a recording of gigabytes
//! shows its first snapshot at once.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// So many bytes are counted each time.
const PART: usize = 64 * 1024 * 1024;

/// What has been counted of a file.
pub(super) struct Count {
    lines: Box<dyn BufRead + Send>,
    /// Lines that hold something and have an end.
    found: usize,
    /// Whether there is something in the line that has no end yet.
    is_in_line: bool,
    is_done: bool,
}

impl Count {
    /// To be counted; `None` for what can't be read a second time, as a pipe can't.
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

    /// Counts on; also what was written since.
    pub(super) fn go_on(&mut self) {
        let mut left = PART;
        while left > 0 {
            // What can't be read is said by whoever shows it.
            let read = self.lines.fill_buf().unwrap_or_default();
            self.is_done = read.is_empty();
            if self.is_done {
                return;
            }
            let mut pieces = read.split(|&byte| byte == b'\n');
            // The last piece has no end.
            let open = pieces.next_back().unwrap_or_default();
            for piece in pieces {
                self.found += usize::from(self.is_in_line || holds_something(piece));
                self.is_in_line = false;
            }
            self.is_in_line |= holds_something(open);
            let length = read.len();
            self.lines.consume(length);
            left = left.saturating_sub(length);
        }
    }

    /// How many there are, if all have been counted. A line without an end counts: it may be all there.
    pub(super) fn total(&self) -> Option<usize> {
        let open = usize::from(self.is_in_line);
        self.is_done.then_some(self.found + open)
    }
}

fn holds_something(piece: &[u8]) -> bool {
    piece.iter().any(|byte| !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn lines_that_hold_something_are_counted_wherever_they_are_cut() {
        for (text, total) in [("", 0), ("\n \n", 0), ("a\nb\n", 2), ("a\n\nb\n c", 3)] {
            for size in 1..5 {
                let lines = BufReader::with_capacity(size, Cursor::new(text));
                let mut count = Count::in_lines(Box::new(lines));
                assert_eq!(count.total(), None);
                count.go_on();
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
