//! The state without a screen: what the front end of lines (`linear`) reads of it, and the changes that no key makes.

use std::time::Duration;

use crate::app::dialogs::end_process::Question;
use crate::app::notices::{Notice, NoticeKind};
use crate::app::panes::bind_test::BindPane;
use crate::app::table::TableView;
use crate::app::table::cursor::Step;
use crate::app::view::Line;
use crate::app::{App, Dialog, Effect, FileFormat, Pane};
use crate::bind::{Target, Verdict};
use crate::model::{Moment, Pid, Protocol, Services, Socket, counted};
use crate::settings::Settings;
use crate::track::{EventLog, RowId};

/// What confirms the open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// Yes.
    Yes,
    /// The pid of a guarded process, as the second confirmation: a repeated yes is not one.
    Pid(Pid),
}

impl App {
    /// Carries out a command of the user; returns the effects to carry out, in order.
    pub(crate) fn command<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> Vec<Effect> {
        self.notices.current = None;
        self.notices.alerts.clear();
        let _ = act(self);
        self.refresh_related_sockets();
        std::mem::take(&mut self.effects)
    }

    pub(crate) const fn rows(&self) -> &TableView {
        &self.rows
    }

    pub(crate) const fn event_log(&self) -> &EventLog {
        &self.log
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn services(&self) -> &Services {
        &self.settings.services
    }

    pub(crate) fn host(&self) -> &str {
        &self.environment.host
    }

    pub(crate) const fn notice(&self) -> Option<&Notice> {
        self.notices.current.as_ref()
    }

    pub(crate) fn is_pinned(&self, socket: &Socket) -> bool {
        self.pinned.has(socket)
    }

    pub(crate) fn pinned_text(&self) -> Option<String> {
        self.pinned.text()
    }

    /// The open bind test, once it has an answer to its last request.
    pub(crate) fn tested(&self) -> Option<(&Target, &Verdict)> {
        match &self.dock.pane {
            Some(Pane::Bind(pane)) if !pane.is_running() => Some((&pane.target, pane.verdict()?)),
            _ => None,
        }
    }

    /// Whether the open bind test waits for its port to become free.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(&self.dock.pane, Some(Pane::Bind(pane)) if pane.has_watch())
    }

    /// Whether a command has not been answered yet.
    pub(crate) fn is_busy(&self) -> bool {
        let is_testing =
            matches!(&self.dock.pane, Some(Pane::Bind(pane)) if BindPane::is_running(pane));
        let is_pending =
            (self.notices.current.as_ref()).is_some_and(|it| it.kind == NoticeKind::Pending);
        let is_inspecting = self
            .open_end_question_ref()
            .is_some_and(|it| !it.is_inspected());
        let is_loaded = self.rows.has_snapshot || self.rows.failure.is_some();
        !is_loaded || is_testing || is_pending || is_inspecting || self.jobs.endings > 0
    }

    fn open_end_question_ref(&self) -> Option<&Question> {
        match &self.dialog {
            Dialog::Question(question) => Some(question),
            Dialog::None
            | Dialog::Prompt(_)
            | Dialog::GoTo(_)
            | Dialog::Menu(_)
            | Dialog::Palette(_)
            | Dialog::EndSeveral(_)
            | Dialog::OpenUrl(_)
            | Dialog::Save(_)
            | Dialog::Help(_) => None,
        }
    }

    /// What confirms the open question; `None` if none is open.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        let question = self.open_end_question_ref()?;
        let guarded = question.guard().filter(|_| question.is_second());
        Some(guarded.map_or(Confirmation::Yes, |(process, _)| {
            Confirmation::Pid(process.pid)
        }))
    }

    /// The text of the open question, a paragraph a line; empty if none is open.
    pub(crate) fn question_lines(&self) -> Vec<String> {
        let Some(question) = self.open_end_question_ref() else {
            return Vec::new();
        };
        let signal = question.ending.signal.as_str();
        if question.is_second()
            && let Some((process, guard)) = question.guard()
        {
            let (name, pid, guard) = (&process.name, process.pid, guard.as_str());
            return vec![
                format!("{name} ({pid}) is {guard}."),
                format!("To send SIG{signal} all the same, type its pid, {pid}."),
            ];
        }
        let mut lines = question.text();
        lines.extend(question.remarks());
        lines.extend(question.facts());
        let choices = question.choices().into_iter();
        let labels: Vec<_> = choices.map(|one| question.choice_label(one)).collect();
        if labels.len() > 1 {
            let labels = labels.join("; or ");
            lines.push(format!("targets changes what to end: {labels}."));
        }
        lines
    }

    /// The signal of the open question.
    pub(crate) fn question_signal(&self) -> Option<&'static str> {
        let question = self.open_end_question_ref()?;
        Some(question.ending.signal.as_str())
    }

    /// Closes whatever dialog is open; returns whether one was.
    pub(crate) fn close_dialog(&mut self) -> bool {
        let is_open = !matches!(self.dialog, Dialog::None);
        self.dialog = Dialog::None;
        is_open
    }

    /// Selects a row of the table by its id. If it is not shown, view and filter are reset first.
    pub(crate) fn select_row(&mut self, id: RowId, now: Moment) -> bool {
        let at = self.rows.table.position(id);
        if let Some(at) = at {
            self.show_row(at, now);
        }
        at.is_some()
    }

    pub(crate) fn step_by(&mut self, lines: isize) {
        self.step(Step::By(lines));
    }

    /// The details of the selected row, unwrapped.
    pub(crate) fn details_of_selected(&mut self, now: Moment) -> Option<Vec<Line>> {
        self.set_pane(Some(Pane::Details));
        self.refresh_related_sockets();
        let lines = self.selected().map(|row| self.details(row, None, now));
        self.set_pane(None);
        lines
    }

    pub(crate) fn set_interval(&mut self, interval: Duration, now: Moment) {
        self.settings.interval = interval;
        self.request(Effect::SetInterval(interval));
        let text = crate::model::duration::format(interval);
        self.report(format!("refreshing every {text}"), now);
    }

    pub(crate) fn find_free_port_above(&mut self, from: u16, now: Moment) {
        let pending = format!("looking for a free port above {from}…");
        self.notify(NoticeKind::Pending, pending, now);
        self.request(Effect::FindFreePort {
            from,
            namespace: None,
        });
    }

    pub(crate) fn write_shown(&mut self, format: FileFormat, now: Moment) {
        let ids = self.written_rows();
        let pending = format!("writing {}…", counted(ids.len(), "row", "rows"));
        self.notify(NoticeKind::Pending, pending, now);
        self.request(Effect::Write(format, ids));
    }

    /// Pins a port, whether or not a socket has it, or unpins it.
    pub(crate) fn set_pinned(
        &mut self,
        (port, protocol): (u16, Protocol),
        is_pinned: bool,
        now: Moment,
    ) {
        let name = protocol.port_text(port);
        let was = self.pinned.set((port, protocol), is_pinned);
        let text = match (was, is_pinned) {
            (true, true) => format!("{name} is already pinned"),
            (false, true) => format!(
                "pinned {name}: you get an alert when a listener opens, closes or changes there"
            ),
            (true, false) => format!("unpinned {name}"),
            (false, false) => format!("{name} is not pinned"),
        };
        self.report(text, now);
    }
}
