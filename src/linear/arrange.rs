//! Commands that arrange what is shown, and how often it is refreshed.

use super::{Changes, Session};
use crate::app::{Effect, FileFormat};
use crate::columns::{self, column};
use crate::filter::{Filter, nearest};
use crate::keymap::{Action, ProgramAction, TableAction};
use crate::model::{Moment, Protocol, counted, duration};

impl Session {
    pub(super) fn filter(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        let effects = match text {
            "" => Vec::new(),
            "off" | "none" | "clear" => self.app.command(|app| app.clear_filter(now)),
            text => match Filter::parse_with(text, self.app.services()) {
                Ok(filter) => {
                    (self.app).command(|app| app.set_filter(filter, text.to_owned(), now))
                }
                Err(error) => {
                    self.print(error.to_string());
                    return Vec::new();
                }
            },
        };
        self.print_shown();
        effects
    }

    /// `filter node: 3 rows of 57 in Listening, sorted by port`
    pub(super) fn print_shown(&mut self) {
        let rows = self.app.rows();
        let (shown, all) = (
            rows.selection.shown().len(),
            rows.selection.counts().unfiltered,
        );
        let view = self.app.view_name(self.app.current_view());
        let filter = &rows.criteria.filter;
        let filter = if filter.is_empty() {
            "no filter".to_owned()
        } else {
            format!("filter {filter}")
        };
        let sort = rows.criteria.sort;
        let order = if sort.descending { ", reversed" } else { "" };
        let by = column(sort.by).name;
        let text = format!(
            "{filter}: {shown} of {} in view {view}, sorted by {by}{order}",
            counted(all, "row", "rows")
        );
        self.print(text);
    }

    pub(super) fn view(&mut self, name: &str, now: Moment) -> Vec<Effect> {
        let views = self.app.view_ids();
        let names: Vec<_> = views
            .iter()
            .map(|&view| self.app.view_name(view).to_owned())
            .collect();
        let typed = name.to_lowercase();
        let begins = |one: &&String| !typed.is_empty() && one.to_lowercase().starts_with(&typed);
        let at = names.iter().position(|one| begins(&one));
        let Some(at) = at else {
            let unknown = if name.is_empty() {
                String::new()
            } else {
                format!("unknown view `{name}`; ")
            };
            self.print(format!("{unknown}views: {}", names.join(", ")));
            return Vec::new();
        };
        let effects = self.app.command(|app| app.show_view(views[at], now));
        self.print_shown();
        effects
    }

    pub(super) fn sort(&mut self, name: &str, now: Moment) -> Vec<Effect> {
        let all = || columns::ALL.iter().map(|column| column.name);
        let Some(column) = columns::by_name(name) else {
            let text = match nearest(name, all()).filter(|_| !name.is_empty()) {
                Some(near) => format!("unknown column `{name}`; did you mean `{near}`?"),
                None => format!("columns: {}", all().collect::<Vec<_>>().join(", ")),
            };
            self.print(text);
            return Vec::new();
        };
        let is_by_it = self.app.rows().criteria.sort.by == column.id;
        let effects = self.app.command(|app| {
            if !is_by_it {
                app.sort_by(column.id, now);
            }
        });
        self.print_shown();
        effects
    }

    pub(super) fn reverse(&mut self, now: Moment) -> Vec<Effect> {
        let effects = self.act(Action::Table(TableAction::ReverseSort), now);
        self.print_shown();
        effects
    }

    pub(super) fn kinds(&mut self, name: &str, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        match Protocol::named(name) {
            Some(protocol) => {
                effects = self.app.command(|app| app.toggle_kind(protocol, now));
                // Other kinds than TCP and UDP are in the next snapshot.
                self.awaits_table |= !effects.is_empty() && self.can_await_table();
            }
            None if name.is_empty() => {}
            None => self.print(format!("unknown kind `{name}`")),
        }
        let kinds = self.app.rows().criteria.kinds;
        let shown: Vec<_> = kinds.iter().map(Protocol::as_str).collect();
        let hidden = Protocol::ALL.into_iter().filter(|&one| !kinds.has(one));
        let hidden: Vec<_> = hidden.map(Protocol::as_str).collect();
        self.print(format!(
            "shown: {}; hidden: {}",
            shown.join(", "),
            hidden.join(", ")
        ));
        effects
    }

    /// Whether the next snapshot comes by itself, soon.
    fn can_await_table(&self) -> bool {
        self.app.is_live() && !self.app.is_paused()
    }

    pub(super) fn set_changes(&mut self, word: &str) {
        let all = [
            ("on", Changes::On),
            ("off", Changes::Off),
            ("later", Changes::Later),
        ];
        match all.iter().find(|(name, _)| *name == word) {
            Some(&(_, changes)) => self.changes = changes,
            None if word.is_empty() => {}
            None => return self.print(format!("`{word}`: expected on, off or later")),
        }
        let text = match self.changes {
            Changes::On => "changes are printed at once",
            Changes::Off => "changes are not printed; alerts are",
            Changes::Later => "changes are printed with the next command; alerts at once",
        };
        self.print(text);
    }

    pub(super) fn set_paused(&mut self, is_paused: bool, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.app.is_paused() != is_paused {
            effects = self.act(Action::Program(ProgramAction::TogglePause), now);
        }
        self.print(if is_paused {
            "paused; resume continues"
        } else {
            "not paused"
        });
        effects
    }

    pub(super) fn interval(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        if text.is_empty() {
            let interval = duration::format(self.app.settings().interval);
            self.print(format!("refreshing every {interval}"));
            return Vec::new();
        }
        match duration::parse_interval(text) {
            Ok(interval) => self.app.command(|app| app.set_interval(interval, now)),
            Err(why) => {
                self.print(format!("`{text}`: {why}"));
                Vec::new()
            }
        }
    }

    pub(super) fn write(&mut self, word: &str, now: Moment) -> Vec<Effect> {
        let format = match word {
            "json" => FileFormat::Json,
            "csv" => FileFormat::Csv,
            _ => {
                self.print("write json, or write csv");
                return Vec::new();
            }
        };
        if self.app.rows().selection.shown().len() == 0 {
            self.print("no rows are shown: nothing to write");
            return Vec::new();
        }
        self.app.command(|app| app.write_shown(format, now))
    }
}
