//! Rows that have something in common, counted: by one field, or by a second one within each group of the first.
//!
//! A row is read once, in the order of memory. Its keys become numbers, and what follows goes by these.

mod field;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use crate::columns::ColumnId;
use crate::model::{BuildSpread, State};
use crate::query::Sort;
use crate::query::texts::Texts;
use crate::track::{Bytes, Flow, Flows, Row};
use field::{KeyNumber, present_state};

pub use field::{GroupBy, GroupKey};

/// By which fields to group, and the order of the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The field.
    pub by: GroupBy,
    /// The field within each group.
    pub then: Option<GroupBy>,
    /// The column that orders the groups: one with the keys of a field, or with a sum. Groups that it does not order,
    /// and all without it, are ordered by their number of sockets, the largest first. Ties are ordered by their keys.
    pub sort: Option<ColumnId>,
    /// Whether the order is reversed: that of the column, or without one that by number.
    pub reverse: bool,
}

/// By which fields the live table groups its rows; two are never the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupFields {
    /// The field.
    pub by: GroupBy,
    /// The field within each group.
    pub then: Option<GroupBy>,
}

impl GroupFields {
    /// One field.
    pub const fn one(by: GroupBy) -> Self {
        Self { by, then: None }
    }

    /// These fields, from the outer to the inner one; `None` without any.
    ///
    /// # Errors
    /// They are more than two, or twice the same one.
    pub fn of(fields: &[GroupBy]) -> Result<Option<Self>, String> {
        match *fields {
            [] => Ok(None),
            [by] => Ok(Some(Self::one(by))),
            [by, then] if by == then => Err(format!("`{}` is given twice", by.name())),
            [by, then] => Ok(Some(Self {
                by,
                then: Some(then),
            })),
            _ => Err("at most two fields".to_owned()),
        }
    }

    /// The fields, from the outer to the inner one.
    pub fn all(self) -> impl Iterator<Item = GroupBy> {
        [self.by].into_iter().chain(self.then)
    }

    /// The order of rows also orders the groups, where it can.
    pub(crate) fn sorted_by(self, sort: Sort) -> Grouping {
        Grouping {
            by: self.by,
            then: self.then,
            sort: Some(sort.by),
            reverse: sort.descending,
        }
    }
}

impl fmt::Display for GroupFields {
    /// `process`, `process, state`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.by.name())?;
        match self.then {
            Some(then) => write!(f, ", {}", then.name()),
            None => Ok(()),
        }
    }
}

impl Grouping {
    /// The fields, from the outer to the inner one.
    pub fn fields(&self) -> impl Iterator<Item = GroupBy> + use<> {
        [self.by].into_iter().chain(self.then)
    }

    /// The columns that can order its groups.
    pub fn sort_columns(&self) -> impl Iterator<Item = ColumnId> + use<> {
        let keys = self.fields().map(GroupBy::column);
        keys.chain(SUMS.iter().map(|(column, _)| *column))
    }
}

/// The columns with numbers of which groups have the sum.
type SumColumn = (ColumnId, fn(&Sum) -> Option<u64>);

#[rustfmt::skip]
const SUMS: [SumColumn; 6] = [
    (ColumnId::RecvQ, |sum| sum.receive_queue),
    (ColumnId::SendQ, |sum| sum.send_queue),
    (ColumnId::RxRate, |sum| Some(sum.rates?.received)),
    (ColumnId::TxRate, |sum| Some(sum.rates?.sent)),
    (ColumnId::Rx, |sum| Some(sum.totals?.received)),
    (ColumnId::Tx, |sum| Some(sum.totals?.sent)),
];

/// What the rows of a group amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many they are.
    pub sockets: usize,
    /// How many are in each state, in the order of [`State::ALL`].
    by_state: [u32; State::ALL.len()],
    /// Bytes not yet read; `None` if not known of any row. Listeners don't count: theirs are connections.
    pub receive_queue: Option<u64>,
    /// Bytes not yet acknowledged, likewise.
    pub send_queue: Option<u64>,
    /// Payload per second; `None` if not known of any row.
    pub rates: Option<Bytes>,
    /// Payload since the connections began; likewise.
    pub totals: Option<Bytes>,
}

impl Sum {
    /// Of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut sum = Self::default();
        rows.into_iter().for_each(|row| sum.add_row(row));
        sum
    }

    /// The states that occur, in the order in which a table sorts them.
    pub fn states(&self) -> impl Iterator<Item = (State, usize)> {
        let counts = State::ALL.map(|state| (state, self.in_state(state)));
        counts.into_iter().filter(|&(_, count)| count > 0)
    }

    /// How many are in this state.
    pub const fn in_state(&self, state: State) -> usize {
        self.by_state[state as usize] as usize
    }

    fn add_flow(&mut self, flow: &Flow) {
        add_bytes(&mut self.rates, flow.rates);
        add_bytes(&mut self.totals, flow.totals());
    }

    fn add_row(&mut self, row: &Row) {
        self.sockets += 1;
        self.by_state[present_state(row) as usize] += 1;
        let queue = row.socket.queue;
        if let Some(queue) = queue.filter(|_| row.socket.state != State::Listen) {
            add(&mut self.receive_queue, Some(queue.receive.into()));
            add(&mut self.send_queue, Some(queue.send.into()));
        }
    }

    fn add_sum(&mut self, other: &Self) {
        self.sockets += other.sockets;
        let counts = self.by_state.iter_mut().zip(other.by_state);
        counts.for_each(|(count, more)| *count += more);
        add(&mut self.receive_queue, other.receive_queue);
        add(&mut self.send_queue, other.send_queue);
        add_bytes(&mut self.rates, other.rates);
        add_bytes(&mut self.totals, other.totals);
    }
}

