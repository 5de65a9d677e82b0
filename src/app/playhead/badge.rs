//! The badge in the header of a table that is not of now, reversed: its moment, in a form for every width, so that it is never
//! mistaken for live data.

use std::time::Duration;

use super::moment::AtMoment;
use super::{TOGGLE_PAUSE, next};
use crate::app::App;
use crate::app::view::{Click, Line, Role, span};
use crate::columns::width;
use crate::keymap::{Action, TimeAction};
use crate::model::{Moment, duration};

/// Cells that the longer forms leave for the program's name.
const NAME: usize = " sockeye  ".len();

/// Cells needed beside the badge to show the interval too.
const ROOM_FOR_SPEED: usize = 60;

const MINUTE: Duration = Duration::from_mins(1);

impl App {
    pub(super) fn badge_line(&self, columns: u16, now: Moment) -> Line {
        let columns = usize::from(columns);
        let (forms, click) = match &self.playhead.moment {
            Some(moment) if self.is_live() => {
                let back = Click::Do(Action::Time(TimeAction::Now));
                (self.moment_forms(moment, now), back)
            }
            _ => (self.recording_forms(), TOGGLE_PAUSE),
        };
        let fits = |reserved: usize| move |form: &&String| width(form) + reserved <= columns;
        let mut longer = forms.iter().take(3);
        let form = longer.find(fits(NAME)).or(forms.iter().find(fits(1)));
        let form = form.or(forms.last()).cloned().unwrap_or_default();
        let badge = span(form, Role::Warning).reversed().on_click(click);
        let mut line = Line::new();
        let moves = !self.is_at_moment() || self.is_playing();
        if moves && columns.saturating_sub(width(&badge.text)) >= ROOM_FOR_SPEED {
            line.push(self.interval_span());
        }
        line.push(badge);
        line.push(span(" ", Role::Plain));
        line
    }

    /// The forms of the badge at a moment before now, the longest first; the date only of another day.
    fn moment_forms(&self, moment: &AtMoment, now: Moment) -> Vec<String> {
        let date = |format| self.time(moment.at.wall, format);
        let day = "%Y-%m-%d";
        let is_today = date(day) == self.time(now.wall, day);
        let (full, short) = if is_today {
            (date("%H:%M:%S"), date("%H:%M:%S"))
        } else {
            (date("%Y-%m-%d %H:%M:%S"), date("%m-%d %H:%M:%S"))
        };
        let ago = match moment_age(moment, now) {
            age if age < MINUTE => String::new(),
            age => format!(" · {} ago", duration::format_age_in_words(age)),
        };
        let playing = if self.is_playing() { " · playing" } else { "" };
        let gap = moment
            .gap
            .map_or_else(String::new, |why| format!(" · not recorded: {why}"));
        let no_record = if moment.gap.is_some() {
            " · not recorded"
        } else {
            ""
        };
        let numbers = self.numbers_at(moment);
        vec![
            format!("AT {full}{ago}{playing}{gap}{numbers}"),
            format!("AT {full}{ago}{playing}{no_record}{numbers}"),
            format!("AT {full}{ago}{playing}{no_record}"),
            format!("AT {full}{ago}{no_record}"),
            format!("AT {full}{ago}"),
            format!("AT {short}"),
            format!("AT {}", date("%H:%M:%S")),
            date("%H:%M:%S"),
            date("%H:%M"),
            "AT".to_owned(),
        ]
    }

    /// ` · numbers of 03:11:52`, where numbers are shown that were read earlier. They are stored less often than the rest.
    fn numbers_at(&self, moment: &AtMoment) -> String {
        if !self.needs_counters() {
            return String::new();
        }
        match moment.counters_at {
            None if self.rows.columns.shows_counters() => " · numbers not recorded".to_owned(),
            None => String::new(),
            Some(at) if moment.at.wall.duration_since(at).as_millis() < 1000 => String::new(),
            Some(at) => format!(" · numbers of {}", self.time(at, "%H:%M:%S")),
        }
    }

    /// The forms of the badge of a recording: date, time and position of the shown snapshot.
    fn recording_forms(&self) -> Vec<String> {
        if !self.rows.has_snapshot {
            return vec!["REPLAY".to_owned()];
        }
        let moment = self.playhead.moment.as_ref();
        let at = moment.map_or(self.rows.table.taken_at, |moment| moment.at);
        let date = |format| self.time(at.wall, format);
        let (full, short) = (date("%Y-%m-%d %H:%M:%S"), date("%m-%d %H:%M:%S"));
        let shortest = date("%m-%d %H:%M");
        let playback = self.playhead.playback.filter(|_| moment.is_none());
        // The number of the snapshot, long and short.
        let (of, slash) = match playback.map(|playback| (playback.number, playback.total)) {
            Some((number, Some(total))) => (
                format!(" · {number} of {total}"),
                format!(" {number}/{total}"),
            ),
            Some((number, None)) => (format!(" · {number}"), format!(" {number}")),
            None => Default::default(),
        };
        let has_ended = match moment {
            Some(moment) => moment.at.wall >= moment.timeline.to,
            None => playback.is_some_and(|playback| playback.has_ended),
        };
        let is_paused = self.is_paused() || moment.is_some() && !self.is_playing();
        let (state, word) = match (has_ended, is_paused) {
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

    /// When the text of a moment changes, or the next snapshot is due.
    pub(super) fn moment_changes_in(&self, moment: &AtMoment, now: Moment) -> Option<Duration> {
        let due = moment.next_due.filter(|&due| due < Duration::MAX);
        let due = due.map(|due| due.saturating_sub(now.steady));
        let age = self
            .is_live()
            .then(|| next(moment_age(moment, now), MINUTE));
        [due, age].into_iter().flatten().min()
    }
}

/// How long before now the moment is, by the wall clock: the steady one of a history may have another zero.
fn moment_age(moment: &AtMoment, now: Moment) -> Duration {
    let age = now.wall.duration_since(moment.at.wall);
    age.try_into().unwrap_or_default()
}
