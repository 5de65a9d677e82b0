//! Which rows of the table are shown, and in which order, updated from one table to the next.
//!
//! Unchanged rows keep their position and match result. Rows that are new, changed, or expire with time are matched again.
//! Changing the filter re-matches all rows without sorting; changing the view does neither; changing the order only sorts.

use std::sync::Arc;
use std::time::Duration;

use crate::columns::{Widest, says_more_by_container};
use crate::model::{Moment, NamespaceId, NamespaceScope, Protocol};
use crate::query::activity::Activity;
use crate::query::order::{self, is_of_table, sorted};
use crate::query::{GroupFields, GroupId, Listing, Query, Tab};
use crate::track::{self, Row, Table, TroubleKind};

/// If more than one row in so many is new, sorting all of them is faster than finding the places of the new ones.
const FEW: usize = 32;

/// The rows shown of a table, and the verdicts on all.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    query: Query,
    /// `None` before the first.
    table: Option<Arc<Table>>,
    /// All of its rows, in order.
    order: Vec<usize>,
    verdicts: Vec<Verdict>,
    /// How wide the texts of each row are.
    widths: Vec<Widest>,
    /// The same of those that view and filter admit, whether their group is open or not.
    widest: Option<Widest>,
    /// When, on the steady clock, a row has to be read again, the soonest first.
    due: Vec<(Duration, usize)>,
    /// By which fields the rows are grouped.
    fields: Option<GroupFields>,
    shown: Listing,
    /// What happens in each group of the listing.
    activity: Vec<Activity>,
    /// How often the rows were grouped anew.
    generation: u64,
    /// The rows in trouble, whether they are shown or not.
    in_trouble: Vec<usize>,
    counts: Counts,
    /// Of the open sockets of the namespaces of the query, by kind.
    kinds: track::Counts,
    /// Whether the container of a row that is shown is said by no other column.
    has_containers: bool,
}

/// How many rows match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// In the view, without a filter and with every protocol.
    pub unfiltered: usize,
    /// In each view.
    pub by_tab: [usize; Tab::ALL.len()],
}

impl Selection {
    pub fn new(query: Query) -> Self {
        Self {
            query,
            table: None,
            order: Vec::new(),
            verdicts: Vec::new(),
            widths: Vec::new(),
            widest: None,
            due: Vec::new(),
            fields: None,
            shown: Listing::default(),
            activity: Vec::new(),
            generation: 0,
            in_trouble: Vec::new(),
            counts: Counts::default(),
            kinds: track::Counts::default(),
            has_containers: false,
        }
    }

    /// One that has no data of rows yet, but the same groups, open and closed.
    pub fn restarted(&self, query: Query) -> Self {
        Self {
            fields: self.fields,
            shown: self.shown.emptied(),
            generation: self.generation + 1,
            ..Self::new(query)
        }
    }

    pub const fn shown(&self) -> &Listing {
        &self.shown
    }

    pub const fn fields(&self) -> Option<GroupFields> {
        self.fields
    }

    /// What happens in the group of this index of the listing.
    pub fn activity(&self, group: usize) -> Activity {
        self.activity.get(group).copied().unwrap_or_default()
    }

    /// The same number as before: the listing has the same groups with the same rows.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Groups the rows by other fields. They are listed so by the next update.
    pub fn group_by(&mut self, fields: Option<GroupFields>) {
        self.fields = fields;
    }

    /// Opens or closes a group.
    pub fn set_open(&mut self, group: GroupId, is_open: bool) {
        self.shown.set_open(group, is_open);
    }

    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The widest texts of the rows that view and filter admit; `None` if there are none.
    pub const fn widest(&self) -> Option<Widest> {
        self.widest
    }

    /// How many open sockets of the query's namespaces there are of each kind.
    pub const fn kinds(&self) -> &track::Counts {
        &self.kinds
    }

    /// Whether the container of a row that is shown is said by neither its namespace nor its command.
    pub const fn has_containers(&self) -> bool {
        self.has_containers
    }

    /// The rows in trouble in the query's namespaces and what that is, in the order of the table. Neither view nor filter
    /// leaves any out.
    pub fn in_trouble(&self) -> impl Iterator<Item = (usize, TroubleKind)> {
        let kind = |&at: &usize| Some((at, self.verdicts.get(at)?.trouble?));
        self.in_trouble.iter().filter_map(kind)
    }

    /// How many rows in trouble this view would show, with the same filter.
    pub fn count_in_trouble(&self, tab: Tab) -> usize {
        let query = Query {
            tab,
            ..self.query.clone()
        };
        let rows = self.in_trouble.iter();
        let rows = rows.filter_map(|&at| self.verdicts.get(at));
        rows.filter(|verdict| verdict.is_shown(&query)).count()
    }

