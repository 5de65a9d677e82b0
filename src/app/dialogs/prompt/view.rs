//! The prompt line and its completions.

use crate::app::App;
use crate::app::dialogs::prompt::completion::Completing;
use crate::app::dialogs::prompt::{Prompt, PromptKind};
use crate::app::view::{Line, Role, line_width, raw_span, span};
use crate::columns::width;

impl App {
    /// The typed text with its wrong part marked, scrolled to the cursor, and the column of the cursor.
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
        let checks = prompt.kind == PromptKind::Filter && prompt.completing().is_none();
        let wrong = self.filter.error.as_ref().filter(|_| checks);
        let wrong = wrong.map_or(text.len()..text.len(), |error| error.span.clone());
        let [from, to] = [wrong.start, wrong.end].map(|at| at.clamp(start, text.len()));
        let parts = [
            (&text[start..from], Role::Plain),
            (&text[from..to], Role::Wrong),
            (&text[to..], Role::Plain),
        ];
        // Not cleaned again, which could move the cursor: the prompt accepts visible characters only.
        line.extend(parts.map(|(part, role)| raw_span(part, role)));
        let x = width(label) + width(&text[start..cursor]);
        (line, u16::try_from(x).unwrap_or(u16::MAX))
    }
}

/// The completions, the chosen one in brackets and visible.
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
    let is_visible = |first: &usize| line_width(&line(*first)[..chosen - first + 2]) < columns;
    line((0..=chosen).find(is_visible).unwrap_or(chosen))
}
