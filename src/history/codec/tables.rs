//! The writer's tables: each address, process, list of owners, namespace and shape is written at its first use since the last
//! keyframe, and is a number from then on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::bytes::put;
use super::columns::{Column, Columns};
use super::parts::{NumberedEnd, Parts};
use super::records::{OwnersRecord, ShapeRecord};
use crate::model::{Endpoint, Namespace, Owner, Pid, Process, Socket, Text};

/// The longest argument list that is stored, in bytes; a longer one is cut.
const MAX_ARGV: usize = 4096;

/// Records by their JSON.
#[derive(Debug, Default)]
struct Records(HashMap<Box<[u8]>, u32>);

impl Records {
    /// The number of a record, which is written if it is new.
    fn number(&mut self, record: &impl Serialize, out: &mut Vec<u8>) -> u32 {
        // The records are structs of plain values: only memory could fail.
        let json = serde_json::to_vec(record).unwrap_or_default();
        if let Some(number) = self.0.get(&*json) {
            return *number;
        }
        put(out, json.len() as u64);
        out.extend_from_slice(&json);
        let number = next(self.0.len());
        self.0.insert(json.into(), number);
        number
    }
}

/// The tables since the last keyframe.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    addresses: HashMap<IpAddr, u32>,
    /// The latest record of each process.
    processes: HashMap<Pid, (Arc<Process>, u32)>,
    process_count: u32,
    owners: Records,
    namespaces: Records,
    shapes: Records,
}

impl Tables {
    /// Whether it is time to begin anew.
    pub fn are_large(&self) -> bool {
        const MANY: usize = 1 << 20;
        let most = self.addresses.len().max(self.shapes.0.len());
        most.max(self.process_count as usize) > MANY
    }

    /// A socket in numbers, with everything new that it needs. `ends`: as in [`Parts`].
    pub fn parts(&mut self, socket: &Socket, ends: Option<i64>, out: &mut Columns) -> Parts {
        let owners = self.owners(&socket.owner, out);
        let namespace = socket.namespace.as_ref();
        let namespace = namespace.map(|one| self.namespace(one, out));
        let shape = ShapeRecord::of(socket, owners, namespace);
        Parts {
            shape: self.shapes.number(&shape, out.of(Column::Shapes)),
            local: self.end(socket.local, out),
            remote: socket.remote.map(|remote| self.end(remote, out)),
            inode: socket.inode,
            cookie: socket.cookie,
            queue: socket.queue,
            ends,
        }
    }

    /// The number of a process; a record that differs from the last one of its pid is another process.
    pub fn process(&mut self, process: &Arc<Process>, out: &mut Columns) -> u32 {
        if let Some((known, number)) = self.processes.get(&process.pid)
            && known == process
        {
            return *number;
        }
        let number = self.process_count;
        self.process_count += 1;
        let out = out.of(Column::Processes);
        let json = serde_json::to_vec(&*stored(process)).unwrap_or_default();
        put(out, json.len() as u64);
        out.extend_from_slice(&json);
        let known = (Arc::clone(process), number);
        self.processes.insert(process.pid, known);
        number
    }

    fn owners(&mut self, owner: &Owner, out: &mut Columns) -> u32 {
        let processes = owner.processes().iter();
        let record = OwnersRecord {
            kind: owner.kind(),
            processes: processes.map(|one| self.process(one, out)).collect(),
        };
        self.owners.number(&record, out.of(Column::Owners))
    }

    fn namespace(&mut self, namespace: &Namespace, out: &mut Columns) -> u32 {
        self.namespaces
            .number(namespace, out.of(Column::Namespaces))
    }

    fn end(&mut self, end: Endpoint, out: &mut Columns) -> NumberedEnd {
        let next = next(self.addresses.len());
        let number = *self.addresses.entry(end.address).or_insert_with(|| {
            let out = out.of(Column::Addresses);
            match end.address {
                IpAddr::V4(address) => {
                    out.push(4);
                    out.extend_from_slice(&address.octets());
                }
                IpAddr::V6(address) => {
                    out.push(6);
                    out.extend_from_slice(&address.octets());
                }
            }
            next
        });
        (number, end.port)
    }
}

/// The number of the next entry. There are never so many: a keyframe is made long before.
fn next(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The process as it is stored: with the first of very many arguments.
fn stored(process: &Arc<Process>) -> Arc<Process> {
    let argv = process.argv.as_ref();
    let length = argv.map_or(0, |argv| argv.iter().map(|one| one.len() + 1).sum());
    if length <= MAX_ARGV {
        return Arc::clone(process);
    }
    let mut room = MAX_ARGV;
    let fits = |one: &&Text| {
        let is_fitting = one.len() < room;
        room = room.saturating_sub(one.len() + 1);
        is_fitting
    };
    let argv = argv.map(|argv| argv.iter().take_while(fits).cloned().collect());
    Arc::new(Process {
        argv,
        is_argv_truncated: true,
        ..(**process).clone()
    })
}
