//! The alerts of pinned ports, as the last line.

use crate::app::view::{Line, Role, span};
use crate::app::{App, Modal};

impl App {
    /// Whether there is news of watched ports that is seen: a menu or a question needs the line for its keys.
    pub(crate) fn shows_port_news(&self) -> bool {
        let has_room = matches!(self.modal, Modal::None | Modal::Prompt(_) | Modal::GoTo(_));
        has_room && !self.port_news.is_empty()
    }

    pub(crate) fn port_news_line(&self) -> Option<Line> {
        let text = || format!(" {}", self.port_news.join(" · "));
        self.shows_port_news()
            .then(|| vec![span(text(), Role::Warning)])
    }
}
