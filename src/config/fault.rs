//! What is wrong with a configuration: one line for a person, and the line of the file that it is about.

use crate::model::Text;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file, from 1; one that is there.
    pub line: usize,
    /// The key, and what is wrong with it and accepted instead: one line, safe to show on a terminal.
    pub message: String,
}

impl Fault {
    /// What is wrong at these bytes of a text, which rise. What is missing at the end of the text is missing
    /// from its last line.
    pub(super) fn numbered(text: &[u8], places: Vec<(usize, String)>) -> Vec<Self> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let (mut line, mut counted) = (1, 0);
        let numbered = places.into_iter().map(|(at, message)| {
            let at = at.min(text.len());
            // Only what lies between two of them, as there may be as many as there are bytes.
            line += memchr::memchr_iter(b'\n', &text[counted..at]).count();
            counted = at;
            let message = Text::new(&message).to_string();
            Self { line, message }
        });
        numbered.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_stands_on_a_line_that_is_there() {
        let lines = |text: &[u8]| {
            let places = (0..=text.len()).map(|at| (at, String::new()));
            let faults = Fault::numbered(text, places.collect());
            faults.iter().map(|fault| fault.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(b""), [1]);
        assert_eq!(lines(b"\n"), [1, 1]);
        assert_eq!(lines(b"a\n\nb\n"), [1, 1, 2, 3, 3, 3]);
        assert_eq!(lines(b"a\r\nb"), [1, 1, 1, 2, 2]);
    }
}
