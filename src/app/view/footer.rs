//! The lines at the bottom: hints, notices, typed text.

use crate::app::dialogs::prompt::completion::offers_line;
use crate::app::layout::Layout;
use crate::app::view::{Click, Line, Role, cut_line, line_width, span};
use crate::app::{App, Dialog, PromptKind};
use crate::keymap::{Action, DialogAction, Mode, ProgramAction, SessionAction};
use crate::model::Moment;

impl App {
    /// The lines at the bottom, and the position of the text cursor.
    pub(crate) fn footer(&self, layout: &Layout, now: Moment) -> (Vec<Line>, Option<(u16, u16)>) {
        let area = layout.footer;
        let columns = usize::from(area.width);
        if area.height == 0 {
            return (Vec::new(), None);
        }
        if let Some(prompt) = self.dialog.prompt() {
            let (line, x) = self.prompt_line(prompt, columns);
            let below = cut_line(self.below_prompt(now), columns);
            return (vec![line, below], Some((area.x + x, area.y)));
        }
        if let Dialog::GoTo(going) = &self.dialog {
            let (line, x) = self.go_to_line(going, columns);
            return (vec![line], Some((area.x + x, area.y)));
        }
        let lines = match (self.alerts_line(), &self.notices.current) {
            (Some(alerts), _) => vec![cut_line(alerts, columns)],
            (None, Some(notice)) => notice.lines(now, area.width, area.height),
            (None, None) => vec![self.hints(self.mode(), columns)],
        };
        (lines, None)
    }

    /// Alerts, a notice, completions, an error of the typed text, examples, or hints.
    fn below_prompt(&self, now: Moment) -> Line {
        let columns = usize::from(self.size.width);
        if let Some(alerts) = self.alerts_line() {
            return alerts;
        }
        if let Some(notice) = &self.notices.current {
            return notice.lines(now, self.size.width, 1).concat();
        }
        let Dialog::Prompt(prompt) = &self.dialog else {
            return self.hints(self.mode(), columns);
        };
        if let Some(completing) = &prompt.completing {
            return offers_line(completing, columns);
        }
        match (prompt.kind, &self.filter.error) {
            (PromptKind::Filter, Some(error)) => {
                vec![span(format!(" {}", error.message), Role::Bad)]
            }
            (PromptKind::Pane, _) => self.search_result(now),
            (PromptKind::Target, _) => {
                let examples = " 8080  8080/udp  127.0.0.1:8080  [::1]:8080  https";
                vec![span(examples, Role::Dim)]
            }
            _ => self.hints(self.mode(), columns),
        }
    }

    fn has_effect(&self, action: Action) -> bool {
        let accept = Action::Dialog(DialogAction::Accept);
        let toggle = Action::Dialog(DialogAction::Toggle);
        let other_targets = Action::Dialog(DialogAction::OtherTargets);
        let in_dialog = match &self.dialog {
            Dialog::Menu(menu) => {
                // Enter only closes a menu of switches.
                let has_switches = menu.items.iter().any(|item| item.is_on.is_some());
                action != (if has_switches { accept } else { toggle })
            }
            Dialog::Question(question) => {
                (action != other_targets || question.choices().len() > 1)
                    && (action != Action::CopyFix || question.command().is_some())
            }
            Dialog::None
            | Dialog::Prompt(_)
            | Dialog::GoTo(_)
            | Dialog::Palette(_)
            | Dialog::Help { .. } => action != toggle,
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
        let bindings = keymap.bindings(mode).chain(in_table);
        let bindings = bindings.filter(|binding| self.has_effect(binding.action));
        let pause = Action::Program(ProgramAction::TogglePause);
        let hints = bindings.filter_map(|binding| {
            let (key, mut hint) = (binding.keys.first()?, binding.hint?);
            if binding.action == pause && self.is_paused() {
                hint = "resume";
            }
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
