//! Commands about a port or the current row.

use super::Session;
use super::rows::owner_text;
use crate::app::Effect;
use crate::bind::Target;
use crate::filter::Filter;
use crate::keymap::{Action, BindTestAction, PortAction, TableAction};
use crate::model::{Moment, NamespaceScope, Owner};
use crate::query::{Query, Tab};
use crate::track::{Row, Table};

/// The open rows of a port, by their places in the table: those of the namespaces shown, or else of any.
fn rows_of(table: &Table, port: u16, scope: NamespaceScope) -> Vec<(usize, &Row)> {
    let rows = table.rows.iter().map(|row| &**row).enumerate();
    let rows = rows.filter(|(_, row)| row.socket.port() == Some(port) && !row.is_closed());
    let (shown, others): (Vec<_>, Vec<_>) =
        rows.partition(|(_, row)| scope.has(row.socket.namespace_id()));
    if shown.is_empty() { others } else { shown }
}

/// Which row of a port a target means: the greater one. Its protocol counts before whether it listens.
fn rank(row: &Row, target: &Target) -> (bool, bool) {
    let is_kind = row.socket.protocol == target.protocol;
    (is_kind, row.socket.is_listening())
}

impl Session {
    pub(super) fn step(&mut self, lines: isize, now: Moment) -> Vec<Effect> {
        let before = self.selected_id();
        let effects = self.app.command(|app| app.step_by(lines));
        if before == self.selected_id() && before.is_some() {
            self.print(if lines > 0 { "last row" } else { "first row" });
        }
        self.print_current(now);
        effects
    }

    /// Goes to the row of a port.
    pub(super) fn go(&mut self, port: &str, now: Moment) -> Vec<Effect> {
        let Some((found, effects)) = self.select_port(port, now) else {
            return Vec::new();
        };
        self.print_current(now);
        self.print_found(found, port);
        effects
    }

    /// Says how many rows have the port, if not only one.
    fn print_found(&mut self, found: usize, port: &str) {
        if found > 1 {
            self.print(format!(
                "{found} rows have that port; find :{} reads them",
                port.trim_start_matches(':')
            ));
        }
    }

    /// Selects the row of a port: one of the target's protocol before others, then a listener before connections, then one
    /// that is shown before others. Returns how many rows have the port. If there is none, says so.
    fn select_port(&mut self, text: &str, now: Moment) -> Option<(usize, Vec<Effect>)> {
        let target = self.target(text)?;
        let (port, rows) = (target.first_port(), self.app.rows());
        let found = rows_of(&rows.table, port, rows.criteria.namespaces);
        let best = found
            .iter()
            .max_by_key(|(at, row)| (rank(row, &target), rows.selection.shows(*at)));
        let Some(&(at, row)) = best else {
            self.print(format!(
                "no socket has port {port}; test {port} says whether it is free"
            ));
            return None;
        };
        let (id, is_shown, count) = (row.id, rows.selection.shows(at), found.len());
        if !is_shown {
            self.print(format!(
                "{port} was hidden by the view or the filter: showing all rows"
            ));
        }
        let effects = self.app.command(|app| app.select_row(id, now));
        Some((count, effects))
    }

    /// A target with one port; if it is none, says why.
    fn target(&mut self, text: &str) -> Option<Target> {
        if text.is_empty() {
            self.print("which port?");
            return None;
        }
        match Target::parse_with(text, self.app.services()) {
            Ok(target) if target.ports.start() == target.ports.end() => return Some(target),
            Ok(_) => self.print(format!("{text}: one port at a time")),
            Err(error) => self.print(error.to_string()),
        }
        None
    }

    pub(super) fn go_to_row(&mut self, number: &str, now: Moment) -> Vec<Effect> {
        let id = number.trim_end_matches('.').parse::<usize>().ok();
        let id = id
            .and_then(|number| self.listed.get(number.checked_sub(1)?))
            .copied();
        let Some(id) = id else {
            let all = self.listed.len();
            self.print(format!("`{number}`: the last listing has rows 1 to {all}"));
            return Vec::new();
        };
        let mut is_there = false;
        let effects = self.app.command(|app| is_there = app.select_row(id, now));
        if is_there {
            self.print_current(now);
        } else {
            self.print("that socket is closed");
        }
        effects
    }

