//! How each message changes the program.

mod bind;
mod modal;
mod mouse;
mod ports;
mod prompt;
mod settings;
mod table;
mod theme;

use super::bind_pane::Came;
use super::keymap::Mode;
use super::prompt::{Edited, MAX_BYTES};
use super::{Action, App, BindReport, Effect, Exit, Input, Key, Modal, Msg, Pane, Question};
use crate::model::Moment;
use crate::track::Observation;

type Effects = Vec<Effect>;

impl App {
    /// Takes in what happened at `now`; returns what is to be done about it, in order.
    pub fn update(&mut self, msg: Msg, now: Moment) -> Effects {
        let height = self.rows_in_sight();
        let effects = self.take(msg, now);
        // A prompt, a question or a notice may have taken the line that the cursor was on.
        if self.rows_in_sight() != height {
            self.scroll_to_cursor();
        }
        self.meet_neighbours();
        effects
    }

    fn take(&mut self, msg: Msg, now: Moment) -> Effects {
        match msg {
            Msg::Input(input) => return self.take_input(input, now),
            Msg::SnapshotTaken(observation) => return self.take_snapshot(observation, now),
            Msg::RefreshMeasured(refresh) => self.stats.refreshed(refresh),
            Msg::Drawn(took) => self.stats.drew(took),
            Msg::SnapshotFailed(why) => self.failure = Some(why),
            Msg::BindTested(report) => return self.take_report(*report, now),
            Msg::BindTestFailed { job, message } => self.take_failure_to_test(job, message, now),
            Msg::JobDone {
                succeeded: true,
                message,
            } => self.tell(message, now),
            Msg::JobDone {
                succeeded: false,
                message,
            } => self.warn(message, now),
            Msg::SignalFailed(message) => {
                if let Some(Pane::Bind(pane)) = &mut self.pane {
                    pane.end_failed();
                }
                self.warn(message, now);
            }
            Msg::SettingsRead { settings, from } => {
                return self.take_settings(*settings, &from, now);
            }
            Msg::EndAsked(exit) => return vec![Effect::End(exit)],
            Msg::SuspendAsked => return vec![Effect::Suspend],
            Msg::Resumed if self.paused_at.is_some() => return vec![Effect::Redraw],
            // What is shown is from before.
            Msg::Resumed => return vec![Effect::Redraw, Effect::Refresh],
            Msg::Woke => return self.pass_time(now),
        }
        Vec::new()
    }

    fn take_snapshot(&mut self, observation: Observation, now: Moment) -> Effects {
        let effects = self.take_port_news(&observation);
        let table = &observation.table;
        self.past
            .take(table.taken_at, table.counts, self.stale_after());
        self.past.count(&observation.events);
        let events = observation.events.len();
        self.log.extend(observation.events);
        self.failure = None;
        self.table = observation.table;
        self.has_snapshot = true;
        // A snapshot that was already under way when the table was paused is the last to be shown.
        self.reselect(now);
        self.follow(events);
        effects
    }

    /// An answer to an older test than the one shown is dropped.
    fn take_report(&mut self, answer: BindReport, now: Moment) -> Effects {
        let Some(Pane::Bind(pane)) = self.pane.as_mut().filter(|_| answer.job == self.job) else {
            return Vec::new();
        };
        let port = pane.target.first_port();
        let came = pane.take(answer, &self.surroundings.time_zone, now);
        if pane.is_wanted_again() {
            return self.test_again(now);
        }
        match came {
            Came::Nothing => Vec::new(),
            Came::Free => {
                self.tell(format!("{port} is free"), now);
                vec![Effect::Bell]
            }
            Came::InVain(why) => {
                self.warn(why, now);
                Vec::new()
            }
        }
    }

    fn take_failure_to_test(&mut self, job: u64, message: String, now: Moment) {
        if let Some(Pane::Bind(pane)) = self.pane.as_mut().filter(|_| job == self.job) {
            pane.test_failed(message.clone());
        }
        self.warn(message, now);
    }

    fn pass_time(&mut self, now: Moment) -> Effects {
        if self
            .notice
            .as_ref()
            .is_some_and(|notice| notice.is_over(now))
        {
            self.notice = None;
        }
        if self.paused_at.is_none() {
            self.reselect(now);
        }
        let is_test_due = match &mut self.pane {
            Some(Pane::Bind(pane)) => pane.pass_time(&self.surroundings.time_zone, now),
            _ => false,
        };
        if is_test_due {
            self.test_again(now)
        } else {
            Vec::new()
        }
    }

    fn take_input(&mut self, input: Input, now: Moment) -> Effects {
        match input {
            Input::Key(key) => return self.press(key, now),
            Input::Mouse(mouse) => return self.point(mouse, now),
            Input::Paste(text) => {
                self.paste_to_go(&text);
                if let Modal::Prompt(prompt) = &mut self.modal {
                    let edited = prompt.paste(&text);
                    self.try_filter(now);
                    self.tell_of_edit(edited, now);
                }
            }
            Input::Resized { width, height } => {
                self.size = super::Size { width, height };
                self.scroll_to_cursor();
                // Also where it is the size that we knew: there and back again is told once.
                return vec![Effect::Repaint];
            }
        }
        Vec::new()
    }

    pub(super) fn press(&mut self, key: Key, now: Moment) -> Effects {
        self.notice = None;
        if self.shows_port_news() {
            self.port_news.clear();
        }
        let action = self.settings.keymap.lookup(self.mode(), key);
        match (&mut self.modal, action) {
            (_, Some(Action::Quit)) => vec![Effect::End(Exit::Quit)],
            (_, Some(Action::Suspend)) => vec![Effect::SuspendJob],
            (Modal::Prompt(prompt), None) => {
                let edited = prompt.press(key);
                // A megabyte that comes as keys must not be parsed a million times.
                if edited == Edited::Text {
                    self.try_filter(now);
                }
                self.tell_of_edit(edited, now);
                Vec::new()
            }
            (Modal::GoTo(_), None) => self.press_to_go(key, now),
            (_, None) => Vec::new(),
            (Modal::None, Some(action)) => self.act(action, now),
            (Modal::Prompt(_), Some(action)) => self.act_in_prompt(action, now),
            (Modal::GoTo(_), Some(action)) => {
                self.end_going(action, now);
                Vec::new()
            }
            (Modal::Menu(_), Some(action)) => self.act_in_menu(action, now),
            (Modal::Question(_), Some(action)) => self.act_on_question(action, now),
            (Modal::Help { .. }, Some(action)) => {
                self.act_in_help(action);
                Vec::new()
            }
        }
    }

    fn tell_of_edit(&mut self, edited: Edited, now: Moment) {
        if edited == Edited::Full {
            let told = format!("there is room for {MAX_BYTES} bytes: the rest was left out");
            self.warn(told, now);
        }
    }

    /// What the keyboard is for now.
    pub(super) fn mode(&self) -> Mode {
        match self.modal {
            Modal::None if matches!(self.pane, Some(Pane::Bind(_))) => Mode::Bind,
            Modal::None => Mode::Table,
            Modal::Prompt(_) => Mode::Prompt,
            Modal::GoTo(_) => Mode::Digits,
            Modal::Menu(_) => Mode::Menu,
            Modal::Question(Question {
                is_second: true, ..
            }) => Mode::Insist,
            Modal::Question(_) => Mode::Question,
            Modal::Help { .. } => Mode::Help,
        }
    }
}
