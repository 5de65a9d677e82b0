//! A socket in numbers, and its place in the columns: only what differs from the last socket of the same shape.

use std::num::NonZeroU64;

use super::bytes::{Malformed, put, put_signed};
use super::columns::{Column, ColumnInputs, Columns};
use super::entries::Shape;
use super::records::QueueKind;
use crate::model::Queue;

/// An address by its number in the table, and a port.
pub(crate) type NumberedEnd = (u32, u16);

/// A socket in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The number of its shape.
    pub shape: u32,
    pub local: NumberedEnd,
    pub remote: Option<NumberedEnd>,
    pub inode: Option<u32>,
    pub cookie: Option<NonZeroU64>,
    pub queue: Option<Queue>,
    /// When it ends, on the clock of the section, in ms.
    pub ends: Option<i64>,
}

/// The columns of both ends.
pub(crate) const LOCAL: (Column, Column) = (Column::LocalAddress, Column::LocalPort);
pub(crate) const REMOTE: (Column, Column) = (Column::RemoteAddress, Column::RemotePort);

/// How exact an end is stored, in ms: the kernel's timer wheel is no better.
pub(crate) const END_STEP: i64 = 256;

/// The bits of a row's mask: what is not as in the last row of the shape.
pub(crate) mod row {
    pub const SHAPE: u8 = 1;
    pub const LOCAL_ADDRESS: u8 = 1 << 1;
    pub const LOCAL_PORT: u8 = 1 << 2;
    pub const REMOTE_ADDRESS: u8 = 1 << 3;
    pub const REMOTE_PORT: u8 = 1 << 4;
}

/// The bits of a change's mask: what changed.
pub(crate) mod change {
    pub const SHAPE: u8 = 1;
    pub const LOCAL: u8 = 1 << 1;
    pub const REMOTE: u8 = 1 << 2;
    pub const INODE: u8 = 1 << 3;
    pub const COOKIE: u8 = 1 << 4;
    pub const QUEUE: u8 = 1 << 5;
    pub const ENDS: u8 = 1 << 6;
}

/// The last rows: what the next one is compared with. Writer and reader keep the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastRows {
    shape: u32,
    of_shape: Vec<Parts>,
    inode: u32,
    cookie: u64,
}

impl LastRows {
    fn of(&mut self, shape: u32) -> &mut Parts {
        let at = shape as usize;
        if self.of_shape.len() <= at {
            self.of_shape.resize(at + 1, Parts::default());
        }
        &mut self.of_shape[at]
    }

    /// Writes a row. `now`: the time of the snapshot.
    pub fn write(&mut self, out: &mut Columns, parts: &Parts, now: i64) {
        let mut mask = 0;
        if parts.shape != self.shape {
            mask |= row::SHAPE;
            self.shape = parts.shape;
            out.put_planes(Column::RowShape, 3, parts.shape);
        }
        let last = std::mem::replace(self.of(parts.shape), *parts);
        if parts.local.0 != last.local.0 {
            mask |= row::LOCAL_ADDRESS;
            out.put_planes(Column::LocalAddress, 3, parts.local.0);
        }
        if parts.local.1 != last.local.1 {
            mask |= row::LOCAL_PORT;
            out.put_planes(Column::LocalPort, 2, parts.local.1.into());
        }
        let (remote, last) = (Far::of(parts.remote), Far::of(last.remote));
        if remote.address != last.address {
            mask |= row::REMOTE_ADDRESS;
            out.put_planes(Column::RemoteAddress, 3, remote.address);
        }
        if remote.port != last.port {
            mask |= row::REMOTE_PORT;
            out.put_planes(Column::RemotePort, 2, remote.port.into());
        }
        out.of(Column::RowMask).push(mask);
        self.write_ids(out, parts);
        write_rest(out, parts, now);
    }

    pub fn read(
        &mut self,
        columns: &mut ColumnInputs,
        shapes: &[Shape],
        now: i64,
    ) -> Result<Parts, Malformed> {
        let mask = columns.byte(Column::RowMask)?;
        let has = |bit: u8| mask & bit != 0;
        if has(row::SHAPE) {
            self.shape = columns.planes(Column::RowShape, 3);
        }
        let shape = shape(shapes, self.shape)?;
        let mut parts = *self.of(self.shape);
        parts.shape = self.shape;
        if has(row::LOCAL_ADDRESS) {
            parts.local.0 = columns.planes(Column::LocalAddress, 3);
        }
        if has(row::LOCAL_PORT) {
            parts.local.1 = port(columns, Column::LocalPort)?;
        }
        let mut remote = Far::of(parts.remote);
        if has(row::REMOTE_ADDRESS) {
            remote.address = columns.planes(Column::RemoteAddress, 3);
        }
        if has(row::REMOTE_PORT) {
            remote.port = port(columns, Column::RemotePort)?;
        }
        parts.remote = remote.end();
        (parts.inode, parts.cookie) = (None, None);
        if shape.has_inode {
            parts.inode = Some(self.read_inode(columns)?);
        }
        if shape.has_cookie {
            parts.cookie = self.read_cookie(columns)?;
        }
        read_rest(columns, &mut parts, shape, now)?;
        *self.of(self.shape) = parts;
        Ok(parts)
    }

