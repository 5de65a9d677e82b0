//! Reports of closed sockets: what differs from the socket as it was, and its last counters.
//!
//! Of the counters those are stored that say what the connection did and why it ended: bytes both ways (8 significant bits),
//! round-trip times (5), retransmits, what was not sent or not acknowledged, timeouts and probes, and the state of congestion
//! control. The others only matter while it is open.

use std::time::Duration;

use super::bytes::{Malformed, put, put_signed};
use super::columns::{Column, ColumnInputs, Columns};
use super::entries::Shape;
use super::number::{BYTES, TIME};
use super::parts::{self, LOCAL, LastRows, NumberedEnd, Parts, REMOTE, read_end, write_end};
use crate::model::TcpInfo;

/// The bits of a report's mask.
mod close {
    /// Its shape is not the one that the last socket of such a shape had in the end.
    pub const SHAPE: u8 = 1;
    pub const LOCAL: u8 = 1 << 1;
    pub const REMOTE: u8 = 1 << 2;
    /// Inode or cookie.
    pub const IDS: u8 = 1 << 3;
    pub const HAS_NO_TCP: u8 = 1 << 4;
    /// The socket stays in the table: as `TIME_WAIT`.
    pub const STAYS: u8 = 1 << 5;
    pub const HAS_RARE: u8 = 1 << 6;
    /// It is the next one of those that no snapshot had.
    pub const IS_SHORT: u8 = 1 << 7;
}

/// A report in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// The number of the socket, and its parts; `None`: it is the next one that no snapshot had.
    pub socket: Option<(u32, Parts)>,
    pub stays: bool,
    /// The socket as reported.
    pub parts: Parts,
    /// When it was reported, on the clock of the section, in ms.
    pub at: i64,
    pub tcp: Option<TcpInfo>,
}

/// Which shape the sockets of a shape had in the end. Writer and reader keep the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastShapes(Vec<Option<u32>>);

impl LastShapes {
    fn of(&mut self, shape: u32) -> &mut Option<u32> {
        let at = shape as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        &mut self.0[at]
    }

    /// Writes a report. `next`: the number of the next socket; `last`: the time of the report before.
    pub fn write(
        &mut self,
        out: &mut Columns,
        rows: &mut LastRows,
        report: &Report,
        (next, last, now): (u32, i64, i64),
    ) {
        put_signed(out.of(Column::CloseTime), report.at - last);
        let mut mask = report
            .tcp
            .map_or(close::HAS_NO_TCP, |tcp| write_tcp(out, &tcp));
        if report.stays {
            mask |= close::STAYS;
        }
        match report.socket {
            None => mask |= close::IS_SHORT,
            Some((number, before)) => {
                out.put_planes(Column::CloseSlot, 4, next - number);
                mask |= self.write_difference(out, rows, &before, &report.parts);
                parts::write_rest(out, &report.parts, now);
            }
        }
        out.of(Column::CloseMask).push(mask);
    }

    fn write_difference(
        &mut self,
        out: &mut Columns,
        rows: &mut LastRows,
        before: &Parts,
        after: &Parts,
    ) -> u8 {
        let mut mask = 0;
        if self.of(before.shape).replace(after.shape) != Some(after.shape) {
            mask |= close::SHAPE;
            out.put_planes(Column::RowShape, 3, after.shape);
        }
        if after.local != before.local {
            mask |= close::LOCAL;
            write_end(out, LOCAL, Some(after.local));
        }
        if after.remote != before.remote {
            mask |= close::REMOTE;
            write_end(out, REMOTE, after.remote);
        }
        let is_same = |one: bool, is_there: bool| one || !is_there;
        let is_same_inode = is_same(after.inode == before.inode, after.inode.is_some());
        let is_same_cookie = is_same(after.cookie == before.cookie, after.cookie.is_some());
        if !is_same_inode || !is_same_cookie {
            mask |= close::IDS;
            if let Some(inode) = after.inode {
                rows.write_inode(out, inode);
            }
            if let Some(cookie) = after.cookie {
                rows.write_cookie(out, cookie);
            }
        }
        mask
    }

    /// Reads a report. `find` returns the parts of a socket by its number; `short` the next one that no snapshot had.
    pub fn read(
        &mut self,
        columns: &mut ColumnInputs,
        rows: &mut LastRows,
        shapes: &[Shape],
        find: impl FnOnce(u32) -> Option<Parts>,
        short: impl FnOnce() -> Option<Parts>,
        (next, last, now): (u32, i64, i64),
    ) -> Result<Report, Malformed> {
        let mask = columns.byte(Column::CloseMask)?;
        let has = |bit: u8| mask & bit != 0;
        let at = last.saturating_add(columns.signed(Column::CloseTime)?);
        let tcp = if has(close::HAS_NO_TCP) {
            None
        } else {
            Some(read_tcp(columns, has(close::HAS_RARE))?)
        };
        let stays = has(close::STAYS);
        if has(close::IS_SHORT) {
            let parts = short().ok_or("a report is about no socket")?;
            return Ok(Report {
                socket: None,
                stays,
                parts,
                at,
                tcp,
            });
        }
        let number = next.wrapping_sub(columns.planes(Column::CloseSlot, 4));
        let before = find(number).ok_or("a report is about no socket")?;
        let mut parts = self.read_difference(columns, rows, shapes, (mask, &before))?;
        let shape = parts::shape(shapes, parts.shape)?;
        parts::read_rest(columns, &mut parts, shape, now)?;
        Ok(Report {
            socket: Some((number, before)),
            stays,
            parts,
            at,
            tcp,
        })
    }

