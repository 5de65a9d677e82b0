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
use super::{Action, App, BindReport, Effect, Exit, Input, Key, Modal, Msg, News, Pane};
use crate::model::Moment;
use crate::track::TableUpdate;

pub(super) type Effects = Vec<Effect>;

impl App {
    /// Takes in what happened at `now`; returns what is to be done about it, in order.
    pub fn update(&mut self, msg: Msg, now: Moment) -> Effects {
        let height = self.rows_in_sight();
        let effects = self.take(msg, now);
        // A prompt, a question or a notice may have taken the line that the cursor was on, also after rows were
        // selected for the lines that there were without it.
        let now_in_sight = self.rows_in_sight();
        if now_in_sight != height || !self.cursor.is_in_sight(now_in_sight) {
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
            Msg::RowsWritten(written) => self.tell_written(&written, now),
            Msg::OwnerInspected(found) => return self.take_inspection(*found, now),
            Msg::EndPending(message) => {
                if self.endings > 0 {
                    self.notify(News::Pending, message, now);
                }
            }
            Msg::EndOutcome { succeeded, message } => {
                return self.take_end(succeeded, message, now);
            }
            Msg::SignalFailed(message) => {
                self.endings = self.endings.saturating_sub(1);
                if let Some(Pane::Bind(pane)) = &mut self.pane {
                    pane.end_failed();
                }
                self.warn(message, now);
            }
            Msg::SettingsRead { settings, from } => {
                return self.take_settings(*settings, &from, now);
            }
            Msg::ExitRequested(exit) => return vec![Effect::End(exit)],
            Msg::SuspendRequested => return vec![Effect::Suspend],
            Msg::Resumed if self.is_paused() => return vec![Effect::Redraw],
            // What is shown is from before.
            Msg::Resumed => return vec![Effect::Redraw, Effect::Refresh],
            Msg::Woke => return self.pass_time(now),
        }
        Vec::new()
    }

    /// Makes what was read the table that is shown.
    pub(super) fn take_in(&mut self, observation: TableUpdate, now: Moment) -> Effects {
        let effects = self.take_port_news(&observation);
        let table = &observation.table;
        let fresh = self.holds_for(table.taken_at);
        self.past.take(table.taken_at, table.counts, fresh);
        self.past.count(&observation.events);
        let events = observation.events.len();
        self.log.extend(observation.events);
        self.failure = None;
        self.table = observation.table;
        self.playback = observation.playback;
        self.has_snapshot = true;
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
            Came::Free { is_end } => {
                // What came of an end is said when it is sure that nothing comes back.
                if !(is_end && self.endings > 0) {
                    self.tell(format!("{port} is free"), now);
                }
                vec![Effect::Bell]
            }
            Came::InVain(why) => {
                if self.endings == 0 {
                    self.warn(why, now);
                }
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
        if !self.is_paused() {
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
                let edited = match &mut self.modal {
                    Modal::Prompt(prompt) => prompt.paste(&text),
                    Modal::Palette(palette) => palette.paste(&text),
                    _ => return Vec::new(),
                };
                self.try_filter(now);
                self.tell_of_edit(edited, now);
            }
            Input::Resized { width, height } => {
                self.size = super::Size { width, height };
                self.hand.let_go();
                self.scroll_to_cursor();
                // Also where it is the size that we knew: there and back again is told once.
                return vec![Effect::Repaint];
            }
        }
        Vec::new()
    }

    pub(super) fn press(&mut self, key: Key, now: Moment) -> Effects {
        match self.settings.keymap.lookup(self.mode(), key) {
            Some(action) => self.perform(action, now),
            None => self.type_in(key, now),
        }
    }

    /// Whoever goes on has read what the last line said.
    pub(super) fn take_in_news(&mut self) {
        self.notice = None;
        if self.shows_port_news() {
            self.port_news.clear();
        }
    }

    /// Does what a key or a click asks for, whatever is open.
    pub(in crate::app) fn perform(&mut self, action: Action, now: Moment) -> Effects {
        if action == Action::Session(crate::keymap::SessionAction::Redraw) {
            // What the last line says may be what could not be read.
            return vec![Effect::Redraw];
        }
        self.take_in_news();
        match (&self.modal, action) {
            (_, Action::Session(crate::keymap::SessionAction::Quit)) => return vec![Effect::End(Exit::Quit)],
            (_, Action::Session(crate::keymap::SessionAction::Suspend)) => return vec![Effect::SuspendJob],
            (Modal::None, _) => return self.act(action, now),
            (Modal::Prompt(_), _) => return self.act_in_prompt(action, now),
            (Modal::GoTo(_), _) => self.end_going(action, now),
            (Modal::Menu(_), _) => return self.act_in_menu(action, now),
            (Modal::Palette(_), _) => return self.act_in_palette(action, now),
            (Modal::Question(_), _) => return self.act_on_question(action, now),
            (Modal::Help { .. }, _) => self.act_in_help(action),
        }
        Vec::new()
    }

    /// A key that means nothing here is typed, where there is something to type in.
    fn type_in(&mut self, key: Key, now: Moment) -> Effects {
        self.take_in_news();
        let edited = match &mut self.modal {
            Modal::Prompt(prompt) => prompt.press(key),
            Modal::Palette(palette) => palette.press(key),
            Modal::GoTo(_) => return self.press_to_go(key, now),
            _ => return Vec::new(),
        };
        // A megabyte that comes as keys must not be parsed a million times.
        if edited == Edited::Text {
            self.try_filter(now);
        }
        self.tell_of_edit(edited, now);
        Vec::new()
    }

    fn tell_of_edit(&mut self, edited: Edited, now: Moment) {
        if edited == Edited::Full {
            let told = format!("there is room for {MAX_BYTES} bytes: the rest was left out");
            self.warn(told, now);
        }
    }

    /// What the keyboard is for now.
    pub(in crate::app) fn mode(&self) -> Mode {
        match self.modal {
            Modal::None if matches!(self.pane, Some(Pane::Bind(_))) => Mode::Bind,
            Modal::None => Mode::Table,
            Modal::Prompt(_) => Mode::Prompt,
            Modal::GoTo(_) => Mode::Digits,
            Modal::Menu(_) => Mode::Menu,
            Modal::Palette(_) => Mode::Palette,
            Modal::Question(ref question) if question.is_second() => Mode::ConfirmAgain,
            Modal::Question(_) => Mode::Question,
            Modal::Help { .. } => Mode::Help,
        }
    }
}
