//! What the key that pins a port does, and what is told of pinned ports.

use crate::app::Effects;
use crate::app::pinned_ports::port_name;
use crate::app::{App, Effect};
use crate::model::Moment;
use crate::settings::Notify;
use crate::track::TableUpdate;

/// So many things are told of watched ports at once; older ones stand in the events.
const MAX_NEWS: usize = 8;

impl App {
    /// Watches the port of the selected row, or no longer.
    pub(crate) fn toggle_marked(&mut self, now: Moment) {
        let Some(row) = self.selected() else {
            return self.warn("no port is selected", now);
        };
        let socket = row.socket.clone();
        if !socket.protocol.has_ports() {
            let kind = socket.protocol.name();
            return self.warn(format!("a {kind} socket has no port to watch"), now);
        }
        let port = port_name(&socket);
        let told = if self.pinned.toggle(&socket) {
            format!("watching {port}: told when it opens, closes or changes its owner")
        } else {
            format!("{port} is not watched any more")
        };
        self.report(told, now);
    }

    /// Tells what became of the ports that are watched.
    pub(crate) fn take_alerts(&mut self, observation: &TableUpdate) -> Effects {
        let mut news = self.pinned.news(&observation.events, &observation.table);
        if news.is_empty() {
            return Vec::new();
        }
        let told = news.join(", ");
        news.append(&mut self.notices.alerts);
        news.truncate(MAX_NEWS);
        self.notices.alerts = news;
        match self.settings.notify {
            Notify::Bell => vec![Effect::Bell],
            Notify::Desktop => vec![Effect::DesktopNotice(told)],
            Notify::Both => vec![Effect::Bell, Effect::DesktopNotice(told)],
            Notify::None => Vec::new(),
        }
    }
}