    fn read_difference(
        &mut self,
        columns: &mut ColumnInputs,
        rows: &mut LastRows,
        shapes: &[Shape],
        (mask, before): (u8, &Parts),
    ) -> Result<Parts, Malformed> {
        let has = |bit: u8| mask & bit != 0;
        let mut after = *before;
        after.shape = if has(close::SHAPE) {
            columns.planes(Column::RowShape, 3)
        } else {
            self.of(before.shape).ok_or("a report has no shape")?
        };
        *self.of(before.shape) = Some(after.shape);
        if has(close::LOCAL) {
            let none: NumberedEnd = (0, 0);
            after.local = read_end(columns, LOCAL)?.unwrap_or(none);
        }
        if has(close::REMOTE) {
            after.remote = read_end(columns, REMOTE)?;
        }
        let shape = parts::shape(shapes, after.shape)?;
        after.inode = after.inode.filter(|_| shape.has_inode);
        after.cookie = after.cookie.filter(|_| shape.has_cookie);
        if has(close::IDS) {
            if shape.has_inode {
                after.inode = Some(rows.read_inode(columns)?);
            }
            if shape.has_cookie {
                after.cookie = rows.read_cookie(columns)?;
            }
        }
        Ok(after)
    }
}

/// Writes counters, and returns the bits of the mask.
fn write_tcp(out: &mut Columns, tcp: &TcpInfo) -> u8 {
    let code = |time: Duration| {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        TIME.encode(micros)
    };
    out.put_planes(Column::Sent, 2, BYTES.encode(tcp.bytes_sent));
    out.put_planes(Column::Received, 2, BYTES.encode(tcp.bytes_received));
    let rtt = code(tcp.rtt);
    out.put_planes(Column::Rtt, 2, rtt);
    let least = tcp.min_rtt.map_or(0, |least| {
        let delta = i64::from(rtt) - i64::from(code(least));
        let zigzag = (delta << 1) ^ (delta >> 63);
        u32::try_from(zigzag).unwrap_or_default() + 1
    });
    out.put_planes(Column::MinRtt, 2, least);
    let rare = [
        u64::from(tcp.retransmits),
        BYTES.encode(tcp.bytes_retransmitted).into(),
        tcp.unsent.into(),
        tcp.unacknowledged.into(),
        tcp.timeouts.into(),
        tcp.backoff.into(),
        tcp.probes.into(),
        tcp.congestion.into(),
    ];
    if rare == [0; 8] {
        return 0;
    }
    for number in rare {
        put(out.of(Column::Rare), number);
    }
    close::HAS_RARE
}

fn read_tcp(columns: &mut ColumnInputs, has_rare: bool) -> Result<TcpInfo, Malformed> {
    let time = |code: u32| Duration::from_micros(TIME.decode(code));
    let bytes_sent = BYTES.decode(columns.planes(Column::Sent, 2));
    let bytes_received = BYTES.decode(columns.planes(Column::Received, 2));
    let rtt = columns.planes(Column::Rtt, 2);
    let least = columns.planes(Column::MinRtt, 2);
    let min_rtt = least.checked_sub(1).map(|zigzag| {
        let delta = i64::from(zigzag >> 1) ^ -i64::from(zigzag & 1);
        time(u32::try_from(i64::from(rtt) - delta).unwrap_or_default())
    });
    let mut tcp = TcpInfo {
        bytes_sent,
        bytes_received,
        rtt: time(rtt),
        min_rtt,
        ..TcpInfo::default()
    };
    if has_rare {
        columns.read(Column::Rare, |input| {
            tcp.retransmits = input.small()?;
            tcp.bytes_retransmitted = BYTES.decode(input.small()?);
            tcp.unsent = input.small()?;
            tcp.unacknowledged = input.small()?;
            for number in [
                &mut tcp.timeouts,
                &mut tcp.backoff,
                &mut tcp.probes,
                &mut tcp.congestion,
            ] {
                *number = u8::try_from(input.number()?).unwrap_or(u8::MAX);
            }
            Ok(())
        })?;
    }
    Ok(tcp)
}

/// The counters as they are read again.
#[cfg(test)]
pub(crate) fn reduced(tcp: &TcpInfo) -> TcpInfo {
    let time = |time: Duration| {
        let micros = u64::try_from(time.as_micros()).unwrap();
        Duration::from_micros(TIME.rounded(micros))
    };
    TcpInfo {
        bytes_sent: BYTES.rounded(tcp.bytes_sent),
        bytes_received: BYTES.rounded(tcp.bytes_received),
        bytes_retransmitted: BYTES.rounded(tcp.bytes_retransmitted),
        rtt: time(tcp.rtt),
        min_rtt: tcp.min_rtt.map(time),
        since_sent: Duration::ZERO,
        since_received: Duration::ZERO,
        since_acknowledged: Duration::ZERO,
        busy: Duration::ZERO,
        limited_by_peer: Duration::ZERO,
        limited_by_buffer: Duration::ZERO,
        is_application_limited: false,
        send_window: None,
        ..*tcp
    }
}
