//! What is at the end of a segment: the index of its frames, and the summary, in parts by port, each with a checksum of its
//! own. A question about one port reads a few kilobytes.
//!
//! Index, holders, ports, directory are frames; then the offset of the directory with a checksum and a mark.

use std::io::{self, Write as _};

use super::summary::{Client, Holder, Span, Summary};
use super::{Frames, Input};
use crate::history::codec::bytes::Input as Bytes;
use crate::history::codec::bytes::{self, Malformed};
use crate::history::format::{ChangeCounts, Frame, Head, Kind};
use crate::history::segment::frames::Entry;

/// How many parts the summary of so many connections has; a port is in the part that the remainder names.
fn part_count(connections: usize) -> u16 {
    match connections {
        ..500 => 1,
        500..20_000 => 16,
        _ => 128,
    }
}

/// The end of a footer.
const MARK: [u8; 4] = *b"sckE";

/// Offset of the directory, checksum of the offset, mark.
pub(crate) const TRAILER: usize = 16;

/// Where the parts of a footer are.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    holders: u64,
    /// The offset of each part that is not empty.
    ports: Vec<Option<u64>>,
}

/// The summary of one port.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortSummary {
    pub holders: Vec<Holder>,
    pub spans: Vec<Span>,
    pub clients: Vec<Client>,
}

impl PortSummary {
    /// The port's part of a summary that is in memory.
    pub fn of(summary: &Summary, port: u16) -> Self {
        let spans = summary.spans.iter();
        let clients = summary.clients.get(&port).cloned();
        Self {
            holders: summary.holders.clone(),
            spans: spans
                .filter(|span| span.local.port == port)
                .cloned()
                .collect(),
            clients: clients.unwrap_or_default(),
        }
    }
}

/// The frames of a footer, and the bytes at the very end, for a segment that ends at `offset`; `None` if they could not be
/// read, as one is too large.
pub(crate) fn write_footer(frames: &Frames, summary: &Summary, offset: u64) -> Option<Vec<u8>> {
    let last = frames.entries.last().map(|entry| entry.head);
    let mut out = FooterWriter {
        sequence: last.map_or(0, |head| head.sequence.wrapping_add(1)),
        wall: last.map_or(0, |head| head.wall),
        bytes: Vec::new(),
        lengths: Vec::new(),
        is_readable: true,
    };
    out.add(Kind::Index, &[index(frames)]);
    out.add(Kind::Holders, &[list(&summary.holders)]);
    let count = part_count(summary.clients.values().map(Vec::len).sum());
    for part in 0..count {
        out.add_part(summary, part, count);
    }
    let mut directory = Vec::new();
    for length in &out.lengths {
        bytes::put(&mut directory, *length);
    }
    let at = offset + out.bytes.len() as u64;
    out.add(Kind::Directory, &[directory]);
    let mut trailer = at.to_le_bytes().to_vec();
    trailer.extend_from_slice(&crc32fast::hash(&trailer).to_le_bytes());
    trailer.extend_from_slice(&MARK);
    // Memory can always be written.
    let _ = out.bytes.write_all(&trailer);
    out.is_readable.then_some(out.bytes)
}

struct FooterWriter {
    sequence: u32,
    wall: i64,
    bytes: Vec<u8>,
    /// The length of each frame; 0 for a part that is left out.
    lengths: Vec<u64>,
    is_readable: bool,
}

impl FooterWriter {
    fn add(&mut self, kind: Kind, pieces: &[Vec<u8>]) {
        let head = Head {
            sequence: self.sequence,
            ..Head::new(kind, self.wall)
        };
        self.sequence = self.sequence.wrapping_add(1);
        let frame = Frame::compressed(head, pieces);
        self.is_readable &= frame.is_readable();
        self.lengths.push(frame.bytes.len() as u64);
        self.bytes.extend_from_slice(&frame.bytes);
    }

