//! The overlay of the question.

use crate::app::Signal;
use crate::app::dialogs::end_process::Question;
use crate::app::layout::Size;
use crate::app::view::sheet::Sheet;
use crate::app::view::{Line, Role, cut_line, span};
use crate::columns::wrap_anywhere;

/// The question, the choices, then facts about the process, which are cut off if there is no room.
pub(crate) fn question_sheet(question: &Question, size: Size) -> Sheet {
    let columns = size.overlay_width();
    let wrapped = |texts: Vec<String>| {
        let lines = texts
            .into_iter()
            .flat_map(|text| wrap_anywhere(&text, columns));
        lines
            .map(|text| vec![span(text, Role::Plain)])
            .collect::<Vec<Line>>()
    };
    let mut lines = wrapped(question.text());
    if !question.is_second() {
        let chosen = question.ending.signal;
        let signals = Signal::ALL.iter();
        let signals = signals.map(|signal| (signal.as_str().to_owned(), *signal == chosen));
        lines.push(cut_line(row_of_choices("signal", signals), columns));
        let choices = question.choices();
        if choices.len() > 1 {
            let choices = choices.into_iter();
            let choices =
                choices.map(|choice| (question.choice_label(choice), choice == question.choice()));
            lines.push(cut_line(row_of_choices("end", choices), columns));
        }
    }
    lines.extend(wrapped(question.remarks()));
    let dim = |text: String| cut_line(vec![span(text, Role::Dim)], columns);
    lines.extend(question.details().into_iter().map(dim));
    Sheet::of("end a process", lines)
}

/// `signal  [TERM]  INT   HUP`: the chosen one in brackets, which works without colours.
fn row_of_choices(label: &str, choices: impl Iterator<Item = (String, bool)>) -> Line {
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
