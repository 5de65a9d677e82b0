//! Handles keys and mouse of a bind test.

use std::sync::Arc;

use super::{BindPane, WatchOutcome};
use crate::app::dialogs::end_process::Question;
use crate::app::{App, BindReport, Dialog, Effect, NoticeKind, Pane, RowNamespace};
use crate::bind::{Address, Target};
use crate::keymap::{Action, BindTestAction, PortAction};
use crate::model::{Moment, Socket};

impl App {
    /// Tests the selected row's port on every address.
    pub(crate) fn bind_test_selected(&mut self, now: Moment) {
        let why = match self.selected().map(|row| &row.socket) {
            Some(socket) if socket.protocol.can_be_bind_tested() => {
                let target = Target {
                    protocol: socket.protocol,
                    address: Address::Every,
                    ports: socket.local.port..=socket.local.port,
                };
                let namespace = RowNamespace::of(socket);
                return self.bind_test(target, namespace, now);
            }
            Some(socket) => {
                let kind = socket.protocol.name();
                format!("a bind test is of a TCP or UDP port; this is a {kind} socket")
            }
            None => {
                let any = self.key(Action::Port(PortAction::BindTestAny));
                let hint = any.map_or_else(String::new, |key| format!(": {key} tests any"));
                format!("no port is selected{hint}")
            }
        };
        self.warn(why, now);
    }

    pub(crate) fn bind_test_typed(&mut self, text: &str, now: Moment) {
        let why = match Target::parse_with(text, &self.settings.services) {
            Ok(target) if target.ports.start() == target.ports.end() => {
                self.dialog = Dialog::None;
                return self.bind_test(target, None, now);
            }
            Ok(_) => format!("{text}: one port is tested at a time"),
            Err(error) => error.to_string(),
        };
        self.warn(why, now);
    }

    fn bind_test(&mut self, target: Target, namespace: Option<RowNamespace>, now: Moment) {
        let id = |namespace: &Option<RowNamespace>| namespace.as_ref().map(|it| it.namespace.id);
        let open = self.dock.bind_test();
        if open.is_some_and(|pane| pane.target == target && id(&pane.namespace) == id(&namespace)) {
            return self.test_again(now);
        }
        let pane = BindPane::new(target, namespace, now);
        self.set_pane(Some(Pane::Bind(Box::new(pane))));
        self.start_test();
    }

    pub(crate) fn test_again(&mut self, now: Moment) {
        let pane = self.dock.bind_test();
        if pane.is_some_and(|pane| pane.restart(now)) {
            self.start_test();
        }
    }

    fn start_test(&mut self) {
        // The rows of the blockers should be fresh, to go to them.
        self.refresh_unless_paused();
        if let Some(pane) = self.dock.bind_test() {
            let (target, namespace) = (pane.target.clone(), pane.namespace.clone());
            self.jobs.bind_test += 1;
            let job = self.jobs.bind_test;
            self.request(Effect::BindTest {
                job,
                target,
                namespace,
            });
        }
    }

    /// Takes a snapshot now, or tests again if a bind test is open.
    pub(crate) fn refresh(&mut self, now: Moment) {
        if let Some(pane) = self.dock.bind_test() {
            pane.stop_watch();
            return self.test_again(now);
        }
        if let Some(pause) = &mut self.playhead.pause {
            pause.requested_at = Some(now);
        }
        self.request(Effect::Refresh);
    }

    pub(crate) fn act_in_bind_test(&mut self, action: BindTestAction, now: Moment) {
        let Some(pane) = self.dock.bind_test() else {
            return;
        };
        match action {
            BindTestAction::Watch => {
                if let Err(why) = pane.toggle_watch(now) {
                    self.warn(why, now);
                }
            }
            BindTestAction::ToggleMatrix => pane.toggle_tables(),
            BindTestAction::EndBlocker => {
                let question = self.question_about_blocker();
                self.open_question(question, now);
            }
            BindTestAction::GoToBlocker => {
                // After the last comes the first.
                let count = pane.verdict().map_or(0, |verdict| verdict.blockers.len());
                let next = pane.visited.map_or(0, |at| at + 1);
                self.go_to_blocker(if next < count { next } else { 0 }, now);
            }
        }
    }

