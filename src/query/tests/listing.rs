//! The lines of rows in groups: what is where, and what stays open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::columns::ColumnId;
use crate::model::{Endpoint, Kinds, Moment, Protocol, Snapshot, Socket, State};
use crate::query::Sort;
use crate::track::Tracker;

/// Connections from these ports, in these states.
fn table(sockets: &[(u16, State)]) -> Arc<Table> {
    let end = |port| Endpoint::new([127, 0, 0, 1].into(), port);
    let socket =
        |&(port, state): &(u16, State)| Socket::new(Protocol::Tcp, end(port), Some(end(9)), state);
    let snapshot = Snapshot {
        taken_at: Moment {
            steady: Duration::from_secs(1),
            wall: jiff::Timestamp::UNIX_EPOCH,
        },
        kinds: Kinds::DEFAULT,
        sockets: sockets.iter().map(socket).collect(),
        processes: HashMap::new(),
        problems: Vec::new(),
        late_namespaces: Vec::new(),
        counters: None,
        ephemeral: None,
    };
    Tracker::new(Duration::ZERO).apply(snapshot).table
}

fn listing(table: &Table, by: GroupBy, then: Option<GroupBy>) -> Listing {
    let mut listing = Listing::default();
    let fields = GroupFields { by, then };
    let sort = Sort {
        by: ColumnId::Port,
        descending: false,
    };
    let rows = (0..table.rows.len()).collect();
    listing.set_rows(rows, Some(fields.sorted_by(sort)), table);
    listing
}

const SOCKETS: [(u16, State); 4] = [
    (1, State::Established),
    (2, State::CloseWait),
    (3, State::Established),
    (3, State::Listen),
];

#[test]
fn every_row_is_found_at_its_line_or_at_its_closed_group() {
    let table = table(&SOCKETS);
    let mut listing = listing(&table, GroupBy::Port, Some(GroupBy::State));
    for _ in 0..8 {
        for at in 0..table.rows.len() {
            let place = listing.place_of_row(at).expect("it is listed");
            match listing.line(place).expect("there is a line") {
                Line::Row(row) => assert_eq!(row, at),
                Line::Group(group) => {
                    let id = listing.group_id(group).expect("it has an identity");
                    assert!(!listing.is_open(&id));
                    assert!(
                        listing
                            .rows_of(&listing.groups()[group])
                            .any(|row| row == at)
                    );
                }
            }
        }
        for place in 0..listing.len() {
            let id = listing.id(place, &table).expect("there is a line");
            assert_eq!(listing.place(&id, &table), Some(place));
        }
        // Opens the first closed group.
        let groups = (0..listing.groups().len()).filter_map(|at| listing.group_id(at));
        let closed = groups.into_iter().find(|group| !listing.is_open(group));
        let Some(closed) = closed else { continue };
        listing.set_open(closed, true);
    }
    assert_eq!(listing.len(), table.rows.len() + listing.groups().len());
    assert_eq!(listing.rows(&table).count(), table.rows.len());
}

#[test]
fn a_group_stays_open_under_other_rows_and_an_inner_one_within_its_outer_one_only() {
    let table = table(&SOCKETS);
    let mut listing = listing(&table, GroupBy::Port, Some(GroupBy::State));
    let inner = listing.group_id(1).expect("there is one");
    listing.set_open(inner.clone(), true);
    assert_eq!(listing.len(), 3, "its outer group is closed");
    listing.set_open(inner.parent().expect("it is within one"), true);
    assert_eq!(listing.len(), 5);
    listing.set_rows(Vec::new(), None, &table);
    assert_eq!(listing.len(), 0);
    let again = super::tests::listing(&table, GroupBy::Port, Some(GroupBy::State));
    listing.set_rows(
        again.selected().to_vec(),
        again.grouped.map(|one| one.grouping),
        &table,
    );
    assert_eq!(listing.len(), 5);
}

#[test]
fn the_rows_before_a_line_are_those_of_the_groups_above() {
    let table = table(&SOCKETS);
    let mut listing = listing(&table, GroupBy::Port, None);
    assert_eq!(
        [0, 1, 2, 3].map(|place| listing.rows_before(place)),
        [0, 1, 2, 4]
    );
    listing.set_open(listing.group_id(2).expect("there is one"), true);
    assert_eq!([2, 3, 4].map(|place| listing.rows_before(place)), [2, 2, 3]);
}

#[test]
fn each_group_is_identified_with_the_outer_group_before_it() {
    let table = table(&SOCKETS);
    let listing = listing(&table, GroupBy::Port, Some(GroupBy::State));
    let mut outer = None;
    for (at, group) in listing.groups().iter().enumerate() {
        let expected = if group.depth == 0 {
            outer = Some(group);
            GroupId::new(group, None)
        } else {
            GroupId::new(outer.expect("it is within one"), Some(group))
        };
        assert_eq!(listing.group_id(at), Some(expected));
    }
    assert_eq!(listing.groups().len(), 7);
    assert_eq!(listing.group_id(7), None);
}
