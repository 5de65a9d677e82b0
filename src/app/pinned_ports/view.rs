//! The alerts of pinned ports, as the last line.

use crate::app::view::{Line, Role, span};
use crate::app::{App, Dialog};

impl App {
    /// Whether there is news of watched ports that is seen: a menu or a question needs the line for its keys.
    pub(crate) fn shows_alerts(&self) -> bool {
        let has_room = matches!(
            self.dialog,
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_)
        );
        has_room && !self.notices.alerts.is_empty()
    }

    pub(crate) fn alerts_line(&self) -> Option<Line> {
        let text = || format!(" {}", self.notices.alerts.join(" · "));
        self.shows_alerts()
            .then(|| vec![span(text(), Role::Warning)])
    }
}