    /// Whether the row of the table is one of those shown.
    pub fn shows(&self, at: usize) -> bool {
        let verdict = self.verdicts.get(at);
        verdict.is_some_and(|verdict| verdict.is_shown(&self.query))
    }

    /// When, on the steady clock, time will change the selection: the first moment after `now`.
    pub fn next_due(&self, now: Moment) -> Option<Duration> {
        let ahead = self.due.partition_point(|&(at, _)| at <= now.steady);
        self.due.get(ahead).map(|&(at, _)| at)
    }

    /// Selects by this query from this table at `now`, which is never before the last one. Returns the rows that were
    /// read again, those that had run out first.
    pub fn update(&mut self, query: &Query, table: &Arc<Table>, now: Moment) -> Vec<usize> {
        let has_other_filter = self.query.filter != query.filter;
        let had_ages = has_other_filter && self.query.filter.has_ages();
        let sort = self.query.sort;
        let is_other_query = self.query != *query;
        if is_other_query {
            self.query = query.clone();
        }
        let own = self.table.as_ref();
        let is_other_table = !own.is_some_and(|own| Arc::ptr_eq(own, table));
        let rows_before = self.order.len();
        let new = if is_other_table {
            self.set_table(table)
        } else {
            Vec::new()
        };
        let has_other_rows = !new.is_empty() || self.order.len() != rows_before;
        let is_outdated = sort != query.sort || is_other_table && is_of_table(sort);
        self.place(&new, is_outdated, table);
        let over = self.due.partition_point(|&(at, _)| at <= now.steady);
        let mut again: Vec<_> = self.due.drain(..over).map(|(_, at)| at).collect();
        again.extend(new);
        let has_other_ages = had_ages || has_other_filter && query.filter.has_ages();
        let has_other_counters = is_other_table && query.filter.needs_counters();
        if has_other_ages || has_other_counters {
            // Rows are due at other times.
            self.due.clear();
            again = (0..table.rows.len()).collect();
        }
        self.judge(&again, table, now);
        if has_other_filter && !(has_other_ages || has_other_counters) {
            let mut filter = self.query.pass(now).with_flows(&table.flows);
            for (verdict, row) in self.verdicts.iter_mut().zip(&table.rows) {
                verdict.matches_filter = filter.matches(row);
            }
            again = (0..table.rows.len()).collect();
        }
        let is_regrouped = self.fields != self.shown.fields();
        if is_other_query || is_other_table || is_regrouped || !again.is_empty() {
            let (verdicts, order) = (&self.verdicts, self.order.iter().copied());
            let rows = order.filter(|&at| verdicts[at].is_shown(&self.query));
            // The sums of groups change with the counters.
            let has_other_sums =
                is_other_table && table.flows.is_counted() && self.fields.is_some();
            self.list(rows.collect(), has_other_rows || has_other_sums, table, now);
            self.sum_up();
        }
        if is_other_query || is_other_table {
            self.kinds = match query.namespaces {
                NamespaceScope::Own => table.counts,
                scope => track::Counts::of_namespaces(&table.rows, scope),
            };
        }
        again
    }

    /// Counts the rows by their verdicts.
    fn sum_up(&mut self) {
        let (verdicts, query) = (&self.verdicts, &self.query);
        self.counts = Counts::of(verdicts, query);
        let rows = verdicts.iter().enumerate();
        let in_trouble = rows.filter(|(_, verdict)| {
            verdict.trouble.is_some() && query.namespaces.has(verdict.namespace)
        });
        self.in_trouble = in_trouble.map(|(at, _)| at).collect();
        let admitted = || {
            let rows = verdicts.iter().zip(&self.widths);
            rows.filter(|(verdict, _)| verdict.is_shown(query))
        };
        self.widest = Widest::among(admitted().map(|(_, widths)| widths));
        self.has_containers = admitted().any(|(verdict, _)| verdict.says_container);
    }

    /// Lists these rows, unless they are the ones that are listed already.
    fn list(&mut self, rows: Vec<usize>, has_other_rows: bool, table: &Table, now: Moment) {
        let grouping = self.fields.map(|fields| fields.sorted_by(self.query.sort));
        let has_same_groups = !has_other_rows && grouping == self.shown.grouping();
        if !has_same_groups || self.shown.selected() != rows {
            self.shown.set_rows(rows, grouping, table);
            self.generation += 1;
        }
        let verdicts = &self.verdicts;
        let window = table.connections.window();
        let has_changed = |at: usize| verdicts[at].tabs[Tab::Changes as usize];
        let activity = |row: usize| {
            let changed = has_changed(row).then(|| &*table.rows[row]);
            let trouble = verdicts[row].trouble;
            Activity::of_row(changed, trouble, window, now, self.query.highlight)
        };
        let groups = self.shown.groups().iter();
        let activities = groups.map(|group| {
            let rows = self.shown.rows_of(group);
            rows.map(activity).fold(Activity::default(), Activity::and)
        });
        self.activity = activities.collect();
    }

