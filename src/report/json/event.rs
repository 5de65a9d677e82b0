//! Events of one socket as lines of `watch --json`. Each has the processes that it names, so that no line needs another.

use std::io::{self, Write};

use serde::Serialize;

use super::record::{Processes, SCHEMA, SocketRecord, owner_kind, state, time};
use super::write_object;
use crate::model::{Moment, OwnerKind, Pid, State};
use crate::track::{ChangeKind, Row};

#[derive(Serialize)]
pub struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
    kind: &'static str,
    at: String,
    #[serde(flatten)]
    change: Option<Sides>,
    socket: SocketRecord<'a>,
    processes: Processes<'a>,
}

#[derive(Serialize)]
struct Sides {
    from: Side,
    to: Side,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Side {
    State { state: State },
    Owner { owner: OwnerKind, pids: Vec<Pid> },
}

impl<'a> Line<'a> {
    /// The socket is open.
    pub fn present(at: Moment, row: &'a Row) -> Self {
        Self::of(at, None, row)
    }

    fn of(at: Moment, change: Option<&'a ChangeKind>, row: &'a Row) -> Self {
        let now = &row.socket.owner;
        let before = match change {
            Some(ChangeKind::Owner { from }) => Some(from),
            _ => None,
        };
        // The present owners come first.
        let processes = Processes::of([now].into_iter().chain(before));
        let (kind, from) = match change {
            None => ("present", None),
            // No socket is the state `CLOSED` of RFC 9293.
            Some(ChangeKind::Opened) => ("opened", Some(State::Closed)),
            Some(ChangeKind::Closed) => ("closed", Some(row.socket.state)),
            Some(ChangeKind::State { from }) => ("state", Some(*from)),
            Some(ChangeKind::Owner { .. }) => ("owner", None),
        };
        let owner = |owner| Side::Owner {
            owner: owner_kind(owner, row),
            pids: processes.pids(owner),
        };
        let states = from.map(|from| Sides {
            from: Side::State { state: from },
            to: Side::State { state: state(row) },
        });
        let owners = before.map(|before| Sides {
            from: owner(before),
            to: owner(now),
        });
        Self {
            schema: None,
            kind,
            at: time(at.wall),
            change: states.or(owners),
            socket: SocketRecord::of_row(row, &processes),
            processes,
        }
    }

    /// For a line without a stream around it.
    pub fn with_schema(self) -> Self {
        let schema = Some(SCHEMA);
        Self { schema, ..self }
    }
}

/// Writes one change as a line; without `change` the socket is open.
///
/// # Errors
/// If the writer fails.
pub fn write_change_json(
    out: &mut dyn Write,
    at: Moment,
    change: Option<&ChangeKind>,
    row: &Row,
) -> io::Result<()> {
    write_object(out, &Line::of(at, change, row))
}
