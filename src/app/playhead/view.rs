//! What says that a recording is shown, and which moment of it: at every width, so that it is never mistaken for now.

use crate::app::App;
use crate::app::notices::slow_notice::next_second;
use crate::app::view::{Click, Line, Role, duration_text, span};
use crate::columns::width;
use crate::keymap::Action;
use crate::keymap::ProgramAction;
use crate::model::Moment;
use crate::model::Playback;
use jiff::Timestamp;
use std::time::Duration;

/// Cells that the longer forms leave to the name of the program.
const NAME: usize = " sockeye  ".len();

/// Cells beside the badge from which on there is room to say how fast it is played.
const ROOM_FOR_SPEED: usize = 60;

impl App {
    /// Date, time and position of the snapshot that is shown, and whether it is the last one, reversed.
    pub(crate) fn recording_line(&self, columns: u16) -> Line {
        let columns = usize::from(columns);
        let forms = self.recording_forms();
        let fits = |reserved: usize| move |form: &&String| width(form) + reserved <= columns;
        let mut longer = forms.iter().take(2);
        let form = longer.find(fits(NAME)).or(forms.iter().find(fits(1)));
        let badge = span(
            form.or(forms.last()).cloned().unwrap_or_default(),
            Role::Warning,
        );
        let badge = badge
            .reversed()
            .on_click(Click::Do(Action::Program(ProgramAction::TogglePause)));
        let mut line = Line::new();
        if columns.saturating_sub(width(&badge.text)) >= ROOM_FOR_SPEED {
            let every = format!("every {} ", duration_text(self.settings.interval));
            line.push(span(every, Role::Dim));
        }
        line.push(badge);
        line.push(span(" ", Role::Plain));
        line
    }

    /// The badge as it reads, the longest first.
    fn recording_forms(&self) -> Vec<String> {
        if !self.rows.has_snapshot {
            return vec!["REPLAY".to_owned()];
        }
        let at = self.rows.table.taken_at.wall;
        let at = at.to_zoned(self.environment.time_zone.clone());
        let date = |format| at.strftime(format).to_string();
        let (full, short, shortest) = (
            date("%Y-%m-%d %H:%M:%S"),
            date("%m-%d %H:%M:%S"),
            date("%m-%d %H:%M"),
        );
        let (of, slash) = self
            .playhead
            .playback
            .map_or_else(Default::default, position);
        let has_ended = self
            .playhead
            .playback
            .is_some_and(|playback| playback.has_ended);
        let (state, word) = if has_ended {
            (" · ended", " ended")
        } else if self.is_paused() {
            (" · paused", " paused")
        } else {
            ("", "")
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

    /// The interval, or why there is nothing new: paused, or the data is old; of a recording, where it is.
    pub(crate) fn clock_line(&self, now: Moment, columns: u16) -> Line {
        if self.environment.is_recording {
            return self.recording_line(columns);
        }
        if let Some(pause) = &self.playhead.pause {
            let at = self.clock(pause.since);
            let age = match pause.since.age(now).as_secs() / 60 {
                0 => String::new(),
                minutes => format!(" · {minutes}m"),
            };
            let paused = span(format!("paused {at}{age} "), Role::Warning);
            return vec![paused.on_click(Click::Do(Action::Program(ProgramAction::TogglePause)))];
        }
        let every = format!("every {} ", duration_text(self.settings.interval));
        let every =
            span(every, Role::Dim).on_click(Click::Do(Action::Program(ProgramAction::TogglePause)));
        if self.is_stale(now) {
            let age = self.rows.table.taken_at.age(now).as_secs();
            let ago = span(format!("· {age}s ago "), Role::Warning);
            return vec![
                every,
                ago.on_click(Click::Do(Action::Program(ProgramAction::Refresh))),
            ];
        }
        if self.rows.is_following && self.size.is_compact() {
            // There is no room for it among the counts.
            return vec![span("following ", Role::Accent)];
        }
        vec![every]
    }

    fn is_stale(&self, now: Moment) -> bool {
        self.rows.has_snapshot
            && !self.environment.is_recording
            && self.rows.table.taken_at.age(now) > self.stale_after()
    }

    /// How old the table may be before its age is told.
    pub(crate) fn stale_after(&self) -> Duration {
        self.settings.interval * 2 + Duration::from_secs(1)
    }

    /// When the header would read differently, or what stands in the place of the first table.
    pub(crate) fn header_changes_in(&self, now: Moment) -> Option<Duration> {
        if self.rows.has_snapshot && self.environment.is_recording {
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

    /// A moment as the clock on the wall shows it: `12:04:31`.
    pub(crate) fn clock(&self, at: Moment) -> String {
        self.clock_of(at.wall)
    }

    /// The same of a time of the wall clock.
    pub(crate) fn clock_of(&self, wall: Timestamp) -> String {
        let zoned = wall.to_zoned(self.environment.time_zone.clone());
        zoned.strftime("%H:%M:%S").to_string()
    }
}

/// Which of the snapshots it is, at length and in short.
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

/// How long it is until an age is one unit more.
fn next(age: Duration, unit: Duration) -> Duration {
    let units = age.as_secs() / unit.as_secs() + 1;
    Duration::from_secs(units * unit.as_secs()).saturating_sub(age)
}
