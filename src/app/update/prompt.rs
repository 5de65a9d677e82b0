//! What the keys do while a filter or a port is typed.

use super::super::prompt::PromptKind;
use super::super::{Action, App, Modal};
use super::Effects;
use crate::bind::Target;
use crate::filter::Filter;
use crate::model::Moment;

/// How many filters are remembered.
const MAX_HISTORY: usize = 100;

impl App {
    pub(super) fn clear_filter(&mut self, now: Moment) {
        self.filter_text.clear();
        self.filter_error = None;
        self.criteria.filter = Filter::default();
        self.reselect(now);
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
            (Action::RecallEarlier, PromptKind::Filter) => {
                prompt.recall(&self.history, 1);
                self.try_filter(now);
            }
            (Action::RecallLater, PromptKind::Filter) => {
                prompt.recall(&self.history, -1);
                self.try_filter(now);
            }
            (Action::Back, kind) => {
                self.modal = Modal::None;
                if kind == PromptKind::Filter {
                    self.clear_filter(now);
                }
            }
            (Action::Accept, PromptKind::Filter) => self.keep_filter(now),
            (Action::Accept, PromptKind::Target) => {
                let text = prompt.text().trim().to_owned();
                return self.bind_test_typed(&text, now);
            }
            _ => {}
        }
        Vec::new()
    }

    /// A wrong filter is not kept: the prompt stays open with the error marked.
    pub(super) fn keep_filter(&mut self, now: Moment) {
        let Modal::Prompt(prompt) = &self.modal else {
            return;
        };
        if self.filter_error.is_some() {
            return;
        }
        let text = prompt.text().trim().to_owned();
        self.history.retain(|earlier| *earlier != text);
        if !text.is_empty() {
            self.history.push(text.clone());
            let excess = self.history.len().saturating_sub(MAX_HISTORY);
            self.history.drain(..excess);
        }
        self.filter_text = text;
        self.modal = Modal::None;
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
