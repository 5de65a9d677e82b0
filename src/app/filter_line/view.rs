//! The current filter, at the right end of the line of tabs.

use crate::app::view::{Click, Line, Role, span};
use crate::app::{App, Dialog, PromptKind};
use crate::columns::cut;
use crate::keymap::{Action, TableAction};
use crate::model::Protocol;

impl App {
    /// Hidden protocols, the current filter, and how many rows are shown.
    pub(crate) fn filter_line(&self, columns: u16) -> Line {
        let total = self.rows.selection.counts().unfiltered;
        let mut line = Vec::new();
        let off: Vec<_> = self.hidden_protocols().collect();
        if let [(_, action), ..] = off[..] {
            let names: Vec<_> = off.iter().map(|(name, _)| *name).collect();
            let keys = self.keys_of_hidden_protocols();
            let keys = match &keys[..] {
                [] => String::new(),
                keys => format!(" ({})", keys.join(", ")),
            };
            let text = format!("{} off{keys}  ", names.join(" and "));
            line.push(span(text, Role::Warning).on_click(Click::Do(action)));
        }
        let is_typing =
            matches!(&self.dialog, Dialog::Prompt(prompt) if prompt.kind == PromptKind::Filter);
        let filter = self.rows.criteria.filter.to_string();
        if !filter.is_empty() || is_typing {
            let room = usize::from(columns).saturating_sub(self.tabs_width() + 24);
            let edit = Click::Do(Action::Table(TableAction::EditFilter));
            line.push(span("filter ", Role::Dim).on_click(edit));
            line.push(span(format!("{}  ", cut(&filter, room)), Role::Accent).on_click(edit));
        }
        let shown = self.rows.selection.shown().len();
        let of = if shown == total {
            String::new()
        } else {
            format!("{shown} of ")
        };
        line.push(span(format!("{of}{total} "), Role::Dim));
        line
    }

    /// Protocols that are off, with the actions that turn them on.
    pub(crate) fn hidden_protocols(&self) -> impl Iterator<Item = (&'static str, Action)> {
        let protocols = [
            (Protocol::Tcp, TableAction::ToggleTcp),
            (Protocol::Udp, TableAction::ToggleUdp),
        ];
        let kinds = self.rows.criteria.kinds;
        let off = protocols
            .into_iter()
            .filter(move |&(protocol, _)| !kinds.has(protocol));
        off.map(|(protocol, action)| (protocol.as_str(), Action::Table(action)))
    }

    pub(crate) fn keys_of_hidden_protocols(&self) -> Vec<String> {
        let off = self.hidden_protocols();
        off.filter_map(|(_, action)| self.settings.keymap.key(action))
            .collect()
    }
}
