//! The line of alerts about pinned ports.

use crate::app::view::{Line, Role, span};
use crate::app::{App, Dialog};

impl App {
    /// Whether alerts are visible: menus and questions need the line for their keys.
    pub(crate) fn shows_alerts(&self) -> bool {
        let has_room = matches!(
            self.dialog,
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_)
        );
        has_room && !self.notices.alerts.is_empty()
    }

    pub(crate) fn alerts_line(&self) -> Option<Line> {
        let text = || format!(" {}", self.notices.alerts.join(" · "));
        let line = || vec![span(text(), Role::Warning)];
        self.shows_alerts().then(line)
    }
}