    /// Opens it for the blocker last visited, or else the most important one.
    fn question_about_blocker(&self) -> Result<Question, String> {
        let Some(Pane::Bind(pane)) = &self.dock.pane else {
            return Err("no bind test is open".into());
        };
        let answer = pane.answer.as_ref();
        let (found, verdict) = answer.ok_or("the bind test has no answer yet")?;
        let holder = verdict.blockers.get(pane.visited.unwrap_or(0));
        let holder = holder.ok_or("no socket is in the way")?;
        let question = self.question(holder, false)?;
        Ok(question.for_bind_test(&found.evidence.limits))
    }

    /// Selects the row of one of the sockets in the way. If it is not shown, view and filter are reset first.
    pub(crate) fn go_to_blocker(&mut self, at: usize, now: Moment) {
        let Some(pane) = self.dock.bind_test() else {
            return;
        };
        let blocker = pane.verdict().and_then(|verdict| verdict.blockers.get(at));
        let Some(socket) = blocker.map(|holder| Arc::clone(&holder.socket)) else {
            return self.warn("no socket is in the way", now);
        };
        pane.visited = Some(at);
        let identity = |one: &Socket| (one.protocol, one.local, one.remote, one.inode);
        let is_it = |socket_of_row: &Socket| identity(socket_of_row) == identity(&socket);
        let mut rows = self.rows.table.rows.iter();
        match rows.position(|row| !row.is_closed() && is_it(&row.socket)) {
            Some(at) => self.show_row(at, now),
            None if self.is_paused() => self.warn("its row is not in the paused table", now),
            None => self.warn("its row is not in the table, or not any more", now),
        }
    }

    pub(crate) fn find_free_port(&mut self, now: Moment) {
        let (from, namespace) = match self.selected().map(|row| &row.socket) {
            None => (8080, None),
            Some(socket) if socket.protocol.has_ports() => {
                (socket.local.port, RowNamespace::of(socket))
            }
            Some(socket) => {
                let kind = socket.protocol.name();
                let why = format!("a {kind} socket has no port to find a free one near");
                return self.warn(why, now);
            }
        };
        let inside = RowNamespace::in_words(namespace.as_ref());
        let pending = format!("looking for a free port above {from}{inside}…");
        self.notify(NoticeKind::Pending, pending, now);
        self.request(Effect::FindFreePort { from, namespace });
    }

    /// Shows the answer of a bind test, unless it belongs to an older one.
    pub(crate) fn receive_bind_test(&mut self, report: BindReport, now: Moment) {
        let is_latest = report.job == self.jobs.bind_test;
        let zone = self.environment.time_zone.clone();
        let Some(pane) = self.dock.bind_test().filter(|_| is_latest) else {
            return;
        };
        let port = pane.target.first_port();
        let outcome = pane.receive(report.test_result, &zone, now);
        if pane.is_wanted_again {
            return self.test_again(now);
        }
        match outcome {
            WatchOutcome::None => {}
            WatchOutcome::Free { is_end } => {
                // The outcome of ending a process is reported once it is certain that nothing restarts.
                if !(is_end && self.jobs.endings > 0) {
                    self.report(format!("{port} is free"), now);
                }
                self.request(Effect::Bell);
            }
            WatchOutcome::Failed(why) => {
                if self.jobs.endings == 0 {
                    self.warn(why, now);
                }
            }
        }
    }

    pub(crate) fn bind_test_failed(&mut self, job: u64, message: String, now: Moment) {
        let is_latest = job == self.jobs.bind_test;
        if let Some(pane) = self.dock.bind_test().filter(|_| is_latest) {
            // It runs again only on request.
            (pane.running_since, pane.failure) = (None, Some(message.clone()));
            pane.is_wanted_again = false;
            pane.stop_watch();
        }
        self.warn(message, now);
    }
}
