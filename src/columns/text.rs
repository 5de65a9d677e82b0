//! The text of each cell, and how text is measured and cut to fit.

use std::time::Duration;

use unicode_width::UnicodeWidthChar as _;

use super::CellContext;
use crate::model::{AcceptQueue, Age, Fill, Moment, Owner, Process, Socket};
use crate::track::{ChangeKind, Row};

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// What stands where something is still being looked for.
const SOON: &str = "…";

pub(super) fn proto(row: &Row, _: &CellContext) -> String {
    row.socket.protocol_and_family().into()
}

/// A dual-stack `::` reads `:: +v4`, as it takes IPv4 too; a bound interface is added as `%name`. A
/// v4-mapped address is shown as the IPv4 address that it is, the protocol column says `tcp6`. A socket
/// without a port is bound to something else: `/run/app.sock`, `@name`, `arp%eth0`, `0.0.0.0:icmp`.
pub(super) fn local(row: &Row, _: &CellContext) -> String {
    let socket = &row.socket;
    let interface = socket
        .interface
        .as_ref()
        .map_or(String::new(), |name| format!("%{name}"));
    let both = if socket.dual_stack == Some(true) {
        " +v4"
    } else {
        ""
    };
    if socket.portless.is_some() {
        let name = socket.local_text().unwrap_or_else(|| NOTHING.into());
        return format!("{name}{interface}");
    }
    format!("{}{interface}{both}", socket.local.address.to_canonical())
}

pub(super) fn port(row: &Row, _: &CellContext) -> String {
    row.socket
        .port()
        .map_or_else(|| NOTHING.into(), |port| port.to_string())
}

pub(super) fn service(row: &Row, context: &CellContext) -> String {
    if !context.names {
        return NOTHING.into();
    }
    row.socket.service().unwrap_or(NOTHING).into()
}

pub(super) fn remote(row: &Row, _: &CellContext) -> String {
    row.socket.remote_text().unwrap_or_else(|| NOTHING.into())
}

/// `closed` for a row that lingers, `old → new` as long as a change of state is highlighted; with it how
/// full an accept queue is, where that is worth a word: `LISTEN 96/128`, `LISTEN 129/128 full`.
pub(super) fn state(row: &Row, context: &CellContext) -> String {
    let state = row.socket.state;
    match fresh_change(row, context) {
        Some(ChangeKind::Closed) => "closed".into(),
        Some(ChangeKind::State { from }) => format!("{from} → {state}"),
        _ => match AcceptQueue::of(&row.socket) {
            Some(queue) => format!("{state}{}", fill_text(queue, context)),
            None => state.to_string(),
        },
    }
}

/// In brief it is as wide as the longest state: ` 75%`, ` full`.
fn fill_text(queue: AcceptQueue, context: &CellContext) -> String {
    let AcceptQueue { waiting, backlog } = queue;
    match (queue.fill(), context.brief) {
        (Fill::Roomy, _) => String::new(),
        (Fill::Filling, true) => format!(" {}%", queue.percent()),
        (Fill::Filling, false) => format!(" {waiting}/{backlog}"),
        (Fill::Full, true) => " full".into(),
        (Fill::Full, false) => format!(" {waiting}/{backlog} full"),
    }
}

/// The change to show as `old → new`: a recent one, where there is room.
fn fresh_change<'a>(row: &'a Row, context: &CellContext) -> Option<&'a ChangeKind> {
    row.mark(context.now, context.highlight)?;
    let kind = row.change.as_ref().map(|change| &change.kind)?;
    (!context.brief || *kind == ChangeKind::Closed).then_some(kind)
}

/// Of an owner without a pid the column of processes says what it is, once.
pub(super) fn pid(row: &Row, context: &CellContext) -> String {
    let lowest = |owner: &Owner| owner.processes().first().map(|process| process.pid);
    let owner = &row.socket.owner;
    match (owner, lowest(owner)) {
        (Owner::Past(_), Some(pid)) => format!("was {pid}"),
        (_, Some(pid)) => match fresh_change(row, context) {
            Some(ChangeKind::Owner { from }) if lowest(from).is_some_and(|old| old != pid) => {
                format!("{} → {pid}", lowest(from).unwrap_or_default())
            }
            _ => pid.to_string(),
        },
        (Owner::Unknown, None) => SOON.into(),
        _ => NOTHING.into(),
    }
}

/// The owner in words; `node(12) → node(45)` as long as a change of owner is highlighted. In brief
/// a past owner's pid is left to its own column, and a hidden owner's user always, where there is one.
pub(super) fn process(row: &Row, context: &CellContext) -> String {
    match (fresh_change(row, context), &row.socket.owner) {
        (Some(ChangeKind::Owner { from }), to) => {
            format!("{} → {}", name_and_pid(from), name_and_pid(to))
        }
        (_, Owner::Past(processes)) if context.brief && !processes.is_empty() => {
            format!("was {}", processes[0].name)
        }
        (_, Owner::Hidden) if context.has_user => "hidden".into(),
        _ => owner_text(&row.socket),
    }
}