    /// Reads the rows of the whole table that match.
    pub(super) fn find(&mut self, text: &str, now: Moment) {
        let filter = match Filter::parse_with(text, self.app.services()) {
            Ok(filter) if !filter.is_empty() => filter,
            Ok(_) => return self.print("find what? For example: find node, or find :8080"),
            Err(error) => return self.print(error.to_string()),
        };
        let criteria = &self.app.rows().criteria;
        let query = Query {
            tab: Tab::All,
            filter,
            ..criteria.clone()
        };
        let places = query.select_at(self.app.table(), self.app.shown_at(now));
        if places.is_empty() {
            return self.print(format!("nothing matches `{text}`"));
        }
        let selection = &self.app.rows().selection;
        let first = places.iter().find(|&&at| selection.shows(at));
        let id = first.map(|&at| self.app.table().rows[at].id);
        match id {
            // Selecting a row that is shown has no effects.
            Some(id) => drop(self.app.command(|app| app.select_row(id, now))),
            None => self.print(
                "hidden by the view or the filter: the current row stays; row NUMBER shows all rows and goes there",
            ),
        }
        self.print_rows(&places, super::PAGE, now);
    }

    pub(super) fn details(&mut self, port: &str, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !port.is_empty() {
            let Some((found, selected)) = self.select_port(port, now) else {
                return effects;
            };
            self.print_found(found, port);
            effects = selected;
        }
        match self.app.details_of_selected(now) {
            Some(lines) => self.print_page(lines.iter().map(super::text::of_line), super::PAGE),
            None => self.print("no row is selected"),
        }
        effects
    }

    /// Opens the question whether to end the owner of a port, or of the current row. A port with several owners has to be
    /// chosen by its row.
    pub(super) fn end(&mut self, port: &str, now: Moment) -> Vec<Effect> {
        // An open bind test would be repeated after the end, which reports on the port itself.
        let mut effects = self.app.command(|app| app.set_pane(None));
        if !port.is_empty() {
            if self.has_several_owners(port) {
                return effects;
            }
            let Some((found, selected)) = self.select_port(port, now) else {
                return effects;
            };
            self.print_found(found, port);
            effects.extend(selected);
        }
        effects.extend(self.act(Action::Port(PortAction::EndProcess), now));
        effects
    }

    /// Whether the rows of a port that are equally good have different owners; if so, names them.
    fn has_several_owners(&mut self, text: &str) -> bool {
        let Ok(target) = Target::parse_with(text, self.app.services()) else {
            return false;
        };
        let port = target.first_port();
        let rows = self.app.rows();
        let found = rows_of(&rows.table, port, rows.criteria.namespaces);
        let best = found.iter().map(|(_, row)| rank(row, &target)).max();
        let mut owners: Vec<&Owner> = Vec::new();
        for (_, row) in found {
            let owner = &row.socket.owner;
            let has_ended = matches!(owner, Owner::Former(_) | Owner::Inferred(_) | Owner::None);
            if Some(rank(row, &target)) == best && !has_ended && !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        if owners.len() < 2 {
            return false;
        }
        let names: Vec<_> = owners.into_iter().map(owner_text).collect();
        self.print(format!(
            "several owners have port {port}: {}; find :{port} and row NUMBER choose one, then end",
            names.join("; ")
        ));
        true
    }

    /// Makes a bind test of a target, or of the port of the current row.
    pub(super) fn test(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        if text.is_empty() || !self.app.can(PortAction::BindTestAny) {
            return self.act(Action::Port(PortAction::BindTest), now);
        }
        self.app.command(|app| app.bind_test_typed(text, now))
    }

    /// Waits until the port that was tested frees itself, or stops waiting.
    pub(super) fn wait(&mut self, now: Moment) -> Vec<Effect> {
        let Some((target, _)) = self.app.tested() else {
            self.print("test a port first");
            return Vec::new();
        };
        let port = target.to_string();
        let effects = self.act(Action::BindTest(BindTestAction::Watch), now);
        if self.app.is_waiting() {
            self.print(format!("waiting until {port} is free; wait stops that"));
        } else if self.app.notice().is_none() {
            self.print("not waiting any more");
        }
        effects
    }

    pub(super) fn free(&mut self, port: &str, now: Moment) -> Vec<Effect> {
        if port.is_empty() || !self.app.can(PortAction::FindFreePort) {
            return self.act(Action::Port(PortAction::FindFreePort), now);
        }
        let Some(target) = self.target(port) else {
            return Vec::new();
        };
        self.app
            .command(|app| app.find_free_port_above(target.first_port(), now))
    }

    pub(super) fn pin(&mut self, port: &str, is_pinned: bool, now: Moment) -> Vec<Effect> {
        if !port.is_empty() {
            let Some(target) = self.target(port) else {
                return Vec::new();
            };
            let port = (target.first_port(), target.protocol);
            return self.app.command(|app| app.set_pinned(port, is_pinned, now));
        }
        match self.app.selected().map(|row| &row.socket) {
            Some(socket) if socket.is_own() && socket.protocol.has_ports() => {
                let port = (socket.local.port, socket.protocol);
                self.app.command(|app| app.set_pinned(port, is_pinned, now))
            }
            // Says why it can't be pinned.
            _ => self.act(Action::Table(TableAction::TogglePinned), now),
        }
    }
}
