//! The rates of the last five minutes, of the rows that have any traffic: for sparklines.

use std::collections::HashMap;
use std::time::Duration;

use crate::app::view::bars::sparkline;
use crate::model::{BuildSpread, Moment};
use crate::track::{Bytes, Flows, RowId};

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
    /// The number of the last part, counted from the start of the program.
    part: u64,
    /// Which parts are known, and their rates; that of a part is at the rest of its number.
    rates: [Option<u32>; PARTS],
}

fn part_of(at: Moment) -> u64 {
    at.steady.as_secs() / PART.as_secs()
}

impl RateHistory {
    /// Adds the rates of a table. Rows that have gone are dropped; without counters all are.
    pub fn add(&mut self, flows: &Flows, now: Moment) {
        self.rows.retain(|id, _| flows.of(*id).is_some());
        for (id, flow) in flows.iter() {
            let Some(rate) = flow.rates.map(Bytes::total) else {
                continue;
            };
            // In units of 16 bytes the largest rate is 64 GiB per second.
            let rate = u32::try_from(rate.div_ceil(16)).unwrap_or(u32::MAX);
            let is_new = !self.rows.contains_key(&id);
            if is_new && (rate == 0 || self.rows.len() >= MAX_ROWS) {
                continue;
            }
            let new = || Rates {
                part: part_of(now),
                rates: [None; PARTS],
            };
            self.rows
                .entry(id)
                .or_insert_with(new)
                .add(rate, part_of(now));
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
    fn add(&mut self, rate: u32, part: u64) {
        for skipped in self.part + 1..=part.min(self.part + PARTS as u64) {
            self.rates[index(skipped)] = None;
        }
        self.part = self.part.max(part);
        let known = &mut self.rates[index(part)];
        *known = Some(known.map_or(rate, |known| known.max(rate)));
    }

    fn get(&self, part: u64) -> Option<u32> {
        let is_kept = part <= self.part && part + PARTS as u64 > self.part;
        self.rates[index(part)].filter(|_| is_kept)
    }
}

/// The place of a part.
fn index(part: u64) -> usize {
    usize::try_from(part % PARTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_highest_rate_until_five_minutes_have_passed() {
        let mut rates = Rates {
            part: 5,
            rates: [None; PARTS],
        };
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
        assert_eq!(rates.rates.iter().flatten().count(), 1);
    }
}
