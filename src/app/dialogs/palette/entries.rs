//! The entries of the palette: the keys of the current mode and of the table, then each order, column, kind of sockets
//! and theme.

use std::borrow::Cow;

use crate::app::dialogs::menu::description;
use crate::app::dialogs::palette::synonyms::synonyms;
use crate::app::{App, Pane};
use crate::columns::{Column, ColumnId, SortBy};
use crate::keymap::{Action, Binding, Mode, PaneAction, PortAction, ProgramAction, TableAction};
use crate::model::{Kinds, Protocol};
use crate::query::{Sort, Tab};
use crate::theme::Depth;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Act(Action),
    /// Shows or hides a column.
    Column(ColumnId),
    /// Shows or hides sockets of a protocol.
    Kind(Protocol),
    Sort(Sort),
    /// Chooses a theme by its place.
    Theme(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub command: Command,
    /// Separated by spaces; empty if no key is bound to it.
    pub keys: String,
    pub text: Cow<'static, str>,
    pub synonyms: &'static [&'static str],
    /// Text, synonyms and description in lower case.
    pub searched: String,
}

impl Entry {
    fn new(command: Command, keys: String, text: Cow<'static, str>, description: &str) -> Self {
        let synonyms = synonyms(command);
        let searched = format!("{text} {} {description}", synonyms.join(" "));
        Self {
            searched: searched.to_lowercase(),
            command,
            keys,
            text,
            synonyms,
        }
    }

    fn without_key(command: Command, text: String, description: &str) -> Self {
        Self::new(command, String::new(), text.into(), description)
    }
}

impl App {
    /// Everything that is possible now. The keys of a focused pane and of an open bind test come before those of the table.
    pub(super) fn palette_entries(&self) -> Vec<Entry> {
        let (keymap, mode) = (&self.settings.keymap, self.mode());
        let is_bind_test = mode == Mode::Pane && matches!(self.dock.pane, Some(Pane::Bind(_)));
        let of_pane = keymap.bindings(mode).filter(|_| mode != Mode::Table);
        let of_bind_test = keymap.bindings(Mode::Bind).filter(|_| is_bind_test);
        let of_pane = of_pane.chain(of_bind_test);
        let mut entries: Vec<Entry> = Vec::new();
        for binding in of_pane.chain(keymap.bindings(Mode::Table)) {
            let command = Command::Act(binding.action);
            if entries.iter().any(|entry| entry.command == command)
                || !self.is_possible(binding.action)
            {
                continue;
            }
            let (keys, text) = (self.keys_in_force(mode, binding), self.text_of(binding));
            entries.push(Entry::new(command, keys, text, ""));
        }
        let columns = &self.rows.columns;
        entries.extend(columns.all().flat_map(orders));
        let shown_or_hidden = columns.all().filter(|column| column.is_optional());
        entries.extend(shown_or_hidden.map(|column| self.column_entry(column)));
        let kinds = Protocol::ALL.into_iter();
        let kinds = kinds.filter(|&protocol| !Kinds::DEFAULT.has(protocol));
        entries.extend(kinds.map(|protocol| self.kind_entry(protocol)));
        if self.depth() != Depth::None {
            let themes = self.settings.themes.names().enumerate();
            entries.extend(themes.map(|(at, name)| {
                Entry::without_key(Command::Theme(at), format!("theme {name}"), "")
            }));
        }
        entries
    }

    /// The keys that do this in a mode: in a bind test a key of the table may do something else.
    pub(crate) fn keys_in_force(&self, mode: Mode, binding: &Binding) -> String {
        let keys = binding.keys.iter();
        let keys = keys.filter(|&&key| self.action_in(mode, key) == Some(binding.action));
        let keys: Vec<_> = keys.map(ToString::to_string).collect();
        keys.join(" ")
    }

    /// The help of a binding; that of a view of the config names it.
    pub(crate) fn text_of(&self, binding: &Binding) -> Cow<'static, str> {
        if let Action::ShowView(place) = binding.action
            && usize::from(place) >= Tab::NUMBERED.len()
        {
            let name = self.view_at(place).map_or("", |view| self.view_name(view));
            return format!("show the view {name}").into();
        }
        binding.help.into()
    }

    fn column_entry(&self, column: &Column) -> Entry {
        let is_hidden = self.rows.columns.is_hidden(column.id);
        let verb = if is_hidden { "show" } else { "hide" };
        let text = format!("{verb} column {}", column.title);
        let description = format!("{} {}", column.name, column.description);
        Entry::without_key(Command::Column(column.id), text, &description)
    }

    fn kind_entry(&self, protocol: Protocol) -> Entry {
        let is_shown = self.rows.criteria.kinds.has(protocol);
        let verb = if is_shown { "hide" } else { "show" };
        let text = format!("{verb} {}", description(protocol));
        Entry::without_key(Command::Kind(protocol), text, protocol.as_str())
    }

    /// Whether an action does anything here, whatever row is selected.
    pub(crate) fn is_available(&self, action: Action) -> bool {
        match action {
            Action::ShowView(place) => self.view_at(place).is_some(),
            Action::Pane(PaneAction::Down | PaneAction::Up) => self.dock.pane.is_some(),
            Action::Port(action) => self.can(action),
            Action::Program(_)
            | Action::Time(_)
            | Action::Pane(_)
            | Action::Table(_)
            | Action::Move(_)
            | Action::BindTest(_)
            | Action::Session(_)
            | Action::Dialog(_)
            | Action::CopyFix
            | Action::Back => true,
        }
    }

    fn is_possible(&self, action: Action) -> bool {
        // The palette is already open.
        let is_open = action == Action::Program(ProgramAction::OpenPalette);
        let on_rows = [
            Action::Table(TableAction::Copy),
            Action::Port(PortAction::EndProcess),
        ];
        let has_row = if on_rows.contains(&action) {
            !self.acted_on_rows().is_empty()
        } else if action == Action::Port(PortAction::BindTest) {
            self.selected().is_some()
        } else {
            action != Action::Port(PortAction::OpenInBrowser) || self.selected_url().is_some()
        };
        !is_open && has_row && self.is_available(action)
    }
}

/// Both orders of a column, first the one that the sort menu chooses.
fn orders(column: &Column) -> [Entry; 2] {
    let first = column.is_largest_first();
    [first, !first].map(|descending| {
        let words = match (column.id, &column.sort, descending) {
            (ColumnId::Age, _, false) => ", newest first",
            (ColumnId::Age, _, true) => ", oldest first",
            (ColumnId::State, ..) | (_, SortBy::Text(_) | SortBy::Address(_), _) => {
                if descending {
                    ", reversed"
                } else {
                    ""
                }
            }
            (_, SortBy::Number(_) | SortBy::OfTable(_), false) => ", smallest first",
            (_, SortBy::Number(_) | SortBy::OfTable(_), true) => ", largest first",
        };
        let by = column.id;
        let text = format!("sort by {}{words}", column.title);
        let description = format!("{} {}", column.name, column.description);
        Entry::without_key(Command::Sort(Sort { by, descending }), text, &description)
    })
}
