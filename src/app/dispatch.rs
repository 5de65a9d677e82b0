//! Dispatches messages and actions; each module matches its own kind of action exhaustively.

use super::dialogs::menu::Menu;
use super::dialogs::prompt::{Edited, MAX_BYTES, Prompt};
use super::table::cursor::Step;
use super::{App, Dialog, Effect, Exit, Input, Msg, NoticeKind, Pane, PromptKind, Size};
use crate::keymap::{Action, Key, Mode, PortAction, ProgramAction, SessionAction, TimeAction};
use crate::model::{Capabilities, Moment};

impl App {
    /// Handles a message that arrived at `now`; returns the effects to carry out, in order.
    pub fn update(&mut self, msg: Msg, now: Moment) -> Vec<Effect> {
        let height = self.rows_in_sight();
        self.handle(msg, now);
        // A dialog or a notice may cover the cursor's line, even after the scroll position was computed without it.
        let now_in_sight = self.rows_in_sight();
        let cursor = &self.rows.cursor;
        let is_covered = cursor.place() >= cursor.top() + now_in_sight.max(1);
        if now_in_sight != height || is_covered {
            self.scroll_to_cursor();
        }
        self.refresh_counters();
        self.refresh_widths();
        self.refresh_related_sockets();
        self.refresh_network();
        self.refresh_group_notes();
        std::mem::take(&mut self.effects)
    }

    fn handle(&mut self, msg: Msg, now: Moment) {
        match msg {
            Msg::Input(Input::Key(key)) => self.press(key, now),
            Msg::Input(Input::Mouse(mouse)) => self.point(mouse, now),
            Msg::Input(Input::Paste(text)) => {
                self.paste_port(&text);
                let edited = self.dialog.edit(|prompt| prompt.paste(&text));
                if edited == Edited::Full {
                    self.try_filter(now);
                    self.try_search(now);
                }
                self.edited(edited, now);
            }
            Msg::Input(Input::Background(color)) => self.background = Some(color),
            Msg::Input(Input::Resized { width, height }) => {
                self.size = Size { width, height };
                self.mouse.drag = None;
                self.refit_timeline();
                self.scroll_to_cursor();
                // Even if the size is unchanged: a terminal that is resized and back reports it once.
                self.request(Effect::Repaint);
            }
            Msg::SnapshotTaken(update) => self.receive_table(update, now),
            Msg::RefreshMeasured(refresh) => self.stats.add_refresh(refresh),
            Msg::Drawn(took) => self.stats.add_draw(took),
            Msg::SnapshotFailed(why) => self.rows.failure = Some(why),
            Msg::BindTested(report) => self.receive_bind_test(*report, now),
            Msg::BindTestFailed { job, message } => self.bind_test_failed(job, message, now),
            Msg::JobDone { succeeded, message } => self.notify_outcome(succeeded, message, now),
            Msg::RowsWritten(written) => self.notify_written(&written, now),
            Msg::OwnerInspected(found) => self.receive_inspection(*found, now),
            Msg::EndPending(message) if self.jobs.endings > 0 => {
                self.notify(NoticeKind::Pending, message, now);
            }
            Msg::EndPending(_) => {}
            Msg::EndOutcome { succeeded, message } => self.receive_end(succeeded, message, now),
            Msg::SignalFailed(message) => self.signal_failed(message, now),
            Msg::MomentShown(shown) => self.receive_moment(*shown, now),
            Msg::MomentFailed { job, message } => self.moment_failed(job, message, now),
            Msg::SavePrepared(save) => self.receive_difference(*save, now),
            Msg::SettingsRead { settings, from } => self.reload(*settings, &from, now),
            Msg::ExitRequested(exit) => self.request(Effect::End(exit)),
            Msg::SuspendRequested => self.request(Effect::Suspend),
            Msg::Resumed => {
                self.request(Effect::Redraw);
                // The screen still shows the state before this.
                self.refresh_unless_paused();
            }
            Msg::Woke => self.pass_time(now),
        }
    }