    /// Inode and cookie, which the kernel counts up.
    fn write_ids(&mut self, out: &mut Columns, parts: &Parts) {
        if let Some(inode) = parts.inode {
            self.write_inode(out, inode);
        }
        if let Some(cookie) = parts.cookie {
            self.write_cookie(out, cookie);
        }
    }

    pub fn write_inode(&mut self, out: &mut Columns, inode: u32) {
        let last = std::mem::replace(&mut self.inode, inode);
        put_signed(out.of(Column::Inode), i64::from(inode) - i64::from(last));
    }

    pub fn write_cookie(&mut self, out: &mut Columns, cookie: NonZeroU64) {
        let last = std::mem::replace(&mut self.cookie, cookie.get());
        let delta = cookie.get().wrapping_sub(last).cast_signed();
        put_signed(out.of(Column::Cookie), delta);
    }

    pub fn read_inode(&mut self, columns: &mut ColumnInputs) -> Result<u32, Malformed> {
        let delta = columns.signed(Column::Inode)?;
        let inode = i64::from(self.inode).wrapping_add(delta);
        self.inode = u32::try_from(inode).map_err(|_| "an inode is too large".to_owned())?;
        Ok(self.inode)
    }

    pub fn read_cookie(
        &mut self,
        columns: &mut ColumnInputs,
    ) -> Result<Option<NonZeroU64>, Malformed> {
        let delta = columns.signed(Column::Cookie)?;
        self.cookie = self.cookie.wrapping_add(delta.cast_unsigned());
        Ok(NonZeroU64::new(self.cookie))
    }
}

/// The far end in the columns; address 0 is none.
#[derive(Clone, Copy)]
struct Far {
    address: u32,
    port: u16,
}

impl Far {
    fn of(remote: Option<NumberedEnd>) -> Self {
        let (address, port) = remote.map_or((0, 0), |(address, port)| (address + 1, port));
        Self { address, port }
    }

    fn end(self) -> Option<NumberedEnd> {
        Some((self.address.checked_sub(1)?, self.port))
    }
}

pub(crate) fn write_end(out: &mut Columns, columns: (Column, Column), end: Option<NumberedEnd>) {
    let far = Far::of(end);
    out.put_planes(columns.0, 3, far.address);
    out.put_planes(columns.1, 2, far.port.into());
}

pub(crate) fn read_end(
    inputs: &mut ColumnInputs,
    columns: (Column, Column),
) -> Result<Option<NumberedEnd>, Malformed> {
    let address = inputs.planes(columns.0, 3);
    let port = port(inputs, columns.1)?;
    Ok(Far { address, port }.end())
}

/// Queue and end, which few sockets have.
pub(crate) fn write_rest(out: &mut Columns, parts: &Parts, now: i64) {
    write_queue(out, parts);
    if let Some(ends) = parts.ends {
        write_ends(out, ends, now);
    }
}

pub(crate) fn write_ends(out: &mut Columns, ends: i64, now: i64) {
    put_signed(out.of(Column::Expires), (ends - now).div_euclid(END_STEP));
}

/// Of empty queues the shape says so.
pub(crate) fn write_queue(out: &mut Columns, parts: &Parts) {
    if let Some(queue) = parts.queue
        && (queue.receive, queue.send) != (0, 0)
    {
        put(out.of(Column::Queue), queue.receive.into());
        put(out.of(Column::Queue), queue.send.into());
    }
}

pub(crate) fn read_rest(
    columns: &mut ColumnInputs,
    parts: &mut Parts,
    shape: &Shape,
    now: i64,
) -> Result<(), Malformed> {
    parts.queue = read_queue(columns, shape)?;
    parts.ends = None;
    if shape.has_end {
        parts.ends = Some(read_ends(columns, now)?);
    }
    Ok(())
}

pub(crate) fn read_queue(
    columns: &mut ColumnInputs,
    shape: &Shape,
) -> Result<Option<Queue>, Malformed> {
    Ok(match shape.queue {
        QueueKind::None => None,
        QueueKind::Empty => Some(Queue {
            receive: 0,
            send: 0,
        }),
        QueueKind::Filled => Some(Queue {
            receive: columns.small(Column::Queue)?,
            send: columns.small(Column::Queue)?,
        }),
    })
}

pub(crate) fn read_ends(columns: &mut ColumnInputs, now: i64) -> Result<i64, Malformed> {
    let steps = columns.signed(Column::Expires)?;
    Ok(now.saturating_add(steps.saturating_mul(END_STEP)))
}

fn port(columns: &mut ColumnInputs, column: Column) -> Result<u16, Malformed> {
    let port = columns.planes(column, 2);
    u16::try_from(port).map_err(|_| "a port is too large".to_owned())
}

pub(crate) fn shape(shapes: &[Shape], number: u32) -> Result<&Shape, Malformed> {
    let found = shapes.get(number as usize);
    found.ok_or_else(|| format!("there is no shape {number}"))
}
