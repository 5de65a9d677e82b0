//! The line that is typed, and the words offered for it.

use crate::app::App;
use crate::app::dialogs::prompt::completion::Completing;
use crate::app::dialogs::prompt::{Prompt, PromptKind};
use crate::app::view::{Line, Role, line_width, raw_span, span};
use crate::columns::width;

impl App {
    /// The text being typed, its wrong part marked, scrolled so that the cursor is in sight.
    pub(crate) fn prompt_line(&self, prompt: &Prompt, columns: usize) -> (Line, u16) {
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
            .filter
            .error
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
}

/// The words that are offered, the chosen one in brackets and in sight.
pub(crate) fn offers_line(completing: &Completing, columns: usize) -> Line {
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
