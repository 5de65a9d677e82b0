//! The filter as text, with its history and the last cleared filter.

use crate::app::dialogs::prompt::{Edited, Turn};
use crate::app::view::{Click, Line, Role, line_width, span};
use crate::app::{App, Dialog, PromptKind};
use crate::columns::{cut, width};
use crate::filter::{Filter, FilterError};
use crate::keymap::{Action, DialogAction, TableAction};
use crate::model::{Moment, Protocol};

const MAX_HISTORY: usize = 100;

/// The most cells of a filter in a notice.
const MAX_SHOWN: usize = 60;

/// The cells that the number of rows takes, `1234 of 5678`.
const COUNT: usize = 16;

/// The cells that a filter and that number get before the fields of groups get any.
const FILTER_BEFORE_GROUPS: usize = 40;

/// The active filter as text, and the state of editing it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterLine {
    pub text: String,
    /// The error in the filter being typed.
    pub error: Option<FilterError>,
    /// The filters that were confirmed or cleared, each once, the latest last.
    pub history: Vec<String>,
    /// The filter that was cleared last, until it is restored.
    pub cleared: Option<String>,
}

impl FilterLine {
    fn remember(&mut self, text: &str) {
        self.history.retain(|earlier| earlier != text);
        self.history.push(text.to_owned());
        let excess = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..excess);
    }

    /// Remembers a filter that is no longer active, to restore it.
    fn keep_cleared(&mut self, text: String) {
        if !text.is_empty() {
            self.remember(&text);
            self.cleared = Some(text);
        }
    }
}

impl App {
    pub(crate) fn set_filter(&mut self, filter: Filter, text: String, now: Moment) {
        self.rows.criteria.filter = filter;
        self.filter.text = text;
        self.filter.error = None;
        self.reselect(now);
    }

    /// Shows everything; the active filter can be restored.
    pub(crate) fn clear_filter(&mut self, now: Moment) {
        let cleared = std::mem::take(&mut self.filter.text);
        self.set_filter(Filter::default(), String::new(), now);
        if cleared.is_empty() {
            return;
        }
        self.filter.keep_cleared(cleared);
        let key = self.key(Action::Table(TableAction::RestoreFilter));
        let back = key.map_or_else(String::new, |key| format!("; {key} restores it"));
        self.report(format!("filter cleared{back}"), now);
    }

    /// Restores the filter that was cleared last, and remembers the active one instead.
    pub(crate) fn restore_filter(&mut self, now: Moment) {
        let Some(text) = self.filter.cleared.take() else {
            return self.warn("no filter was cleared", now);
        };
        let Ok(filter) = Filter::parse_with(&text, &self.settings.services) else {
            return;
        };
        let notice = format!("filter restored: {}", cut(&text, MAX_SHOWN));
        let replaced = std::mem::take(&mut self.filter.text);
        self.filter.keep_cleared(replaced);
        self.set_filter(filter, text, now);
        self.report(notice, now);
    }

    /// Suggests words for the one at the cursor, from the first letter on.
    pub(crate) fn suggest(&mut self) {
        if let Dialog::Prompt(prompt) = &mut self.dialog
            && prompt.kind.is_filter()
            && prompt.completing.is_none()
        {
            prompt.suggest(self.rows.table.rows.iter().map(|row| &**row));
        }
    }

    /// Applies the text being typed if it is a filter; otherwise the last good one stays.
    pub(crate) fn try_filter(&mut self, now: Moment) {
        self.suggest();
        let Dialog::Prompt(prompt) = &self.dialog else {
            return;
        };
        match prompt.kind {
            PromptKind::Filter => {}
            PromptKind::Find => return self.try_find(now),
            PromptKind::Target
            | PromptKind::Time
            | PromptKind::Action
            | PromptKind::Help
            | PromptKind::Pane => return,
        }
        match Filter::parse_with(prompt.text(), &self.settings.services) {
            Ok(filter) => {
                self.filter.error = None;
                self.rows.criteria.filter = filter;
                self.reselect(now);
            }
            Err(error) => self.filter.error = Some(error),
        }
    }

