//! Groups as one JSON object, or one on each line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Pid, State};
use crate::query::{Group, GroupBy, GroupKey, Groups, Sum};
use crate::report::json::write_object;
use crate::report::record::{ProblemRecord, SCHEMA, time};
use crate::track::Table;

/// Writes the table's problems and these groups of its rows as one JSON object, then a line feed.
pub fn write_groups_json(out: &mut dyn Write, table: &Table, groups: &Groups) -> io::Result<()> {
    #[derive(Serialize)]
    struct Listing<'a> {
        schema: u32,
        taken_at: String,
        problems: Vec<ProblemRecord<'a>>,
        groups: Vec<GroupRecord>,
    }
    let listing = Listing {
        schema: SCHEMA,
        taken_at: time(table.taken_at.wall),
        problems: table.problems.iter().map(ProblemRecord::of).collect(),
        groups: groups
            .outer()
            .map(|one| GroupRecord::of(one, table))
            .collect(),
    };
    write_object(out, &listing)
}

/// Writes each group that contains no others as a line of its own, with the keys that lead to it.
pub fn write_groups_ndjson(out: &mut dyn Write, table: &Table, groups: &Groups) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line {
        schema: u32,
        kind: &'static str,
        at: String,
        keys: Vec<KeyRecord>,
        #[serde(flatten)]
        sum: SumRecord,
    }
    let at = time(table.taken_at.wall);
    groups.innermost().try_for_each(|(outer, group)| {
        let keys = outer.into_iter().chain([group]);
        let line = Line {
            schema: SCHEMA,
            kind: "group",
            at: at.clone(),
            keys: keys.map(KeyRecord::of).collect(),
            sum: SumRecord::of(&group.sum, table),
        };
        write_object(out, &line)
    })
}

#[derive(Serialize)]
struct GroupRecord {
    #[serde(flatten)]
    key: KeyRecord,
    #[serde(flatten)]
    sum: SumRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<Self>>,
}

impl GroupRecord {
    fn of((group, within): (&Group, &[Group]), table: &Table) -> Self {
        let within = within.iter().map(|group| Self::of((group, &[]), table));
        let within: Vec<_> = within.collect();
        Self {
            key: KeyRecord::of(group),
            sum: SumRecord::of(&group.sum, table),
            groups: (!within.is_empty()).then_some(within),
        }
    }
}

#[derive(Serialize)]
struct KeyRecord {
    by: &'static str,
    key: KeyValue,
    /// Only of a process.
    #[serde(flatten)]
    process: Option<PidRecord>,
}

#[derive(Serialize)]
struct PidRecord {
    /// `null` of an owner that can't be named.
    pid: Option<Pid>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum KeyValue {
    Number(u16),
    Text(String),
    None,
}

impl KeyRecord {
    fn of(group: &Group) -> Self {
        let (key, pid) = match &group.key {
            GroupKey::Process { name, pid, .. } => (KeyValue::Text(name.to_string()), Some(*pid)),
            GroupKey::Port(port) => (KeyValue::Number(*port), None),
            GroupKey::None => (KeyValue::None, None),
            key => (KeyValue::Text(key.to_string()), None),
        };
        let is_of_process = group.by == GroupBy::Process;
        Self {
            by: group.by.name(),
            key,
            process: is_of_process.then_some(PidRecord { pid }),
        }
    }
}

#[derive(Serialize)]
struct SumRecord {
    sockets: usize,
    states: BTreeMap<State, usize>,
    recv_q: Option<u64>,
    send_q: Option<u64>,
    /// Only if counters were read.
    #[serde(flatten)]
    payload: Option<PayloadRecord>,
}

/// Payload since the connections began; `null` of a group without TCP connections.
#[derive(Serialize)]
struct PayloadRecord {
    bytes_sent: Option<u64>,
    bytes_received: Option<u64>,
}

impl SumRecord {
    fn of(sum: &Sum, table: &Table) -> Self {
        Self {
            sockets: sum.sockets,
            states: sum.states().collect(),
            recv_q: sum.receive_queue,
            send_q: sum.send_queue,
            payload: table.flows.is_counted().then(|| PayloadRecord {
                bytes_sent: sum.totals.map(|bytes| bytes.sent),
                bytes_received: sum.totals.map(|bytes| bytes.received),
            }),
        }
    }
}
