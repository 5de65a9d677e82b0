//! Handles keys while a question is open, and the outcome of a signal.

use super::{Answer, Question, named};
use crate::app::{App, Confirmed, Dialog, Effect, Inspected, NoticeKind, Signal};
use crate::keymap::{Action, DialogAction};
use crate::model::{Holder, Moment};

impl App {
    /// Handles keys while a question is open; any other action means no.
    pub(crate) fn act_on_question(&mut self, action: Action, now: Moment) {
        let Dialog::Question(question) = &mut self.dialog else {
            return;
        };
        if action == Action::Dialog(DialogAction::Confirm) {
            self.confirm(now);
        } else if action == Action::Dialog(DialogAction::OtherSignal) {
            let signal = &mut question.ending.signal;
            let at = Signal::ALL.iter().position(|one| one == signal);
            *signal = Signal::ALL[at.map_or(0, |at| at + 1) % Signal::ALL.len()];
        } else if action == Action::Dialog(DialogAction::OtherTargets) {
            let choices = question.choices();
            let at = choices.iter().position(|&one| one == question.choice);
            question.choice = choices[at.map_or(0, |at| at + 1) % choices.len()];
            question.set_targets();
        } else if action != Action::CopyFix {
            self.dialog = Dialog::None;
        } else if let Some(command) = question.command().map(str::to_owned) {
            self.dialog = Dialog::None;
            self.copy(command, now);
        }
    }

    fn confirm(&mut self, now: Moment) {
        let Dialog::Question(question) = &mut self.dialog else {
            return;
        };
        let is_guarded = question.guard().is_some();
        if is_guarded && !question.is_second() {
            question.answer = Answer::FirstYes;
            return;
        }
        if !is_guarded && !question.is_inspected {
            question.answer = Answer::EarlyYes;
            let pending = format!("looking what depends on {}…", named(&question.process));
            return self.notify(NoticeKind::Pending, pending, now);
        }
        let (mut ending, frees_port) = (question.ending.clone(), question.frees_tested_port);
        if is_guarded {
            ending.confirmed = Confirmed::Twice;
        }
        self.dialog = Dialog::None;
        let Some(process) = ending.process() else {
            return;
        };
        if let Some(pane) = self.dock.bind_test().filter(|_| frees_port) {
            pane.watch_end(process.pid, now);
        }
        let signal = ending.signal.as_str();
        let pending = format!("sending SIG{signal} to {}…", named(process));
        self.jobs.endings += 1;
        self.notify(NoticeKind::Pending, pending, now);
        self.request(Effect::EndProcess(ending));
    }

    /// Adds the background of the owners to the open question. An early yes is carried out now, if one is enough.
    pub(crate) fn receive_inspection(&mut self, found: Inspected, now: Moment) {
        let Dialog::Question(question) = &mut self.dialog else {
            return;
        };
        if question.job != found.job {
            return;
        }
        if !found.backgrounds.is_empty() {
            question.holder.backgrounds = found.backgrounds;
        }
        question.supervisor = found.supervisor;
        question.is_inspected = true;
        question.fix = question.better_fix(&found.limits);
        question.set_targets();
        if question.answer == Answer::EarlyYes {
            // The notice that this is pending covers the keys.
            self.notices.current = None;
            question.answer = Answer::None;
            if question.guard().is_none() {
                self.confirm(now);
            }
        }
    }

    /// Reports the outcome of a signal. An open bind test runs again.
    pub(crate) fn receive_end(&mut self, succeeded: bool, text: String, now: Moment) {
        self.jobs.endings = self.jobs.endings.saturating_sub(1);
        self.notify_outcome(succeeded, text, now);
        if self.dock.bind_test().is_some() {
            self.test_again(now);
        } else {
            self.refresh_unless_paused();
        }
    }

    pub(crate) fn signal_failed(&mut self, message: String, now: Moment) {
        self.jobs.endings = self.jobs.endings.saturating_sub(1);
        if let Some(pane) = self.dock.bind_test() {
            pane.end_failed();
        }
        self.warn(message, now);
    }

    pub(crate) fn open_end_question(&mut self, now: Moment) {
        let Some(row) = self.selected() else {
            return self.warn("no row is selected", now);
        };
        let holder = Holder::new(row.socket.clone());
        self.open_question(self.question(&holder, row.is_closed()), now);
    }

    pub(crate) fn question(&self, holder: &Holder, is_closed: bool) -> Result<Question, String> {
        let known = (&*self.rows.table, &self.environment.lineage);
        Question::end_owner(holder, is_closed, known, self.jobs.inspection + 1)
    }

    pub(crate) fn open_question(&mut self, question: Result<Question, String>, now: Moment) {
        match question {
            Ok(question) => {
                self.jobs.inspection = question.job;
                let (job, socket) = (question.job, Box::new((*question.holder.socket).clone()));
                self.dialog = Dialog::Question(Box::new(question));
                self.request(Effect::InspectOwner { job, socket });
            }
            Err(why) => self.warn(why, now),
        }
    }
}
