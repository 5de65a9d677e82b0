//! The lines at the bottom: hints, notices, what is typed.

use std::time::Duration;

use super::super::completing::Completing;
use super::super::go_to::{Found, GoTo};
use super::super::keymap::Mode;
use super::super::layout::{Layout, Size};
use super::super::overdue::{LONG, next_second, no_answer};
use super::super::prompt::Prompt;
use super::super::{Action, App, Modal, News, Notice, PromptKind};
use super::{Click, Line, Role, cut_line, line_width, raw_span, span};
use crate::columns::width;
use crate::model::Moment;

/// For how long a notice stays.
const NOTICE_TIME: Duration = Duration::from_secs(8);

/// A notice of so many cells stays longer.
const LONG_TEXT: usize = 70;

/// A notice takes no more lines than these.
const MAX_LINES: u16 = 4;

impl Notice {
    pub(in crate::app) fn is_over(&self, now: Moment) -> bool {
        self.news != News::Pending && self.since.age(now) >= self.stays()
    }

    /// For how long it stays: what takes more than a line takes longer to read.
    fn stays(&self) -> Duration {
        if width(&self.text) >= LONG_TEXT {
            NOTICE_TIME * 2
        } else {
            NOTICE_TIME
        }
    }

    /// How many lines it takes on a terminal of this size.
    pub(super) fn height(&self, size: Size) -> u16 {
        if self.news == News::Pending {
            return 1;
        }
        let most = MAX_LINES.min(size.height / 3).max(1);
        let lines = wrapped(&self.text, usize::from(size.width.saturating_sub(2))).len();
        u16::try_from(lines).unwrap_or(u16::MAX).clamp(1, most)
    }

    /// Its lines where it has more than one, broken at words.
    fn lines(&self, now: Moment, columns: u16, height: u16) -> Vec<Line> {
        let columns = usize::from(columns);
        let text = wrapped(&self.text, columns.saturating_sub(2));
        let height = usize::from(height);
        let mut lines: Vec<String> = text.iter().take(height).cloned().collect();
        if let (true, Some(last)) = (text.len() > height, lines.last_mut()) {
            *last = text[height - 1..].join(" ");
        }
        let line = |text: String| {
            let part = Self {
                text,
                ..self.clone()
            };
            cut_line(part.line(now), columns)
        };
        lines.into_iter().map(line).collect()
    }

    /// When it reads differently, or goes.
    pub(super) fn changes_in(&self, now: Moment) -> Duration {
        let age = self.since.age(now);
        match self.news {
            News::Good | News::Bad => self.stays().saturating_sub(age),
            News::Pending => next_second(age),
        }
    }

    fn line(&self, now: Moment) -> Line {
        let role = match self.news {
            News::Good => Role::Good,
            News::Bad => Role::Bad,
            News::Pending => Role::Plain,
        };
        let mut line = vec![span(format!(" {}", self.text), role)];
        let age = self.since.age(now);
        if self.news == News::Pending && age >= LONG {
            line.push(span(format!(" {}", no_answer(age)), Role::Warning));
        }
        line.into_iter()
            .map(|span| span.on_click(Click::Dismiss))
            .collect()
    }
}

impl App {
    /// The lines at the bottom, and where the text cursor is.
    pub(super) fn footer(&self, layout: &Layout, now: Moment) -> (Vec<Line>, Option<(u16, u16)>) {
        let area = layout.footer;
        if area.height == 0 {
            return (Vec::new(), None);
        }
        if let Some(prompt) = self.prompt() {
            let (line, x) = self.prompt_line(prompt, usize::from(area.width));
            let below = cut_line(self.below_prompt(now), usize::from(area.width));
            return (vec![line, below], Some((area.x + x, area.y)));
        }
        if let Modal::GoTo(going) = &self.modal {
            let (line, x) = self.go_to_line(going, usize::from(area.width));
            return (vec![line], Some((area.x + x, area.y)));
        }
        let line = match (&self.notice, self.port_news_line()) {
            (_, Some(news)) => cut_line(news, usize::from(area.width)),
            (Some(notice), None) if area.height > 1 => {
                return (notice.lines(now, area.width, area.height), None);
            }
            (Some(notice), None) => cut_line(notice.line(now), usize::from(area.width)),
            (None, None) => self.hints(self.mode(), usize::from(area.width)),
        };
        (vec![line], None)
    }

    /// The text being typed, its wrong part marked, scrolled so that the cursor is in sight.
    fn prompt_line(&self, prompt: &Prompt, columns: usize) -> (Line, u16) {
        let label = match prompt.kind {
            PromptKind::Filter => " / ",
            PromptKind::Target => " bind test of port: ",
            PromptKind::Action => " : ",
        };
        let text = prompt.text();
        let room = columns.saturating_sub(width(label) + 1).max(1);
        let cursor = prompt.cursor_byte();
        let (mut start, mut used) = (cursor, 0);
        for (at, c) in text[..cursor].char_indices().rev() {
            used += width(&text[at..at + c.len_utf8()]);
            if used > room {
                break;
            }
            start = at;
        }
        let mut line = vec![span(label, Role::Accent)];
        let wrong = self
            .filter_error
            .as_ref()
            .filter(|_| prompt.kind == PromptKind::Filter && prompt.completing().is_none());
        let (from, to) = wrong.map_or((text.len(), text.len()), |error| {
            (
                error.span.start.clamp(start, text.len()),
                error.span.end.clamp(start, text.len()),
            )
        });
        let parts = [
            (&text[start..from], Role::Plain),
            (&text[from..to], Role::Wrong),
            (&text[to..], Role::Plain),
        ];
        // As it is, so that the cursor is where it is: the prompt takes in only what shows.
        line.extend(parts.map(|(part, role)| raw_span(part, role)));
        let x = width(label) + width(&text[start..cursor]);
        (line, u16::try_from(x).unwrap_or(u16::MAX))
    }

