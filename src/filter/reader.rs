//! A regex at work on the lines of rows, and of sockets that have no owner yet.

use std::sync::Arc;

use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;

use super::ast::Pattern;
use super::machine::{Machine, Read};
use super::printed::Printed;
use super::subject::Subject;

/// The automaton of a regex that ignores case; `None` if it takes more room than that.
pub(super) fn automaton(source: &str, size: usize) -> Option<Arc<DFA>> {
    // At the ends of words it gives up on anything but ASCII, and is given nothing else.
    DFA::builder()
        .configure(DFA::config().unicode_word_boundary(true))
        .syntax(syntax::Config::new().case_insensitive(true))
        .thompson(
            thompson::Config::new()
                .nfa_size_limit(Some(size))
                .which_captures(WhichCaptures::None),
        )
        .build(source)
        .ok()
        .map(Arc::new)
}

/// A regex, and what came out of the pieces that it has read.
pub(super) struct Reader<'a> {
    pattern: &'a Pattern,
    /// `None` if there is no automaton.
    machine: Option<Machine<'a>>,
}

impl<'a> Reader<'a> {
    /// Nothing was read yet.
    pub fn new(pattern: &'a Pattern) -> Self {
        let automaton = pattern.automaton.as_deref();
        Self {
            pattern,
            machine: automaton.map(Machine::new),
        }
    }

    /// Whether the regex is found in the row's line.
    pub fn finds_it(&mut self, subject: &Subject<'a>, printed: &mut Printed) -> Option<bool> {
        if subject.owners().is_none() {
            return self.finds_it_before_the_owner(subject, printed);
        }
        match self.machine.as_mut().map(|machine| machine.reads(subject)) {
            Some(Read::Found) => Some(true),
            Some(Read::Lost) => Some(false),
            _ => Some(self.pattern.regex.is_match(printed.line(subject))),
        }
    }

    /// What is found before the end of the line's beginning is found in the whole line, too: a
    /// regex looks no further than one character beyond what it finds.
    fn finds_it_before_the_owner(
        &self,
        subject: &Subject<'a>,
        printed: &mut Printed,
    ) -> Option<bool> {
        let line = printed.line(subject);
        let end = self.pattern.regex.shortest_match(line)?;
        (end < line.len()).then_some(true)
    }
}
