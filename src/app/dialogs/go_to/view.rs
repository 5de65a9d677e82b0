//! The port being typed, and where that leads.

use crate::app::App;
use crate::app::dialogs::go_to::{Found, GoTo};
use crate::app::view::{Line, Role, cut_line, span};
use crate::columns::width;
use crate::keymap::DialogAction;
use crate::keymap::{Action, Mode};

impl App {
    /// The port being typed, and what came of it.
    pub(crate) fn go_to_line(&self, going: &GoTo, columns: usize) -> (Line, u16) {
        let label = " go to port ";
        let digits = going.digits();
        let x = width(label) + width(digits);
        let mut line = vec![
            span(label, Role::Accent),
            span(format!("{digits}   "), Role::Plain),
        ];
        let told = match going.found {
            Found::It => None,
            Found::Hidden(_) => {
                let key = self
                    .settings
                    .keymap
                    .keys(Mode::Digits, Action::Dialog(DialogAction::Accept))
                    .first();
                let remedy = key.map_or(String::new(), |key| format!(": {key} shows it"));
                Some(span(
                    format!("{digits} is not shown{remedy}"),
                    Role::Warning,
                ))
            }
            Found::Above(port) => {
                let told = format!("no port begins with {digits}; {port} is the next");
                Some(span(told, Role::Warning))
            }
            Found::Nothing => Some(span(format!("no port begins with {digits}"), Role::Bad)),
        };
        match told {
            _ if self.shows_alerts() => line.extend(self.alerts_line().into_iter().flatten()),
            Some(told) => line.push(told),
            None => line.extend(self.hints(Mode::Digits, columns.saturating_sub(x + 3))),
        }
        (
            cut_line(line, columns),
            u16::try_from(x).unwrap_or(u16::MAX),
        )
    }
}
