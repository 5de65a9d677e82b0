//! The lines at the bottom: hints, notices, what is typed.

use crate::app::dialogs::prompt::view::offers_line;
use crate::keymap::{DialogAction, ProgramAction, SessionAction};

use crate::app::layout::Layout;
use crate::app::view::{Click, Line, Role, cut_line, line_width, span};
use crate::app::{App, Dialog, PromptKind};
use crate::keymap::Action;
use crate::keymap::Mode;
use crate::model::Moment;

impl App {
    /// The lines at the bottom, and where the text cursor is.
    pub(crate) fn footer(&self, layout: &Layout, now: Moment) -> (Vec<Line>, Option<(u16, u16)>) {
        let area = layout.footer;
        if area.height == 0 {
            return (Vec::new(), None);
        }
        if let Some(prompt) = self.prompt() {
            let (line, x) = self.prompt_line(prompt, usize::from(area.width));
            let below = cut_line(self.below_prompt(now), usize::from(area.width));
            return (vec![line, below], Some((area.x + x, area.y)));
        }
        if let Dialog::GoTo(going) = &self.dialog {
            let (line, x) = self.go_to_line(going, usize::from(area.width));
            return (vec![line], Some((area.x + x, area.y)));
        }
        let line = match (&self.notices.current, self.alerts_line()) {
            (_, Some(news)) => cut_line(news, usize::from(area.width)),
            (Some(notice), None) if area.height > 1 => {
                return (notice.lines(now, area.width, area.height), None);
            }
            (Some(notice), None) => cut_line(notice.line(now), usize::from(area.width)),
            (None, None) => self.hints(self.mode(), usize::from(area.width)),
        };
        (vec![line], None)
    }

    /// What is wrong with the text above, or what the keys do.
    fn below_prompt(&self, now: Moment) -> Line {
        if let Some(news) = self.alerts_line() {
            return news;
        }
        if let Some(notice) = &self.notices.current {
            return notice.line(now);
        }
        if let Dialog::Prompt(prompt) = &self.dialog
            && let Some(completing) = prompt.completing()
        {
            return offers_line(completing, usize::from(self.size.width));
        }
        match (&self.filter.error, &self.dialog) {
            (Some(error), Dialog::Prompt(prompt)) if prompt.kind == PromptKind::Filter => {
                vec![span(format!(" {}", error.message), Role::Bad)]
            }
            (_, Dialog::Prompt(prompt)) if prompt.kind == PromptKind::Target => vec![span(
                " 8080  8080/udp  127.0.0.1:8080  [::1]:8080  https",
                Role::Dim,
            )],
            _ => self.hints(self.mode(), usize::from(self.size.width)),
        }
    }

    /// Whether a key does anything for what is open now.
    fn is_of_use(&self, action: Action) -> bool {
        match (action, &self.dialog) {
            (Action::Dialog(DialogAction::Toggle), Dialog::Menu(menu)) => {
                menu.items.iter().any(|item| item.is_on.is_some())
            }
            (Action::Dialog(DialogAction::Toggle), _) => false,
            (Action::Dialog(DialogAction::OtherTargets), Dialog::Question(question)) => {
                question.choices().len() > 1
            }
            (Action::CopyFix, Dialog::Question(question)) => question.command().is_some(),
            _ => true,
        }
    }

    /// The hints of a mode, as many as fit; what stands last in the keymap's list goes first, but help
    /// and quit stay as long as anything does.
    pub(crate) fn hints(&self, mode: Mode, columns: usize) -> Line {
        let keymap = &self.settings.keymap;
        // A bind test leaves the table's keys in force; of those, help and quit are told.
        let below = keymap.bindings(Mode::Table).filter(|binding| {
            let is_told = matches!(
                binding.action,
                Action::Program(ProgramAction::ToggleHelp) | Action::Session(SessionAction::Quit)
            );
            mode == Mode::Bind && is_told
        });
        let mut hints: Vec<_> = keymap
            .bindings(mode)
            .chain(below)
            .filter(|binding| self.is_of_use(binding.action))
            .filter_map(|binding| {
                let key = binding.keys.first()?.to_string();
                Some((key, binding.hint?, binding.action))
            })
            .collect();
        while line_width(&hint_line(&hints)) > columns && hints.len() > 1 {
            let least = hints.len().saturating_sub(3);
            hints.remove(least);
        }
        hint_line(&hints)
    }
}

/// Each with its key, and a click for it.
fn hint_line(hints: &[(String, &str, Action)]) -> Line {
    let mut line = vec![span(" ", Role::Plain)];
    for (key, hint, action) in hints {
        let click = Click::Do(*action);
        line.push(span(key.clone(), Role::Accent).on_click(click));
        line.push(span(format!(" {hint}"), Role::Dim).on_click(click));
        line.push(span("  ", Role::Dim));
    }
    line
}
