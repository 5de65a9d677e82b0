//! What the keys do in menus, questions and the help.

use super::super::asking::{Menu, MenuChoice};
use super::super::question::{Confirmation, Question};
use super::super::view;
use super::super::{Action, App, Effect, Ending, Inspected, Modal, News, Pane, Written};
use super::Effects;
use crate::columns::{cut, cut_middle, width};
use crate::model::{Moment, clean, counted};

impl App {
    pub(super) fn act_on_question(&mut self, action: Action, now: Moment) -> Effects {
        let Modal::Question(question) = &self.modal else {
            return Vec::new();
        };
        let question = question.clone();
        self.modal = Modal::None;
        let changed = match action {
            Action::Dialog(crate::keymap::DialogAction::Confirm) => return self.confirm(*question, now),
            Action::CopyFix => match question.command() {
                Some(command) => {
                    let command = command.to_owned();
                    self.tell_copied(&command, now);
                    return vec![Effect::Copy(command)];
                }
                None => *question,
            },
            Action::Dialog(crate::keymap::DialogAction::OtherSignal) => question.with_next_signal(),
            Action::Dialog(crate::keymap::DialogAction::OtherTargets) => question.with_next_choice(),
            _ => return Vec::new(),
        };
        self.modal = Modal::Question(Box::new(changed));
        Vec::new()
    }

    fn confirm(&mut self, question: Question, now: Moment) -> Effects {
        let frees_tested_port = question.frees_tested_port;
        match question.confirmed() {
            Confirmation::Given(ending) => self.send(ending, frees_tested_port, now),
            Confirmation::AskAgain(question) => {
                self.modal = Modal::Question(Box::new(question));
                Vec::new()
            }
            Confirmation::Remember(question) => {
                let looking = format!("looking what depends on {}…", question.about());
                self.modal = Modal::Question(Box::new(question));
                self.notify(News::Pending, looking, now);
                Vec::new()
            }
        }
    }

    fn send(&mut self, ending: Ending, frees_tested_port: bool, now: Moment) -> Effects {
        let Some(process) = ending.process() else {
            return Vec::new();
        };
        if let Some(Pane::Bind(pane)) = self.pane.as_mut().filter(|_| frees_tested_port) {
            pane.watch_end(process.pid, now);
        }
        let signal = ending.signal.as_str();
        let doing = format!("sending SIG{signal} to {} ({})…", process.name, process.pid);
        self.endings += 1;
        self.notify(News::Pending, doing, now);
        vec![Effect::EndProcess(ending)]
    }

    /// What is behind the owners that the open question is about. A yes that was given before is carried out
    /// now, if it is enough.
    pub(super) fn take_inspection(&mut self, found: Inspected, now: Moment) -> Effects {
        let Modal::Question(question) = &mut self.modal else {
            return Vec::new();
        };
        if question.job != found.job {
            return Vec::new();
        }
        let was_answered = question.is_answered();
        let is_enough = question.inspected(found);
        if was_answered {
            // It said that this is waited for, where the keys stand.
            self.notice = None;
        }
        if !is_enough {
            return Vec::new();
        }
        let question = (**question).clone();
        self.modal = Modal::None;
        self.confirm(question, now)
    }

    /// What came of a signal. A bind test that is open shows what it says now.
    pub(super) fn take_end(&mut self, succeeded: bool, message: String, now: Moment) -> Effects {
        self.endings = self.endings.saturating_sub(1);
        let news = if succeeded { News::Good } else { News::Bad };
        self.notify(news, message, now);
        // What is gone or came is to be seen, and asked about, as it is.
        if matches!(self.pane, Some(Pane::Bind(_))) {
            self.test_again(now)
        } else {
            self.refresh_unless_paused()
        }
    }