    fn add_part(&mut self, summary: &Summary, part: u16, count: u16) {
        let is_in = |port: u16| port % count == part;
        let spans = summary.spans.iter();
        let spans: Vec<_> = spans.filter(|span| is_in(span.local.port)).collect();
        let clients = summary.clients.iter();
        let clients: Vec<_> = clients.filter(|(port, _)| is_in(**port)).collect();
        if spans.is_empty() && clients.is_empty() {
            self.lengths.push(0);
            return;
        }
        let (mut numbers, mut froms, mut tos, mut holders) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        bytes::put(&mut numbers, clients.len() as u64);
        let mut last_port = 0;
        for (port, all) in clients {
            bytes::put(&mut numbers, u64::from((port - last_port) / count));
            last_port = *port - part;
            bytes::put(&mut numbers, all.len() as u64);
            let mut last = 0;
            for client in all {
                bytes::put(&mut froms, client.from.wrapping_sub(last).into());
                last = client.from;
                let lasts = client.to.map_or(0, |to| to.saturating_sub(client.from) + 1);
                bytes::put(&mut tos, lasts.into());
                bytes::put(&mut holders, client.holder.into());
            }
        }
        let mut lengths = Vec::new();
        let spans = list(&spans);
        for piece in [&spans, &numbers, &froms, &tos, &holders] {
            bytes::put(&mut lengths, piece.len() as u64);
        }
        self.add(Kind::Ports, &[lengths, spans, numbers, froms, tos, holders]);
    }
}

impl Footer {
    /// The footer of a segment, with the frames that it lists; `None` without one, or if it is damaged.
    pub fn read(input: &mut Input) -> io::Result<Option<(Self, Frames)>> {
        let length = input.len()?;
        let Some(at) = trailer(input, length)? else {
            return Ok(None);
        };
        let Some((directory, _)) = input.frame(at, Kind::Directory)? else {
            return Ok(None);
        };
        let Ok(offsets) = offsets(&directory, at) else {
            return Ok(None);
        };
        let [index_at, holders, ports @ ..] = &offsets[..] else {
            return Ok(None);
        };
        let (Some(index_at), Some(holders)) = (index_at, holders) else {
            return Ok(None);
        };
        let Some((index, first)) = input.frame(*index_at, Kind::Index)? else {
            return Ok(None);
        };
        let Ok(entries) = read_index(&index, first.wall, *index_at) else {
            return Ok(None);
        };
        let footer = Self {
            holders: *holders,
            ports: ports.to_vec(),
        };
        Ok(Some((footer, Frames::listed(entries, length))))
    }

    /// The sockets without a peer of all ports; `None` if something is damaged.
    pub fn spans(&self, input: &mut Input) -> io::Result<Option<PortSummary>> {
        let mut summary = PortSummary::default();
        for at in self.ports.iter().flatten() {
            let part = input.frame(*at, Kind::Ports)?;
            let Some(Ok(spans)) = part.map(|(raw, _)| read_spans(&raw)) else {
                return Ok(None);
            };
            summary.spans.extend(spans);
        }
        let Some((raw, _)) = input.frame(self.holders, Kind::Holders)? else {
            return Ok(None);
        };
        Ok(read_holders(&raw, &mut summary).is_ok().then_some(summary))
    }

    /// The summary of a port; `None` if it is damaged.
    pub fn port(&self, input: &mut Input, port: u16) -> io::Result<Option<PortSummary>> {
        let count = u16::try_from(self.ports.len()).unwrap_or(u16::MAX).max(1);
        let at = self.ports.get(usize::from(port % count)).copied().flatten();
        let Some(at) = at else {
            return Ok(Some(PortSummary::default()));
        };
        let Some((raw, _)) = input.frame(at, Kind::Ports)? else {
            return Ok(None);
        };
        let Ok(mut summary) = read_part(&raw, port, count) else {
            return Ok(None);
        };
        if summary.spans.is_empty() && summary.clients.is_empty() {
            return Ok(Some(summary));
        }
        let Some((raw, _)) = input.frame(self.holders, Kind::Holders)? else {
            return Ok(None);
        };
        match read_holders(&raw, &mut summary) {
            Ok(()) => Ok(Some(summary)),
            Err(_) => Ok(None),
        }
    }
}

