//! Which rows of the table are shown, and in which order, kept from one moment to the next.
//!
//! A row that is the very same one as in the table before keeps its place among the others and what
//! was found of it. Only what is new or changed, or runs out with time, is looked at again; another
//! filter looks at every row but sorts none, another view looks at none, another order sorts them.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Moment;
use crate::query::order::{self, sorted};
use crate::query::verdict::Verdict;
use crate::query::{Criteria, Sort};
use crate::track::{Row, Table};

/// Finding the places of more newcomers than one in so many rows takes longer than sorting all.
const FEW: usize = 32;

/// The rows shown of a table, and what is known of the others.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    criteria: Criteria,
    /// The table that it is of; `None` before the first.
    table: Option<Arc<Table>>,
    /// All of its rows, in order.
    order: Vec<usize>,
    verdicts: Vec<Verdict>,
    /// When, on the steady clock, a row will have to be looked at again, the soonest first.
    due: Vec<(Duration, usize)>,
    shown: Vec<usize>,
    counts: Counts,
}

/// How many rows there are to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// In the view, without a filter and with every protocol.
    pub unfiltered: usize,
    /// In each view.
    pub by_tab: [usize; 4],
}

impl Selection {
    /// A selection from no table.
    pub fn new(criteria: Criteria) -> Self {
        Self {
            criteria,
            table: None,
            order: Vec::new(),
            verdicts: Vec::new(),
            due: Vec::new(),
            shown: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// The rows shown: indices into the table's, in order.
    pub fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// How many there are to show.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the row of the table is one of those shown.
    pub fn shows(&self, at: usize) -> bool {
        let verdict = self.verdicts.get(at);
        verdict.is_some_and(|verdict| verdict.is_shown(&self.criteria))
    }

    /// When, on the steady clock, time will change the selection: the first moment after `now`.
    pub fn next_due(&self, now: Moment) -> Option<Duration> {
        let ahead = self.due.partition_point(|&(at, _)| at <= now.steady);
        self.due.get(ahead).map(|&(at, _)| at)
    }

    /// Selects by these criteria from this table at `now`, which never lies before the last one.
    /// Returns the rows that were looked at again, those that had run out first.
    pub fn update(&mut self, criteria: &Criteria, table: &Arc<Table>, now: Moment) -> Vec<usize> {
        let has_other_filter = self.criteria.filter != criteria.filter;
        let sort = self.criteria.sort;
        let has_other_criteria = self.criteria != *criteria;
        if has_other_criteria {
            self.criteria = criteria.clone();
        }
        let is_other_table = !self.is_of(table);
        let newcomers = if is_other_table {
            self.take_table(table)
        } else {
            Vec::new()
        };
        self.place(&newcomers, sort);
        let mut again = self.take_due(now);
        again.extend(newcomers);
        self.judge(&again, now);
        if has_other_filter {
            self.filter(now);
            again = (0..table.rows.len()).collect();
        }
        if has_other_criteria || is_other_table || !again.is_empty() {
            self.show();
        }
        again
    }

    fn is_of(&self, table: &Arc<Table>) -> bool {
        let own = self.table.as_ref();
        own.is_some_and(|own| Arc::ptr_eq(own, table))
    }

    /// Carries over what is known of the rows that are in this table too; returns the others.
    fn take_table(&mut self, table: &Arc<Table>) -> Vec<usize> {
        let before = self.table.replace(Arc::clone(table));
        let rows = before.as_ref().map_or(&[][..], |before| &before.rows);
        let (moved, newcomers) = compare(rows, &table.rows);
        let order = self.order.iter();
        self.order = order.filter_map(|&at| moved[at]).collect();
        self.due = (self.due.iter())
            .filter_map(|&(time, at)| Some((time, moved[at]?)))
            .collect();
        let mut verdicts = vec![Verdict::NOT_YET; table.rows.len()];
        for (verdict, at) in self.verdicts.iter().zip(moved) {
            if let Some(at) = at {
                verdicts[at] = *verdict;
            }
        }
        self.verdicts = verdicts;
        newcomers
    }

    /// Gives newcomers their places among the others, which stand in the order of `before`.
    fn place(&mut self, newcomers: &[usize], before: Sort) {
        let Some(table) = &self.table else { return };
        let (rows, sort) = (&table.rows, self.criteria.sort);
        if before != sort || newcomers.len() > rows.len() / FEW {
            let all: Vec<_> = (0..rows.len()).collect();
            self.order = sorted(rows, &all, sort);
        } else if !newcomers.is_empty() {
            let newcomers = sorted(rows, newcomers, sort);
            self.order = order::merged(rows, &self.order, &newcomers, sort);
        }
    }

    /// The rows that have run out.
    fn take_due(&mut self, now: Moment) -> Vec<usize> {
        let over = self.due.partition_point(|&(at, _)| at <= now.steady);
        self.due.drain(..over).map(|(_, at)| at).collect()
    }

    fn judge(&mut self, rows: &[usize], now: Moment) {
        let Some(table) = &self.table else { return };
        let known = self.due.len();
        let mut filter = self.criteria.pass(now);
        for &at in rows {
            let row = &table.rows[at];
            self.verdicts[at] = Verdict::of(row, &self.criteria, &mut filter, now);
            let expires_at = self.criteria.expires_at(row);
            let due = expires_at.filter(|&time| time > now.steady);
            self.due.extend(due.map(|time| (time, at)));
        }
        if self.due.len() > known {
            self.due.sort_unstable();
        }
    }

    /// Asks the filter about every row.
    fn filter(&mut self, now: Moment) {
        let Some(table) = &self.table else { return };
        let mut filter = self.criteria.pass(now);
        for (verdict, row) in self.verdicts.iter_mut().zip(&table.rows) {
            verdict.ask(row, &mut filter);
        }
    }

    /// Collects what the verdicts let through.
    fn show(&mut self) {
        let (verdicts, criteria) = (&self.verdicts, &self.criteria);
        let order = self.order.iter().copied();
        self.shown = order
            .filter(|&at| verdicts[at].is_shown(criteria))
            .collect();
        self.counts = Counts::of(verdicts, criteria);
    }
}

impl Counts {
    fn of(verdicts: &[Verdict], criteria: &Criteria) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts.iter().filter(|verdict| !verdict.is_over) {
            counts.unfiltered += usize::from(verdict.tabs[criteria.tab as usize]);
            if verdict.passes(criteria) {
                for (count, is_in) in counts.by_tab.iter_mut().zip(verdict.tabs) {
                    *count += usize::from(is_in);
                }
            }
        }
        counts
    }
}

/// Compares two tables: for each row of the first its index in the second, if that has the very
/// same row, and the indices of those rows of the second that the first lacks.
fn compare(before: &[Arc<Row>], after: &[Arc<Row>]) -> (Vec<Option<usize>>, Vec<usize>) {
    let mut moved = Vec::with_capacity(before.len());
    let mut newcomers = Vec::new();
    let mut next = 0;
    for row in before {
        let is_same = |other: &Arc<Row>| Arc::ptr_eq(row, other);
        let is_between = |other: &Arc<Row>| !is_same(other) && other.id < row.id;
        while after.get(next).is_some_and(is_between) {
            newcomers.push(next);
            next += 1;
        }
        let is_kept = after.get(next).is_some_and(is_same);
        moved.push(is_kept.then_some(next));
        next += usize::from(is_kept);
    }
    newcomers.extend(next..after.len());
    (moved, newcomers)
}

#[cfg(test)]
#[path = "tests/selection.rs"]
mod tests;
