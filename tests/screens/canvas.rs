//! The drawn screen as cells and as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use sockeye::theme::{Depth, Glyphs, Styles, Themes};
use sockeye::ui;

use super::stage::Stage;

/// A theme on a terminal.
#[derive(Clone, Copy)]
pub struct Theme {
    pub name: &'static str,
    pub depth: Depth,
    pub glyphs: Glyphs,
}

impl Theme {
    /// The default.
    pub const COLOUR: Self = Self::named("terminal");
    /// Without colours.
    pub const PLAIN: Self = Self {
        depth: Depth::None,
        ..Self::COLOUR
    };
    /// In ASCII.
    pub const ASCII: Self = Self {
        glyphs: Glyphs::Ascii,
        ..Self::COLOUR
    };

    /// A built-in theme.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            depth: Depth::Full,
            glyphs: Glyphs::Unicode,
        }
    }

    fn styles(self) -> Styles {
        let mut themes = Themes::default();
        themes.choose(self.name).expect("a theme");
        themes.chosen().styles.on(self.depth)
    }
}

/// The drawn screen.
pub struct Canvas {
    pub buffer: Buffer,
    cursor: Option<(u16, u16)>,
}

impl Canvas {
    pub fn of(stage: &Stage, theme: Theme) -> Self {
        let mut view = stage.app.view(stage.now);
        (view.styles, view.glyphs) = (theme.styles(), theme.glyphs);
        let cursor = view.cursor;
        let backend = TestBackend::new(view.size.width, view.size.height);
        let mut terminal = Terminal::new(backend).expect("a buffer takes everything");
        terminal
            .draw(|frame| ui::draw(frame, &view))
            .expect("a buffer takes everything");
        Self {
            buffer: terminal.backend().buffer().clone(),
            cursor,
        }
    }

    /// Its lines without the spaces at their ends.
    pub fn lines(&self) -> Vec<String> {
        let width = usize::from(self.buffer.area.width).max(1);
        let rows = self.buffer.content.chunks(width);
        rows.map(|cells| text_of(cells).trim_end().to_owned())
            .collect()
    }

    /// The lines and the position of the text cursor, as one text.
    pub fn text(&self) -> String {
        let mut lines = self.lines();
        let cursor = self.cursor;
        lines.extend(cursor.map(|(x, y)| format!("(cursor in column {x} of line {y})")));
        lines.join("\n")
    }

    /// The only line that contains `text`.
    pub fn line_with(&self, text: &str) -> String {
        let lines = self.lines();
        let mut found = lines.iter().filter(|line| line.contains(text));
        match (found.next(), found.next()) {
            (Some(line), None) => line.clone(),
            _ => panic!("not in exactly one line: {text:?}\n{}", self.text()),
        }
    }

    /// The cells of `text` in the only line that contains `anchor`.
    pub fn cells_of(&self, anchor: &str, text: &str) -> &[Cell] {
        let width = usize::from(self.buffer.area.width);
        let line = self.line_with(anchor);
        let y = self.lines().iter().position(|one| *one == line);
        let cells = &self.buffer.content[y.expect("it was found") * width..][..width];
        let symbols = text.chars().count();
        cells
            .windows(symbols)
            .find(|window| text_of(window) == text)
            .unwrap_or_else(|| panic!("{text:?} is not in {line:?}"))
    }
}

/// The symbols of cells, without the second cell of a wide one.
pub fn text_of(cells: &[Cell]) -> String {
    let mut text = String::new();
    let mut skip = 0;
    for cell in cells {
        if skip == 0 {
            text.push_str(cell.symbol());
            skip = sockeye::columns::width(cell.symbol()).saturating_sub(1);
        } else {
            skip -= 1;
        }
    }
    text
}
