//! What the keys do while a filter or a port is typed.

mod view;

use crate::app::Effects;
use crate::app::dialogs::prompt::{Edited, PromptKind, Turn};
use crate::app::{App, Dialog};
use crate::columns::cut;
use crate::filter::{Filter, FilterError};
use crate::keymap::Action;
use crate::keymap::{DialogAction, TableAction};
use crate::model::Moment;

/// How many filters are remembered.
const MAX_HISTORY: usize = 100;

/// So much of a filter is repeated, in cells.
const MAX_TOLD: usize = 60;

/// The filter as text: what was typed, what is wrong with it, and the filters before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterLine {
    pub text: String,
    /// What is wrong with the filter being typed.
    pub error: Option<FilterError>,
    /// The filters that were kept or cleared, each once, the latest last.
    pub history: Vec<String>,
    /// The filter that was cleared last, until it is restored.
    pub cleared: Option<String>,
}

impl FilterLine {
    pub fn new(filter: &Filter) -> Self {
        Self {
            text: filter.to_string(),
            ..Self::default()
        }
    }
}

impl App {
    /// Shows everything; the filter that was in force can be brought back.
    pub(crate) fn clear_filter(&mut self, now: Moment) {
        let cleared = std::mem::take(&mut self.filter.text);
        self.filter.error = None;
        self.rows.criteria.filter = Filter::default();
        self.reselect(now);
        if cleared.is_empty() {
            return;
        }
        self.remember(&cleared);
        self.filter.cleared = Some(cleared);
        let key = self
            .settings
            .keymap
            .key(Action::Table(TableAction::RestoreFilter));
        let back = key.map_or(String::new(), |key| format!("; {key} brings it back"));
        self.report(format!("filter cleared{back}"), now);
    }

    /// Brings back the filter that was cleared last. One that is in force takes its place.
    pub(crate) fn restore_filter(&mut self, now: Moment) {
        let Some(text) = self.filter.cleared.take() else {
            return self.warn("no filter was cleared", now);
        };
        let Ok(filter) = Filter::parse(&text) else {
            return;
        };
        self.rows.criteria.filter = filter;
        let replaced = std::mem::replace(&mut self.filter.text, text);
        if !replaced.is_empty() {
            self.remember(&replaced);
            self.filter.cleared = Some(replaced);
        }
        self.reselect(now);
        let shown = cut(&self.filter.text, MAX_TOLD);
        self.report(format!("the filter is back: {shown}"), now);
    }

    /// Adds a filter to the history, or makes it the latest.
    fn remember(&mut self, text: &str) {
        self.filter.history.retain(|earlier| earlier != text);
        self.filter.history.push(text.to_owned());
        let excess = self.filter.history.len().saturating_sub(MAX_HISTORY);
        self.filter.history.drain(..excess);
    }

    /// The filter in force, as it was typed if it still reads so.
    fn typed_filter(&self) -> String {
        match &self.dialog {
            Dialog::Prompt(prompt) if self.filter.error.is_none() => prompt.text().trim().into(),
            _ => self.rows.criteria.filter.to_string(),
        }
    }

    /// Applies what is being typed if it is a filter; otherwise the last good one stays.
    pub(crate) fn try_filter(&mut self, now: Moment) {
        let Dialog::Prompt(prompt) = &self.dialog else {
            return;
        };
        if prompt.kind != PromptKind::Filter {
            return;
        }
        match Filter::parse(prompt.text()) {
            Ok(filter) => {
                self.filter.error = None;
                self.rows.criteria.filter = filter;
                self.reselect(now);
            }
            Err(error) => self.filter.error = Some(error),
        }
    }

    pub(crate) fn act_in_prompt(&mut self, action: Action, now: Moment) -> Effects {
        let Dialog::Prompt(prompt) = &mut self.dialog else {
            return Vec::new();
        };
        match (action, prompt.kind) {
            (
                Action::Dialog(DialogAction::RecallEarlier)
                | Action::Dialog(DialogAction::RecallLater),
                PromptKind::Filter,
            ) => {
                prompt.recall(&self.filter.history, turn(action));
                self.try_filter(now);
            }
            (
                Action::Dialog(DialogAction::CompleteNext)
                | Action::Dialog(DialogAction::CompletePrevious),
                PromptKind::Filter,
            ) => {
                let rows = self.rows.table.rows.iter().map(|row| &**row);
                if prompt.complete(rows, turn(action)) == Edited::Text {
                    self.try_filter(now);
                }
            }
            (Action::Back, PromptKind::Filter) => {
                self.filter.text = self.typed_filter();
                self.dialog = Dialog::None;
                self.clear_filter(now);
            }
            (Action::Back, PromptKind::Target) => self.dialog = Dialog::None,
            (Action::Dialog(DialogAction::Accept), PromptKind::Filter) => self.keep_filter(now),
            (Action::Dialog(DialogAction::Accept), PromptKind::Target) => {
                let text = prompt.text().trim().to_owned();
                return self.bind_test_typed(&text, now);
            }
            _ => {}
        }
        Vec::new()
    }

    /// A wrong filter is not kept: the prompt stays open with the error marked, and told in the place of
    /// what was offered.
    pub(crate) fn keep_filter(&mut self, now: Moment) {
        let Dialog::Prompt(prompt) = &mut self.dialog else {
            return;
        };
        prompt.take_offer();
        if self.filter.error.is_some() {
            return;
        }
        let text = prompt.text().trim().to_owned();
        self.dialog = Dialog::None;
        if text.is_empty() {
            return self.clear_filter(now);
        }
        self.remember(&text);
        self.filter.text = text;
        self.reselect(now);
    }
}

const fn turn(action: Action) -> Turn {
    match action {
        Action::Dialog(DialogAction::RecallEarlier)
        | Action::Dialog(DialogAction::CompletePrevious) => Turn::Back,
        _ => Turn::On,
    }
}
