//! Where explanations go: to standard error for people, and to the file of `--report`.

use std::fs::File;
use std::io::{self, Write};

use crate::report::{
    FailedCall, Freed, Listened, Repeated, write_failed_call, write_failed_call_json, write_freed,
    write_freed_json, write_listened, write_listened_json, write_repeated, write_repeated_json,
    write_unjudged_json,
};
use crate::runtime::run::Style;

pub(crate) struct Output {
    pub(crate) style: Style,
    /// Whether anything is written for people.
    pub(crate) is_quiet: bool,
    pub(crate) report: Option<File>,
}

impl Output {
    pub(crate) fn failed(&mut self, failed: &FailedCall<'_>) {
        let Style {
            columns,
            has_colour,
            ..
        } = self.style;
        self.text(|out| write_failed_call(out, failed, columns, has_colour));
        self.json(|out| write_failed_call_json(out, failed));
    }

    pub(crate) fn repeated(&mut self, repeated: &Repeated<'_>) {
        self.text(|out| write_repeated(out, repeated));
        self.json(|out| write_repeated_json(out, repeated));
    }

    pub(crate) fn listened(&mut self, listened: &[Listened<'_>]) {
        self.text(|out| write_listened(out, listened));
        self.json(|out| write_listened_json(out, listened));
    }

    pub(crate) fn freed(&mut self, freed: &Freed<'_>) {
        self.text(|out| write_freed(out, freed));
        self.json(|out| write_freed_json(out, freed));
    }

    /// Writes a line for people only.
    pub(crate) fn line(&self, line: &str) {
        self.text(|out| writeln!(out, "sockeye: {line}"));
    }

    pub(crate) fn unjudged(&mut self, reason: &str) {
        self.text(|out| writeln!(out, "sockeye: {reason}"));
        self.json(|out| write_unjudged_json(out, reason));
    }

    /// From now on nothing is written for people: the program that they started has ended.
    pub(crate) fn close_stderr(&mut self) {
        self.is_quiet = true;
    }

    /// Writes a text at once, so that no other line comes between.
    fn text(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.is_quiet {
            return;
        }
        let mut text = Vec::new();
        if write(&mut text).is_ok() {
            if self.style.is_terminal {
                text = with_carriage_returns(&text);
            }
            // Without a reader there is nowhere to report that.
            let _ = io::stderr().write_all(&text);
        }
    }

    fn json(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut line = Vec::new();
        let Some(report) = &mut self.report else {
            return;
        };
        if let Err(error) = write(&mut line).and_then(|()| report.write_all(&line)) {
            self.report = None;
            self.text(|out| writeln!(out, "sockeye: --report: {error}"));
        }
    }
}

fn with_carriage_returns(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let lines = lines.flat_map(|line| match line.split_last() {
        Some((b'\n', line)) => [line, b"\r\n"],
        _ => [line, b""],
    });
    lines.collect::<Vec<_>>().concat()
}