    /// Carries over the data of rows that are also in this table; returns the others.
    fn set_table(&mut self, table: &Arc<Table>) -> Vec<usize> {
        let before = self.table.replace(Arc::clone(table));
        let rows = before.as_ref().map_or(&[][..], |before| &before.rows);
        let (moved, new) = compare(rows, &table.rows);
        let order = self.order.iter().filter_map(|&at| moved[at]);
        self.order = order.collect();
        let due = self.due.iter();
        let due = due.filter_map(|&(time, at)| Some((time, moved[at]?)));
        self.due = due.collect();
        let mut verdicts = vec![Verdict::UNKNOWN; table.rows.len()];
        let mut widths = vec![Widest::default(); table.rows.len()];
        let kept = self.verdicts.iter().zip(&self.widths).zip(moved);
        for ((verdict, cells), at) in kept {
            if let Some(at) = at {
                (verdicts[at], widths[at]) = (*verdict, *cells);
            }
        }
        for &at in &new {
            widths[at] = Widest::of(&table.rows[at]);
        }
        (self.verdicts, self.widths) = (verdicts, widths);
        new
    }

    /// Gives new rows their places among the others, or all if their order is outdated.
    fn place(&mut self, new: &[usize], is_outdated: bool, table: &Table) {
        let (rows, sort) = (&table.rows, self.query.sort);
        if is_outdated || new.len() > rows.len() / FEW {
            let all: Vec<_> = (0..rows.len()).collect();
            self.order = sorted(table, &all, sort);
        } else if !new.is_empty() {
            self.order = order::merged(table, &self.order, &sorted(table, new, sort), sort);
        }
    }

    fn judge(&mut self, rows: &[usize], table: &Table, now: Moment) {
        let known = self.due.len();
        let mut filter = self.query.pass(now).with_flows(&table.flows);
        for &at in rows {
            let row = &table.rows[at];
            self.verdicts[at] = Verdict {
                tabs: Tab::ALL.map(|tab| tab.admits(row, now)),
                protocol: row.socket.protocol,
                namespace: row.socket.namespace_id(),
                is_over: self.query.is_over(row, now),
                matches_filter: filter.matches(row),
                says_container: says_more_by_container(row),
                trouble: row.trouble(now),
            };
            let due = self.query.next_due(row, &filter, now);
            self.due.extend(due.map(|time| (time, at)));
        }
        if self.due.len() > known {
            self.due.sort_unstable();
        }
    }
}

impl Counts {
    fn of(verdicts: &[Verdict], query: &Query) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts.iter().filter(|verdict| !verdict.is_over) {
            let is_in_scope = query.namespaces.has(verdict.namespace);
            counts.unfiltered += usize::from(is_in_scope && verdict.tabs[query.tab as usize]);
            if verdict.passes(query) {
                for (count, is_in) in counts.by_tab.iter_mut().zip(verdict.tabs) {
                    *count += usize::from(is_in);
                }
            }
        }
        counts
    }
}

/// Cached data of a row that determines whether it is shown, without reading the row again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    /// Whether each view admits it, in the order of [`Tab::ALL`].
    tabs: [bool; Tab::ALL.len()],
    protocol: Protocol,
    namespace: NamespaceId,
    /// Whether it is closed and has lingered long enough.
    is_over: bool,
    matches_filter: bool,
    says_container: bool,
    trouble: Option<TroubleKind>,
}

impl Verdict {
    /// Of a row that was not read yet.
    const UNKNOWN: Self = Self {
        tabs: [false; Tab::ALL.len()],
        protocol: Protocol::Tcp,
        namespace: NamespaceId::OWN,
        is_over: true,
        matches_filter: false,
        says_container: false,
        trouble: None,
    };

    const fn passes(self, query: &Query) -> bool {
        self.matches_filter
            && query.kinds.has(self.protocol)
            && query.namespaces.has(self.namespace)
    }

    const fn is_shown(self, query: &Query) -> bool {
        !self.is_over && self.tabs[query.tab as usize] && self.passes(query)
    }
}

/// Compares two tables: for each row of the first its index in the second, if that has the very same row; and the
/// indices of those rows of the second that the first lacks.
pub(super) fn compare(before: &[Arc<Row>], after: &[Arc<Row>]) -> (Vec<Option<usize>>, Vec<usize>) {
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