fn add_bytes(sum: &mut Option<Bytes>, more: Option<Bytes>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or_default().plus(more));
    }
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The field.
    pub by: GroupBy,
    /// What its rows have in common there.
    pub key: GroupKey,
    /// 0, or 1 for a group within another.
    pub depth: usize,
    /// What they amount to.
    pub sum: Sum,
    /// Where its rows are in [`Groups::order`].
    pub span: Range<usize>,
}

/// Rows in groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The groups in order, each followed by those within it.
    pub all: Vec<Group>,
    /// Indices into the rows, group by group; within a group as they were given.
    pub order: Vec<usize>,
}

impl Groups {
    /// Groups these rows.
    pub fn of(rows: &[&Row], grouping: Grouping) -> Self {
        Self::with_flows(rows, grouping, &Flows::default())
    }

    /// Groups these rows and sums up what flows through their sockets.
    pub fn with_flows(rows: &[&Row], grouping: Grouping, flows: &Flows) -> Self {
        let mut outer = Level::new(grouping.by);
        let mut inner = grouping.then.map(Level::new);
        let mut pairs = Pairs::of(rows.len());
        for at in in_memory_order(rows) {
            let row = rows[at];
            let within = inner.as_mut().map_or(0, |inner| inner.number(row, at));
            let pair = pairs.add(outer.number(row, at), within, at, row);
            if let Some(flow) = flows.of(row.id) {
                pairs.sums[pair].add_flow(flow);
            }
        }
        let outer = outer.ranked(rows);
        let inner = inner.map(|inner| inner.ranked(rows));
        let mut sums = vec![Sum::default(); outer.keys.len()];
        for (&(number, _), sum) in pairs.numbers.iter().zip(&pairs.sums) {
            sums[number].add_sum(sum);
        }
        let places = outer.places(&sums, grouping);
        let mut tree: Vec<_> = (0..)
            .zip(pairs.numbers.iter().zip(&pairs.sums))
            .map(|(pair, (&(first, second), sum))| {
                let within = inner.as_ref();
                let within = within.map(|inner| inner.place(second, sum, grouping));
                (places[first], within, pair)
            })
            .collect();
        tree.sort_unstable();
        let mut groups = Self::default();
        groups.all.reserve(sums.len() + tree.len());
        for siblings in tree.chunk_by(|a, b| a.0 == b.0) {
            let number = pairs.numbers[siblings[0].2].0;
            groups.push(outer.group(number, 0, sums[number]));
            let Some(inner) = &inner else { continue };
            for &(_, _, pair) in siblings {
                let number = pairs.numbers[pair].1;
                groups.push(inner.group(number, 1, pairs.sums[pair]));
            }
        }
        groups.order = pairs.order(tree.iter().map(|&(_, _, pair)| pair));
        groups
    }

    /// Adds a group whose rows follow those of the last one of its depth.
    fn push(&mut self, mut group: Group) {
        let mut before = self.all.iter().rev();
        let start = match before.next() {
            None => 0,
            Some(last) if last.depth < group.depth => last.span.start,
            Some(last) => last.span.end,
        };
        group.span = start..start + group.sum.sockets;
        self.all.push(group);
    }

    /// How many groups of the first field there are.
    pub fn count(&self) -> usize {
        self.outer().count()
    }

    /// The groups of the first field, each with those within it.
    pub fn outer(&self) -> impl Iterator<Item = (&Group, &[Group])> {
        let families = self.all.chunk_by(|_, next| next.depth > 0);
        families.filter_map(|family| family.split_first())
    }

    /// The groups that contain no others, each with the one that it is in.
    pub fn innermost(&self) -> impl Iterator<Item = (Option<&Group>, &Group)> {
        self.outer().flat_map(|(outer, within)| {
            let alone = within.is_empty().then_some((None, outer));
            let within = within.iter().map(move |inner| (Some(outer), inner));
            alone.into_iter().chain(within)
        })
    }
}

/// The indices of the rows in the order of their places in memory, where reading one after the other is quick.
fn in_memory_order(rows: &[&Row]) -> impl Iterator<Item = usize> + use<> {
    let rows = rows.iter().enumerate();
    let places = rows.map(|(at, &row)| (std::ptr::from_ref(row).addr(), at));
    let mut places: Vec<_> = places.collect();
    places.sort_unstable();
    places.into_iter().map(|(_, at)| at)
}

