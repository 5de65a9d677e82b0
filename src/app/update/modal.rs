//! What the keys do in menus, questions and the help.

use super::super::asking::{Menu, MenuChoice};
use super::super::question::{Confirmation, Question};
use super::super::view;
use super::super::{Action, App, Effect, Modal, News, Pane};
use super::Effects;
use crate::model::Moment;

impl App {
    pub(super) fn act_on_question(&mut self, action: Action, now: Moment) -> Effects {
        let Modal::Question(question) = &self.modal else {
            return Vec::new();
        };
        let question = question.clone();
        self.modal = Modal::None;
        match action {
            Action::Confirm => return self.confirm(question, now),
            Action::OtherSignal => self.modal = Modal::Question(question.with_next_signal()),
            _ => {}
        }
        Vec::new()
    }

    fn confirm(&mut self, question: Question, now: Moment) -> Effects {
        let frees_tested_port = question.frees_tested_port;
        let ending = match question.confirmed() {
            Confirmation::Given(ending) => ending,
            Confirmation::AskAgain(question) => {
                self.modal = Modal::Question(question);
                return Vec::new();
            }
        };
        if let Some(Pane::Bind(pane)) = self.pane.as_mut().filter(|_| frees_tested_port) {
            pane.watch_end(ending.process.pid, now);
        }
        let (signal, process) = (ending.signal.as_str(), &ending.process);
        let doing = format!("sending {signal} to {} ({})…", process.name, process.pid);
        self.notify(News::Pending, doing, now);
        vec![Effect::EndProcess(ending)]
    }

    pub(super) fn act_in_menu(&mut self, action: Action, now: Moment) -> Effects {
        let Modal::Menu(menu) = &mut self.modal else {
            return Vec::new();
        };
        let last = menu.items.len().saturating_sub(1);
        match action {
            Action::Down => menu.at = (menu.at + 1).min(last),
            Action::Up => menu.at = menu.at.saturating_sub(1),
            Action::Accept | Action::Toggle => {
                let (at, choice) = (menu.at, menu.items[menu.at].choice.clone());
                return self.choose(at, choice, action, now);
            }
            _ => self.modal = Modal::None,
        }
        Vec::new()
    }

    pub(super) fn choose(
        &mut self,
        at: usize,
        choice: MenuChoice,
        how: Action,
        now: Moment,
    ) -> Effects {
        match choice {
            MenuChoice::Copy(text) => {
                self.modal = Modal::None;
                self.tell(format!("copied: {}", crate::columns::cut(&text, 60)), now);
                vec![Effect::Copy(text)]
            }
            MenuChoice::Write(format) => {
                self.modal = Modal::None;
                let shown = self.selection.shown().iter();
                let shown: Vec<_> = shown.map(|&at| self.table.rows[at].id).collect();
                let doing = format!("writing {} rows…", shown.len());
                self.notify(News::Pending, doing, now);
                vec![Effect::Write(format, shown)]
            }
            MenuChoice::Column(_) if how == Action::Accept => {
                self.modal = Modal::None;
                Vec::new()
            }
            MenuChoice::Column(id) => {
                if let Some(hidden) = self.hidden_columns.iter().position(|&one| one == id) {
                    self.hidden_columns.remove(hidden);
                } else {
                    self.hidden_columns.push(id);
                }
                self.modal = Modal::Menu(Menu::columns(&self.hidden_columns, at));
                Vec::new()
            }
        }
    }

    pub(super) fn act_in_help(&mut self, action: Action) {
        let page = usize::from(self.size.height / 2);
        let last = view::last_help_scroll(self.size, &self.settings.keymap);
        let Modal::Help { scroll } = &mut self.modal else {
            return;
        };
        match action {
            Action::Down => *scroll = (*scroll + 1).min(last),
            Action::Up => *scroll = scroll.saturating_sub(1),
            Action::PageDown => *scroll = (*scroll + page).min(last),
            Action::PageUp => *scroll = scroll.saturating_sub(page),
            _ => self.modal = Modal::None,
        }
    }
}
