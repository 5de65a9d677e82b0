//! Changes the theme.

use crate::app::App;
use crate::model::Moment;
use crate::theme::{Depth, Styles};

impl App {
    /// Switches to the next theme, with a notice of its name and whether the terminal lacks colours for it.
    pub(crate) fn choose_next_theme(&mut self, now: Moment) {
        if self.depth() == Depth::None {
            return self.warn(
                "no colors here: --no-color, NO_COLOR, color = false or TERM=dumb",
                now,
            );
        }
        self.settings.themes.choose_next();
        let themes = &self.settings.themes;
        let (name, (at, count)) = (&themes.chosen().name, themes.position());
        let mut text = format!("theme: {name} ({at} of {count})");
        let is_itself = self.styles() == themes.chosen().styles;
        if self.depth() == Depth::Sixteen && !is_itself {
            text.push_str(", shown as terminal: 16 colors here");
        }
        self.report(text, now);
    }

    /// How many colours to use.
    fn depth(&self) -> Depth {
        if self.settings.color {
            self.environment.depth
        } else {
            Depth::None
        }
    }

    /// Whether a theme of the terminal's own colours can be adapted to its background.
    pub(crate) fn uses_terminal_background(&self) -> bool {
        matches!(self.depth(), Depth::Indexed | Depth::Full)
    }

    /// The current style of each role.
    pub(crate) fn styles(&self) -> Styles {
        let styles = self.settings.themes.chosen().styles;
        let background = self.background.filter(|_| self.uses_terminal_background());
        let styles = background.map_or(styles, |background| styles.above(background));
        styles.on(self.depth())
    }
}
