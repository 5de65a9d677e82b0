//! What the keys do while a filter or a port is typed.

use super::super::prompt::{Edited, PromptKind, Turn};
use super::super::{Action, App, Modal};
use super::Effects;
use crate::bind::Target;
use crate::columns::cut;
use crate::filter::Filter;
use crate::model::Moment;

/// How many filters are remembered.
const MAX_HISTORY: usize = 100;

/// So much of a filter is repeated, in cells.
const MAX_TOLD: usize = 60;

impl App {
    /// Shows everything; the filter that was in force can be brought back.
    pub(super) fn clear_filter(&mut self, now: Moment) {
        let cleared = std::mem::take(&mut self.filter_text);
        self.filter_error = None;
        self.criteria.filter = Filter::default();
        self.reselect(now);
        if cleared.is_empty() {
            return;
        }
        self.remember(&cleared);
        self.cleared = Some(cleared);
        let key = self.settings.keymap.key(Action::Table(crate::keymap::TableAction::RestoreFilter));
        let back = key.map_or(String::new(), |key| format!("; {key} brings it back"));
        self.tell(format!("filter cleared{back}"), now);
    }

    /// Brings back the filter that was cleared last. One that is in force takes its place.
    pub(super) fn restore_filter(&mut self, now: Moment) {
        let Some(text) = self.cleared.take() else {
            return self.warn("no filter was cleared", now);
        };
        let Ok(filter) = Filter::parse(&text) else {
            return;
        };
        self.criteria.filter = filter;
        let replaced = std::mem::replace(&mut self.filter_text, text);
        if !replaced.is_empty() {
            self.remember(&replaced);
            self.cleared = Some(replaced);
        }
        self.reselect(now);
        let shown = cut(&self.filter_text, MAX_TOLD);
        self.tell(format!("the filter is back: {shown}"), now);
    }

    /// Adds a filter to the history, or makes it the latest.
    fn remember(&mut self, text: &str) {
        self.history.retain(|earlier| earlier != text);
        self.history.push(text.to_owned());
        let excess = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..excess);
    }

    /// The filter in force, as it was typed if it still reads so.
    fn typed_filter(&self) -> String {
        match &self.modal {
            Modal::Prompt(prompt) if self.filter_error.is_none() => prompt.text().trim().into(),
            _ => self.criteria.filter.to_string(),
        }
    }

    /// Applies what is being typed if it is a filter; otherwise the last good one stays.
    pub(super) fn try_filter(&mut self, now: Moment) {
        let Modal::Prompt(prompt) = &self.modal else {
            return;
        };
        if prompt.kind != PromptKind::Filter {
            return;
        }
        match Filter::parse(prompt.text()) {
            Ok(filter) => {
                self.filter_error = None;
                self.criteria.filter = filter;
                self.reselect(now);
            }
            Err(error) => self.filter_error = Some(error),
        }
    }

    pub(super) fn act_in_prompt(&mut self, action: Action, now: Moment) -> Effects {
        let Modal::Prompt(prompt) = &mut self.modal else {
            return Vec::new();
        };
        match (action, prompt.kind) {
            (Action::Dialog(crate::keymap::DialogAction::RecallEarlier) | Action::Dialog(crate::keymap::DialogAction::RecallLater), PromptKind::Filter) => {
                prompt.recall(&self.history, turn(action));
                self.try_filter(now);
            }
            (Action::Dialog(crate::keymap::DialogAction::CompleteNext) | Action::Dialog(crate::keymap::DialogAction::CompletePrevious), PromptKind::Filter) => {
                let rows = self.table.rows.iter().map(|row| &**row);
                if prompt.complete(rows, turn(action)) == Edited::Text {
                    self.try_filter(now);
                }
            }
            (Action::Back, PromptKind::Filter) => {
                self.filter_text = self.typed_filter();
                self.modal = Modal::None;
                self.clear_filter(now);
            }
            (Action::Back, PromptKind::Target) => self.modal = Modal::None,
            (Action::Dialog(crate::keymap::DialogAction::Accept), PromptKind::Filter) => self.keep_filter(now),
            (Action::Dialog(crate::keymap::DialogAction::Accept), PromptKind::Target) => {
                let text = prompt.text().trim().to_owned();
                return self.bind_test_typed(&text, now);
            }
            _ => {}
        }
        Vec::new()
    }

    /// A wrong filter is not kept: the prompt stays open with the error marked, and told in the place of
    /// what was offered.
    pub(super) fn keep_filter(&mut self, now: Moment) {
        let Modal::Prompt(prompt) = &mut self.modal else {
            return;
        };
        prompt.take_offer();
        if self.filter_error.is_some() {
            return;
        }
        let text = prompt.text().trim().to_owned();
        self.modal = Modal::None;
        if text.is_empty() {
            return self.clear_filter(now);
        }
        self.remember(&text);
        self.filter_text = text;
        self.reselect(now);
    }

    pub(super) fn bind_test_typed(&mut self, text: &str, now: Moment) -> Effects {
        match text.parse::<Target>() {
            Ok(target) if target.ports.start() != target.ports.end() => {
                self.warn(format!("{text}: one port is tested at a time"), now);
                Vec::new()
            }
            Ok(target) => {
                self.modal = Modal::None;
                self.bind_test(target, now)
            }
            Err(error) => {
                self.warn(error.to_string(), now);
                Vec::new()
            }
        }
    }
}

const fn turn(action: Action) -> Turn {
    match action {
        Action::Dialog(crate::keymap::DialogAction::RecallEarlier) | Action::Dialog(crate::keymap::DialogAction::CompletePrevious) => Turn::Back,
        _ => Turn::On,
    }
}
