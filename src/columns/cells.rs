//! The texts of cells that need more than a line of code.

use std::time::Duration;

use super::describe::{NONE, PENDING, name_and_pid, owner_text, process_text};
use super::{CellContext, LocalPeers};
use crate::model::duration::format_age;
use crate::model::{AcceptQueue, Age, Fill, Moment, Owner, Scope};
use crate::track::{ChangeKind, Row};

pub(super) fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.into(), |value| value.to_string())
}

/// A dual-stack `::` reads `:: +v4`, as it accepts IPv4 too; a bound interface is appended as `%name`. A v4-mapped
/// address is shown as IPv4; the protocol column says `tcp6`. A socket without a port shows what it is bound to:
/// `/run/app.sock`, `@name`, `arp%eth0`, `0.0.0.0:icmp`.
pub(super) fn local(row: &Row, _: &CellContext<'_>) -> String {
    let socket = &row.socket;
    let interface = socket.interface.as_ref();
    let interface = interface.map_or(String::new(), |name| format!("%{name}"));
    if socket.portless.is_some() {
        return or_none(socket.local_text()) + &interface;
    }
    let is_dual = socket.dual_stack == Some(true);
    let both = if is_dual { " +v4" } else { "" };
    format!("{}{interface}{both}", socket.local.address.to_canonical())
}

/// `closed` for a row that lingers, `old → new` while a change of state is highlighted; the use of an accept queue
/// from half full on: `LISTEN 96/128`, `LISTEN 129/128 full`; in brief `LISTEN 75%`, `LISTEN full`, as wide as the
/// longest state.
pub(super) fn state(row: &Row, context: &CellContext<'_>) -> String {
    let state = row.socket.state;
    match fresh_change(row, context) {
        Some(ChangeKind::Closed) => return "closed".into(),
        Some(ChangeKind::State { from }) => return format!("{from} → {state}"),
        _ => {}
    }
    let Some(queue) = AcceptQueue::of(&row.socket) else {
        return state.to_string();
    };
    let AcceptQueue { waiting, backlog } = queue;
    match (queue.fill(), context.brief) {
        (Fill::Roomy, _) => state.to_string(),
        (Fill::Filling, true) => format!("{state} {}%", queue.percent()),
        (Fill::Filling, false) => format!("{state} {waiting}/{backlog}"),
        (Fill::Full, true) => format!("{state} full"),
        (Fill::Full, false) => format!("{state} {waiting}/{backlog} full"),
    }
}

/// `10.0.0.7:41162 → python3 client.py (18640)` if the peer is a socket of this machine, `:41162 → …` on the loopback,
/// where the address says nothing more; any other address is shown alone in brief.
pub(super) fn remote(row: &Row, context: &CellContext<'_>) -> String {
    let address = or_none(row.socket.remote_text());
    let table = context.table;
    let is_wanted =
        context.local_peers == LocalPeers::Process && context.names && row.socket.has_address();
    let peer = is_wanted.then(|| table.connections.peer(row.id)).flatten();
    let peer = peer.and_then(|id| table.row(id));
    match peer.and_then(|peer| Some((process_text(&peer.socket)?, peer.socket.local))) {
        Some((process, end)) if end.scope() == Scope::Loopback => {
            format!(":{} → {process}", end.port)
        }
        Some((process, _)) if !context.brief => format!("{address} → {process}"),
        _ => address,
    }
}

/// `400 +3/s`: the established connections of a listener, and how many opened per second; in brief without those.
pub(super) fn connections(row: &Row, context: &CellContext<'_>) -> String {
    let connections = &context.table.connections;
    let Some(clients) = connections.clients(row.id) else {
        return NONE.into();
    };
    let rate = connections.window().rate_text(clients.opened);
    match rate.filter(|_| !context.brief) {
        Some(rate) => format!("{} {rate}", clients.established),
        None => clients.established.to_string(),
    }
}

/// The change to show as `old → new`: a recent one, where there is room.
fn fresh_change<'a>(row: &'a Row, context: &CellContext<'_>) -> Option<&'a ChangeKind> {
    row.mark(context.now, context.highlight)?;
    let kind = row.change.as_ref().map(|change| &change.kind)?;
    (!context.brief || *kind == ChangeKind::Closed).then_some(kind)
}

/// Without a pid, the process column alone says what the owner is.
pub(super) fn pid(row: &Row, context: &CellContext<'_>) -> String {
    let lowest = |owner: &Owner| owner.processes().first().map(|process| process.pid);
    let owner = &row.socket.owner;
    match (owner, lowest(owner), fresh_change(row, context)) {
        (Owner::Former(_), Some(pid), _) => format!("was {pid}"),
        (_, Some(pid), Some(ChangeKind::Owner { from })) => match lowest(from) {
            Some(old) if old != pid => format!("{old} → {pid}"),
            _ => pid.to_string(),
        },
        (Owner::Unknown, None, _) => PENDING.into(),
        (_, pid, _) => or_none(pid),
    }
}

/// `node(12) → node(45)` while a change of owner is highlighted. In brief the pid of a former owner is left to the
/// pid column; the user of a hidden owner is left out beside a user column.
pub(super) fn process(row: &Row, context: &CellContext<'_>) -> String {
    let first = |owner: &Owner| or_none(owner.processes().first().map(|one| name_and_pid(one)));
    match (fresh_change(row, context), &row.socket.owner) {
        (Some(ChangeKind::Owner { from }), to) => format!("{} → {}", first(from), first(to)),
        (_, Owner::Former(processes)) if context.brief && !processes.is_empty() => {
            format!("was {}", processes[0].name)
        }
        (_, Owner::Hidden) if context.has_user => "hidden".into(),
        _ => owner_text(&row.socket),
    }
}

pub(super) fn user(row: &Row, context: &CellContext<'_>) -> String {
    match (&row.socket.user, row.socket.uid) {
        (Some(user), uid) if context.names || uid.is_none() => user.to_string(),
        (_, uid) => or_none(uid),
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// The largest lower bound shown: a longer one does not fit behind the `>`.
const MAX_AT_LEAST: Duration = Duration::from_hours(99 * 24);

/// `42s`, `5m`, `3h`, `12d`: time in this state. For a listener older than this program it is the age of its oldest
/// process; for other rows of unknown beginning it is a lower bound: `>5m`.
pub fn age_text(row: &Row, now: Moment) -> String {
    match row.shown_age(now) {
        Age::Exactly(age) => format_age(age),
        Age::AtLeast(age) if age < SECOND => NONE.into(),
        Age::AtLeast(age) => format!(">{}", format_age(age.min(MAX_AT_LEAST))),
    }
}

/// After how long [`age_text`] of the row can change.
pub fn next_age_change(row: &Row, now: Moment) -> Duration {
    let shown = row.shown_age(now).duration();
    let unit = if shown < MINUTE { SECOND } else { MINUTE };
    let since_change = shown.as_nanos() % unit.as_nanos();
    unit.saturating_sub(Duration::from_nanos(since_change.try_into().unwrap_or(0)))
}

/// Sorts the youngest first, by lower bounds where the beginning is unknown; `None` without any bound.
pub(super) fn age_sort_key(row: &Row) -> Option<u64> {
    let began = row.process_start().or_else(|| row.state_began_by());
    began.map(|at| u64::MAX - at.as_millisecond().abs_diff(i64::MIN))
}
