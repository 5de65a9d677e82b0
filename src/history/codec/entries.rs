//! The reader's tables: what the numbers mean. An entry may only refer to earlier ones.

use std::net::IpAddr;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::bytes::{Input, Malformed};
use super::columns::{Column, ColumnInputs};
use super::parts::{NumberedEnd, Parts};
use super::records::{OwnersRecord, QueueKind, ShapeRecord};
use crate::model::{Endpoint, Namespace, NamespaceId, Owner, Portless, Process, Socket, State};

/// What many sockets have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// A socket with all that they have in common.
    common: Socket,
    pub has_inode: bool,
    pub has_cookie: bool,
    pub has_end: bool,
    pub queue: QueueKind,
}

impl Shape {
    pub fn state(&self) -> State {
        self.common.state
    }
}

/// The tables since the last keyframe.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    addresses: Vec<IpAddr>,
    processes: Vec<Arc<Process>>,
    owners: Vec<Owner>,
    namespaces: Vec<Arc<Namespace>>,
    pub shapes: Vec<Shape>,
}

impl Entries {
    /// Adds the new entries of a frame.
    pub fn extend(&mut self, columns: &mut ColumnInputs) -> Result<(), Malformed> {
        while columns.left(Column::Addresses) > 0 {
            let address = columns.read(Column::Addresses, address)?;
            self.addresses.push(address);
        }
        while columns.left(Column::Processes) > 0 {
            self.processes
                .push(Arc::new(json(columns, Column::Processes)?));
        }
        while columns.left(Column::Owners) > 0 {
            let record = json(columns, Column::Owners)?;
            self.owners.push(self.owner(&record)?);
        }
        while columns.left(Column::Namespaces) > 0 {
            let namespace: Namespace = json(columns, Column::Namespaces)?;
            if [NamespaceId::OWN, NamespaceId::NONE].contains(&namespace.id) {
                return Err("a network namespace has no id".to_owned());
            }
            self.namespaces.push(Arc::new(namespace));
        }
        while columns.left(Column::Shapes) > 0 {
            let record = json(columns, Column::Shapes)?;
            self.shapes.push(self.new_shape(record)?);
        }
        Ok(())
    }

    pub fn shape(&self, number: u32) -> Result<&Shape, Malformed> {
        entry(&self.shapes, number, "shape")
    }

    /// Whether everything that a socket refers to is in the tables.
    pub fn check(&self, parts: &Parts) -> Result<(), Malformed> {
        let (remote, _) = parts.remote.unwrap_or(parts.local);
        let address = parts.local.0.max(remote) as usize;
        if (parts.shape as usize) < self.shapes.len() && address < self.addresses.len() {
            Ok(())
        } else {
            Err("a socket refers to what is not there".to_owned())
        }
    }

    pub fn process(&self, number: u32) -> Result<&Arc<Process>, Malformed> {
        entry(&self.processes, number, "process")
    }

    /// The socket of these parts, without its age and its end.
    pub fn socket(&self, parts: &Parts) -> Result<Socket, Malformed> {
        let shape = self.shape(parts.shape)?;
        let remote = parts.remote.map(|remote| self.end(remote)).transpose()?;
        Ok(Socket {
            local: self.end(parts.local)?,
            remote,
            inode: parts.inode,
            cookie: parts.cookie,
            queue: parts.queue,
            ..shape.common.clone()
        })
    }

    fn end(&self, (address, port): NumberedEnd) -> Result<Endpoint, Malformed> {
        let address = entry(&self.addresses, address, "address")?;
        Ok(Endpoint::new(*address, port))
    }

    fn owner(&self, record: &OwnersRecord) -> Result<Owner, Malformed> {
        let numbers = record.processes.iter();
        let processes = numbers.map(|number| self.process(*number).cloned());
        let mut processes: Vec<_> = processes.collect::<Result<_, _>>()?;
        // Owners are by pid, each once.
        processes.sort_by_key(|process| process.pid);
        processes.dedup_by_key(|process| process.pid);
        let owner = record.owner(processes);
        owner.ok_or_else(|| "an owner has no process, or nothing but processes".to_owned())
    }

    fn new_shape(&self, record: ShapeRecord) -> Result<Shape, Malformed> {
        let namespace = record.namespace;
        let namespace = namespace.map(|one| entry(&self.namespaces, one, "namespace"));
        let namespace = namespace.transpose()?.cloned();
        let is_of_protocol = match record.portless.as_deref().map(Portless::protocol) {
            None => record.protocol.has_ports(),
            Some(protocol) => protocol == record.protocol,
        };
        if !is_of_protocol {
            let protocol = record.protocol.as_str();
            return Err(format!("a {protocol} socket is not described as one"));
        }
        let owner = entry(&self.owners, record.owners, "owner")?.clone();
        let common = Socket {
            owner,
            namespace,
            portless: record.portless,
            uid: record.uid,
            user: record.user,
            dual_stack: record.dual_stack,
            interface: record.interface,
            unit: record.unit,
            container: record.container,
            published: record.published,
            ..Socket::new(record.protocol, Endpoint::NOTHING, None, record.state)
        };
        Ok(Shape {
            common,
            has_inode: record.has_inode,
            has_cookie: record.has_cookie,
            has_end: record.has_end,
            queue: record.queue,
        })
    }
}

fn entry<'a, T>(table: &'a [T], number: u32, what: &str) -> Result<&'a T, Malformed> {
    let found = table.get(number as usize);
    found.ok_or_else(|| format!("there is no {what} {number}"))
}

fn address(input: &mut Input<'_>) -> Result<IpAddr, Malformed> {
    match input.byte()? {
        4 => Ok(<[u8; 4]>::try_from(input.bytes(4)?)
            .unwrap_or_default()
            .into()),
        6 => Ok(<[u8; 16]>::try_from(input.bytes(16)?)
            .unwrap_or_default()
            .into()),
        other => Err(format!("there is no address of kind {other}")),
    }
}

/// Reads a record with its length before it.
pub(crate) fn json<T: DeserializeOwned>(
    columns: &mut ColumnInputs,
    column: Column,
) -> Result<T, Malformed> {
    columns.read(column, |input| {
        let length = input.count(input.left())?;
        let bytes = input.bytes(length)?;
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    })
}
