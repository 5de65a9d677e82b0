//! The sections of the help: keys from the live bindings, the legend, columns and filter language from their tables.

use std::borrow::Cow;

use crate::app::App;
use crate::app::table::view::role_of_state;
use crate::app::view::{Role, mark_role};
use crate::columns;
use crate::filter;
use crate::keymap::{self, Action, Binding, Mode, PaneAction};
use crate::model::State;
use crate::track::Mark;

pub(super) struct Section {
    pub title: &'static str,
    pub terms: Vec<Term>,
}

/// A key, mark or word and what it means.
pub(super) struct Term {
    pub what: String,
    pub role: Role,
    pub meaning: Cow<'static, str>,
}

fn term(what: impl Into<String>, role: Role, meaning: impl Into<Cow<'static, str>>) -> Term {
    Term {
        what: what.into(),
        role,
        meaning: meaning.into(),
    }
}

/// The marks before a row, each in its colour in the table.
const MARKS: &[(&str, Role, &str)] = &[
    ("+", mark_role(Mark::Opened), "just opened"),
    (
        "~",
        mark_role(Mark::Changed),
        "just changed its state or owner: old → new",
    ),
    (
        "-",
        mark_role(Mark::Closed),
        "closed; the row disappears after a while",
    ),
    (
        "✓",
        Role::Accent,
        "marked: end, copy, write and pin act on all marked rows",
    ),
    (
        "!",
        Role::Bad,
        "in trouble: a full queue, a leak, no answer",
    ),
    (
        "*",
        Role::Accent,
        "pinned port: alerts you when a listener opens, closes or changes there",
    ),
    (">", Role::Dim, "before an age: at least"),
];

/// What a color says; a mark or a word always says it too.
const COLORS: &[(&str, Role, &str)] = &[
    ("good", Role::Good, "listening; just opened; it worked"),
    ("busy", Role::Busy, "a live connection"),
    (
        "warning",
        Role::Warning,
        "just changed; something to look at",
    ),
    ("bad", Role::Bad, "trouble; closed (the mark); it failed"),
    (
        "accent",
        Role::Accent,
        "keys; the current view; what you typed",
    ),
    ("dim", Role::Dim, "less important"),
];

const fn meaning(state: State) -> &'static str {
    match state {
        State::Listen => "a TCP server waits for connections",
        State::Bound => "has a port, but neither listens nor connects",
        State::Unconn => "without a peer: UDP, raw, packet and unix sockets",
        State::Dnat => "published by a rule of the packet filter alone: no socket has the port",
        State::SynSent => "connecting; trouble after 3 s without an answer",
        State::SynRecv => "half-open: the server has answered",
        State::Established => "connected",
        State::FinWait1 => "closed here, not yet acknowledged",
        State::FinWait2 => "closed here, the peer has not closed yet",
        State::CloseWait => "closed by the peer, not yet by the program; trouble after 30 s",
        State::LastAck => "both closed; the last acknowledgement is missing",
        State::Closing => "both closed at the same time",
        State::TimeWait => "closed, and remembered for a minute",
        State::Closed => "not bound to anything",
    }
}

const OWNERS: &[(&str, Role, &str)] = &[
    ("name ×3", Role::Plain, "three processes share the socket"),
    (
        "ann · hidden",
        Role::Dim,
        "owned by ann; you aren't allowed to see which process",
    ),
    (
        "kernel",
        Role::Dim,
        "owned by the kernel itself, not by a process",
    ),
    (
        "was name(12)",
        Role::Dim,
        "the socket outlived this process (TIME_WAIT, orphan)",
    ),
    ("–", Role::Dim, "no owner, and none seen before"),
];

impl App {
    /// The keys that work in this mode, first those of what is open, then the legend and the vocabulary.
    pub(super) fn help_sections(&self, mode: Mode) -> Vec<Section> {
        let fixed = |title, rows: &[(&str, Role, &'static str)]| {
            let terms = rows
                .iter()
                .map(|&(what, role, meaning)| term(what, role, meaning));
            Section {
                title,
                terms: terms.collect(),
            }
        };
        let mut sections = self.key_sections(mode);
        let states = State::ALL.into_iter();
        let states = states.map(|state| term(state.as_str(), role_of_state(state), meaning(state)));
        let columns = columns::ALL.iter();
        let columns = columns.map(|one| term(one.title, Role::Accent, one.description));
        let words = filter::words().map(|(word, help)| term(word, Role::Accent, help));
        sections.extend([
            fixed("Marks", MARKS),
            Section {
                title: "States",
                terms: states.collect(),
            },
            fixed("Colors", COLORS),
            fixed("Owners", OWNERS),
            Section {
                title: "Columns",
                terms: columns.collect(),
            },
            Section {
                title: "Filter",
                terms: words.collect(),
            },
        ]);
        sections
    }

    fn key_sections(&self, mode: Mode) -> Vec<Section> {
        let keymap = &self.settings.keymap;
        let section = |title, bindings: Vec<&Binding>| {
            let terms = bindings
                .into_iter()
                .filter_map(|binding| self.key_term(mode, binding));
            Section {
                title,
                terms: terms.collect(),
            }
        };
        let is_of_pane = |binding: &&Binding| {
            matches!(
                binding.action,
                Action::Pane(PaneAction::Down | PaneAction::Up) | Action::Back
            )
        };
        let in_table = keymap.bindings(Mode::Table);
        let open = match mode {
            Mode::Table if self.dock.pane.is_none() => None,
            Mode::Table => Some(section("Open pane", in_table.filter(is_of_pane).collect())),
            mode => Some(section(mode.title(), keymap.bindings(mode).collect())),
        };
        let has_pane_section = open.is_some() && mode == Mode::Table;
        let parts = keymap::Section::ALL.iter().map(|&part| {
            let bindings = keymap.bindings(Mode::Table);
            let bindings = bindings.filter(|one| one.section == Some(part));
            let bindings = bindings.filter(|one| !(has_pane_section && is_of_pane(one)));
            section(part.title(), bindings.collect())
        });
        open.into_iter().chain(parts).collect()
    }

    /// `None` for what has no key or does nothing here.
    fn key_term(&self, mode: Mode, binding: &Binding) -> Option<Term> {
        let keys = self.keys_in_force(mode, binding);
        let does_something = !keys.is_empty() && self.is_available(binding.action);
        does_something.then(|| term(keys, Role::Accent, self.text_of(binding)))
    }
}
