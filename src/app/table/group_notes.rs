//! Who has the sockets of a group, and who is at their other ends.
//!
//! Counted once for each group in sight after the rows were grouped: a group may have all rows of the table.

use std::collections::HashMap;

use crate::app::App;
use crate::model::Owner;
use crate::query::Line;
use crate::track::{Row, Table};

/// The most peers and owners of a group that are named.
const MAX_NAMED: usize = 5;

/// The notes on groups in sight.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupNotes {
    /// That of the selection.
    generation: u64,
    /// By the index of the group in the listing.
    notes: HashMap<usize, GroupNote>,
}

/// What is known of the owners and peers of a group's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupNote {
    pub owners: Tally,
    pub peers: Tally,
}

/// Different names, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The first of them, each with its number of sockets.
    pub top: Vec<(String, usize)>,
    /// How many others there are.
    pub others: usize,
}

/// Who is at the other end: `← 10.0.0.9`, `→ python3 client.py`. The arrow is the direction of the connection.
fn peer(row: &Row, table: &Table) -> Option<String> {
    let address = row.socket.remote?.to_canonical().address;
    let connections = &table.connections;
    let is_incoming = connections.listener_of(row.id).is_some();
    let arrow = if is_incoming { '←' } else { '→' };
    let other_end = connections.peer(row.id).and_then(|id| table.row(id));
    let owner = other_end.and_then(|row| owner_name(&row.socket.owner));
    Some(match owner {
        Some(name) => format!("{arrow} {name}"),
        None => format!("{arrow} {address}"),
    })
}

fn owner_name(owner: &Owner) -> Option<&str> {
    Some(&owner.processes().first()?.name)
}

impl Tally {
    fn of(names: impl Iterator<Item = String>) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
        let mut top: Vec<_> = counts.into_iter().collect();
        top.sort_unstable_by(|(name, count), (other, others)| {
            others.cmp(count).then_with(|| name.cmp(other))
        });
        let others = top.len().saturating_sub(MAX_NAMED);
        top.truncate(MAX_NAMED);
        Self { top, others }
    }

    /// How many different names there are.
    pub const fn len(&self) -> usize {
        self.top.len() + self.others
    }
}

impl App {
    pub(crate) fn group_note(&self, group: usize) -> Option<&GroupNote> {
        self.rows.group_notes.notes.get(&group)
    }

    /// Counts the owners and peers of the groups in sight that have no note yet.
    pub(crate) fn refresh_group_notes(&mut self) {
        let height = self.rows_in_sight();
        let rows = &mut self.rows;
        let (listing, table) = (rows.selection.shown(), &*rows.table);
        let generation = rows.selection.generation();
        if rows.group_notes.generation != generation {
            rows.group_notes = GroupNotes {
                generation,
                ..GroupNotes::default()
            };
        }
        let notes = &mut rows.group_notes.notes;
        for line in listing.lines_from(rows.cursor.top()).take(height) {
            let Line::Group(at) = line else { continue };
            if notes.contains_key(&at) {
                continue;
            }
            let group = &listing.groups()[at];
            let rows = || listing.rows_of(group).map(|at| &*table.rows[at]);
            let owner = |row: &Row| owner_name(&row.socket.owner).map(str::to_owned);
            let note = GroupNote {
                owners: Tally::of(rows().filter_map(owner)),
                peers: Tally::of(rows().filter_map(|row| peer(row, table))),
            };
            notes.insert(at, note);
        }
    }
}
