//! How each message changes the program.

use crate::app::dialogs::prompt::{Edited, MAX_BYTES};
use crate::app::{App, Dialog, Effect, Exit, Input, Msg, NoticeKind, Pane};
use crate::keymap::Mode;
use crate::keymap::SessionAction;
use crate::keymap::{Action, Key};
use crate::model::Moment;

pub(crate) type Effects = Vec<Effect>;

impl App {
    /// Takes in what happened at `now`; returns what is to be done about it, in order.
    pub fn update(&mut self, msg: Msg, now: Moment) -> Effects {
        let height = self.rows_in_sight();
        let effects = self.take(msg, now);
        // A prompt, a question or a notice may have taken the line that the cursor was on, also after rows were
        // selected for the lines that there were without it.
        let now_in_sight = self.rows_in_sight();
        if now_in_sight != height || !self.rows.cursor.is_in_sight(now_in_sight) {
            self.scroll_to_cursor();
        }
        self.refresh_related_sockets();
        effects
    }

    fn take(&mut self, msg: Msg, now: Moment) -> Effects {
        match msg {
            Msg::Input(input) => return self.take_input(input, now),
            Msg::SnapshotTaken(observation) => return self.take_snapshot(observation, now),
            Msg::RefreshMeasured(refresh) => self.stats.refreshed(refresh),
            Msg::Drawn(took) => self.stats.drew(took),
            Msg::SnapshotFailed(why) => self.rows.failure = Some(why),
            Msg::BindTested(report) => return self.take_report(*report, now),
            Msg::BindTestFailed { job, message } => self.take_failure_to_test(job, message, now),
            Msg::JobDone {
                succeeded: true,
                message,
            } => self.report(message, now),
            Msg::JobDone {
                succeeded: false,
                message,
            } => self.warn(message, now),
            Msg::RowsWritten(written) => self.tell_written(&written, now),
            Msg::OwnerInspected(found) => return self.take_inspection(*found, now),
            Msg::EndPending(message) => {
                if self.jobs.endings > 0 {
                    self.notify(NoticeKind::Pending, message, now);
                }
            }
            Msg::EndOutcome { succeeded, message } => {
                return self.take_end(succeeded, message, now);
            }
            Msg::SignalFailed(message) => {
                self.jobs.endings = self.jobs.endings.saturating_sub(1);
                if let Some(Pane::Bind(pane)) = &mut self.dock.pane {
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

    fn pass_time(&mut self, now: Moment) -> Effects {
        if self
            .notices
            .current
            .as_ref()
            .is_some_and(|notice| notice.is_over(now))
        {
            self.notices.current = None;
        }
        if !self.is_paused() {
            self.reselect(now);
        }
        let is_test_due = match &mut self.dock.pane {
            Some(Pane::Bind(pane)) => pane.pass_time(&self.environment.time_zone, now),
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
                let edited = match &mut self.dialog {
                    Dialog::Prompt(prompt) => prompt.paste(&text),
                    Dialog::Palette(palette) => palette.paste(&text),
                    _ => return Vec::new(),
                };
                self.try_filter(now);
                self.tell_of_edit(edited, now);
            }
            Input::Resized { width, height } => {
                self.size = crate::app::Size { width, height };
                self.mouse.let_go();
                self.scroll_to_cursor();
                // Also where it is the size that we knew: there and back again is told once.
                return vec![Effect::Repaint];
            }
        }
        Vec::new()
    }

    pub(crate) fn press(&mut self, key: Key, now: Moment) -> Effects {
        match self.settings.keymap.lookup(self.mode(), key) {
            Some(action) => self.perform(action, now),
            None => self.type_in(key, now),
        }
    }

    /// Does what a key or a click asks for, whatever is open.
    pub(crate) fn perform(&mut self, action: Action, now: Moment) -> Effects {
        if action == Action::Session(SessionAction::Redraw) {
            // What the last line says may be what could not be read.
            return vec![Effect::Redraw];
        }
        self.dismiss_notices();
        match (&self.dialog, action) {
            (_, Action::Session(SessionAction::Quit)) => return vec![Effect::End(Exit::Quit)],
            (_, Action::Session(SessionAction::Suspend)) => return vec![Effect::SuspendJob],
            (Dialog::None, _) => return self.act(action, now),
            (Dialog::Prompt(_), _) => return self.act_in_prompt(action, now),
            (Dialog::GoTo(_), _) => self.end_going(action, now),
            (Dialog::Menu(_), _) => return self.act_in_menu(action, now),
            (Dialog::Palette(_), _) => return self.act_in_palette(action, now),
            (Dialog::Question(_), _) => return self.act_on_question(action, now),
            (Dialog::Help { .. }, _) => self.act_in_help(action),
        }
        Vec::new()
    }

    /// A key that means nothing here is typed, where there is something to type in.
    fn type_in(&mut self, key: Key, now: Moment) -> Effects {
        self.dismiss_notices();
        let edited = match &mut self.dialog {
            Dialog::Prompt(prompt) => prompt.press(key),
            Dialog::Palette(palette) => palette.press(key),
            Dialog::GoTo(_) => return self.press_to_go(key, now),
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
    pub(crate) fn mode(&self) -> Mode {
        match self.dialog {
            Dialog::None if matches!(self.dock.pane, Some(Pane::Bind(_))) => Mode::Bind,
            Dialog::None => Mode::Table,
            Dialog::Prompt(_) => Mode::Prompt,
            Dialog::GoTo(_) => Mode::Digits,
            Dialog::Menu(_) => Mode::Menu,
            Dialog::Palette(_) => Mode::Palette,
            Dialog::Question(ref question) if question.is_second() => Mode::ConfirmAgain,
            Dialog::Question(_) => Mode::Question,
            Dialog::Help { .. } => Mode::Help,
        }
    }
}