    /// Whether there is news of watched ports that is seen: a menu or a question needs the line for its keys.
    pub(in crate::app) fn shows_port_news(&self) -> bool {
        let has_room = matches!(self.modal, Modal::None | Modal::Prompt(_) | Modal::GoTo(_));
        has_room && !self.port_news.is_empty()
    }

    fn port_news_line(&self) -> Option<Line> {
        let text = || format!(" {}", self.port_news.join(" · "));
        self.shows_port_news()
            .then(|| vec![span(text(), Role::Warning)])
    }

    /// The port being typed, and what came of it.
    fn go_to_line(&self, going: &GoTo, columns: usize) -> (Line, u16) {
        let label = " go to port ";
        let digits = going.digits();
        let x = width(label) + width(digits);
        let mut line = vec![
            span(label, Role::Accent),
            span(format!("{digits}   "), Role::Plain),
        ];
        let told = match going.found {
            Found::It => None,
            Found::Hidden(_) => {
                let key = self
                    .settings
                    .keymap
                    .keys(Mode::Digits, Action::Dialog(crate::keymap::DialogAction::Accept))
                    .first();
                let remedy = key.map_or(String::new(), |key| format!(": {key} shows it"));
                Some(span(
                    format!("{digits} is not shown{remedy}"),
                    Role::Warning,
                ))
            }
            Found::Above(port) => {
                let told = format!("no port begins with {digits}; {port} is the next");
                Some(span(told, Role::Warning))
            }
            Found::Nothing => Some(span(format!("no port begins with {digits}"), Role::Bad)),
        };
        match told {
            _ if self.shows_port_news() => line.extend(self.port_news_line().into_iter().flatten()),
            Some(told) => line.push(told),
            None => line.extend(self.hints(Mode::Digits, columns.saturating_sub(x + 3))),
        }
        (
            cut_line(line, columns),
            u16::try_from(x).unwrap_or(u16::MAX),
        )
    }

    /// What is wrong with the text above, or what the keys do.
    fn below_prompt(&self, now: Moment) -> Line {
        if let Some(news) = self.port_news_line() {
            return news;
        }
        if let Some(notice) = &self.notice {
            return notice.line(now);
        }
        if let Modal::Prompt(prompt) = &self.modal
            && let Some(completing) = prompt.completing()
        {
            return offers_line(completing, usize::from(self.size.width));
        }
        match (&self.filter_error, &self.modal) {
            (Some(error), Modal::Prompt(prompt)) if prompt.kind == PromptKind::Filter => {
                vec![span(format!(" {}", error.message), Role::Bad)]
            }
            (_, Modal::Prompt(prompt)) if prompt.kind == PromptKind::Target => vec![span(
                " 8080  8080/udp  127.0.0.1:8080  [::1]:8080  https",
                Role::Dim,
            )],
            _ => self.hints(self.mode(), usize::from(self.size.width)),
        }
    }

    /// Whether a key does anything for what is open now.
    fn is_of_use(&self, action: Action) -> bool {
        match (action, &self.modal) {
            (Action::Dialog(crate::keymap::DialogAction::Toggle), Modal::Menu(menu)) => {
                menu.items.iter().any(|item| item.is_on.is_some())
            }
            (Action::Dialog(crate::keymap::DialogAction::Toggle), _) => false,
            (Action::Dialog(crate::keymap::DialogAction::OtherTargets), Modal::Question(question)) => question.choices().len() > 1,
            (Action::CopyFix, Modal::Question(question)) => question.command().is_some(),
            _ => true,
        }
    }

    /// The hints of a mode, as many as fit; what stands last in the keymap's list goes first, but help
    /// and quit stay as long as anything does.
    fn hints(&self, mode: Mode, columns: usize) -> Line {
        let keymap = &self.settings.keymap;
        // A bind test leaves the table's keys in force; of those, help and quit are told.
        let below = keymap.bindings(Mode::Table).filter(|binding| {
            let is_told = matches!(binding.action, Action::Program(crate::keymap::ProgramAction::ToggleHelp) | Action::Session(crate::keymap::SessionAction::Quit));
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

/// A text as lines of at most so many cells, broken at blanks. A word that is longer has a line of its own.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
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

/// The words that are offered, the chosen one in brackets and in sight.
fn offers_line(completing: &Completing, columns: usize) -> Line {
    let (offers, chosen) = completing.offers();
    let line = |first: usize| -> Line {
        let mut line = vec![span(if first > 0 { " … " } else { " " }, Role::Dim)];
        for (at, offer) in offers.iter().enumerate().skip(first) {
            line.push(if at == chosen {
                span(format!("[{offer}] "), Role::Accent)
            } else {
                span(format!(" {offer}  "), Role::Dim)
            });
        }
        line
    };
    let is_in_sight = |first: &usize| line_width(&line(*first)[..chosen - first + 2]) < columns;
    line((0..=chosen).find(is_in_sight).unwrap_or(chosen))
}
