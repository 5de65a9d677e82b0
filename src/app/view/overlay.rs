//! What covers the middle of the screen: a menu, a question, the help.

use super::super::layout::{Area, Size};
use super::super::palette::{Entry, Palette};
use super::super::{App, Menu, MenuItem, Modal, Question, Signal};
use super::scrollbar::{Part, Scrollbar};
use super::{Line, OverlayView, Role, cut_line, help, line_width, span, widest};
use crate::columns::pad;

/// Everything that an overlay would show if there were room.
pub(super) struct Sheet {
    pub title: String,
    pub lines: Vec<Line>,
    /// The first line in sight, and how many are at most.
    pub top: usize,
    pub height: usize,
    /// How many of the lines, from the first, are choices; and the one under the cursor.
    pub choices: usize,
    pub selected: Option<usize>,
}

impl App {
    /// The menu, question or help that covers the table.
    pub(super) fn overlay(&self) -> Option<(OverlayView, Option<Scrollbar>)> {
        let sheet = match &self.modal {
            Modal::None | Modal::Prompt(_) | Modal::GoTo(_) => return None,
            Modal::Help { scroll } => help::sheet(*scroll, self.size, &self.settings.keymap),
            Modal::Menu(menu) => menu_sheet(menu, self.size, self.menu_height()),
            Modal::Palette(palette) => palette_sheet(palette, self.size, self.menu_height()),
            Modal::Question(question) => question_sheet(question, self.size),
        };
        Some(sheet.laid_on(self.size, self.layout().footer.y))
    }

    /// How many choices of a menu are in sight.
    pub(in crate::app) fn menu_height(&self) -> usize {
        let room = if self.size.is_compact() {
            self.layout().footer.y
        } else {
            self.size.height.saturating_sub(6)
        };
        usize::from(room).max(1)
    }
}

impl Sheet {
    fn laid_on(self, size: Size, footer: u16) -> (OverlayView, Option<Scrollbar>) {
        // Width of its longest line, in sight or not: scrolling shall not resize it.
        let (columns, lines) = (widest(&self.lines), self.lines.len());
        let in_sight = self.lines.into_iter().skip(self.top).take(self.height);
        let in_sight: Vec<Line> = in_sight.collect();
        let area = place(size, footer, &in_sight, columns);
        let bar = (!size.is_compact())
            .then(|| {
                Scrollbar::new(
                    Part::Overlay,
                    area.right_edge(),
                    lines,
                    self.height,
                    self.top,
                )
            })
            .flatten();
        let view = OverlayView {
            title: self.title,
            lines: in_sight,
            area,
            selected: self.selected.map(|at| at.saturating_sub(self.top)),
            choices: self.top..self.choices.min(self.top.saturating_add(self.height)),
        };
        (view, bar)
    }
}

/// What is asked comes first, then what can be chosen, then what is known: where there is no room for all
/// of it the last goes.
fn question_sheet(question: &Question, size: Size) -> Sheet {
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

/// A choice takes one line, so that the one under the cursor is always in sight.
fn menu_sheet(menu: &Menu, size: Size, height: usize) -> Sheet {
    let columns = size.overlay_width();
    let line = |item: &MenuItem| -> Line {
        let check = match item.is_on {
            None => "",
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
        };
        let line = vec![
            span(check, Role::Accent),
            span(item.label.clone(), Role::Plain),
        ];
        cut_line(line, columns)
    };
    Sheet {
        title: menu.title.clone(),
        lines: menu.items.iter().map(line).collect(),
        top: menu.at.saturating_sub(height - 1),
        height,
        choices: menu.items.len(),
        selected: Some(menu.at),
    }
}

/// As high and as wide as if everything were found, so that it stands still while somebody types.
fn palette_sheet(palette: &Palette, size: Size, height: usize) -> Sheet {
    let keys = palette.keys_width();
    let columns = size.overlay_width().min(keys + 2 + palette.help_width());
    let line = |entry: &Entry| -> Line {
        let line = vec![
            span(pad(&entry.keys, keys), Role::Accent),
            span(format!("  {}", entry.help), Role::Plain),
        ];
        cut_line(line, columns)
    };
    let mut lines: Vec<Line> = palette.found().into_iter().map(line).collect();
    let found = lines.len();
    if found == 0 {
        let nothing = vec![span("no action is called that", Role::Dim)];
        lines.push(cut_line(nothing, columns));
    }
    let rest = palette.len().min(height).saturating_sub(lines.len());
    let blank = vec![span(" ".repeat(columns), Role::Plain)];
    lines.extend(std::iter::repeat_n(blank, rest));
    Sheet {
        title: "actions".into(),
        lines,
        top: palette.at().saturating_sub(height - 1),
        height,
        choices: found,
        selected: (found > 0).then(|| palette.at()),
    }
}

/// As wide as its longest line and as high as its lines need, in the middle; the whole screen but
/// the lines at the bottom where there is no room for borders.
fn place(screen: Size, footer: u16, lines: &[Line], longest: usize) -> Area {
    if screen.is_compact() {
        return Area {
            height: footer.max(1).min(screen.height),
            ..screen.area()
        };
    }
    let columns = u16::try_from(longest.max(20) + 2)
        .unwrap_or(u16::MAX)
        .min(screen.width - 4);
    let room = usize::from(columns.saturating_sub(2).max(1));
    let widths = lines.iter().map(|line| line_width(line));
    let lines: usize = widths.map(|cells| cells.div_ceil(room).max(1)).sum();
    // A wrapped line breaks at words: it may need one line more than its cells say.
    let slack = usize::from(longest > room);
    let height = u16::try_from(lines + slack + 2)
        .unwrap_or(u16::MAX)
        .min(screen.height - 2);
    Area {
        x: (screen.width - columns) / 2,
        y: (screen.height - height) / 2,
        width: columns,
        height,
    }
}
