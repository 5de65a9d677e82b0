//! The lines at the bottom: hints, notices, typed text.

use crate::app::dialogs::prompt::Prompt;
use crate::app::dialogs::prompt::completion::offers_line;
use crate::app::layout::{Area, Layout};
use crate::app::view::{Click, Line, Role, cut_line, line_width, span};
use crate::app::{App, Dialog, PromptKind};
use crate::keymap::{Action, DialogAction, Mode, ProgramAction, SessionAction, TimeAction};
use crate::model::Moment;

/// The hint of a key that moves in time, at a moment of the past.
fn time_hint(action: Action) -> Option<&'static str> {
    const HINTS: [(TimeAction, &str); 3] = [
        (TimeAction::PreviousSnapshot, "back"),
        (TimeAction::NextSnapshot, "forward"),
        (TimeAction::Now, "now"),
    ];
    let found = HINTS.iter().find(|(one, _)| Action::Time(*one) == action);
    found.map(|(_, hint)| *hint)
}

impl App {
    /// The lines at the bottom, and the position of the text cursor. Alerts have the last line for themselves; only hints
    /// of the table give way to them.
    pub(crate) fn footer(&self, layout: &Layout, now: Moment) -> (Vec<Line>, Option<(u16, u16)>) {
        let area = layout.footer;
        let columns = usize::from(area.width);
        if area.height == 0 {
            return (Vec::new(), None);
        }
        let (mut lines, x) = if let Some(prompt) = self.dialog.prompt() {
            let (line, x) = self.prompt_line(prompt, columns);
            let below = cut_line(self.below_prompt(now), columns);
            (vec![line, below], Some(x))
        } else if let Dialog::GoTo(going) = &self.dialog {
            let (line, x) = self.go_to_line(going, columns);
            (vec![line], Some(x))
        } else {
            (self.notice_or_hints(area, now), None)
        };
        let is_full = lines.len() >= usize::from(area.height);
        let alerts = self.alerts_line().filter(|_| !is_full);
        lines.extend(alerts.map(|alerts| cut_line(alerts, columns)));
        (lines, x.map(|x| (area.x + x, area.y)))
    }

    /// What is in the footer while no text is typed; nothing in place of hints if there are alerts.
    fn notice_or_hints(&self, area: Area, now: Moment) -> Vec<Line> {
        let columns = usize::from(area.width);
        if let Some(notice) = &self.notices.current {
            let height = area.height.saturating_sub(self.alert_lines()).max(1);
            return notice.lines(now, area.width, height);
        }
        let is_in_table = matches!(self.dialog, Dialog::None);
        match self.matches_line(columns) {
            Some(line) => vec![line],
            None if is_in_table && self.alert_lines() > 0 => Vec::new(),
            None => vec![self.hints(self.mode(), columns)],
        }
    }

    /// A notice, completions, an error of the typed text, examples, or hints.
    fn below_prompt(&self, now: Moment) -> Line {
        let columns = usize::from(self.size.width);
        if let Some(notice) = &self.notices.current {
            return notice.lines(now, self.size.width, 1).concat();
        }
        match &self.dialog {
            Dialog::Prompt(prompt) if prompt.kind == PromptKind::Target => {
                let examples = " 8080  8080/udp  127.0.0.1:8080  [::1]:8080  https";
                vec![span(examples, Role::Dim)]
            }
            Dialog::Prompt(prompt) if prompt.kind == PromptKind::Time => {
                self.below_time(prompt.text(), now)
            }
            Dialog::Prompt(prompt) if prompt.kind == PromptKind::Pane => self.search_result(now),
            Dialog::Prompt(prompt) => self.below_filter(prompt, columns),
            Dialog::None
            | Dialog::GoTo(_)
            | Dialog::Menu(_)
            | Dialog::Palette(_)
            | Dialog::Question(_)
            | Dialog::EndSeveral(_)
            | Dialog::OpenUrl(_)
            | Dialog::Save(_)
            | Dialog::Help { .. } => self.hints(self.mode(), columns),
        }
    }

