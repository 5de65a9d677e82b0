//! The right end of the header: the interval, a pause, the age of the table, or the badge of a recording.

use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::app::notices::next_second;
use crate::app::view::{Click, Line, Role, span};
use crate::columns::width;
use crate::keymap::{Action, ProgramAction};
use crate::model::duration;
use crate::model::{Moment, Playback};

/// Cells that the longer forms of the badge leave for the program's name.
const NAME: usize = " sockeye  ".len();

/// Cells needed beside the badge to show the interval too.
const ROOM_FOR_SPEED: usize = 60;

const TOGGLE_PAUSE: Click = Click::Do(Action::Program(ProgramAction::TogglePause));

impl App {
    /// The badge of a recording, reversed: date, time and position of the shown snapshot. It has a form for every width,
    /// so that a recording is never mistaken for live data.
    pub(crate) fn recording_line(&self, columns: u16) -> Line {
        let columns = usize::from(columns);
        let forms = self.recording_forms();
        let fits = |reserved: usize| move |form: &&String| width(form) + reserved <= columns;
        let mut longer = forms.iter().take(2);
        let form = longer.find(fits(NAME)).or(forms.iter().find(fits(1)));
        let form = form.or(forms.last()).cloned().unwrap_or_default();
        let badge = span(form, Role::Warning).reversed().on_click(TOGGLE_PAUSE);
        let mut line = Line::new();
        if columns.saturating_sub(width(&badge.text)) >= ROOM_FOR_SPEED {
            let every = format!(
                "every {} ",
                duration::format_in_minutes(self.settings.interval)
            );
            line.push(span(every, Role::Dim));
        }
        line.push(badge);
        line.push(span(" ", Role::Plain));
        line
    }

    /// The forms of the badge, the longest first.
    fn recording_forms(&self) -> Vec<String> {
        if !self.rows.has_snapshot {
            return vec!["REPLAY".to_owned()];
        }
        let at = self.rows.table.taken_at.wall;
        let at = at.to_zoned(self.environment.time_zone.clone());
        let date = |format| at.strftime(format).to_string();
        let (full, short) = (date("%Y-%m-%d %H:%M:%S"), date("%m-%d %H:%M:%S"));
        let shortest = date("%m-%d %H:%M");
        let playback = self.playhead.playback;
        let (of, slash) = playback.map_or_else(Default::default, position);
        let has_ended = playback.is_some_and(|playback| playback.has_ended);
        let (state, word) = match (has_ended, self.is_paused()) {
            (true, _) => (" · ended", " ended"),
            (false, true) => (" · paused", " paused"),
            (false, false) => ("", ""),
        };
        vec![
            format!("REPLAY {full}{of}{state}"),
            format!("REPLAY {full}{slash}{word}"),
            format!("REPLAY {short}{slash}{word}"),
            format!("REPLAY {shortest}{slash}{word}"),
            format!("REPLAY{slash}{word}"),
            format!("REPLAY{word}"),
            "REPLAY".to_owned(),
        ]
    }

    /// The interval, or why the data is not current.
    pub(crate) fn clock_line(&self, now: Moment, columns: u16) -> Line {
        if !self.is_live() {
            return self.recording_line(columns);
        }
        if let Some(pause) = &self.playhead.pause {
            let at = self.clock(pause.since);
            let age = match pause.since.age(now).as_secs() / 60 {
                0 => String::new(),
                minutes => format!(" · {minutes}m"),
            };
            let paused = span(format!("paused {at}{age} "), Role::Warning);
            return vec![paused.on_click(TOGGLE_PAUSE)];
        }
        let every = format!(
            "every {} ",
            duration::format_in_minutes(self.settings.interval)
        );
        let every = span(every, Role::Dim).on_click(TOGGLE_PAUSE);
        if self.is_stale(now) {
            let age = self.rows.table.taken_at.age(now).as_secs();
            let ago = span(format!("· {age}s ago "), Role::Warning);
            let refresh = Click::Do(Action::Program(ProgramAction::Refresh));
            return vec![every, ago.on_click(refresh)];
        }
        if self.rows.is_following && self.size.is_compact() {
            // There is no room among the counts.
            return vec![span("following ", Role::Accent)];
        }
        vec![every]
    }

    fn is_stale(&self, now: Moment) -> bool {
        self.rows.has_snapshot
            && self.is_live()
            && self.rows.table.taken_at.age(now) > self.stale_after()
    }

    /// How old the table may be before its age is shown.
    pub(crate) fn stale_after(&self) -> Duration {
        self.settings.interval * 2 + Duration::from_secs(1)
    }

    /// When the header changes, or the sentence in place of the first table.
    pub(crate) fn header_changes_in(&self, now: Moment) -> Option<Duration> {
        if self.rows.has_snapshot && !self.is_live() {
            return None;
        }
        let age = self.rows.table.taken_at.age(now);
        let pause = self.playhead.pause.as_ref();
        let paused = pause.map(|pause| next(pause.since.age(now), Duration::from_mins(1)));
        let table = if !self.rows.has_snapshot {
            Some(next_second(age))
        } else if paused.is_some() {
            None
        } else {
            let fresh = self.stale_after().checked_sub(age);
            Some(fresh.unwrap_or_else(|| next(age, Duration::from_secs(1))))
        };
        [paused, table].into_iter().flatten().min()
    }

    /// The time of day: `12:04:31`.
    pub(crate) fn clock(&self, at: Moment) -> String {
        self.clock_of(at.wall)
    }

    pub(crate) fn clock_of(&self, wall: Timestamp) -> String {
        let zoned = wall.to_zoned(self.environment.time_zone.clone());
        zoned.strftime("%H:%M:%S").to_string()
    }
}

/// The number of the snapshot, long and short.
fn position(playback: Playback) -> (String, String) {
    let number = playback.number;
    match playback.total {
        Some(total) => (
            format!(" · {number} of {total}"),
            format!(" {number}/{total}"),
        ),
        None => (format!(" · {number}"), format!(" {number}")),
    }
}

/// How long until an age is one unit more.
fn next(age: Duration, unit: Duration) -> Duration {
    let units = age.as_secs() / unit.as_secs() + 1;
    Duration::from_secs(units * unit.as_secs()).saturating_sub(age)
}
