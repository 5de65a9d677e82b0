//! What a reading changes of a row, and the event that tells it.
//!
//! A row is shared with every table that shows it. It becomes another one only when something of it
//! really changes, so that whoever has the table before knows the rows that are as they were.

use std::sync::Arc;
use std::time::Duration;

use super::{Change, ChangeKind, Event, Row};
use crate::model::{Moment, Owner, Socket};

/// Takes over what the snapshot says of a known socket, and tells what changed. What is left of `socket` is of no
/// use; it is not moved out of its list, as in nearly all of them nothing has changed.
pub(super) fn update_row(
    row: &mut Arc<Row>,
    socket: &mut Socket,
    now: Moment,
    events: &mut Vec<Event>,
) {
    if let Some(owner) = carried_owner(&row.socket, socket) {
        socket.owner = owner;
    }
    // It is that of the first reading.
    socket.age = row.socket.age;
    let ends_at = take_end(socket, now);
    if !is_same_end(row.ends_at, ends_at) {
        Arc::make_mut(row).ends_at = ends_at;
    }
    if row.socket == *socket {
        return;
    }
    let state = (row.socket.state != socket.state).then_some(row.socket.state);
    let owner = changed_hands(&row.socket, socket).then(|| row.socket.owner.clone());
    std::mem::swap(&mut Arc::make_mut(row).socket, socket);
    if let Some(from) = state {
        change(row, ChangeKind::State { from }, now, events);
    }
    if let Some(from) = owner {
        change(row, ChangeKind::Owner { from }, now, events);
    }
}

/// When the socket ends by itself. How long that is from the reading on is another time at each, which would
/// be a change of the row.
pub(super) fn take_end(socket: &mut Socket, now: Moment) -> Option<Duration> {
    now.steady.checked_add(socket.expires_in.take()?)
}

/// Whether it is the same end, measured twice: a reading takes its time.
fn is_same_end(one: Option<Duration>, other: Option<Duration>) -> bool {
    const JITTER: Duration = Duration::from_secs(1);
    match (one, other) {
        (Some(one), Some(other)) => one.abs_diff(other) < JITTER,
        _ => one == other,
    }
}

/// Takes over who has the socket and nothing else.
pub(super) fn learn_owner(row: &mut Arc<Row>, seen: &Socket) {
    let owner = carried_owner(&row.socket, seen).unwrap_or_else(|| seen.owner.clone());
    if owner != row.socket.owner {
        Arc::make_mut(row).socket.owner = owner;
    }
}

/// Who has the socket, given who had it, where that is somebody else than the snapshot says: a
/// socket that lost its process remembers it.
fn carried_owner(before: &Socket, now: &Socket) -> Option<Owner> {
    match (&before.owner, &now.owner) {
        (had, Owner::Unknown) => Some(had.clone()),
        // It still has an inode and was not found at the first look: nothing new is known.
        (had @ (Owner::Known(_) | Owner::Past(_)), Owner::None) if now.inode.is_some() => {
            Some(had.clone())
        }
        (Owner::Known(had) | Owner::Past(had), Owner::None | Owner::Kernel | Owner::Past(_)) => {
            Some(Owner::Past(Arc::clone(had)))
        }
        _ => None,
    }
}

/// Whether none of the processes that have the socket had it before. A connection that waited in
/// an accept queue (no inode) was nobody's, though its listener is named as the owner.
fn changed_hands(before: &Socket, now: &Socket) -> bool {
    matches!(
        (&before.owner, &now.owner),
        (Owner::Known(_), Owner::Known(_))
    ) && before.inode.is_some()
        && !before.owner.shares_process_with(&now.owner)
}

/// What it is when a new socket holds an address that another held before: a change of owner only
/// if both are known and differ, otherwise the port was opened again.
pub(super) fn handover(from: Owner, to: &Owner) -> ChangeKind {
    let are_known = !from.processes().is_empty() && !to.processes().is_empty();
    if are_known && !from.shares_process_with(to) {
        ChangeKind::Owner { from }
    } else {
        ChangeKind::Opened
    }
}

/// Tells of something that happened when the row was first seen.
pub(super) fn announce(row: &mut Arc<Row>, kind: ChangeKind, events: &mut Vec<Event>) {
    change(row, kind, row.first_seen, events);
}

/// Tells of something that happened to the row at that moment.
pub(super) fn change(row: &mut Arc<Row>, kind: ChangeKind, at: Moment, events: &mut Vec<Event>) {
    let changed = Arc::make_mut(row);
    if matches!(kind, ChangeKind::State { .. } | ChangeKind::Closed) {
        changed.state_since = at;
    }
    let change = Change { at, kind };
    changed.change = Some(change.clone());
    events.push(Event {
        change,
        row: Arc::clone(row),
    });
}

/// Says whether another process holds the same port.
pub(super) fn set_conflict(row: &mut Arc<Row>, is_in_conflict: bool) {
    if row.is_in_conflict != is_in_conflict {
        Arc::make_mut(row).is_in_conflict = is_in_conflict;
    }
}