/// Where the directory of a segment with a footer begins.
fn trailer(input: &mut Input, length: u64) -> io::Result<Option<u64>> {
    let Some(at) = length.checked_sub(TRAILER as u64) else {
        return Ok(None);
    };
    Ok(is_trailer(&input.read(at, TRAILER)?))
}

/// The offset in the bytes at the end of a segment, if they are those.
pub(crate) fn is_trailer(bytes: &[u8]) -> Option<u64> {
    let (offset, rest) = bytes.split_first_chunk::<8>()?;
    let (crc, mark) = rest.split_first_chunk::<4>()?;
    let is_whole = crc32fast::hash(offset).to_le_bytes() == *crc && mark == MARK;
    is_whole.then(|| u64::from_le_bytes(*offset))
}

/// The offsets of the frames before the directory; `None` for a part that was left out.
fn offsets(directory: &[u8], at: u64) -> Result<Vec<Option<u64>>, Malformed> {
    let mut input = Bytes::new(directory);
    let mut lengths = Vec::new();
    while input.left() > 0 {
        lengths.push(input.number()?);
    }
    let mut offset = at;
    for length in &lengths {
        offset = offset.checked_sub(*length).ok_or("it is too long")?;
    }
    let offsets = lengths.into_iter().map(|length| {
        let begins = (length > 0).then_some(offset);
        offset += length;
        begins
    });
    Ok(offsets.collect())
}

/// The heads of all frames, as far as they can't be computed. Times are relative to the last frame, which the index's own
/// head has.
fn index(frames: &Frames) -> Vec<u8> {
    let mut out = Vec::new();
    let wall = frames.entries.last().map_or(0, |entry| entry.head.wall);
    bytes::put(&mut out, frames.entries.len() as u64);
    let first = frames.entries.first();
    bytes::put(&mut out, first.map_or(0, |entry| entry.offset));
    bytes::put(
        &mut out,
        first.map_or(0, |entry| entry.head.sequence.into()),
    );
    for entry in &frames.entries {
        let head = entry.head;
        out.push(head.kind.number());
        bytes::put(&mut out, head.flags.into());
        bytes::put(&mut out, head.length.into());
        bytes::put(&mut out, head.raw_length.into());
        bytes::put_signed(&mut out, wall.wrapping_sub(head.wall));
        bytes::put(&mut out, head.span.into());
        let counts = head.counts;
        for count in [counts.opened, counts.closed, counts.changed] {
            bytes::put(&mut out, count.into());
        }
        out.extend_from_slice(&head.body_crc.to_le_bytes());
    }
    out
}

/// The least bytes of a frame in the index: nine numbers, and a checksum of four bytes.
const LEAST_ENTRY: usize = 13;

fn read_index(raw: &[u8], wall: i64, end: u64) -> Result<Vec<Entry>, Malformed> {
    let mut input = Bytes::new(raw);
    let count = input.count(input.left() / LEAST_ENTRY)?;
    let mut offset = input.number()?;
    let mut sequence = input.small()?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let short = |number: u32| u16::try_from(number).map_err(|_| "a count is too large");
        let kind = Kind::of(input.byte()?);
        let flags = short(input.small()?)?;
        let (length, raw_length) = (input.small()?, input.small()?);
        let wall = wall.wrapping_sub(input.signed()?);
        let span = input.small()?;
        let counts = ChangeCounts {
            opened: short(input.small()?)?,
            closed: short(input.small()?)?,
            changed: short(input.small()?)?,
        };
        let crc = input.bytes(4)?.first_chunk().copied().unwrap_or_default();
        let head = Head {
            flags,
            length,
            raw_length,
            sequence,
            span,
            counts,
            body_crc: u32::from_le_bytes(crc),
            ..Head::new(kind, wall)
        };
        let entry = Entry { offset, head };
        offset = offset.saturating_add(entry.length());
        sequence = sequence.wrapping_add(1);
        entries.push(entry);
    }
    if offset == end && entries.iter().all(|entry| entry.head.is_bounded()) {
        Ok(entries)
    } else {
        Err("the index does not fit".to_owned())
    }
}

