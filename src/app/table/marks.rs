//! The marked rows: end, copy, write and pin act on them instead of the selected row.
//!
//! Marks belong to rows, not to lines: filter, view, order and refresh don't change them. A row that leaves the table
//! loses its mark, and so does one that another process has got. A closed row keeps it as long as it is in the table.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::app::table::cursor::Step;
use crate::model::{Moment, Owner, counted};
use crate::query::Group;
use crate::track::{Row, RowId, Table};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<RowId, Marked>);

/// Whose socket was marked: another one on the same addresses may get the row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marked {
    first_seen: Moment,
    owner: Owner,
}

impl Marked {
    fn of(row: &Row) -> Self {
        Self {
            first_seen: row.first_seen,
            owner: row.socket.owner.clone(),
        }
    }

    /// Whether the row still belongs to what was marked: the same socket, whatever its state, or another one of the
    /// same process. An owner that was not known yet is learned.
    fn is_of(&mut self, row: &Row) -> bool {
        let owner = &row.socket.owner;
        if self.owner.shares_process_with(owner) {
            return true;
        }
        if self.first_seen != row.first_seen {
            return false;
        }
        if self.owner.processes().is_empty() {
            self.owner = owner.clone();
        }
        owner.processes().is_empty() || self.owner.shares_process_with(owner)
    }
}

impl Marks {
    pub fn has(&self, id: RowId) -> bool {
        self.0.contains_key(&id)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes the marks of rows that are no longer in the table, or that another process has now.
    pub fn keep_those_in(&mut self, table: &Table) {
        self.0
            .retain(|&id, marked| table.row(id).is_some_and(|row| marked.is_of(row)));
    }

    /// Marks all of these, or unmarks them if all are marked.
    fn toggle(&mut self, rows: Vec<(RowId, Marked)>) {
        if rows.iter().all(|&(id, _)| self.has(id)) {
            for (id, _) in rows {
                self.0.remove(&id);
            }
        } else {
            self.add(rows);
        }
    }

    /// Those that are marked already keep their marks.
    fn add(&mut self, rows: Vec<(RowId, Marked)>) {
        for (id, marked) in rows {
            self.0.entry(id).or_insert(marked);
        }
    }
}

impl App {
    /// The rows that end, copy, write and pin act on: the marked ones, else those at the cursor.
    pub(crate) fn acted_on_rows(&self) -> Vec<&Row> {
        if self.rows.marks.is_empty() {
            self.rows_at_cursor()
        } else {
            self.marked_rows()
        }
    }

    /// The rows to write: the marked ones, else all shown.
    pub(crate) fn written_rows(&self) -> Vec<RowId> {
        let id = |row: &Row| row.id;
        if self.rows.marks.is_empty() {
            let rows = self.rows.selection.shown().rows(&self.rows.table);
            rows.map(id).collect()
        } else {
            self.marked_rows().into_iter().map(id).collect()
        }
    }

    /// `1 marked row is not shown`: the titles of questions and menus about marked rows say so; `None` if all are.
    pub(crate) fn hidden_marks_text(&self) -> Option<String> {
        let shows = |id: &RowId| {
            let at = self.rows.table.position(*id);
            at.is_some_and(|at| self.rows.selection.shows(at))
        };
        let hidden = self.rows.marks.0.keys().filter(|id| !shows(id)).count();
        let verb = if hidden == 1 { "is" } else { "are" };
        let rows = counted(hidden, "marked row", "marked rows");
        (hidden > 0).then(|| format!("{rows} {verb} not shown"))
    }

    /// Those shown first, in their order; then those that view or filter hides, in the order of the table.
    fn marked_rows(&self) -> Vec<&Row> {
        let (rows, marks) = (&self.rows, &self.rows.marks);
        let shown = rows.selection.shown().rows(&rows.table);
        let mut marked: Vec<&Row> = shown.filter(|row| marks.has(row.id)).collect();
        if marked.len() < marks.len() {
            let is_shown: BTreeSet<RowId> = marked.iter().map(|row| row.id).collect();
            let hidden = marks.0.keys().filter(|id| !is_shown.contains(id));
            marked.extend(hidden.filter_map(|&id| rows.table.row(id)));
        }
        marked
    }

    /// Whether all rows of a group are marked.
    pub(crate) fn is_group_marked(&self, group: &Group) -> bool {
        let (rows, marks) = (&self.rows, &self.rows.marks);
        let mut of_group = rows.selection.shown().rows_of(group);
        !marks.is_empty() && of_group.all(|at| marks.has(rows.table.rows[at].id))
    }

    /// Marks or unmarks the row at the cursor, or all rows of the group there, and goes to the next line.
    pub(crate) fn mark_row(&mut self, now: Moment) {
        let at_cursor = self.rows_at_cursor().into_iter();
        let rows: Vec<_> = at_cursor.map(|row| (row.id, Marked::of(row))).collect();
        if rows.is_empty() {
            return self.warn("no row is selected", now);
        }
        self.rows.marks.toggle(rows);
        self.step(Step::By(1));
    }

    /// Marks all rows shown. If they are marked already, removes every mark, also of hidden rows.
    pub(crate) fn mark_all(&mut self, now: Moment) {
        let shown = self.rows.selection.shown().rows(&self.rows.table);
        let rows: Vec<_> = shown.map(|row| (row.id, Marked::of(row))).collect();
        if rows.is_empty() {
            return self.warn("no rows are shown", now);
        }
        let marks = &mut self.rows.marks;
        if rows.iter().all(|&(id, _)| marks.has(id)) {
            return self.clear_marks(now);
        }
        marks.add(rows);
    }

    pub(crate) fn clear_marks(&mut self, now: Moment) {
        let marks = std::mem::take(&mut self.rows.marks).len();
        if marks > 0 {
            let marks = counted(marks, "row", "rows");
            self.report(format!("unmarked {marks}"), now);
        }
    }
}
