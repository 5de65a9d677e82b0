//! The columns of a body: all values of one kind together, which compresses better than one socket after another.
//!
//! A number of several bytes has a column for each of them (a plane). A plane of zeros is left out.

use std::ops::Range;

use super::bytes::{Input, Malformed, put};

/// The columns, in the order in which they are written. A version may add some at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Column {
    /// The snapshots: times, and how many records of each kind.
    Steps,
    /// New addresses.
    Addresses,
    /// New processes.
    Processes,
    /// New lists of owners.
    Owners,
    /// New network namespaces.
    Namespaces,
    /// New sets of what many sockets have in common.
    Shapes,
    /// Which processes are in the snapshot.
    ProcessSet,
    /// Problems and the like.
    Extras,
    /// Sockets: what differs from the last one of the same shape.
    RowMask,
    /// 3 planes.
    RowShape,
    /// 3 planes.
    LocalAddress = 12,
    /// 2 planes.
    LocalPort = 15,
    /// 3 planes.
    RemoteAddress = 17,
    /// 2 planes.
    RemotePort = 20,
    Inode = 22,
    Cookie,
    Queue,
    Expires,
    /// In keyframes: since when each is in its state. 4 planes.
    Age,
    /// Reports of closed sockets: what differs from the socket.
    CloseMask = 30,
    /// 4 planes.
    CloseSlot,
    CloseTime = 35,
    /// 2 planes each.
    Sent,
    Received = 38,
    Rtt = 40,
    MinRtt = 42,
    /// Retransmits and other numbers that are mostly 0.
    Rare = 44,
    /// Removed sockets. 4 planes.
    RemovedSlot,
    /// Changed sockets: what changed.
    ChangeMask = 49,
    /// 4 planes.
    ChangeSlot,
    /// The counters of all sockets, with their length before them.
    Counters = 54,
}

/// How many there are.
const COUNT: usize = 55;

/// The most columns that a body may have.
const MAX_COUNT: usize = 256;

/// Columns that are being written.
#[derive(Clone, Debug)]
pub(crate) struct Columns(Vec<Vec<u8>>);

impl Default for Columns {
    fn default() -> Self {
        Self(vec![Vec::new(); COUNT])
    }
}

impl Columns {
    pub fn of(&mut self, column: Column) -> &mut Vec<u8> {
        &mut self.0[column as usize]
    }

    /// Adds a number with its lowest bytes, one to each plane.
    pub fn put_planes(&mut self, column: Column, planes: usize, number: u32) {
        let bytes = number.to_le_bytes();
        for (plane, byte) in self.0[column as usize..][..planes].iter_mut().zip(bytes) {
            plane.push(byte);
        }
    }

    /// The body in pieces that are best compressed one by one.
    pub fn into_pieces(self) -> Vec<Vec<u8>> {
        let mut columns = self.0;
        for plane in PLANES.iter().flat_map(|(column, planes)| {
            let first = *column as usize;
            first..first + planes
        }) {
            if columns[plane].iter().all(|byte| *byte == 0) {
                columns[plane].clear();
            }
        }
        // Most columns of a small frame are empty: a bit for each, then the lengths of the others.
        let mut lengths = Vec::new();
        put(&mut lengths, COUNT as u64);
        for eight in columns.chunks(8) {
            let bits = eight.iter().enumerate();
            let bits = bits.map(|(at, column)| u8::from(!column.is_empty()) << at);
            lengths.push(bits.sum());
        }
        for column in columns.iter().filter(|column| !column.is_empty()) {
            put(&mut lengths, column.len() as u64);
        }
        std::iter::once(lengths).chain(columns).collect()
    }
}

/// The columns that may be left out, with their planes.
const PLANES: &[(Column, usize)] = &[
    (Column::RowShape, 3),
    (Column::LocalAddress, 3),
    (Column::LocalPort, 2),
    (Column::RemoteAddress, 3),
    (Column::RemotePort, 2),
    (Column::Age, 4),
    (Column::CloseSlot, 4),
    (Column::Sent, 2),
    (Column::Received, 2),
    (Column::Rtt, 2),
    (Column::MinRtt, 2),
    (Column::RemovedSlot, 4),
    (Column::ChangeSlot, 4),
];

/// Columns that are being read. One that is missing is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnInputs {
    raw: Vec<u8>,
    /// What is left of each.
    left: Vec<Range<usize>>,
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of one lifetime is none of any"
)]
impl ColumnInputs {
    pub fn split(raw: &[u8]) -> Result<Self, Malformed> {
        let mut input = Input::new(raw);
        let count = input.count(MAX_COUNT)?;
        let bits = input.bytes(count.div_ceil(8))?;
        let has = |at: usize| bits[at / 8] >> (at % 8) & 1 != 0;
        let lengths = (0..count).map(|at| if has(at) { input.number() } else { Ok(0) });
        let lengths: Vec<_> = lengths.collect::<Result<_, _>>()?;
        let mut left = Vec::with_capacity(count.max(COUNT));
        for length in lengths {
            let start = raw.len() - input.left();
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            left.push(start..start + input.bytes(length)?.len());
        }
        left.resize(count.max(COUNT), 0..0);
        let raw = raw.to_vec();
        Ok(Self { raw, left })
    }

    /// Reads from a column.
    pub fn read<T>(
        &mut self,
        column: Column,
        read: impl FnOnce(&mut Input<'_>) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let left = &mut self.left[column as usize];
        let mut input = Input::new(&self.raw[left.clone()]);
        let read = read(&mut input);
        left.start = left.end - input.left();
        read
    }

    pub fn byte(&mut self, column: Column) -> Result<u8, Malformed> {
        self.read(column, |input| input.byte())
    }

    pub fn small(&mut self, column: Column) -> Result<u32, Malformed> {
        self.read(column, |input| input.small())
    }

    pub fn signed(&mut self, column: Column) -> Result<i64, Malformed> {
        self.read(column, |input| input.signed())
    }

    /// How many bytes a column has left.
    pub fn left(&self, column: Column) -> usize {
        self.left[column as usize].len()
    }

    /// Reads a number from its planes. A plane that was left out has zeros.
    pub fn planes(&mut self, column: Column, planes: usize) -> u32 {
        let mut bytes = [0; 4];
        for (byte, left) in bytes
            .iter_mut()
            .zip(&mut self.left[column as usize..][..planes])
        {
            if let Some(at) = left.next() {
                *byte = self.raw[at];
            }
        }
        u32::from_le_bytes(bytes)
    }
}
