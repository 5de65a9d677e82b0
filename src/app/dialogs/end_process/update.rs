//! What the keys do while a question is open, and what comes of a signal.

use crate::app::Effects;
use crate::app::dialogs::end_process::{Confirmation, Question};
use crate::app::{App, Dialog, Effect, Ending, Inspected, NoticeKind, Pane};
use crate::keymap::Action;
use crate::keymap::DialogAction;
use crate::model::Holder;
use crate::model::Moment;

impl App {
    pub(crate) fn act_on_question(&mut self, action: Action, now: Moment) -> Effects {
        let Dialog::Question(question) = &self.dialog else {
            return Vec::new();
        };
        let question = question.clone();
        self.dialog = Dialog::None;
        let changed = match action {
            Action::Dialog(DialogAction::Confirm) => return self.confirm(*question, now),
            Action::CopyFix => match question.command() {
                Some(command) => {
                    let command = command.to_owned();
                    self.tell_copied(&command, now);
                    return vec![Effect::Copy(command)];
                }
                None => *question,
            },
            Action::Dialog(DialogAction::OtherSignal) => question.with_next_signal(),
            Action::Dialog(DialogAction::OtherTargets) => question.with_next_choice(),
            _ => return Vec::new(),
        };
        self.dialog = Dialog::Question(Box::new(changed));
        Vec::new()
    }

    fn confirm(&mut self, question: Question, now: Moment) -> Effects {
        let frees_tested_port = question.frees_tested_port;
        match question.confirmed() {
            Confirmation::Given(ending) => self.send(ending, frees_tested_port, now),
            Confirmation::AskAgain(question) => {
                self.dialog = Dialog::Question(Box::new(question));
                Vec::new()
            }
            Confirmation::Remember(question) => {
                let looking = format!("looking what depends on {}…", question.about());
                self.dialog = Dialog::Question(Box::new(question));
                self.notify(NoticeKind::Pending, looking, now);
                Vec::new()
            }
        }
    }

    fn send(&mut self, ending: Ending, frees_tested_port: bool, now: Moment) -> Effects {
        let Some(process) = ending.process() else {
            return Vec::new();
        };
        if let Some(Pane::Bind(pane)) = self.dock.pane.as_mut().filter(|_| frees_tested_port) {
            pane.watch_end(process.pid, now);
        }
        let signal = ending.signal.as_str();
        let doing = format!("sending SIG{signal} to {} ({})…", process.name, process.pid);
        self.jobs.endings += 1;
        self.notify(NoticeKind::Pending, doing, now);
        vec![Effect::EndProcess(ending)]
    }

    /// What is behind the owners that the open question is about. A yes that was given before is carried out
    /// now, if it is enough.
    pub(crate) fn take_inspection(&mut self, found: Inspected, now: Moment) -> Effects {
        let Dialog::Question(question) = &mut self.dialog else {
            return Vec::new();
        };
        if question.job != found.job {
            return Vec::new();
        }
        let was_answered = question.is_answered();
        let is_enough = question.inspected(found);
        if was_answered {
            // It said that this is waited for, where the keys stand.
            self.notices.current = None;
        }
        if !is_enough {
            return Vec::new();
        }
        let question = (**question).clone();
        self.dialog = Dialog::None;
        self.confirm(question, now)
    }

    /// What came of a signal. A bind test that is open shows what it says now.
    pub(crate) fn take_end(&mut self, succeeded: bool, message: String, now: Moment) -> Effects {
        self.jobs.endings = self.jobs.endings.saturating_sub(1);
        let news = if succeeded {
            NoticeKind::Good
        } else {
            NoticeKind::Bad
        };
        self.notify(news, message, now);
        // What is gone or came is to be seen, and asked about, as it is.
        if matches!(self.dock.pane, Some(Pane::Bind(_))) {
            self.test_again(now)
        } else {
            self.refresh_unless_paused()
        }
    }

    pub(crate) fn ask_to_end(&mut self, now: Moment) -> Effects {
        let Some(row) = self.selected() else {
            self.warn("no row is selected", now);
            return Vec::new();
        };
        let (holder, is_closed) = (Holder::new(row.socket.clone()), row.is_closed());
        let known = (&*self.rows.table, &self.environment.lineage);
        let asked = Question::end_owner(&holder, is_closed, known, self.jobs.inspection + 1);
        self.ask(asked, now)
    }

    /// Opens a question, and has read what is behind the owners that it is about.
    pub(crate) fn ask(&mut self, asked: Result<Question, String>, now: Moment) -> Effects {
        match asked {
            Ok(question) => {
                self.jobs.inspection = question.job;
                let (job, socket) = (question.job, Box::new(question.socket().clone()));
                self.dialog = Dialog::Question(Box::new(question));
                vec![Effect::InspectOwner { job, socket }]
            }
            Err(why) => {
                self.warn(why, now);
                Vec::new()
            }
        }
    }
}
