//! What the keys and the mouse do with a bind test.

use super::super::asking::Menu;
use super::super::bind_pane::BindPane;
use super::super::cursor::Step;
use super::super::question::Question;
use super::super::{Action, App, Effect, Modal, Pane, Tab};
use super::Effects;
use crate::bind::{Address, Target};
use crate::model::{Kinds, Moment, Socket};

impl App {
    pub(super) fn bind_test_selected(&mut self, now: Moment) -> Effects {
        let Some(socket) = self.selected().map(|row| &row.socket) else {
            let any = self.settings.keymap.key(Action::Port(crate::keymap::PortAction::BindTestAny));
            let hint = any.map_or(String::new(), |key| format!(": {key} tests any"));
            self.warn(format!("no port is selected{hint}"), now);
            return Vec::new();
        };
        if !socket.protocol.can_be_bind_tested() {
            let kind = socket.protocol.name();
            self.warn(
                format!("a bind test is of a TCP or UDP port; this is a {kind} socket"),
                now,
            );
            return Vec::new();
        }
        let port = socket.local.port;
        let target = Target {
            protocol: socket.protocol,
            address: Address::Every,
            ports: port..=port,
        };
        self.bind_test(target, now)
    }

    pub(super) fn bind_test(&mut self, target: Target, now: Moment) -> Effects {
        if let Some(Pane::Bind(pane)) = &self.pane
            && pane.target == target
        {
            return self.test_again(now);
        }
        self.set_pane(Some(Pane::Bind(Box::new(BindPane::new(target, now)))));
        self.start_test()
    }

    /// Puts the open pane's target to the test again.
    pub(super) fn test_again(&mut self, now: Moment) -> Effects {
        let Some(Pane::Bind(pane)) = &mut self.pane else {
            return Vec::new();
        };
        if pane.begin_again(now) {
            self.start_test()
        } else {
            Vec::new()
        }
    }

    fn start_test(&mut self) -> Effects {
        let Some(Pane::Bind(pane)) = &self.pane else {
            return Vec::new();
        };
        self.job += 1;
        let (job, target) = (self.job, pane.target.clone());
        // The rows in the way can be gone to: let them be fresh.
        let mut effects = self.refresh_unless_paused();
        effects.push(Effect::BindTest { job, target });
        effects
    }

    pub(super) fn refresh(&mut self, now: Moment) -> Effects {
        match &mut self.pane {
            Some(Pane::Bind(pane)) => {
                pane.stop_watching();
                self.test_again(now)
            }
            _ => self.refresh_in_any_case(now),
        }
    }

    pub(super) fn act_in_bind_test(&mut self, action: Action, now: Moment) -> Effects {
        let Some(Pane::Bind(pane)) = &mut self.pane else {
            return Vec::new();
        };
        match action {
            Action::BindTest(crate::keymap::BindTestAction::Watch) => {
                if let Err(why) = pane.toggle_watch(now) {
                    self.warn(why, now);
                }
            }
            Action::CopyFix => {
                if let Some(verdict) = pane.verdict() {
                    self.modal = Modal::Menu(Menu::remedies(verdict));
                }
            }
            Action::BindTest(crate::keymap::BindTestAction::EndBlocker) => return self.ask_to_end_blocker(now),
            Action::BindTest(crate::keymap::BindTestAction::GoToBlocker) => match pane.next_blocker() {
                Some(socket) => self.go_to(&socket, now),
                None => self.warn("no socket is in the way", now),
            },
            _ => {}
        }
        Vec::new()
    }

    /// The one that was gone to, or else the one that matters most.
    fn ask_to_end_blocker(&mut self, now: Moment) -> Effects {
        let asked = self.question_of_blocker();
        self.ask(asked, now)
    }

    fn question_of_blocker(&self) -> Result<Question, String> {
        let Some(Pane::Bind(pane)) = &self.pane else {
            return Err("no bind test is open".into());
        };
        let (verdict, limits) = pane.answer().ok_or("the bind test has no answer yet")?;
        let holder = verdict.blockers.get(pane.visited().unwrap_or(0));
        let holder = holder.ok_or("no socket is in the way")?;
        let known = (&*self.table, &self.surroundings.lineage);
        let question = Question::end_owner(holder, false, known, self.inspection + 1)?;
        Ok(question.of_bind_test(limits))
    }

    /// Selects the row of a socket; where it is not shown, the view and the filter give way.
    fn go_to(&mut self, socket: &Socket, now: Moment) {
        let is_it = |row: &std::sync::Arc<crate::track::Row>| {
            !row.is_closed() && is_same(&row.socket, socket)
        };
        let Some(at) = self.table.rows.iter().position(is_it) else {
            let why = if self.is_paused() {
                "its row is not in the paused table"
            } else {
                "its row is not in the table, or not any more"
            };
            self.warn(why, now);
            return;
        };
        self.show_row(at, now);
    }

    /// Selects a row of the table; where it is not shown, the view and the filter give way.
    pub(super) fn show_row(&mut self, at: usize, now: Moment) {
        if !self.selection.shows(at) {
            self.leave_own_view();
            self.criteria.tab = Tab::All;
            self.criteria.kinds = self.criteria.kinds.and(Kinds::DEFAULT);
            self.clear_filter(now);
        }
        if self.size.is_compact() {
            // There is room for the pane or for the table.
            self.set_pane(None);
        }
        if let Some(place) = self.selection.shown().iter().position(|&index| index == at) {
            self.step(Step::To(place));
        }
    }

    /// Goes to the row of one of the sockets in the way.
    pub(super) fn go_to_blocker(&mut self, at: usize, now: Moment) {
        if let Some(Pane::Bind(pane)) = &mut self.pane
            && let Some(socket) = pane.visit(at)
        {
            self.go_to(&socket, now);
        }
    }
}

/// Whether both are the same socket, read at different times.
fn is_same(one: &Socket, other: &Socket) -> bool {
    let place = |socket: &Socket| (socket.protocol, socket.local, socket.remote, socket.inode);
    place(one) == place(other)
}
