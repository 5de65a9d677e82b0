//! The table at a moment of the history: keys go there, from moment to moment, and back to now.
//!
//! Meanwhile the live table is updated out of sight: no event and no alert is lost. What is selected is followed from moment
//! to moment by its row id, even through moments without it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::seek::{Direction, MomentRequest, Seek, ShownMoment, Timeline};
use crate::app::dialogs::prompt::Prompt;
use crate::app::view::{Line, Role, span};
use crate::app::{App, Dialog, Effect, NoticeKind, Pane, PromptKind};
use crate::keymap::{Action, TimeAction};
use crate::model::{Moment, Playback, time};
use crate::query::LineId;
use crate::track::{EventLog, Row, RowId, Table, TableUpdate};

const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

const EXAMPLES: &str =
    "03:12  3am  2h ago  yesterday 3am  monday 9:00  2026-11-29 03:12  start  end  now";

const READING: &str = "reading the recording…";

/// The requests for moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seeking {
    /// The last one.
    job: u64,
    /// The first one whose answer is still wanted.
    wanted: u64,
    /// Whether the last one started from the one before.
    is_under_way: bool,
    /// The row that the cursor follows.
    followed: Option<Arc<Row>>,
    /// The row that it was put on with the last moment.
    placed: Option<RowId>,
}

/// The moment that is shown instead of the newest snapshot.
#[derive(Clone, Debug)]
pub(crate) struct AtMoment {
    pub at: Moment,
    /// If nothing was recorded at that time: why.
    pub gap: Option<&'static str>,
    /// When the counters of its sockets were read; `None` without any.
    pub counters_at: Option<Timestamp>,
    pub timeline: Timeline,
    /// The last events until then.
    log: EventLog,
    /// The newest table, and where it is in a recording.
    newest: (Arc<Table>, Option<Playback>),
    /// When the next snapshot is due while it plays, on the steady clock.
    pub next_due: Option<Duration>,
}

impl App {
    /// Whether the table is at a moment of the history.
    pub(crate) const fn is_at_moment(&self) -> bool {
        self.playhead.moment.is_some()
    }

    /// Whether the time that is shown does not advance by itself.
    pub(crate) const fn is_at_rest(&self) -> bool {
        self.is_paused() || self.is_at_moment() || !self.is_live()
    }

