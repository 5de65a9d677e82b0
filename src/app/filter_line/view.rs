//! The filter in force, as the tabs' line shows it.

use crate::app::view::{Click, Line, Role, span};
use crate::app::{App, Dialog, PromptKind};
use crate::keymap::Action;
use crate::keymap::TableAction;
use crate::model::Protocol;

impl App {
    /// The filter in force, protocols that are off, and how many rows are left.
    pub(crate) fn filter_line(&self, columns: u16) -> Line {
        let total = self.rows.selection.counts().unfiltered;
        let mut line = Vec::new();
        let off: Vec<_> = self.switched_off().collect();
        if !off.is_empty() {
            let names: Vec<_> = off.iter().map(|(name, _)| *name).collect();
            let keys: Vec<_> = off.iter().filter_map(|(_, key)| key.clone()).collect();
            let keys = match &keys[..] {
                [] => String::new(),
                keys => format!(" ({})", keys.join(", ")),
            };
            let off = format!("{} off{keys}  ", names.join(" and "));
            let on = if self.rows.criteria.kinds.has(Protocol::Tcp) {
                Action::Table(TableAction::ToggleUdp)
            } else {
                Action::Table(TableAction::ToggleTcp)
            };
            line.push(span(off, Role::Warning).on_click(Click::Do(on)));
        }
        let is_typing =
            matches!(&self.dialog, Dialog::Prompt(prompt) if prompt.kind == PromptKind::Filter);
        let filter = self.rows.criteria.filter.to_string();
        if !filter.is_empty() || is_typing {
            let room = usize::from(columns).saturating_sub(self.tabs_width() + 24);
            let shown = crate::columns::cut(&filter, room);
            let edit = Click::Do(Action::Table(TableAction::EditFilter));
            line.push(span("filter ", Role::Dim).on_click(edit));
            line.push(span(format!("{shown}  "), Role::Accent).on_click(edit));
        }
        let shown = self.rows.selection.shown().len();
        let count = if shown == total {
            format!("{total} ")
        } else {
            format!("{shown} of {total} ")
        };
        line.push(span(count, Role::Dim));
        line
    }

    /// The protocols that are not shown, and the keys that bring them back.
    pub(crate) fn switched_off(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let protocols = [
            (
                self.rows.criteria.kinds.has(Protocol::Tcp),
                "tcp",
                Action::Table(TableAction::ToggleTcp),
            ),
            (
                self.rows.criteria.kinds.has(Protocol::Udp),
                "udp",
                Action::Table(TableAction::ToggleUdp),
            ),
        ];
        let off = protocols.into_iter().filter(|&(is_shown, ..)| !is_shown);
        off.map(|(_, name, action)| (name, self.settings.keymap.key(action)))
    }
}
