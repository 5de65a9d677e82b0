//! The rates of the last five minutes, of the rows that have any traffic: for sparklines.

use std::collections::HashMap;
use std::time::Duration;

use crate::app::view::bars::sparkline;
use crate::model::{BuildSpread, Moment};
use crate::track::{Bytes, RowId, Table};

/// How many parts the time has, and how long each is.
const PARTS: usize = 30;
const PART: Duration = Duration::from_secs(10);

/// The most rows: 250 bytes each.
const MAX_ROWS: usize = 1000;

/// The highest rate of each part, in bytes per second, both directions together.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateHistory {
    rows: HashMap<RowId, Rates, BuildSpread>,
}

#[derive(Clone, Debug)]
struct Rates {
    /// When the row was first seen: a row that takes the id of a closed one is another socket.
    first_seen: Moment,
    /// The number of the last part, counted from the start of the program.
    part: u64,
    /// Which parts are known, and their rates; that of a part is at the rest of its number.
    by_part: [Option<u32>; PARTS],
}

fn part_of(at: Moment) -> u64 {
    at.steady.as_secs() / PART.as_secs()
}

impl RateHistory {
    /// Adds the rates of a table. Rows that have gone are dropped; without counters all are.
    pub fn add(&mut self, table: &Table) {
        let now = table.taken_at;
        self.rows.retain(|id, rates| {
            let row = table.row(*id);
            let is_same = row.is_some_and(|row| row.first_seen == rates.first_seen);
            is_same && table.flows.of(*id).is_some()
        });
        for (id, flow) in table.flows.iter() {
            let Some(rate) = flow.rates.map(Bytes::total) else {
                continue;
            };
            // In units of 16 bytes the largest rate is 64 GiB per second.
            let rate = u32::try_from(rate.div_ceil(16)).unwrap_or(u32::MAX);
            if let Some(rates) = self.rows.get_mut(&id) {
                rates.add(rate, part_of(now));
            } else if rate > 0
                && self.rows.len() < MAX_ROWS
                && let Some(row) = table.row(id)
            {
                let mut rates = Rates::begin(row.first_seen, part_of(now));
                rates.add(rate, part_of(now));
                self.rows.insert(id, rates);
            }
        }
    }

    /// The last five minutes, if there was any traffic.
    pub fn sparkline(&self, row: RowId, now: Moment) -> Option<String> {
        let rates = self.rows.get(&row)?;
        let now = part_of(now);
        let first = (now + 1).saturating_sub(PARTS as u64);
        let numbers = (first..=now).map(|part| rates.get(part).map(|rate| rate as usize));
        Some(sparkline(&numbers.collect::<Vec<_>>()))
    }
}

impl Rates {
    const fn begin(first_seen: Moment, part: u64) -> Self {
        Self {
            first_seen,
            part,
            by_part: [None; PARTS],
        }
    }

    fn add(&mut self, rate: u32, part: u64) {
        for skipped in self.part + 1..=part.min(self.part + PARTS as u64) {
            self.by_part[index(skipped)] = None;
        }
        self.part = self.part.max(part);
        let known = &mut self.by_part[index(part)];
        *known = Some(known.map_or(rate, |known| known.max(rate)));
    }

    fn get(&self, part: u64) -> Option<u32> {
        let is_kept = part <= self.part && part + PARTS as u64 > self.part;
        self.by_part[index(part)].filter(|_| is_kept)
    }
}

/// The place of a part.
fn index(part: u64) -> usize {
    usize::try_from(part % PARTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        Counted, Counters, Endpoint, Kinds, NamespaceId, Protocol, Snapshot, Socket, State, TcpInfo,
    };
    use crate::track::Tracker;

    #[test]
    fn each_part_has_its_highest_rate_until_five_minutes_have_passed() {
        let mut rates = Rates::begin(Moment::default(), 5);
        rates.add(10, 5);
        rates.add(7, 5);
        rates.add(3, 7);
        let all = [4, 5, 6, 7, 8].map(|part| rates.get(part));
        assert_eq!(all, [None, Some(10), None, Some(3), None]);
        rates.add(1, 5 + PARTS as u64);
        assert_eq!(rates.get(5), None);
        assert_eq!(rates.get(7), Some(3));
        rates.add(1, 5000);
        assert_eq!(rates.get(7), None);
        assert_eq!(rates.by_part.iter().flatten().count(), 1);
    }

    /// A table a second later, with one connection of this cookie that has received so much.
    fn table(tracker: &mut Tracker, second: u64, cookie: Option<u64>, received: u64) -> Arc<Table> {
        let cookie = cookie.and_then(NonZeroU64::new);
        let end = |port| Endpoint::new([127, 0, 0, 1].into(), port);
        let sockets = cookie.map(|_| Socket {
            cookie,
            ..Socket::new(Protocol::Tcp, end(80), Some(end(9)), State::Established)
        });
        let tcp = Some(TcpInfo {
            bytes_received: received,
            ..TcpInfo::default()
        });
        let counted = cookie.map(|cookie| Counted {
            namespace: NamespaceId::OWN,
            cookie,
            counters: Counters { tcp, drops: None },
        });
        let update = tracker.apply(Snapshot {
            taken_at: Moment {
                steady: Duration::from_secs(second),
                ..Moment::default()
            },
            kinds: Kinds::DEFAULT,
            sockets: sockets.into_iter().collect(),
            counters: Some(counted.into_iter().collect()),
            ..Snapshot::default()
        });
        update.table
    }

    #[test]
    fn a_socket_with_the_row_of_a_closed_one_has_a_sparkline_of_its_own() {
        let mut tracker = Tracker::new(Duration::from_mins(1));
        let mut history = RateHistory::default();
        let mut ids = Vec::new();
        for (second, cookie, received) in [
            (1, Some(5), 0),
            (2, Some(5), 9000),
            (3, None, 0),
            (4, None, 0),
            (5, Some(6), 0),
            (6, Some(6), 0),
        ] {
            let table = table(&mut tracker, second, cookie, received);
            history.add(&table);
            let id = table.rows[0].id;
            let has_sparkline = history.sparkline(id, table.taken_at).is_some();
            assert_eq!(has_sparkline, (2..5).contains(&second), "{second}");
            ids.push(id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "the row is the same");
    }
}