/// `nginx ×5`, `was nginx(12)`, `root · hidden`, `kernel`, `–`, or `…` as long as it is looked for.
pub fn owner_text(socket: &Socket) -> String {
    let owner = &socket.owner;
    match (owner, owner.processes()) {
        (Owner::Past(_), [first, ..]) => format!("was {}", one(first)),
        (_, [only]) => only.name.to_string(),
        (_, [first, ..]) => format!("{} ×{}", first.name, owner.processes().len()),
        (Owner::Hidden, []) => match (&socket.user, socket.uid) {
            (Some(user), _) => format!("{user} · hidden"),
            (None, Some(uid)) => format!("uid {uid} · hidden"),
            (None, None) => "hidden".into(),
        },
        (Owner::Kernel, []) => "kernel".into(),
        (Owner::Unknown, []) => SOON.into(),
        _ => NOTHING.into(),
    }
}

/// `nginx(812)` where one process has it, else as [`owner_text`].
pub fn owner_with_pid(socket: &Socket) -> String {
    match socket.owner.present() {
        [process] => one(process),
        _ => owner_text(socket),
    }
}

/// `tcp 127.0.0.1:8080`, with the interface that it is bound to and the peer, if there are such;
/// `u_str /run/app.sock`, or `u_str inode 4242` of one without a name.
pub fn socket_text(socket: &Socket) -> String {
    let remote = match socket.remote {
        Some(remote) if socket.portless.is_none() => Some(remote.to_string()),
        _ => socket.remote_text(),
    };
    let remote = remote.map_or(String::new(), |remote| format!(" → {remote}"));
    let interface = socket.interface.as_ref();
    let interface = interface.map_or(String::new(), |name| format!(" on {name}"));
    let kind = socket.protocol_and_family();
    let local = socket.local_text().unwrap_or_else(|| {
        let inode = socket.inode.map(|inode| format!("inode {inode}"));
        inode.unwrap_or_else(|| "unnamed".into())
    });
    format!("{kind} {local}{interface}{remote}")
}

/// `tcp 127.0.0.1:8080 LISTEN node(40211)`: a socket, its state and who has it.
pub fn socket_with_owner(socket: &Socket) -> String {
    let (what, state, who) = (socket_text(socket), socket.state, owner_with_pid(socket));
    format!("{what} {state} {who}")
}

/// What happened to a socket, in words: `opened LISTEN`, `ESTABLISHED → CLOSE_WAIT`,
/// `owner node(12) → node(45)`, `closed LISTEN`.
pub fn change_text(kind: &ChangeKind, socket: &Socket) -> String {
    match kind {
        ChangeKind::Opened => format!("opened {}", socket.state),
        ChangeKind::Closed => format!("closed {}", socket.state),
        ChangeKind::State { from } => format!("{from} → {}", socket.state),
        ChangeKind::Owner { from } => format!("owner {}", owner_change_text(socket, from)),
    }
}

/// `node(12) → node(45)`: who had a socket, and who has it.
pub fn owner_change_text(socket: &Socket, from: &Owner) -> String {
    let before = Socket {
        owner: from.clone(),
        ..socket.clone()
    };
    let [old, new] = [&before, socket].map(owner_with_pid);
    format!("{old} → {new}")
}

fn name_and_pid(owner: &Owner) -> String {
    owner
        .processes()
        .first()
        .map_or_else(|| NOTHING.into(), |process| one(process))
}

fn one(process: &Process) -> String {
    format!("{}({})", process.name, process.pid)
}

/// More characters of a command line than this say no more of which program it is.
const MAX_COMMAND: usize = 200;

/// `python3 pg.py --port 80 in /srv/shop`: command line and folder, as far as they say more than the name.
pub fn program_text(process: &Process) -> Option<String> {
    let command = process.command.as_ref().filter(|it| **it != process.name);
    let command = command.map(|command| match command.char_indices().nth(MAX_COMMAND) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_string(),
    });
    let folder = process.cwd.as_ref().map(|cwd| format!("in {cwd}"));
    let both: Vec<_> = command.into_iter().chain(folder).collect();
    (!both.is_empty()).then(|| both.join(" "))
}

pub(super) fn user(row: &Row, context: &CellContext) -> String {
    match (&row.socket.user, row.socket.uid) {
        (Some(user), _) if context.names => user.to_string(),
        (_, Some(uid)) => uid.to_string(),
        (Some(user), None) => user.to_string(),
        (None, None) => NOTHING.into(),
    }
}

pub(super) fn unit(row: &Row, _: &CellContext) -> String {
    let unit = row.socket.container.as_ref().or(row.socket.unit.as_ref());
    unit.map_or_else(|| NOTHING.into(), ToString::to_string)
}

