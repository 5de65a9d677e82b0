//! Handles keys while a question is open, and the outcome of a signal.

use super::{Answer, sheet};
use crate::app::dialogs::save;
use crate::app::{App, Confirmed, Dialog, Effect, Inspected, NoticeKind, Signal};
use crate::keymap::{Action, DialogAction, MoveAction};
use crate::model::{Moment, counted};

impl App {
    /// Handles keys while a question is open; any other action means no.
    pub(crate) fn act_on_question(&mut self, action: Action, now: Moment) {
        let Dialog::Question(question) = &mut self.dialog else {
            return;
        };
        if let Action::Move(action) = action {
            self.move_in_question(action);
        } else if action == Action::Dialog(DialogAction::Confirm) {
            self.confirm(now);
        } else if let Some(by) = signal_step(action) {
            question.ending.signal = signal_beside(question.ending.signal, by);
            self.withdraw_early_yes();
        } else if action == Action::Dialog(DialogAction::OtherTargets) {
            let choices = question.choices();
            let at = choices.iter().position(|&one| one == question.choice);
            question.choice = choices[at.map_or(0, |at| at + 1) % choices.len()];
            question.set_targets();
            self.withdraw_early_yes();
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
            question.scroll = 0;
            return;
        }
        if !is_guarded && !question.is_inspected {
            question.answer = Answer::EarlyYes;
            let pending = format!(
                "finding out what depends on {}…",
                question.process.name_and_pid()
            );
            return self.notify(NoticeKind::Pending, pending, now);
        }
        let (mut ending, frees_port) = (question.ending.clone(), question.frees_tested_port);
        let ports = question.ports.clone();
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
        let pending = format!("sending SIG{signal} to {}…", process.name_and_pid());
        self.jobs.endings += 1;
        self.notify(NoticeKind::Pending, pending, now);
        self.request(if ports.len() > 1 {
            let endings = vec![ending];
            Effect::EndSeveral { endings, ports }
        } else {
            Effect::EndProcess(ending)
        });
    }

    /// Handles keys while a question about several is open; any other action means no.
    pub(crate) fn act_on_several(&mut self, action: Action, now: Moment) {
        let Dialog::EndSeveral(several) = &mut self.dialog else {
            return;
        };
        if let Action::Move(action) = action {
            self.move_in_question(action);
        } else if action == Action::Dialog(DialogAction::Confirm) {
            self.confirm_several(now);
        } else if let Some(by) = signal_step(action) {
            several.signal = signal_beside(several.signal, by);
            self.withdraw_early_yes();
        } else if action == Action::Dialog(DialogAction::OtherTargets) {
            several.includes_all = !several.includes_all && several.has_left_out();
            self.withdraw_early_yes();
        } else if action != Action::CopyFix {
            self.dialog = Dialog::None;
        } else if let Some(command) = several.command() {
            self.dialog = Dialog::None;
            self.copy(command, now);
        }
    }

    fn confirm_several(&mut self, now: Moment) {
        let Dialog::EndSeveral(several) = &mut self.dialog else {
            return;
        };
        let pending = several.pending();
        if pending > 0 {
            several.answer = Answer::EarlyYes;
            let of = counted(pending, "process", "processes");
            return self.notify(
                NoticeKind::Pending,
                format!("finding out what depends on {of}…"),
                now,
            );
        }
        let count = several.len();
        if count == 0 {
            return self.warn("nothing was sent: each has a better fix", now);
        }
        if several.is_guarded() && !several.is_second() {
            several.answer = Answer::FirstYes;
            several.scroll = 0;
            return;
        }
        let signal = several.signal.as_str();
        let (endings, ports) = several.endings();
        self.dialog = Dialog::None;
        let count = counted(count, "process", "processes");
        self.jobs.endings += 1;
        let pending = format!("sending SIG{signal} to {count}…");
        self.notify(NoticeKind::Pending, pending, now);
        self.request(Effect::EndSeveral { endings, ports });
    }

    /// An early yes was for the signal and the targets of that moment. Now they are others.
    fn withdraw_early_yes(&mut self) {
        let answer = match &mut self.dialog {
            Dialog::Question(question) => &mut question.answer,
            Dialog::EndSeveral(several) => &mut several.answer,
            _ => return,
        };
        if *answer == Answer::EarlyYes {
            *answer = Answer::None;
            // The notice that it is pending.
            self.notices.current = None;
        }
    }

    pub(crate) fn move_in_question(&mut self, action: MoveAction) {
        let by = action.lines(self.menu_height().max(2) - 1);
        self.scroll_question(|top| top.saturating_add_signed(by));
    }

    /// Scrolls the open question; `to` gets the first visible line and returns another.
    pub(crate) fn scroll_question(&mut self, to: impl FnOnce(usize) -> usize) {
        let (size, height) = (self.size, self.menu_height());
        match &mut self.dialog {
            Dialog::Question(question) => {
                let top = sheet(question, size, height).top;
                question.scroll = to(top);
                question.scroll = sheet(question, size, height).top;
            }
            Dialog::EndSeveral(several) => {
                let top = several.sheet(size, height).top;
                several.scroll = to(top);
                several.scroll = several.sheet(size, height).top;
            }
            Dialog::Save(question) => {
                let top = save::sheet(question, size, height).top;
                question.scroll = to(top);
                question.scroll = save::sheet(question, size, height).top;
            }
            Dialog::None
            | Dialog::Prompt(_)
            | Dialog::GoTo(_)
            | Dialog::Menu(_)
            | Dialog::Palette(_)
            | Dialog::OpenUrl(_)
            | Dialog::Help(_) => {}
        }
    }

    /// Adds the background of the owners to the open question. An early yes is carried out now, if one is enough.
    pub(crate) fn receive_inspection(&mut self, found: Inspected, now: Moment) {
        let question = match &mut self.dialog {
            Dialog::Question(question) if question.job == found.job => question,
            Dialog::EndSeveral(_) => return self.receive_one_of_several(found, now),
            _ => return,
        };
        question.set_background(found);
        if question.answer == Answer::EarlyYes {
            // The notice that this is pending covers the keys.
            self.notices.current = None;
            question.answer = Answer::None;
            if question.guard().is_none() {
                self.confirm(now);
            }
        }
    }

    /// The same for one of several. An early yes is carried out if nothing in the question has changed since.
    fn receive_one_of_several(&mut self, found: Inspected, now: Moment) {
        let Dialog::EndSeveral(several) = &mut self.dialog else {
            return;
        };
        if !several.set_background(found) {
            return;
        }
        let requests = several.requests();
        if several.answer == Answer::EarlyYes && several.pending() == 0 {
            self.notices.current = None;
            several.answer = Answer::None;
            if !several.is_guarded() && !several.has_left_out() {
                self.confirm_several(now);
            }
        }
        for (job, socket) in requests {
            self.request(Effect::InspectOwner { job, socket });
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
}

/// By how many places an action moves the chosen signal.
fn signal_step(action: Action) -> Option<isize> {
    if action == Action::Dialog(DialogAction::OtherSignal) {
        Some(1)
    } else if action == Action::Dialog(DialogAction::PreviousSignal) {
        Some(-1)
    } else {
        None
    }
}

/// The signal so many places further in the row, which goes round.
fn signal_beside(signal: Signal, by: isize) -> Signal {
    let all = Signal::ALL;
    let at = all.iter().position(|one| *one == signal).unwrap_or(0);
    let next = at.saturating_add(all.len()).saturating_add_signed(by) % all.len();
    all[next]
}