    pub(super) fn act_in_menu(&mut self, action: Action, now: Moment) -> Effects {
        let Modal::Menu(menu) = &mut self.modal else {
            return Vec::new();
        };
        let last = menu.items.len().saturating_sub(1);
        match action {
            Action::Move(crate::keymap::MoveAction::Down) => menu.at = (menu.at + 1).min(last),
            Action::Move(crate::keymap::MoveAction::Up) => menu.at = menu.at.saturating_sub(1),
            Action::Dialog(crate::keymap::DialogAction::Accept) | Action::Dialog(crate::keymap::DialogAction::Toggle) => {
                let (at, choice) = (menu.at, menu.items[menu.at].choice.clone());
                return self.choose(at, choice, action, now);
            }
            _ => self.modal = Modal::None,
        }
        Vec::new()
    }

    pub(super) fn act_in_palette(&mut self, action: Action, now: Moment) -> Effects {
        let page = isize::try_from(self.menu_height()).unwrap_or(isize::MAX);
        let Modal::Palette(palette) = &mut self.modal else {
            return Vec::new();
        };
        match action {
            Action::Move(crate::keymap::MoveAction::Down) => palette.step(1),
            Action::Move(crate::keymap::MoveAction::Up) => palette.step(-1),
            Action::Move(crate::keymap::MoveAction::PageDown) => palette.step(page),
            Action::Move(crate::keymap::MoveAction::PageUp) => palette.step(-page),
            Action::Dialog(crate::keymap::DialogAction::Accept) => {
                let Some(action) = palette.chosen() else {
                    return Vec::new();
                };
                self.modal = Modal::None;
                return self.perform(action, now);
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
                self.tell_copied(&text, now);
                vec![Effect::Copy(text)]
            }
            MenuChoice::Write(format) => {
                self.modal = Modal::None;
                let shown = self.selection.shown().iter();
                let shown: Vec<_> = shown.map(|&at| self.table.rows[at].id).collect();
                let doing = format!("writing {}…", counted(shown.len(), "row", "rows"));
                self.notify(News::Pending, doing, now);
                vec![Effect::Write(format, shown)]
            }
            MenuChoice::Column(_) | MenuChoice::Kind(_) if how == Action::Dialog(crate::keymap::DialogAction::Accept) => {
                self.modal = Modal::None;
                Vec::new()
            }
            MenuChoice::Kind(protocol) => {
                let effects = self.toggle_kind(protocol, now);
                self.modal = Modal::Menu(Menu::kinds(self.criteria.kinds, at));
                effects
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

    /// What was copied is cut, and not what is said of it. Whether the terminal did as it was asked, it
    /// does not tell.
    fn tell_copied(&mut self, text: &str, now: Moment) {
        const BY: &str = " to the clipboard (by the terminal)";
        let said = width("copied ") + width(BY) + 1;
        let room = usize::from(self.size.width).saturating_sub(said);
        let text = cut(&clean(text), room.max(LEAST_TOLD));
        self.tell(format!("copied {text}{BY}"), now);
    }

    /// Where the rows went. A long path is cut in its middle: the folder and the ending are told.
    pub(super) fn tell_written(&mut self, written: &Written, now: Moment) {
        let said = format!("wrote {} to ", counted(written.rows, "row", "rows"));
        let room = usize::from(self.size.width).saturating_sub(width(&said) + 1);
        let path = cut_middle(&clean(&written.path), room.max(LEAST_TOLD));
        let why = written.not_in.as_ref();
        let why = why.map_or_else(String::new, |why| format!(", not to {why}"));
        self.tell(format!("{said}{path}{why}"), now);
    }

    pub(super) fn act_in_help(&mut self, action: Action) {
        let page = usize::from(self.size.height / 2);
        let last = view::last_help_scroll(self.size, &self.settings.keymap);
        let Modal::Help { scroll } = &mut self.modal else {
            return;
        };
        match action {
            Action::Move(crate::keymap::MoveAction::Down) => *scroll = (*scroll + 1).min(last),
            Action::Move(crate::keymap::MoveAction::Up) => *scroll = scroll.saturating_sub(1),
            Action::Move(crate::keymap::MoveAction::PageDown) => *scroll = (*scroll + page).min(last),
            Action::Move(crate::keymap::MoveAction::PageUp) => *scroll = scroll.saturating_sub(page),
            _ => self.modal = Modal::None,
        }
    }
}

/// Cells of a text that are told on the smallest terminal.
const LEAST_TOLD: usize = 12;
