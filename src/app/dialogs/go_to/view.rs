//! The line in which a port number is typed.

use crate::app::App;
use crate::app::dialogs::go_to::{Found, GoTo};
use crate::app::view::{Line, Role, cut_line, span};
use crate::columns::width;
use crate::keymap::{Action, DialogAction, Mode};

impl App {
    /// The typed digits with the result, and the column of the text cursor.
    pub(crate) fn go_to_line(&self, going: &GoTo, columns: usize) -> (Line, u16) {
        let label = " go to port ";
        let digits = going.digits.as_str();
        let x = width(label) + width(digits);
        let mut line = vec![
            span(label, Role::Accent),
            span(format!("{digits}   "), Role::Plain),
        ];
        let result = match going.found {
            Found::Port => None,
            Found::Hidden(_) => {
                let accept = Action::Dialog(DialogAction::Accept);
                let key = self.settings.keymap.keys(Mode::Digits, accept).first();
                let remedy = key.map_or(String::new(), |key| format!(": {key} shows it"));
                Some((format!("{digits} is not shown{remedy}"), Role::Warning))
            }
            Found::Above(port) => {
                let text = format!("no port starts with {digits}; {port} is the next");
                Some((text, Role::Warning))
            }
            Found::Nothing => Some((format!("no port starts with {digits}"), Role::Bad)),
        };
        match (self.alerts_line(), result) {
            (Some(alerts), _) => line.extend(alerts),
            (None, Some((text, role))) => line.push(span(text, role)),
            (None, None) => line.extend(self.hints(Mode::Digits, columns.saturating_sub(x + 3))),
        }
        (
            cut_line(line, columns),
            u16::try_from(x).unwrap_or(u16::MAX),
        )
    }
}