    fn pass_time(&mut self, now: Moment) {
        self.expire_notices(now);
        self.play_on(now);
        if !self.is_paused() {
            self.reselect(now);
        }
        let zone = &self.environment.time_zone;
        let pane = self.dock.bind_test();
        if pane.is_some_and(|pane| pane.pass_time(zone, now)) {
            self.test_again(now);
        }
    }

    pub(crate) fn press(&mut self, key: Key, now: Moment) {
        if let Some(action) = self.action_of(key) {
            return self.perform(action, now);
        }
        self.dismiss_notices();
        if let Dialog::GoTo(go_to) = &mut self.dialog {
            if go_to.press(key) {
                return self.seek();
            }
            // Any other key closes it and acts on the table.
            self.dialog = Dialog::None;
            return self.press(key, now);
        }
        // A key without an action is typed into the open prompt, if any.
        let edited = self.dialog.edit(|prompt| prompt.press(key));
        self.edited(edited, now);
    }

    /// Carries out the action of a key or a click, with or without an open dialog.
    pub(crate) fn perform(&mut self, action: Action, now: Moment) {
        if let Action::Session(action) = action {
            let effect = match action {
                // The notice may report a failed read, so it stays.
                SessionAction::Redraw => Effect::Redraw,
                SessionAction::Quit => Effect::End(Exit::Quit),
                SessionAction::Suspend => {
                    self.dismiss_notices();
                    Effect::SuspendJob
                }
            };
            return self.request(effect);
        }
        self.dismiss_notices();
        match &self.dialog {
            Dialog::None => self.act(action, now),
            Dialog::Prompt(_) => self.act_in_prompt(action, now),
            Dialog::GoTo(_) => self.close_go_to(action, now),
            Dialog::Menu(_) => self.act_in_menu(action, now),
            Dialog::Palette(_) => self.act_in_palette(action, now),
            Dialog::Question(_) => self.act_on_question(action, now),
            Dialog::Help(_) => self.act_in_help(action),
            Dialog::OpenUrl(_) => self.act_on_url(action, now),
            Dialog::Save(_) => self.act_on_save(action, now),
            Dialog::EndSeveral(_) => self.act_on_several(action, now),
        }
    }

