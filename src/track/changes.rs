//! Updates a row from a snapshot, with the event for it.
//!
//! Tables share rows. A row is copied only when it changes, so unchanged rows are the same `Arc` as in the previous
//! table.

use std::sync::Arc;
use std::time::Duration;

use super::matching::are_same_key;
use super::row::Live;
use super::{Change, ChangeKind, Event, Mark, Row};
use crate::model::{Moment, Owner, Socket};

/// The most that two measurements of one end differ.
const JITTER: Duration = Duration::from_secs(1);

/// Updates a row from its socket in the snapshot, and adds events for the changes. Returns whether it still has the same
/// key. The content of `socket` is unspecified afterwards; it is not moved out of its list, as nearly always nothing has
/// changed.
pub(super) fn update_row(
    live: &mut Live,
    socket: &mut Socket,
    now: Moment,
    events: &mut Vec<Event>,
) -> bool {
    let row = &mut live.row;
    if let Some(owner) = carried_owner(&row.socket, socket) {
        socket.owner = owner;
    }
    // The age in the first snapshot counts.
    socket.age = row.socket.age;
    let ends_at = take_end(socket, now);
    // The same end is measured twice, and taking a snapshot takes time.
    let is_same_end = match (row.ends_at, ends_at) {
        (Some(one), Some(other)) => one.abs_diff(other) < JITTER,
        (one, other) => one == other,
    };
    if !is_same_end {
        Arc::make_mut(row).ends_at = ends_at;
    }
    if row.socket == *socket {
        return true;
    }
    let before = &row.socket;
    let has_same_key = are_same_key(before, socket);
    let from = before.state;
    let state = (from != socket.state).then_some(ChangeKind::State { from });
    // A connection in an accept queue (no inode) has no owner yet, though its listener is named as one.
    let owner = if before.inode.is_some() {
        owner_change(&mut live.lasting, &before.owner, &socket.owner)
    } else {
        None
    };
    std::mem::swap(&mut Arc::make_mut(row).socket, socket);
    for kind in state.into_iter().chain(owner) {
        change(row, kind, now, events);
    }
    has_same_key
}

/// The change of owner if none of the processes that had the socket all the time has it any more: others join and leave.
/// `lasting`: those processes, if they aren't all that had it `before`.
fn owner_change(lasting: &mut Option<Owner>, before: &Owner, now: &Owner) -> Option<ChangeKind> {
    if before.present().is_empty() || now.present().is_empty() {
        *lasting = None;
        return None;
    }
    if before == now {
        return None;
    }
    let had = lasting.take().unwrap_or_else(|| before.clone());
    let common: Arc<[_]> = {
        let processes = had.processes().iter();
        processes.filter(|one| now.has(one)).cloned().collect()
    };
    if common.is_empty() {
        return Some(ChangeKind::Owner { from: had });
    }
    *lasting = (common.len() < now.processes().len()).then_some(Owner::Known(common));
    None
}

/// When the socket closes by itself. The remaining time differs in each snapshot and would change the row.
pub(super) fn take_end(socket: &mut Socket, now: Moment) -> Option<Duration> {
    now.steady.checked_add(socket.expires_in.take()?)
}

pub(super) fn learn_owner(row: &mut Arc<Row>, seen: &Socket) {
    let owner = carried_owner(&row.socket, seen).unwrap_or_else(|| seen.owner.clone());
    if owner != row.socket.owner {
        Arc::make_mut(row).socket.owner = owner;
    }
}

/// The owner, if it differs from the socket's: a socket that lost its process keeps it as former owner.
fn carried_owner(before: &Socket, now: &Socket) -> Option<Owner> {
    match (&before.owner, &now.owner) {
        // It still has an inode, and the first scan missed its owner: nothing new is known.
        (had, Owner::Unknown) | (had @ Owner::Inferred(_), Owner::None) => Some(had.clone()),
        (had @ (Owner::Known(_) | Owner::Former(_)), Owner::None) if now.inode.is_some() => {
            Some(had.clone())
        }
        (
            Owner::Known(had) | Owner::Former(had),
            Owner::None | Owner::Kernel | Owner::Former(_),
        ) => Some(Owner::Former(Arc::clone(had))),
        _ => None,
    }
}

/// The change when a new socket has the address of an earlier one: a change of owner only if both are known and differ,
/// else a reopened port.
pub(super) fn handover(from: Owner, to: &Owner) -> ChangeKind {
    let are_known = !from.processes().is_empty() && !to.processes().is_empty();
    if are_known && !from.shares_process_with(to) {
        ChangeKind::Owner { from }
    } else {
        ChangeKind::Opened
    }
}

/// Notes a change of the row, in it and as an event.
pub(super) fn change(row: &mut Arc<Row>, kind: ChangeKind, at: Moment, events: &mut Vec<Event>) {
    let changed = Arc::make_mut(row);
    if matches!(kind, ChangeKind::State { .. }) || Mark::of(&kind) == Mark::Closed {
        changed.state_since = at;
    }
    let change = Change { at, kind };
    changed.change = Some(change.clone());
    events.push(Event {
        change,
        row: Arc::clone(row),
    });
}

pub(super) fn set_conflict(row: &mut Arc<Row>, is_in_conflict: bool) {
    if row.is_in_conflict != is_in_conflict {
        Arc::make_mut(row).is_in_conflict = is_in_conflict;
    }
}
