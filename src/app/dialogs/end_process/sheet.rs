//! The lines of a question, and scrolling through them.

use super::Question;
use crate::app::Signal;
use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Line, Role, cut_line, span};
use crate::columns::wrap_anywhere;

/// The question, the signals and choices, then facts about the process.
pub(crate) fn sheet(question: &Question, size: Size, height: usize) -> Sheet {
    let columns = size.overlay_width();
    let mut lines = wrapped(question.text(), Role::Plain, columns);
    if !question.is_second() {
        lines.push(signals(question.ending.signal, columns));
        let choices = question.choices();
        if choices.len() > 1 {
            let choices = choices.into_iter();
            let choices =
                choices.map(|choice| (question.choice_label(choice), choice == question.choice));
            lines.push(cut_line(row_of_choices("end", choices), columns));
        }
    }
    lines.extend(wrapped(question.remarks(), Role::Plain, columns));
    lines.extend(wrapped(question.facts(), Role::Dim, columns));
    scrolled(
        Sheet::of("end a process", lines),
        question.scroll,
        size,
        height,
    )
}

/// Texts as lines that fit.
pub(crate) fn wrapped(
    texts: impl IntoIterator<Item = String>,
    role: Role,
    columns: usize,
) -> Vec<Line> {
    let texts = texts.into_iter();
    let lines = texts.flat_map(|text| wrap_anywhere(&text, columns));
    lines.map(|text| vec![span(text, role)]).collect()
}

/// All signals, with the chosen one in brackets.
pub(super) fn signals(chosen: Signal, columns: usize) -> Line {
    let signals = Signal::ALL.iter();
    let signals = signals.map(|signal| (signal.as_str().to_owned(), *signal == chosen));
    cut_line(row_of_choices("signal", signals), columns)
}

/// `signal  [TERM]  INT   HUP`: the chosen one in brackets, which works without colours.
pub(super) fn row_of_choices(label: &str, choices: impl Iterator<Item = (String, bool)>) -> Line {
    let mut line = vec![span(format!("{label:<7}"), Role::Dim)];
    for (text, is_chosen) in choices {
        line.push(if is_chosen {
            span(format!("[{text}]"), Role::Accent)
        } else {
            span(format!(" {text} "), Role::Plain)
        });
    }
    line
}

/// Shows as many lines as fit, from this one on. A compact screen has no scrollbar: its last line shows that there is
/// more.
pub(crate) fn scrolled(mut sheet: Sheet, scroll: usize, size: Size, height: usize) -> Sheet {
    sheet.height = height.max(1);
    sheet.top = scroll.min(sheet.lines.len().saturating_sub(sheet.height));
    let hidden = sheet.lines.len().saturating_sub(sheet.top + sheet.height);
    if size.is_compact() && hidden > 0 && sheet.height > 1 {
        let more = format!("▾ {} more lines", hidden + 1);
        let last = sheet.top + sheet.height - 1;
        sheet.lines[last] = cut_line(vec![span(more, Role::Dim)], size.overlay_width());
    }
    sheet
}
