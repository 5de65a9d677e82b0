//! The text of a filter, read from left to right.

use std::ops::Range;

use crate::model::Services;

pub struct Cursor<'a> {
    text: &'a str,
    /// In bytes, on a character boundary.
    pub at: usize,
    pub open_groups: usize,
    /// The user's names for ports.
    pub services: &'a Services,
}

impl<'a> Cursor<'a> {
    pub const fn new(text: &'a str, services: &'a Services) -> Self {
        Self {
            text,
            at: 0,
            open_groups: 0,
            services,
        }
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips the next character if it is this one, and returns its position.
    pub fn eat(&mut self, c: char) -> Option<Range<usize>> {
        let start = self.at;
        self.rest().strip_prefix(c)?;
        self.at += c.len_utf8();
        Some(start..self.at)
    }

    pub fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub fn skip_spaces(&mut self) {
        self.take_while(char::is_whitespace);
    }
}