/// The different keys of a field, numbered as they occur.
struct Level<'a> {
    by: GroupBy,
    texts: Texts<'a>,
    numbers: HashMap<KeyNumber, usize, BuildSpread>,
    /// Addresses can be chosen from outside, so that theirs is the hash that resists it.
    addresses: HashMap<KeyNumber, usize>,
    /// For each number the first row that has the key.
    first: Vec<usize>,
}

impl<'a> Level<'a> {
    fn new(by: GroupBy) -> Self {
        Self {
            by,
            texts: Texts::default(),
            numbers: HashMap::default(),
            addresses: HashMap::new(),
            first: Vec::new(),
        }
    }

    /// The number of the key of a row.
    fn number(&mut self, row: &'a Row, at: usize) -> usize {
        let key = self.by.number(row, &mut self.texts);
        let next = self.first.len();
        let number = match self.by {
            GroupBy::Peer | GroupBy::Network => *self.addresses.entry(key).or_insert(next),
            _ => *self.numbers.entry(key).or_insert(next),
        };
        if number == next {
            self.first.push(at);
        }
        number
    }

    fn ranked(self, rows: &[&Row]) -> Ranked {
        let keys = self.first.iter().map(|&at| self.by.key(rows[at]));
        let keys: Vec<_> = keys.collect();
        let mut order: Vec<_> = (0..keys.len()).collect();
        order.sort_unstable_by(|&a, &b| keys[a].compare(&keys[b]).then(a.cmp(&b)));
        let mut ranks = vec![0; keys.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number] = rank;
        }
        let by = self.by;
        Ranked { by, keys, ranks }
    }
}

/// The keys of a field by their numbers, each with its rank among them.
struct Ranked {
    by: GroupBy,
    keys: Vec<GroupKey>,
    ranks: Vec<u64>,
}

/// The place of a group among others, as numbers to sort by: those without a value last.
type Place = (bool, u64, u64);

impl Ranked {
    fn place(&self, number: usize, sum: &Sum, grouping: Grouping) -> Place {
        let rank = self.ranks[number];
        let mut reverse = grouping.reverse;
        let of_sum = SUMS
            .iter()
            .find(|(column, _)| grouping.sort == Some(*column));
        let value = match grouping.sort {
            _ if let Some((_, value)) = of_sum => value(sum),
            Some(column) if column == self.by.column() => {
                Some(rank).filter(|_| self.keys[number] != GroupKey::None)
            }
            sort => {
                reverse &= sort.is_none();
                Some(u64::MAX - sum.sockets as u64)
            }
        };
        let mask = if reverse { u64::MAX } else { 0 };
        (value.is_none(), value.unwrap_or(0) ^ mask, rank)
    }

    /// For each number its place among all, counted from 0.
    fn places(&self, sums: &[Sum], grouping: Grouping) -> Vec<usize> {
        let numbers = sums.iter().enumerate();
        let mut order: Vec<_> = numbers
            .map(|(number, sum)| (self.place(number, sum, grouping), number))
            .collect();
        order.sort_unstable();
        let mut places = vec![0; order.len()];
        for (place, (_, number)) in order.into_iter().enumerate() {
            places[number] = place;
        }
        places
    }

    fn group(&self, number: usize, depth: usize, sum: Sum) -> Group {
        Group {
            by: self.by,
            key: self.keys[number].clone(),
            depth,
            sum,
            span: 0..0,
        }
    }
}

/// The pairs of keys that occur, numbered as they occur.
#[derive(Default)]
struct Pairs {
    known: HashMap<(usize, usize), usize, BuildSpread>,
    numbers: Vec<(usize, usize)>,
    sums: Vec<Sum>,
    /// The pair of each row.
    of_rows: Vec<usize>,
}

impl Pairs {
    fn of(rows: usize) -> Self {
        Self {
            of_rows: vec![0; rows],
            ..Self::default()
        }
    }

    /// Adds a row; returns its pair.
    fn add(&mut self, outer: usize, inner: usize, at: usize, row: &Row) -> usize {
        let next = self.numbers.len();
        let pair = *self.known.entry((outer, inner)).or_insert(next);
        if pair == next {
            self.numbers.push((outer, inner));
            self.sums.push(Sum::default());
        }
        self.sums[pair].add_row(row);
        self.of_rows[at] = pair;
        pair
    }

    /// The indices of the rows, pair by pair in this order.
    fn order(&self, pairs: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut next = vec![0; self.numbers.len()];
        let mut end = 0;
        for pair in pairs {
            next[pair] = end;
            end += self.sums[pair].sockets;
        }
        let mut order = vec![0; self.of_rows.len()];
        for (at, &pair) in self.of_rows.iter().enumerate() {
            order[next[pair]] = at;
            next[pair] += 1;
        }
        order
    }
}

#[cfg(test)]
mod tests;