    /// Handles keys while no dialog is open.
    fn act(&mut self, action: Action, now: Moment) {
        match action {
            Action::Move(action) if self.dock.focus.is_some() => self.move_in_pane(action, now),
            Action::Move(action) => {
                let page = self.rows_in_sight().max(2) - 1;
                self.step(Step::By(action.lines(page)));
            }
            Action::Table(action) => self.act_on_table(action, now),
            Action::ShowView(place) => self.show_view_at(place, now),
            Action::Pane(action) => self.act_on_pane(action, now),
            Action::Port(action) if !self.can(action) => {
                self.warn(self.why_no_actions(), now);
            }
            Action::Port(action) => match action {
                PortAction::BindTest => self.bind_test_selected(now),
                PortAction::BindTestAny => {
                    self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Target, ""));
                }
                PortAction::FindFreePort => self.find_free_port(now),
                PortAction::EndProcess => self.open_end_question(now),
                PortAction::OpenInBrowser => self.open_in_browser(now),
            },
            Action::BindTest(action) => self.act_in_bind_test(action, now),
            Action::CopyFix => {
                if let Some(Pane::Bind(pane)) = &self.dock.pane
                    && let Some(verdict) = pane.verdict()
                {
                    self.dialog = Dialog::Menu(Menu::fixes(verdict));
                }
            }
            Action::Program(action) => match action {
                ProgramAction::TogglePause => self.toggle_pause(now),
                ProgramAction::Refresh if self.is_at_moment() => {
                    self.act_on_time(TimeAction::NextSnapshot, now);
                }
                ProgramAction::Refresh => self.refresh(now),
                ProgramAction::Slower => self.change_interval(1, now),
                ProgramAction::Faster => self.change_interval(-1, now),
                ProgramAction::NextTheme => self.choose_next_theme(now),
                ProgramAction::ToggleMouse => self.toggle_mouse(now),
                ProgramAction::ReadSettings => {
                    self.notify(NoticeKind::Pending, "reading the config…", now);
                    self.request(Effect::ReadSettings);
                }
                ProgramAction::SaveSettings => self.prepare_save(now),
                ProgramAction::OpenPalette => self.dialog = Dialog::Palette(self.palette()),
                ProgramAction::ToggleHelp => self.open_help(),
            },
            Action::Time(action) => self.act_on_time(action, now),
            Action::Back if self.mode() == Mode::Matches => self.end_find(),
            Action::Back if self.dock.focus.is_some() => self.leave_pane(),
            Action::Back if self.dock.pane.is_some() => self.set_pane(None),
            Action::Back if self.is_at_moment() && self.is_live() => self.return_to_now(now),
            Action::Back if self.rows.criteria.filter.is_empty() && !self.rows.marks.is_empty() => {
                self.clear_marks(now);
            }
            Action::Back => self.clear_filter(now),
            Action::Session(_) | Action::Dialog(_) => {}
        }
    }

    /// Whether the newest snapshot is of now. Otherwise the table has its own time.
    pub(crate) const fn is_live(&self) -> bool {
        self.environment.origin.can().has(Capabilities::LIVE)
    }

    /// What can be done about the table that is shown: a moment of the history can only be viewed.
    const fn capabilities(&self) -> Capabilities {
        if self.is_at_moment() {
            Capabilities::NONE
        } else {
            self.environment.origin.can()
        }
    }

    /// Whether this can be done about the table that is shown.
    pub(crate) const fn can(&self, action: PortAction) -> bool {
        self.capabilities().has(match action {
            PortAction::BindTest | PortAction::BindTestAny => Capabilities::BIND,
            PortAction::FindFreePort => Capabilities::FREE_PORT,
            PortAction::EndProcess => Capabilities::SIGNAL,
            PortAction::OpenInBrowser => Capabilities::OPEN,
        })
    }

    /// Applies a text that has changed. A megabyte that comes as keys must not be parsed a million times.
    fn edited(&mut self, edited: Edited, now: Moment) {
        match edited {
            Edited::Nothing => self.suggest(),
            Edited::Text => {
                self.try_filter(now);
                self.try_search(now);
            }
            Edited::Full => {
                let text = format!("there is room for {MAX_BYTES} bytes: the rest was left out");
                self.warn(text, now);
            }
        }
    }

    /// The action of a key in the current mode.
    pub(crate) fn action_of(&self, key: Key) -> Option<Action> {
        self.action_in(self.mode(), key)
    }

    /// The action of a key in a mode. In a focused bind test the keys of a bind test work too.
    pub(crate) fn action_in(&self, mode: Mode, key: Key) -> Option<Action> {
        let keymap = &self.settings.keymap;
        let is_bind_test = matches!(self.dock.pane, Some(Pane::Bind(_)));
        if mode == Mode::Pane && is_bind_test {
            let mut bindings = keymap.bindings(Mode::Pane);
            let bound = bindings.find(|binding| binding.keys.contains(&key));
            return match bound {
                Some(binding) => Some(binding.action),
                None => keymap.lookup(Mode::Bind, key),
            };
        }
        keymap.lookup(mode, key)
    }

    pub(crate) fn mode(&self) -> Mode {
        match &self.dialog {
            Dialog::None if self.dock.focus.is_some() => Mode::Pane,
            Dialog::None if matches!(self.dock.pane, Some(Pane::Bind(_))) => Mode::Bind,
            Dialog::None if self.rows.find.is_some() => Mode::Matches,
            Dialog::None => Mode::Table,
            Dialog::Prompt(prompt) if prompt.kind == PromptKind::Find => Mode::Finding,
            Dialog::Prompt(_) => Mode::Prompt,
            Dialog::GoTo(_) => Mode::Digits,
            Dialog::Menu(_) => Mode::Menu,
            Dialog::Palette(_) => Mode::Palette,
            Dialog::Question(question) if question.is_second() => Mode::ConfirmAgain,
            Dialog::EndSeveral(several) if several.is_second() => Mode::ConfirmAgain,
            Dialog::Question(_) | Dialog::EndSeveral(_) | Dialog::OpenUrl(_) | Dialog::Save(_) => {
                Mode::Question
            }
            Dialog::Help(help) if help.is_typing => Mode::HelpSearch,
            Dialog::Help(_) => Mode::Help,
        }
    }
}
