//! What the keys do about ports: going to one, watching one, following what happens.

use super::super::cursor::Step;
use super::super::go_to::{Found, GoTo};
use super::super::marked::port_name;
use super::super::{Action, App, Key, Modal, Pane};
use super::Effects;
use crate::model::Moment;
use crate::track::{Event, TableUpdate};

/// So many things are told of watched ports at once; older ones stand in the events.
const MAX_NEWS: usize = 8;

impl App {
    /// Goes to the first row, and to a port if its number is typed next.
    pub(super) fn begin_to_go(&mut self) {
        let from = self.cursor;
        self.step(Step::First);
        self.modal = Modal::GoTo(GoTo::new(from));
    }

    /// Takes a digit in; any other key ends it, and means what it means in the table.
    pub(super) fn press_to_go(&mut self, key: Key, now: Moment) -> Effects {
        let Modal::GoTo(going) = &mut self.modal else {
            return Vec::new();
        };
        if going.press(key) {
            self.seek();
            return Vec::new();
        }
        self.modal = Modal::None;
        self.press(key, now)
    }

    /// Pasted digits count as typed.
    pub(super) fn paste_to_go(&mut self, text: &str) {
        if let Modal::GoTo(going) = &mut self.modal {
            for c in text.trim().chars().take_while(char::is_ascii_digit) {
                going.press(Key::Char(c));
            }
            self.seek();
        }
    }

    fn seek(&mut self) {
        let Modal::GoTo(going) = &mut self.modal else {
            return;
        };
        if let Some(place) = going.seek(&self.table, self.selection.shown()) {
            self.step(Step::To(place));
        }
    }

    pub(super) fn end_going(&mut self, action: Action, now: Moment) {
        let Modal::GoTo(going) = std::mem::replace(&mut self.modal, Modal::None) else {
            return;
        };
        match (action, going.found) {
            (Action::Dialog(crate::keymap::DialogAction::Accept), Found::Hidden(id)) => match self.table.position(id) {
                Some(at) => self.show_row(at, now),
                None => self.warn("its row is not in the table any more", now),
            },
            (Action::Dialog(crate::keymap::DialogAction::Accept), _) => {}
            _ => {
                self.cursor = going.from;
                self.scroll_to_cursor();
            }
        }
    }

    /// Begins to follow what happens, or stops.
    pub(super) fn toggle_follow(&mut self) {
        self.is_following = !self.is_following;
        if self.is_following {
            self.go_to_newest(self.log.len());
        }
    }

    /// Whoever scrolls through the events reads older ones.
    pub(super) fn stop_following_in_pane(&mut self) {
        if matches!(self.pane, Some(Pane::Events)) {
            self.is_following = false;
        }
    }

    /// Goes to the newest of the last `events` whose row is shown.
    fn go_to_newest(&mut self, events: usize) {
        let shown = |event: &Event| {
            let at = self.table.position(event.row.id)?;
            self.selection.shows(at).then_some(at)
        };
        let newest = self.log.iter().rev().take(events).find_map(shown);
        let shown = self.selection.shown();
        let place = newest.and_then(|at| shown.iter().position(|&one| one == at));
        if let Some(place) = place {
            self.move_cursor(Step::To(place));
        }
        if matches!(self.pane, Some(Pane::Events)) {
            self.pane_scroll = 0;
        }
    }

    /// What the last of the log mean to who follows them; they are in the table.
    pub(super) fn follow(&mut self, events: usize) {
        if self.is_following && events > 0 {
            self.go_to_newest(events);
        }
    }

    /// Watches the port of the selected row, or no longer.
    pub(super) fn toggle_marked(&mut self, now: Moment) {
        let Some(row) = self.selected() else {
            return self.warn("no port is selected", now);
        };
        let socket = row.socket.clone();
        if !socket.protocol.has_ports() {
            let kind = socket.protocol.name();
            return self.warn(format!("a {kind} socket has no port to watch"), now);
        }
        let port = port_name(&socket);
        let told = if self.marked.toggle(&socket) {
            format!("watching {port}: told when it opens, closes or changes its owner")
        } else {
            format!("{port} is not watched any more")
        };
        self.tell(told, now);
    }

    /// Tells what became of the ports that are watched.
    pub(super) fn take_port_news(&mut self, observation: &TableUpdate) -> Effects {
        let mut news = self.marked.news(&observation.events, &observation.table);
        if news.is_empty() {
            return Vec::new();
        }
        let told = news.join(", ");
        news.append(&mut self.port_news);
        news.truncate(MAX_NEWS);
        self.port_news = news;
        self.settings.notify.effects(told)
    }
}
