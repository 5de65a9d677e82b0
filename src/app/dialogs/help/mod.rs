//! The help: what it shows of its sections, its scroll position and its search.

mod sections;

use crate::app::dialogs::Sheet;
use crate::app::dialogs::prompt::{Prompt, PromptKind};
use crate::app::view::{Line, Role, hanging, span, widest};
use crate::app::{App, Dialog};
use crate::columns::width;
use crate::keymap::{Action, DialogAction, Mode, TableAction};
use sections::{Section, Term};

#[derive(Clone, Debug)]
pub(crate) struct HelpPage {
    /// The mode in which it was opened.
    opened_in: Mode,
    pub scroll: usize,
    pub search: Prompt,
    pub is_typing: bool,
}

/// From this width on it has two columns.
const MIN_WIDTH_FOR_TWO: u16 = 120;

/// Cells between the two columns.
const GAP: usize = 3;

/// The most cells of a term; a longer one has a line of its own.
const WIDEST_TERM: usize = 20;

impl App {
    pub(crate) fn open_help(&mut self) {
        self.dialog = Dialog::Help(Box::new(HelpPage {
            opened_in: self.mode(),
            scroll: 0,
            search: Prompt::new(PromptKind::Help, ""),
            is_typing: false,
        }));
    }

    /// Handles keys in the help; what neither scrolls nor searches closes it.
    pub(crate) fn act_in_help(&mut self, action: Action) {
        let page = usize::from(self.size.height / 2);
        if let Action::Move(action) = action {
            return self.scroll_help(action.lines(page));
        }
        let Dialog::Help(help) = &mut self.dialog else {
            return;
        };
        if help.is_typing {
            help.is_typing = false;
            if action != Action::Dialog(DialogAction::Accept) {
                help.search = Prompt::new(PromptKind::Help, "");
            }
        } else if action == Action::Table(TableAction::EditFilter) {
            (help.is_typing, help.scroll) = (true, 0);
        } else {
            self.dialog = Dialog::None;
        }
    }

    pub(crate) fn scroll_help(&mut self, by: isize) {
        let last = self.last_help_scroll();
        if let Dialog::Help(help) = &mut self.dialog {
            help.scroll = help.scroll.min(last).saturating_add_signed(by).min(last);
        }
    }

    fn last_help_scroll(&self) -> usize {
        let Dialog::Help(help) = &self.dialog else {
            return 0;
        };
        let lines = self.help_lines(help, help.search.text());
        lines.len().saturating_sub(self.menu_height())
    }

    pub(super) fn help_sheet(&self, help: &HelpPage) -> Sheet {
        let height = self.menu_height();
        let search = help.search.text().trim();
        let mut lines = self.help_lines(help, search);
        let top = help.scroll.min(lines.len().saturating_sub(height));
        if !search.is_empty() {
            // The size stays the same while the lines become fewer.
            let all = self.help_lines(help, "");
            let blank = vec![span(" ".repeat(widest(&all)), Role::Plain)];
            if lines.is_empty() {
                let nothing = format!("Nothing in the help matches `{search}`.");
                let columns = self.size.overlay_width();
                lines = hanging(("", Role::Dim), 0, &nothing, Role::Dim, columns);
            }
            lines.resize(lines.len().max(all.len().min(height)), blank);
        }
        Sheet {
            top,
            height,
            ..Sheet::of("help", lines)
        }
    }

    /// The lines of the terms in which each searched word is.
    fn help_lines(&self, help: &HelpPage, search: &str) -> Vec<Line> {
        let search = search.to_lowercase();
        let words: Vec<_> = search.split_whitespace().collect();
        let mut sections = self.help_sections(help.opened_in);
        for section in &mut sections {
            let title = section.title;
            section.terms.retain(|term| {
                let text = format!("{title} {} {}", term.what, term.meaning).to_lowercase();
                words.iter().all(|word| text.contains(word))
            });
        }
        sections.retain(|section| !section.terms.is_empty());
        let columns = self.size.overlay_width();
        if self.size.width < MIN_WIDTH_FOR_TWO {
            let blocks = sections.iter().map(|one| block(one, columns));
            return joined(blocks);
        }
        let each = (columns - GAP) / 2;
        side_by_side(sections.iter().map(|one| block(one, each)), each)
    }
}

/// Blocks below each other, with a blank line between them.
fn joined(blocks: impl Iterator<Item = Vec<Line>>) -> Vec<Line> {
    let blocks: Vec<_> = blocks.collect();
    blocks.join(&Line::new())
}

/// Each block goes into the column that is shorter so far, so the first ones are at the top of both.
fn side_by_side(blocks: impl Iterator<Item = Vec<Line>>, each: usize) -> Vec<Line> {
    let (mut left, mut right) = (Vec::<Line>::new(), Vec::<Line>::new());
    for block in blocks {
        let column = if left.len() <= right.len() {
            &mut left
        } else {
            &mut right
        };
        if !column.is_empty() {
            column.push(Line::new());
        }
        column.extend(block);
    }
    let height = left.len().max(right.len());
    left.resize(height, Line::new());
    for (line, beside) in left.iter_mut().zip(right) {
        let cells: usize = line.iter().map(|span| width(&span.text)).sum();
        if !beside.is_empty() {
            line.push(span(" ".repeat(each + GAP - cells.min(each)), Role::Plain));
            line.extend(beside);
        }
    }
    left
}

/// The heading of a section and its terms, wrapped.
fn block(section: &Section, columns: usize) -> Vec<Line> {
    let widths = section.terms.iter().map(|term| width(&term.what) + 2);
    let most = WIDEST_TERM.min(columns / 2);
    let indent = widths.filter(|&cells| cells <= most).max().unwrap_or(2);
    let mut lines = vec![vec![span(section.title, Role::Strong)]];
    for term in &section.terms {
        lines.extend(term_lines(term, indent, columns));
    }
    lines
}

/// A term and its meaning; a long term gets a separate line.
fn term_lines(term: &Term, indent: usize, columns: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut what = term.what.as_str();
    if width(what) >= indent {
        lines.push(vec![span(what, term.role)]);
        what = "";
    }
    let meaning = hanging(
        (what, term.role),
        indent,
        &term.meaning,
        Role::Plain,
        columns,
    );
    lines.extend(meaning);
    lines
}
