//! How the question is drawn.

use crate::app::Signal;
use crate::app::dialogs::end_process::Question;
use crate::app::layout::Size;
use crate::app::view::overlay::Sheet;
use crate::app::view::{Line, Role, cut_line, span};

/// What is asked comes first, then what can be chosen, then what is known: where there is no room for all
/// of it the last goes.
pub(crate) fn question_sheet(question: &Question, size: Size) -> Sheet {
    let columns = size.overlay_width();
    let plain = |text: String| -> Line { vec![span(text, Role::Plain)] };
    let mut lines: Vec<Line> = question.text().into_iter().map(plain).collect();
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
    lines.extend(question.remarks().into_iter().map(plain));
    let dim = |text: String| cut_line(vec![span(text, Role::Dim)], columns);
    lines.extend(question.details().into_iter().map(dim));
    Sheet {
        title: "end a process".into(),
        lines,
        top: 0,
        height: usize::MAX,
        choices: 0,
        selected: None,
    }
}

/// `signal  [TERM]  INT   HUP`: the chosen one in brackets, so that it shows without colours too.
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
