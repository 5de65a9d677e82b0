//! The texts of cells that need more than a line of code.

use std::borrow::Cow;
use std::time::Duration;

use super::CellContext;
use super::describe::{NONE, PENDING, name_and_pid, owner_text};
use super::measure::{cut, cut_start, width};
use super::namespaces::command_line;
use crate::model::duration::format_age;
use crate::model::{AcceptQueue, Age, Fill, LeftOver, Moment, Owner, StarterKind, State};
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

/// `closed` for a row that lingers, the previous state and the new one while a change is highlighted; the use of an
/// accept queue from half full on: `LISTEN 96/128`, `LISTEN 129/128 full`; without room for that `LISTEN 75%`, `LISTEN
/// full`, as wide as the longest state.
pub(super) fn state(row: &Row, context: &CellContext<'_>) -> String {
    let state = row.socket.state;
    match fresh_change(row, context) {
        Some(ChangeKind::Closed | ChangeKind::GoneBetween) => return "closed".into(),
        Some(ChangeKind::State { from }) => return state_change(*from, state, context.room),
        _ => {}
    }
    let Some(queue) = AcceptQueue::of(&row.socket) else {
        return state.to_string();
    };
    let AcceptQueue { waiting, backlog } = queue;
    match queue.fill() {
        Fill::Roomy => state.to_string(),
        Fill::Filling => first_that_fits(
            format!("{state} {waiting}/{backlog}"),
            || format!("{state} {}%", queue.percent()),
            context,
        ),
        Fill::Full => first_that_fits(
            format!("{state} {waiting}/{backlog} full"),
            || format!("{state} full"),
            context,
        ),
    }
}

/// Cells that a shortened previous state needs to be recognized: `SYN…`.
const LEAST_STATE: usize = 4;

/// `ESTABLISHED → CLOSE_WAIT`, `ESTAB → CLOSE_WAIT`, `FIN_… → TIME_WAIT`; the new state alone where no more fits, as
/// the mark of the row shows that it has changed.
fn state_change(from: State, to: State, room: usize) -> String {
    let (old, new) = (from.as_str(), to.as_str());
    let spare = room.saturating_sub(width(" → ") + new.len());
    let old = match from {
        State::Established if spare < old.len() => "ESTAB",
        _ => old,
    };
    if spare < LEAST_STATE {
        new.to_owned()
    } else {
        format!("{} → {new}", cut(old, spare))
    }
}

pub(super) fn first_that_fits(
    text: String,
    shorter: impl FnOnce() -> String,
    context: &CellContext<'_>,
) -> String {
    if width(&text) <= context.room {
        text
    } else {
        shorter()
    }
}

/// The change to highlight.
fn fresh_change<'a>(row: &'a Row, context: &CellContext<'_>) -> Option<&'a ChangeKind> {
    row.mark(context.now, context.highlight)?;
    row.change.as_ref().map(|change| &change.kind)
}

/// Without a pid, the process column alone says what the owner is. A pid is shown whole: where there is no room for
/// the word `was` or the previous pid, it is alone.
pub(super) fn pid(row: &Row, context: &CellContext<'_>) -> String {
    let lowest = |owner: &Owner| owner.processes().first().map(|process| process.pid);
    let owner = &row.socket.owner;
    let Some(pid) = lowest(owner) else {
        return if *owner == Owner::Unknown {
            PENDING
        } else {
            NONE
        }
        .into();
    };
    let text = match (owner, fresh_change(row, context)) {
        (Owner::Former(_), _) => format!("was {pid}"),
        (Owner::Inferred(_), _) => return NONE.into(),
        (_, Some(ChangeKind::Owner { from })) => match lowest(from) {
            Some(old) if old != pid => format!("{old} → {pid}"),
            _ => return pid.to_string(),
        },
        _ => return pid.to_string(),
    };
    first_that_fits(text, || pid.to_string(), context)
}

/// `node(12) → node(45)` while a change of owner is highlighted; where that doesn't fit, `node(45)` or `node`. The pid of
/// a former owner is left to the pid column if there is no room; the user of a hidden owner is left out beside a user
/// column.
pub(super) fn process(row: &Row, context: &CellContext<'_>) -> String {
    let first = |owner: &Owner| or_none(owner.processes().first().map(|one| name_and_pid(one)));
    let text = owner_text(&row.socket);
    match (fresh_change(row, context), &row.socket.owner) {
        (_, Owner::Hidden) if context.has_user => "hidden".into(),
        (Some(ChangeKind::Owner { from }), to) => {
            let both = format!("{} → {}", first(from), first(to));
            let new = || first_that_fits(first(to), || text, context);
            first_that_fits(both, new, context)
        }
        (_, Owner::Former(processes)) if !processes.is_empty() => {
            first_that_fits(text, || format!("was {}", processes[0].name), context)
        }
        (_, Owner::Inferred(processes)) if !processes.is_empty() => {
            first_that_fits(text, || format!("listener {}", processes[0].name), context)
        }
        _ => text,
    }
}

/// The command line, or where a published port leads, from the cell on to which commands are scrolled.
pub(super) fn command(row: &Row, context: &CellContext<'_>) -> String {
    let command = command_line(row).map(|text| cut_start(&text, context.skipped));
    or_none(command)
}

/// The scope that an engine makes for a container has no name that people know.
pub(super) fn unit(row: &Row) -> Option<&str> {
    let socket = &row.socket;
    let is_scope = |unit: &&str| {
        let kind = unit.rsplit_once('.').map(|(_, kind)| kind);
        socket.container.is_some() && kind == Some("scope")
    };
    socket.unit.as_deref().filter(|unit| !is_scope(unit))
}

/// The project of the first owner, as people call it.
pub(super) fn project(row: &Row) -> Option<&str> {
    row.socket.owner.processes().first()?.project_name()
}

/// The branch of the first owner's project.
pub(super) fn branch(row: &Row) -> Option<&str> {
    row.socket.owner.processes().first()?.branch.as_deref()
}

/// What started the first owner, and whether it is left over: `tmux`, `tmux, gone`, `deleted`. The unit column has a service.
pub(super) fn started(row: &Row) -> Option<Cow<'_, str>> {
    let process = row.socket.owner.processes().first()?;
    let by = process.started_by.as_ref();
    let by = by.filter(|by| by.kind != StarterKind::Service);
    let left_over = process.left_over.map(|left_over| match left_over {
        LeftOver::ParentGone => "gone",
        LeftOver::FolderDeleted => "deleted",
    });
    match (by, left_over) {
        (Some(by), None) => Some((*by.name).into()),
        (Some(by), Some(left_over)) => Some(format!("{}, {left_over}", by.name).into()),
        (None, left_over) => left_over.map(Cow::Borrowed),
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