    pub(crate) fn act_on_time(&mut self, action: TimeAction, now: Moment) {
        use Direction::{Back, Forward};
        match action {
            TimeAction::PreviousSnapshot => self.seek_moment(Seek::Snapshot(Back), now),
            TimeAction::NextSnapshot => self.seek_moment(Seek::Snapshot(Forward), now),
            TimeAction::PreviousChange => self.seek_change(Back, now),
            TimeAction::NextChange => self.seek_change(Forward, now),
            TimeAction::Start => self.seek_moment(Seek::Start, now),
            TimeAction::End => self.seek_moment(Seek::End, now),
            TimeAction::GoTo => {
                if !self.is_live() && !self.is_at_moment() {
                    // A time of day is one before the end of the recording, which is not known yet.
                    self.seek_moment(Seek::Stay, now);
                }
                self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Time, ""));
            }
            TimeAction::Now if !self.is_live() => self.seek_moment(Seek::End, now),
            TimeAction::Now if self.is_paused() => self.toggle_pause(now),
            TimeAction::Now if !self.playhead.seeking.is_under_way => {
                self.report("this is now already", now);
            }
            TimeAction::Now => self.return_to_now(now),
        }
    }

    /// Goes to a change of the selected row, or of the one that was selected before the last jump.
    fn seek_change(&mut self, direction: Direction, now: Moment) {
        self.follow_selected();
        let Some(row) = &self.playhead.seeking.followed else {
            return self.warn("no row is selected, so there is no change to go to", now);
        };
        let socket = Box::new(row.socket.clone());
        self.seek_moment(Seek::Change(direction, socket), now);
    }

    /// Requests a moment. Whatever plays or is paused stops there.
    pub(crate) fn seek_moment(&mut self, seek: Seek, now: Moment) {
        if !self.rows.has_snapshot {
            return self.warn("there is no snapshot yet", now);
        }
        self.follow_selected();
        if let Some(moment) = &mut self.playhead.moment {
            moment.next_due = None;
        } else if !self.is_live() {
            // All of it, with the first request.
            self.notify(NoticeKind::Pending, READING, now);
        }
        self.request_moment(seek);
    }

    pub(super) fn request_moment(&mut self, seek: Seek) {
        let newest = self.playhead.moment.as_ref().map(|moment| &moment.newest.0);
        let tables = [newest, Some(&self.rows.table)].into_iter().flatten();
        let rows = tables.flat_map(|table| &table.rows);
        let followed = self.playhead.seeking.followed.iter();
        let known = rows.chain(followed).cloned().collect();
        let seeking = &mut self.playhead.seeking;
        seeking.job += 1;
        let goes_on = std::mem::replace(&mut seeking.is_under_way, true);
        let request = MomentRequest {
            job: seeking.job,
            seek,
            from: (!goes_on).then_some(self.rows.table.taken_at.wall),
            known,
            linger: self.settings.linger,
            services: self.settings.services.clone(),
            cells: self.timeline_cells(),
        };
        self.request(Effect::ShowMoment(Box::new(request)));
    }

    /// Follows the selected row from now on, if the user has selected another one since the last moment.
    fn follow_selected(&mut self) {
        let selected = self.rows.cursor.selected();
        if !self.is_at_moment() || selected != self.playhead.seeking.placed {
            let at = selected.and_then(|id| self.rows.table.position(id));
            self.playhead.seeking.followed = at.map(|at| Arc::clone(&self.rows.table.rows[at]));
        }
    }

    pub(crate) fn receive_moment(&mut self, shown: ShownMoment, now: Moment) {
        if shown.job < self.playhead.seeking.wanted {
            return;
        }
        if !self.is_at_moment() {
            self.enter_moment(now);
        }
        let newest = (Arc::clone(&self.rows.table), self.playhead.playback);
        let next_due = self.next_due_after_step(now);
        let mut log = EventLog::default();
        log.extend(shown.update.events);
        let moment = self.playhead.moment.take();
        self.playhead.moment = Some(AtMoment {
            at: shown.at,
            gap: shown.gap,
            counters_at: shown.counters_at,
            timeline: shown.timeline,
            log,
            newest: moment.map_or(newest, |moment| moment.newest),
            next_due,
        });
        self.display(shown.update.table, now);
    }

    pub(crate) fn moment_failed(&mut self, job: u64, why: String, now: Moment) {
        if job < self.playhead.seeking.wanted {
            return;
        }
        match &mut self.playhead.moment {
            Some(moment) => moment.next_due = None,
            None => self.playhead.seeking.is_under_way = false,
        }
        self.warn(why, now);
    }

    /// A live table goes on out of sight; a recording waits. What acts on now is closed.
    fn enter_moment(&mut self, now: Moment) {
        let notice = &mut self.notices.current;
        notice.take_if(|notice| notice.kind == NoticeKind::Pending);
        if matches!(self.dock.pane, Some(Pane::Bind(_))) {
            self.set_pane(None);
        }
        if self.dialog.acts_on_now() {
            self.dialog = Dialog::None;
        }
        self.rows.is_following = false;
        let pause = self.playhead.pause.take();
        let was_paused = pause.is_some();
        if let Some(update) = pause.and_then(|pause| pause.kept_back) {
            (self.rows.table, self.playhead.playback) = self.note_update(update, now);
        }
        if was_paused == self.is_live() {
            self.request(Effect::SetPaused(!self.is_live()));
        }
    }

    /// Shows the newest table again.
    pub(crate) fn return_to_now(&mut self, now: Moment) {
        self.follow_selected();
        let seeking = &mut self.playhead.seeking;
        seeking.wanted = seeking.job + 1;
        seeking.is_under_way = false;
        let Some(moment) = self.playhead.moment.take() else {
            return;
        };
        let (table, playback) = moment.newest;
        self.playhead.playback = playback;
        self.display(table, now);
        self.rows.marks.keep_those_in(&self.rows.table);
        self.leave_gone_namespace(now);
        self.playhead.seeking.followed = None;
    }

    /// Shows a table, with the cursor on the row that it follows, if that is there.
    fn display(&mut self, table: Arc<Table>, now: Moment) {
        self.rows.table = table;
        // Time may have gone back.
        self.rows.selection = self.rows.selection.restarted(self.rows.criteria.clone());
        let followed = self.playhead.seeking.followed.as_ref().map(|row| row.id);
        if let Some(id) = followed.filter(|&id| self.rows.table.position(id).is_some()) {
            self.rows.cursor.set_selected(LineId::Row(id));
        }
        self.reselect(now);
        self.playhead.seeking.placed = self.rows.cursor.selected();
    }

    /// Notes an update of the live table while a moment is shown.
    pub(super) fn receive_out_of_sight(&mut self, update: TableUpdate, now: Moment) {
        let newest = self.note_update(update, now);
        if let Some(moment) = &mut self.playhead.moment {
            moment.newest = newest;
        }
    }

    /// The events that are shown: at a moment those until then.
    pub(crate) fn shown_log(&self) -> &EventLog {
        self.playhead
            .moment
            .as_ref()
            .map_or(&self.log, |moment| &moment.log)
    }

    pub(crate) fn is_playing(&self) -> bool {
        let moment = self.playhead.moment.as_ref();
        moment.is_some_and(|moment| moment.next_due.is_some())
    }

    /// Plays from the moment that is shown, or stops there.
    pub(crate) fn toggle_play(&mut self, now: Moment) {
        let interval = self.settings.interval;
        if let Some(moment) = &mut self.playhead.moment {
            let is_playing = moment.next_due.is_some();
            moment.next_due = (!is_playing).then_some(now.steady + interval);
        }
    }

    /// Shows the next snapshot when it is due.
    pub(crate) fn play_on(&mut self, now: Moment) {
        let moment = self.playhead.moment.as_ref();
        let due = moment.and_then(|moment| moment.next_due);
        if due.is_some_and(|due| due <= now.steady) {
            self.follow_selected();
            // Until that has been shown none is due.
            if let Some(moment) = &mut self.playhead.moment {
                moment.next_due = Some(Duration::MAX);
            }
            self.request_moment(Seek::Snapshot(Direction::Forward));
        }
    }

    fn next_due_after_step(&self, now: Moment) -> Option<Duration> {
        let due = self.playhead.moment.as_ref()?.next_due?;
        Some(if due == Duration::MAX {
            now.steady + self.settings.interval
        } else {
            due
        })
    }

    /// The typed time, or in one line why it is none; `None` for an empty text.
    pub(crate) fn typed_time(&self, text: &str, now: Moment) -> Option<Result<Seek, String>> {
        Some(match text.trim() {
            "" => return None,
            "start" => Ok(Seek::Start),
            "end" => Ok(Seek::End),
            text => {
                let Some(end) = self.end_of_history(now) else {
                    return Some(Err(READING.to_owned()));
                };
                let zone = self.environment.time_zone.clone();
                time::parse(text, &end.to_zoned(zone)).and_then(|at| {
                    if at > end {
                        return Err(format!("{} is in the future", self.time(at, DATE_TIME)));
                    }
                    Ok(Seek::Time(time::end_of_second(at)))
                })
            }
        })
    }

    /// Now, or the end of a recording, once it has been read.
    fn end_of_history(&self, now: Moment) -> Option<Timestamp> {
        if self.is_live() {
            return Some(now.wall);
        }
        let moment = self.playhead.moment.as_ref();
        moment.map(|moment| moment.timeline.to)
    }

    /// What the typed time means, what is wrong with it, or examples.
    pub(crate) fn below_time(&self, text: &str, now: Moment) -> Line {
        let (text, role) = match self.typed_time(text, now) {
            None => (EXAMPLES.to_owned(), Role::Dim),
            Some(Err(why)) => (why, Role::Bad),
            Some(Ok(Seek::Time(at))) => (self.time(at, DATE_TIME), Role::Strong),
            Some(Ok(_)) => return self.hints(self.mode(), usize::from(self.size.width)),
        };
        vec![span(format!(" {text}"), role)]
    }

    /// Goes to the typed time. What is no time stays, with its error below.
    pub(crate) fn confirm_time(&mut self, text: &str, now: Moment) {
        match self.typed_time(text, now) {
            Some(Err(_)) => {}
            None => self.dialog = Dialog::None,
            Some(Ok(seek)) => {
                self.dialog = Dialog::None;
                if text.trim().eq_ignore_ascii_case("now") {
                    return self.act_on_time(TimeAction::Now, now);
                }
                self.seek_moment(seek, now);
            }
        }
    }

    /// Writes the last hour to a recording.
    pub(crate) fn write_history(&mut self, now: Moment) {
        self.notify(NoticeKind::Pending, "writing the last hour…", now);
        self.request(Effect::WriteHistory);
    }

    /// Why actions are not possible at this moment, with the way back.
    pub(crate) fn why_no_actions(&self) -> String {
        match &self.playhead.moment {
            Some(moment) if self.is_live() => {
                let key = self.key(Action::Time(TimeAction::Now));
                let back = key.map_or_else(String::new, |key| format!("; {key} returns to now"));
                format!(
                    "this is the table at {}; actions are disabled{back}",
                    self.clock(moment.at.wall)
                )
            }
            _ => "this is a recording; actions are disabled".to_owned(),
        }
    }
}
