//! The question whether to end a process, answered by words: `yes` typed whole, and for a guarded process its pid after
//! that.

use super::Session;
use super::word::Verb;
use crate::app::view::plain::Confirmation;
use crate::app::{App, Effect, Signal};
use crate::keymap::{Action, DialogAction};
use crate::model::Moment;

impl Session {
    /// Prints those lines of the open question that were not printed yet, and what answers it.
    pub(super) fn print_question(&mut self) {
        let lines = self.app.question_lines();
        let new: Vec<_> = lines
            .iter()
            .filter(|line| !self.question.contains(line))
            .cloned()
            .collect();
        let is_new = self.question.is_empty() && !lines.is_empty();
        for line in new {
            self.print(line);
        }
        if is_new {
            self.print("Type yes or no; signal NAME chooses another signal.");
        }
        self.question = lines;
    }

    /// Any command that does not answer the open question closes it.
    pub(super) fn cancel_unless_answer(&mut self, verb: Verb) -> Vec<Effect> {
        let answers = [Verb::Yes, Verb::No, Verb::Signal, Verb::Targets, Verb::Help];
        if answers.contains(&verb) {
            return Vec::new();
        }
        self.cancel_question()
    }

    pub(super) fn cancel_question(&mut self) -> Vec<Effect> {
        if self.app.confirmation().is_none() {
            return Vec::new();
        }
        self.print("cancelled: no signal was sent");
        self.app.command(App::close_dialog)
    }

    pub(super) fn no(&mut self) {
        if self.app.confirmation().is_none() {
            return self.print("there is no question");
        }
        // The only effect of closing a question is that it is closed.
        drop(self.cancel_question());
    }

    pub(super) fn confirm(&mut self, now: Moment) -> Vec<Effect> {
        match self.app.confirmation() {
            None => self.print("there is no question"),
            Some(Confirmation::Pid(pid)) => self.print(format!("type the pid, {pid}, or no")),
            Some(Confirmation::Yes) => return self.act(Action::Dialog(DialogAction::Confirm), now),
        }
        Vec::new()
    }

    /// The second confirmation, if this line is one.
    pub(super) fn confirm_by_pid(&mut self, line: &str, now: Moment) -> Option<Vec<Effect>> {
        match self.app.confirmation()? {
            Confirmation::Pid(pid) if line == pid.to_string() => {
                Some(self.act(Action::Dialog(DialogAction::Confirm), now))
            }
            Confirmation::Pid(_) | Confirmation::Yes => None,
        }
    }

    pub(super) fn choose_signal(&mut self, name: &str, now: Moment) -> Vec<Effect> {
        let upper = name.to_ascii_uppercase();
        let wanted = upper.strip_prefix("SIG").unwrap_or(&upper);
        if self.app.confirmation().is_none() {
            self.print("there is no question");
            return Vec::new();
        }
        if !Signal::ALL.iter().any(|signal| signal.as_str() == wanted) {
            let names: Vec<_> = Signal::ALL.iter().map(|one| one.as_str()).collect();
            self.print(format!("unknown signal `{name}`: {}", names.join(", ")));
            return Vec::new();
        }
        let mut effects = Vec::new();
        for _ in Signal::ALL {
            if self.app.question_signal() == Some(wanted) {
                break;
            }
            effects.extend(self.act(Action::Dialog(DialogAction::OtherSignal), now));
        }
        effects
    }

    pub(super) fn change_targets(&mut self, now: Moment) -> Vec<Effect> {
        if self.app.confirmation().is_none() {
            self.print("there is no question");
            return Vec::new();
        }
        let before = self.app.question_lines();
        let effects = self.act(Action::Dialog(DialogAction::OtherTargets), now);
        if self.app.question_lines() == before {
            self.print("there is nothing else to end");
        }
        effects
    }
}
