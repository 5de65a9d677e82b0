//! What the keys and the mouse do with a bind test.

use crate::app::BindReport;
use crate::app::Effects;
use crate::app::dialogs::end_process::Question;
use crate::app::dialogs::menu::Menu;
use crate::app::panes::bind_test::BindPane;
use crate::app::panes::bind_test::Came;
use crate::app::{App, Dialog, Effect, Pane};
use crate::bind::{Address, Target};
use crate::keymap::Action;
use crate::keymap::{BindTestAction, PortAction};
use crate::model::{Moment, Socket};

impl App {
    pub(crate) fn bind_test_selected(&mut self, now: Moment) -> Effects {
        let Some(socket) = self.selected().map(|row| &row.socket) else {
            let any = self
                .settings
                .keymap
                .key(Action::Port(PortAction::BindTestAny));
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

    pub(crate) fn bind_test(&mut self, target: Target, now: Moment) -> Effects {
        if let Some(Pane::Bind(pane)) = &self.dock.pane
            && pane.target == target
        {
            return self.test_again(now);
        }
        self.set_pane(Some(Pane::Bind(Box::new(BindPane::new(target, now)))));
        self.start_test()
    }

    /// Puts the open pane's target to the test again.
    pub(crate) fn test_again(&mut self, now: Moment) -> Effects {
        let Some(Pane::Bind(pane)) = &mut self.dock.pane else {
            return Vec::new();
        };
        if pane.begin_again(now) {
            self.start_test()
        } else {
            Vec::new()
        }
    }

    fn start_test(&mut self) -> Effects {
        let Some(Pane::Bind(pane)) = &self.dock.pane else {
            return Vec::new();
        };
        self.jobs.bind_test += 1;
        let (job, target) = (self.jobs.bind_test, pane.target.clone());
        // The rows in the way can be gone to: let them be fresh.
        let mut effects = self.refresh_unless_paused();
        effects.push(Effect::BindTest { job, target });
        effects
    }

    pub(crate) fn refresh(&mut self, now: Moment) -> Effects {
        match &mut self.dock.pane {
            Some(Pane::Bind(pane)) => {
                pane.stop_watching();
                self.test_again(now)
            }
            _ => self.refresh_in_any_case(now),
        }
    }

    pub(crate) fn act_in_bind_test(&mut self, action: Action, now: Moment) -> Effects {
        let Some(Pane::Bind(pane)) = &mut self.dock.pane else {
            return Vec::new();
        };
        match action {
            Action::BindTest(BindTestAction::Watch) => {
                if let Err(why) = pane.toggle_watch(now) {
                    self.warn(why, now);
                }
            }
            Action::CopyFix => {
                if let Some(verdict) = pane.verdict() {
                    self.dialog = Dialog::Menu(Menu::remedies(verdict));
                }
            }
            Action::BindTest(BindTestAction::EndBlocker) => return self.ask_to_end_blocker(now),
            Action::BindTest(BindTestAction::GoToBlocker) => match pane.next_blocker() {
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
        let Some(Pane::Bind(pane)) = &self.dock.pane else {
            return Err("no bind test is open".into());
        };
        let (verdict, limits) = pane.answer().ok_or("the bind test has no answer yet")?;
        let holder = verdict.blockers.get(pane.visited().unwrap_or(0));
        let holder = holder.ok_or("no socket is in the way")?;
        let known = (&*self.rows.table, &self.environment.lineage);
        let question = Question::end_owner(holder, false, known, self.jobs.inspection + 1)?;
        Ok(question.of_bind_test(limits))
    }

    /// Selects the row of a socket; where it is not shown, the view and the filter give way.
    fn go_to(&mut self, socket: &Socket, now: Moment) {
        let is_it = |row: &std::sync::Arc<crate::track::Row>| {
            !row.is_closed() && is_same(&row.socket, socket)
        };
        let Some(at) = self.rows.table.rows.iter().position(is_it) else {
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

    /// Goes to the row of one of the sockets in the way.
    pub(crate) fn go_to_blocker(&mut self, at: usize, now: Moment) {
        if let Some(Pane::Bind(pane)) = &mut self.dock.pane
            && let Some(socket) = pane.visit(at)
        {
            self.go_to(&socket, now);
        }
    }

    pub(crate) fn bind_test_typed(&mut self, text: &str, now: Moment) -> Effects {
        match text.parse::<Target>() {
            Ok(target) if target.ports.start() != target.ports.end() => {
                self.warn(format!("{text}: one port is tested at a time"), now);
                Vec::new()
            }
            Ok(target) => {
                self.dialog = Dialog::None;
                self.bind_test(target, now)
            }
            Err(error) => {
                self.warn(error.to_string(), now);
                Vec::new()
            }
        }
    }

    /// An answer to an older test than the one shown is dropped.
    pub(crate) fn take_report(&mut self, answer: BindReport, now: Moment) -> Effects {
        let Some(Pane::Bind(pane)) = self
            .dock
            .pane
            .as_mut()
            .filter(|_| answer.job == self.jobs.bind_test)
        else {
            return Vec::new();
        };
        let port = pane.target.first_port();
        let came = pane.take(answer, &self.environment.time_zone, now);
        if pane.is_wanted_again() {
            return self.test_again(now);
        }
        match came {
            Came::Nothing => Vec::new(),
            Came::Free { is_end } => {
                // What came of an end is said when it is sure that nothing comes back.
                if !(is_end && self.jobs.endings > 0) {
                    self.report(format!("{port} is free"), now);
                }
                vec![Effect::Bell]
            }
            Came::InVain(why) => {
                if self.jobs.endings == 0 {
                    self.warn(why, now);
                }
                Vec::new()
            }
        }
    }

    pub(crate) fn take_failure_to_test(&mut self, job: u64, message: String, now: Moment) {
        if let Some(Pane::Bind(pane)) = self
            .dock
            .pane
            .as_mut()
            .filter(|_| job == self.jobs.bind_test)
        {
            pane.test_failed(message.clone());
        }
        self.warn(message, now);
    }
}

/// Whether both are the same socket, read at different times.
fn is_same(one: &Socket, other: &Socket) -> bool {
    let place = |socket: &Socket| (socket.protocol, socket.local, socket.remote, socket.inode);
    place(one) == place(other)
}