    /// Handles keys while a filter or a port is typed.
    pub(crate) fn act_in_prompt(&mut self, action: Action, now: Moment) {
        let Dialog::Prompt(prompt) = &mut self.dialog else {
            return;
        };
        if prompt.kind == PromptKind::Find {
            return self.act_in_find(action, now);
        }
        let is_filter = prompt.kind == PromptKind::Filter;
        if prompt.kind == PromptKind::Pane {
            return self.act_in_search(action, now);
        }
        match action {
            Action::Back => {
                // The typed filter can be restored if it is valid, or else the last valid one.
                let text = match self.filter.error {
                    None => prompt.text().trim().into(),
                    Some(_) => self.rows.criteria.filter.to_string(),
                };
                self.dialog = Dialog::None;
                if is_filter {
                    self.filter.text = text;
                    self.clear_filter(now);
                }
            }
            Action::Dialog(DialogAction::Accept) if !is_filter => {
                let text = prompt.text().trim().to_owned();
                match prompt.kind {
                    PromptKind::Time => self.confirm_time(&text, now),
                    _ => self.bind_test_typed(&text, now),
                }
            }
            Action::Dialog(action) if is_filter => match action {
                DialogAction::Accept => self.confirm_filter(now),
                DialogAction::RecallEarlier => self.recall(Turn::Back, now),
                DialogAction::RecallLater => self.recall(Turn::On, now),
                DialogAction::CompleteNext => self.complete(Turn::On, now),
                DialogAction::CompletePrevious => self.complete(Turn::Back, now),
                DialogAction::Toggle
                | DialogAction::MoveDown
                | DialogAction::MoveUp
                | DialogAction::Confirm
                | DialogAction::OtherSignal
                | DialogAction::PreviousSignal
                | DialogAction::OtherTargets => {}
            },
            Action::Dialog(_)
            | Action::Move(_)
            | Action::Table(_)
            | Action::Pane(_)
            | Action::Port(_)
            | Action::BindTest(_)
            | Action::Program(_)
            | Action::Time(_)
            | Action::Session(_)
            | Action::ShowView(_)
            | Action::CopyFix => {}
        }
    }

    fn recall(&mut self, turn: Turn, now: Moment) {
        if let Dialog::Prompt(prompt) = &mut self.dialog {
            prompt.recall(&self.filter.history, turn);
            self.try_filter(now);
        }
    }

    pub(crate) fn complete(&mut self, turn: Turn, now: Moment) {
        if let Dialog::Prompt(prompt) = &mut self.dialog {
            let rows = self.rows.table.rows.iter().map(|row| &**row);
            if prompt.complete(rows, turn) == Edited::Text {
                self.try_filter(now);
            }
        }
    }

    /// Closes the prompt. With an error in the text it stays open, and shows the error instead of completions.
    fn confirm_filter(&mut self, now: Moment) {
        let Dialog::Prompt(prompt) = &mut self.dialog else {
            return;
        };
        prompt.completing = None;
        if self.filter.error.is_some() {
            return;
        }
        let text = prompt.text().trim().to_owned();
        self.dialog = Dialog::None;
        if text.is_empty() {
            return self.clear_filter(now);
        }
        self.filter.remember(&text);
        self.filter.text = text;
        self.reselect(now);
    }

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
        let has_filter = !filter.is_empty() || is_typing;
        let last_tab = self.tab_views().pop();
        let tabs = last_tab.map_or(0, |tab| usize::from(tab.x) + width(tab.text.trim_end()));
        let beside_tabs = usize::from(columns).saturating_sub(tabs);
        let reserved = if has_filter {
            FILTER_BEFORE_GROUPS
        } else {
            COUNT
        };
        let grouping = self.grouping_spans(beside_tabs.saturating_sub(reserved));
        if has_filter {
            let room = beside_tabs.saturating_sub(24 + line_width(&grouping));
            let edit = Click::Do(Action::Table(TableAction::EditFilter));
            line.push(span("filter ", Role::Dim).on_click(edit));
            line.push(span(format!("{}  ", cut(&filter, room)), Role::Accent).on_click(edit));
        }
        line.extend(grouping);
        let shown = self.rows.selection.shown().row_count();
        let count = if shown == total && filter.is_empty() && !is_typing {
            total.to_string()
        } else {
            self.count_text()
        };
        line.push(span(format!("{count} "), Role::Dim));
        line
    }

    /// How many rows of the view are shown: `12 of 800`.
    pub(crate) fn count_text(&self) -> String {
        let shown = self.rows.selection.shown().row_count();
        format!("{shown} of {}", self.rows.selection.counts().unfiltered)
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