    /// How much matches, then completions or hints; or an error. A word that has completions is incomplete, not wrong.
    fn below_filter(&self, prompt: &Prompt, columns: usize) -> Line {
        if let Some(error) = &self.filter.error {
            let is_incomplete = prompt.completing.as_ref().is_some_and(|completing| {
                completing.is_taken() || error.span.start >= completing.word_start()
            });
            if !is_incomplete {
                return vec![span(format!(" {}", error.message), Role::Bad)];
            }
        }
        let count = match prompt.kind {
            PromptKind::Filter => Some(self.count_text()),
            PromptKind::Find => self.match_text(),
            PromptKind::Target
            | PromptKind::Time
            | PromptKind::Action
            | PromptKind::Help
            | PromptKind::Pane => None,
        };
        let count = count.map(|count| span(format!(" {count} "), Role::Strong));
        let mut line = Line::from_iter(count);
        let room = columns.saturating_sub(line_width(&line));
        line.extend(match &prompt.completing {
            Some(completing) => offers_line(completing, room),
            None => self.hints(self.mode(), room),
        });
        line
    }

    fn has_effect(&self, action: Action) -> bool {
        let accept = Action::Dialog(DialogAction::Accept);
        let toggle = Action::Dialog(DialogAction::Toggle);
        let moves = [DialogAction::MoveDown, DialogAction::MoveUp].map(Action::Dialog);
        let other_targets = Action::Dialog(DialogAction::OtherTargets);
        let in_dialog = match &self.dialog {
            Dialog::Menu(menu) => {
                // Enter only closes a menu of switches.
                let has_switches = menu.items.iter().any(|item| item.is_on.is_some());
                let has_no_effect = if has_switches { accept } else { toggle };
                action != has_no_effect
                    && (!moves.contains(&action) || self.column_in_menu().is_some())
            }
            Dialog::Question(question) => {
                (action != other_targets || question.choices().len() > 1)
                    && (action != Action::CopyFix || question.command().is_some())
            }
            Dialog::OpenUrl(_) | Dialog::Save(_) => {
                action == Action::Dialog(DialogAction::Confirm) || action == Action::Back
            }
            Dialog::EndSeveral(several) => {
                (action != other_targets || several.has_left_out())
                    && (action != Action::CopyFix || several.command().is_some())
            }
            Dialog::None
            | Dialog::Prompt(_)
            | Dialog::GoTo(_)
            | Dialog::Palette(_)
            | Dialog::Help(_) => action != toggle,
        };
        in_dialog && !matches!(action, Action::Port(action) if !self.can(action))
    }

    /// As many hints of a mode as fit. The last ones are dropped first, but help and quit stay the longest.
    pub(crate) fn hints(&self, mode: Mode, columns: usize) -> Line {
        let keymap = &self.settings.keymap;
        // The table's keys also work in a bind test and in a pane; help and quit are shown there.
        let in_table = keymap.bindings(Mode::Table).filter(|binding| {
            let help = Action::Program(ProgramAction::ToggleHelp);
            let shown = [help, Action::Session(SessionAction::Quit)];
            matches!(mode, Mode::Bind | Mode::Pane) && shown.contains(&binding.action)
        });
        let is_at_moment = mode == Mode::Table && self.is_at_moment();
        let in_time = keymap.bindings(mode).filter(|_| is_at_moment);
        let in_time = in_time.filter_map(|binding| Some((binding, time_hint(binding.action)?)));
        let others = keymap.bindings(mode).chain(in_table);
        let others = others.filter_map(|binding| Some((binding, binding.hint?)));
        let bindings = in_time.chain(others);
        let bindings = bindings.filter(|(binding, _)| self.has_effect(binding.action));
        let pause = Action::Program(ProgramAction::TogglePause);
        let hints = bindings.filter_map(|(binding, mut hint)| {
            let key = binding.keys.first()?;
            if binding.action == pause && self.is_at_moment() {
                hint = if self.is_playing() { "stop" } else { "play" };
            } else if binding.action == pause && self.is_paused() {
                hint = "resume";
            }
            let other = self.action_on_group(binding.action);
            let other = other.or_else(|| self.action_on_published(binding.action));
            hint = other.unwrap_or(hint);
            let click = Click::Do(binding.action);
            Some(vec![
                span(key.to_string(), Role::Accent).on_click(click),
                span(format!(" {hint}"), Role::Dim).on_click(click),
                span("  ", Role::Dim),
            ])
        });
        let mut hints: Vec<Line> = hints.collect();
        while 1 + hints.iter().map(|hint| line_width(hint)).sum::<usize>() > columns
            && hints.len() > 1
        {
            hints.remove(hints.len().saturating_sub(3));
        }
        std::iter::once(span(" ", Role::Plain))
            .chain(hints.concat())
            .collect()
    }
}
