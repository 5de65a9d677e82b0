//! What says that a recording is shown, and which moment of it: at every width, so that it is never mistaken for now.

use super::super::{Action, App};
use super::{Click, Line, Role, duration_text, span};
use crate::columns::width;
use crate::model::Playback;

/// Cells that the longer forms leave to the name of the program.
const NAME: usize = " sockeye  ".len();

/// Cells beside the badge from which on there is room to say how fast it is played.
const ROOM_FOR_SPEED: usize = 60;

impl App {
    /// Date, time and position of the snapshot that is shown, and whether it is the last one, reversed.
    pub(super) fn recording_line(&self, columns: u16) -> Line {
        let columns = usize::from(columns);
        let forms = self.recording_forms();
        let fits = |reserved: usize| move |form: &&String| width(form) + reserved <= columns;
        let mut longer = forms.iter().take(2);
        let form = longer.find(fits(NAME)).or(forms.iter().find(fits(1)));
        let badge = span(
            form.or(forms.last()).cloned().unwrap_or_default(),
            Role::Warning,
        );
        let badge = badge.reversed().on_click(Click::Do(Action::Program(crate::keymap::ProgramAction::TogglePause)));
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
        if !self.has_snapshot {
            return vec!["REPLAY".to_owned()];
        }
        let at = self.table.taken_at.wall;
        let at = at.to_zoned(self.surroundings.time_zone.clone());
        let date = |format| at.strftime(format).to_string();
        let (full, short, shortest) = (
            date("%Y-%m-%d %H:%M:%S"),
            date("%m-%d %H:%M:%S"),
            date("%m-%d %H:%M"),
        );
        let (of, slash) = self.playback.map_or_else(Default::default, position);
        let has_ended = self.playback.is_some_and(|playback| playback.has_ended);
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