/// Records, each with its length before it.
fn list(records: &[impl serde::Serialize]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        let json = serde_json::to_vec(record).unwrap_or_default();
        bytes::put(&mut out, json.len() as u64);
        out.extend_from_slice(&json);
    }
    out
}

fn record<'a>(input: &mut Bytes<'a>) -> Result<&'a [u8], Malformed> {
    let length = input.count(input.left())?;
    input.bytes(length)
}

/// The pieces of a part of the summary.
fn pieces(raw: &[u8]) -> Result<[Bytes<'_>; 5], Malformed> {
    let mut input = Bytes::new(raw);
    let lengths: Vec<_> = (0..5).map(|_| input.number()).collect::<Result<_, _>>()?;
    let mut pieces = [Bytes::default(); 5];
    for (piece, length) in pieces.iter_mut().zip(lengths) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        *piece = Bytes::new(input.bytes(length)?);
    }
    Ok(pieces)
}

fn read_spans(raw: &[u8]) -> Result<Vec<Span>, Malformed> {
    let [mut input, ..] = pieces(raw)?;
    let mut spans = Vec::new();
    while input.left() > 0 {
        let span = serde_json::from_slice(record(&mut input)?);
        spans.push(span.map_err(|error| error.to_string())?);
    }
    Ok(spans)
}

fn read_part(raw: &[u8], port: u16, part_count: u16) -> Result<PortSummary, Malformed> {
    let [_, mut numbers, mut froms, mut tos, mut holders] = pieces(raw)?;
    let mut spans = read_spans(raw)?;
    spans.retain(|span| span.local.port == port);
    let mut summary = PortSummary {
        spans,
        ..PortSummary::default()
    };
    let mut current = u64::from(port % part_count);
    for _ in 0..numbers.count(numbers.left())? {
        current += numbers
            .number()?
            .saturating_mul(part_count.into())
            .min(1 << 17);
        let clients = numbers.count(froms.left())?;
        let mut from = 0_u32;
        for _ in 0..clients {
            from = from.wrapping_add(froms.small()?);
            let lasts = tos.small()?;
            let holder = holders.small()?;
            if current == u64::from(port) {
                summary.clients.push(Client {
                    holder,
                    from,
                    to: lasts.checked_sub(1).map(|lasts| from.saturating_add(lasts)),
                });
            }
        }
    }
    Ok(summary)
}

/// Reads the holders that are needed, and numbers them anew.
fn read_holders(raw: &[u8], summary: &mut PortSummary) -> Result<(), Malformed> {
    let mut input = Bytes::new(raw);
    let spans = summary.spans.iter_mut().map(|span| &mut span.holder);
    let clients = summary.clients.iter_mut().map(|client| &mut client.holder);
    let mut needed: Vec<&mut u32> = spans.chain(clients).collect();
    needed.sort_by_key(|number| **number);
    let mut needed = needed.into_iter().peekable();
    let mut number = 0;
    while needed.peek().is_some() {
        let json = record(&mut input)?;
        let mut is_read = false;
        while let Some(one) = needed.next_if(|one| **one == number) {
            if !is_read {
                let holder = serde_json::from_slice(json).map_err(|error| error.to_string())?;
                summary.holders.push(holder);
                is_read = true;
            }
            *one = u32::try_from(summary.holders.len() - 1).unwrap_or_default();
        }
        number += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_no_more_frames_than_its_bytes_have_room_for() {
        let entry = Entry {
            offset: 0,
            head: Head::new(Kind::Start, 0),
        };
        let frames = Frames::listed(vec![entry; 3], 0);
        let raw = index(&frames);
        assert_eq!(raw.len(), 3 + 3 * LEAST_ENTRY);
        let end = 3 * entry.length();
        assert_eq!(read_index(&raw, 0, end).unwrap().len(), 3);
        let mut raw = vec![0; 1000];
        raw[0] = 100;
        let error = read_index(&raw, 0, 0).unwrap_err();
        assert_eq!(error, "100 elements, and at most 76 are left");
    }
}