pub(super) fn age(row: &Row, context: &CellContext) -> String {
    age_text(row, context.now)
}

/// How long the row has been as it is: `42s`, `5m`, `3h`, `12d`. For a listener older than this program it is the age
/// of its oldest process; of another row whose beginning is not known it is what it is at least: `>5m`.
pub fn age_text(row: &Row, now: Moment) -> String {
    match shown_age(row, now) {
        Age::Exactly(age) => coarse(age),
        Age::AtLeast(age) if age < SECOND => NOTHING.into(),
        Age::AtLeast(age) => format!(">{}", coarse(age.min(MOST_AT_LEAST))),
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// What is at least older is at least so old too; more does not fit beside the `>`.
const MOST_AT_LEAST: Duration = DAY.saturating_mul(99);

/// After how long the row's age may read differently.
pub fn next_age_change(row: &Row, now: Moment) -> Duration {
    let shown = shown_age(row, now).duration();
    let unit = if shown < MINUTE { SECOND } else { MINUTE };
    let past = Duration::from_nanos((shown.as_nanos() % unit.as_nanos()).try_into().unwrap_or(0));
    unit.saturating_sub(past)
}

fn shown_age(row: &Row, now: Moment) -> Age {
    match process_start(row) {
        Some(started) => Age::Exactly(since(started, row, now)),
        None => row.age(now),
    }
}

/// When the oldest process of a listener older than this program was started: that is what its age is told by.
pub(super) fn process_start(row: &Row) -> Option<jiff::Timestamp> {
    let processes = row.socket.owner.present().iter();
    let started = processes.filter_map(|process| process.started_at).min();
    started.filter(|_| row.is_unchanged_since_start() && row.socket.is_listening())
}

/// How long ago that was. Starts are told by the wall clock as it was when this program started: what came
/// after the row was first seen is measured on the steady one, whatever happens to the other.
fn since(started: jiff::Timestamp, row: &Row, now: Moment) -> Duration {
    let before = row.first_seen.wall.duration_since(started);
    let watched = row.first_seen.age(now).try_into();
    let whole = before.saturating_add(watched.unwrap_or(jiff::SignedDuration::MAX));
    whole.try_into().unwrap_or_default()
}

/// In the largest unit of which there is one, and in years from 1,000 days on.
fn coarse(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds @ 86_400..86_400_000 => format!("{}d", seconds / 86_400),
        seconds => format!("{}y", seconds / 86_400 / 365),
    }
}

pub(super) fn receive_queue(row: &Row, _: &CellContext) -> String {
    row.socket
        .queue
        .map_or_else(|| NOTHING.into(), |queue| queue.receive.to_string())
}

pub(super) fn send_queue(row: &Row, _: &CellContext) -> String {
    row.socket
        .queue
        .map_or_else(|| NOTHING.into(), |queue| queue.send.to_string())
}

pub(super) fn command(row: &Row, _: &CellContext) -> String {
    let process = row.socket.owner.processes().first();
    let command = process.and_then(|process| process.command.as_ref());
    command.map_or_else(|| NOTHING.into(), ToString::to_string)
}

/// Width of a text in terminal cells. As terminals do: character by character, whatever stands beside it.
pub fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

fn cells(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Cuts a text that is too wide at its end, which then reads `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    if columns == 0 {
        return String::new();
    }
    format!("{}…", head(text, columns - 1))
}

/// Cuts a text that is too wide in its middle, which then reads `…`.
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    if columns < 3 {
        return cut(text, columns);
    }
    let tail_width = (columns - 1) / 2;
    format!(
        "{}…{}",
        head(text, columns - 1 - tail_width),
        tail(text, tail_width)
    )
}

/// Breaks a text between words into lines that fit, and a word that is too wide where it must be broken.
pub fn folded(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in wrap(text, columns) {
        let mut rest = line.as_str();
        while width(rest) > columns && !head(rest, columns).is_empty() {
            let first = head(rest, columns);
            lines.push(first.to_owned());
            rest = &rest[first.len()..];
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// Breaks a text between words into lines that fit; a word that is too wide stays whole.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The longest beginning that is at most `width` cells wide.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += cells(c);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// The longest end that is at most `width` cells wide. What would join a character that is cut off is cut
/// off too: it would join another one.
fn tail(text: &str, width: usize) -> &str {
    let mut start = text.len();
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += cells(c);
        if used > width {
            break;
        }
        start = at;
    }
    text[start..].trim_start_matches(|c| cells(c) == 0)
}

/// Fills a text that fits up to `columns` cells with spaces, on the left or on the right.
pub fn pad(text: &str, columns: usize, on_the_left: bool) -> String {
    let spaces = " ".repeat(columns.saturating_sub(width(text)));
    if on_the_left {
        format!("{spaces}{text}")
    } else {
        format!("{text}{spaces}")
    }
}
