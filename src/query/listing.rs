//! The lines of the table on the screen: rows, or groups of rows, open or closed.
//!
//! Whatever goes by the place of a line (keys, mouse, scrollbar, cursor) looks it up here. Which groups are open is kept by
//! their keys, so that it outlives every refresh.

use std::collections::HashSet;

use crate::query::{Group, GroupBy, GroupFields, GroupKey, Grouping, Groups};
use crate::track::{Row, RowId, Table};

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A row, by its index in the table.
    Row(usize),
    /// A group, by its index in [`Listing::groups`].
    Group(usize),
}

/// What a line shows, whatever its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineId {
    Row(RowId),
    Group(GroupId),
}

/// Identifies a group as long as rows have its keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupId {
    outer: (GroupBy, GroupKey),
    /// Within the outer group.
    inner: Option<(GroupBy, GroupKey)>,
}

/// The lines in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The rows in the order of the table, as indices into its rows.
    selected: Vec<usize>,
    /// `None`: each row is a line.
    grouped: Option<Grouped>,
    open: HashSet<GroupId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Grouped {
    grouping: Grouping,
    /// Of the selected rows.
    groups: Groups,
    /// The indices of the groups that are within no other, ascending.
    outer: Vec<usize>,
    lines: Vec<Line>,
}

impl Listing {
    #[cfg(test)]
    pub fn of_rows(rows: impl Iterator<Item = usize>) -> Self {
        Self {
            selected: rows.collect(),
            ..Self::default()
        }
    }

    /// Without rows, but with the same groups open.
    pub fn emptied(&self) -> Self {
        Self {
            open: self.open.clone(),
            ..Self::default()
        }
    }

    /// Lists these rows of the table, by group if there is a grouping.
    pub fn set_rows(&mut self, rows: Vec<usize>, grouping: Option<Grouping>, table: &Table) {
        self.grouped = grouping.map(|grouping| {
            let selected: Vec<_> = rows.iter().map(|&at| &*table.rows[at]).collect();
            let groups = Groups::with_flows(&selected, grouping, &table.flows);
            let all = groups.all.iter().enumerate();
            let outer = all.filter(|(_, group)| group.depth == 0);
            Grouped {
                grouping,
                outer: outer.map(|(at, _)| at).collect(),
                groups,
                lines: Vec::new(),
            }
        });
        self.selected = rows;
        self.set_lines();
    }

    fn set_lines(&mut self) {
        let Some(Grouped { groups, lines, .. }) = &mut self.grouped else {
            return;
        };
        lines.clear();
        let row = |at: &usize| Line::Row(self.selected[*at]);
        let is_open = |outer: &Group, inner: Option<&Group>| {
            !self.open.is_empty() && self.open.contains(&GroupId::new(outer, inner))
        };
        let mut index = 0;
        for (outer, within) in groups.outer() {
            lines.push(Line::Group(index));
            let first = index + 1;
            index += 1 + within.len();
            if !is_open(outer, None) {
                continue;
            }
            if within.is_empty() {
                lines.extend(groups.order[outer.span.clone()].iter().map(row));
            }
            for (at, inner) in (first..).zip(within) {
                lines.push(Line::Group(at));
                if is_open(outer, Some(inner)) {
                    lines.extend(groups.order[inner.span.clone()].iter().map(row));
                }
            }
        }
    }

    /// By which fields the rows are grouped.
    pub fn fields(&self) -> Option<GroupFields> {
        let Grouping { by, then, .. } = self.grouping()?;
        Some(GroupFields { by, then })
    }

    /// The same, and what orders the groups.
    pub fn grouping(&self) -> Option<Grouping> {
        self.grouped.as_ref().map(|grouped| grouped.grouping)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        let grouped = self.grouped.as_ref();
        grouped.map_or(self.selected.len(), |grouped| grouped.lines.len())
    }

    /// How many rows there are, those in closed groups included.
    pub const fn row_count(&self) -> usize {
        self.selected.len()
    }

    /// The rows in the order of the table, as indices into its rows.
    pub fn selected(&self) -> &[usize] {
        &self.selected
    }

    /// Every row in the order of the lines, those in closed groups included, as indices into the rows of the table.
    pub fn row_indices(&self) -> impl Iterator<Item = usize> {
        let groups = self.grouped.as_ref().map(|grouped| &grouped.groups);
        let order = groups.into_iter().flat_map(|groups| &groups.order);
        let ungrouped = self.selected.iter().filter(move |_| groups.is_none());
        let grouped = order.map(|&at| &self.selected[at]);
        ungrouped.chain(grouped).copied()
    }

    /// Every row in the order of the lines, those in closed groups included.
    pub fn rows<'a>(&self, table: &'a Table) -> impl Iterator<Item = &'a Row> {
        self.row_indices().map(|at| &*table.rows[at])
    }

    /// The groups, each followed by those within it; none if each row is a line.
    pub fn groups(&self) -> &[Group] {
        let grouped = self.grouped.as_ref();
        grouped.map_or(&[], |grouped| &grouped.groups.all)
    }

    /// How many groups of the first field there are.
    pub fn group_count(&self) -> usize {
        let grouped = self.grouped.as_ref();
        grouped.map_or(0, |grouped| grouped.groups.count())
    }

    /// The rows of a group, as indices into the rows of the table.
    pub fn rows_of(&self, group: &Group) -> impl Iterator<Item = usize> {
        let grouped = self.grouped.as_ref();
        let order = grouped.and_then(|grouped| grouped.groups.order.get(group.span.clone()));
        order
            .unwrap_or_default()
            .iter()
            .map(|&at| self.selected[at])
    }

    /// The line at this place.
    pub fn line(&self, place: usize) -> Option<Line> {
        match &self.grouped {
            None => self.selected.get(place).copied().map(Line::Row),
            Some(grouped) => grouped.lines.get(place).copied(),
        }
    }

    /// The lines from this place on.
    pub fn lines_from(&self, place: usize) -> impl Iterator<Item = Line> {
        (place..self.len()).filter_map(|place| self.line(place))
    }

    /// What the line at this place shows.
    pub fn id(&self, place: usize, table: &Table) -> Option<LineId> {
        Some(match self.line(place)? {
            Line::Row(at) => LineId::Row(table.rows.get(at)?.id),
            Line::Group(at) => LineId::Group(self.group_id(at)?),
        })
    }

    /// The place of the line that shows this, or else of the closed group that the row is in.
    pub fn place(&self, id: &LineId, table: &Table) -> Option<usize> {
        match id {
            LineId::Row(id) => self.place_of_row(table.position(*id)?),
            LineId::Group(id) => self.place_of_group(id),
        }
    }

    /// The place of the row at this index of the table, or else of the closed group that it is in.
    pub fn place_of_row(&self, at: usize) -> Option<usize> {
        let Some(Grouped { groups, lines, .. }) = &self.grouped else {
            return self.selected.iter().position(|&line| line == at);
        };
        let own = lines.iter().position(|&line| line == Line::Row(at));
        own.or_else(|| {
            let order = self.place_among_rows(at)?;
            let has_it = |line: &Line| match line {
                Line::Group(group) => groups.all[*group].span.contains(&order),
                Line::Row(_) => false,
            };
            // An outer group comes before those within it.
            lines.iter().rposition(has_it)
        })
    }

    /// The place of the row at this index of the table among all rows, those in closed groups included.
    fn place_among_rows(&self, at: usize) -> Option<usize> {
        self.row_indices().position(|one| one == at)
    }

    /// How many rows come before the line at this place, those in closed groups included.
    pub fn rows_before(&self, place: usize) -> usize {
        match (self.line(place), &self.grouped) {
            (Some(Line::Row(at)), _) => self.place_among_rows(at).unwrap_or(0),
            (Some(Line::Group(group)), Some(grouped)) => grouped.groups.all[group].span.start,
            _ => self.row_count(),
        }
    }

    fn place_of_group(&self, id: &GroupId) -> Option<usize> {
        let grouped = self.grouped.as_ref()?;
        let mut is_within = false;
        grouped.lines.iter().position(|line| {
            let Line::Group(at) = *line else { return false };
            let group = &grouped.groups.all[at];
            let is = |(by, key): &(GroupBy, GroupKey)| group.by == *by && group.key == *key;
            if group.depth == 0 {
                is_within = is(&id.outer);
                return is_within && id.inner.is_none();
            }
            is_within && id.inner.as_ref().is_some_and(is)
        })
    }

    /// The identity of the group at this index.
    pub fn group_id(&self, at: usize) -> Option<GroupId> {
        let Grouped { groups, outer, .. } = self.grouped.as_ref()?;
        let group = groups.all.get(at)?;
        let up_to = outer.partition_point(|&outer| outer <= at);
        let outer = &groups.all[*outer[..up_to].last()?];
        let inner = (group.depth > 0).then_some(group);
        Some(GroupId::new(outer, inner))
    }

    /// The groups that a row is in, the outer one first: the row at this index of the table.
    pub fn groups_of_row(&self, at: usize) -> Vec<GroupId> {
        let is_grouped = self.grouped.is_some();
        let order = is_grouped.then(|| self.place_among_rows(at)).flatten();
        let Some(order) = order else {
            return Vec::new();
        };
        let groups = self.groups().iter().enumerate();
        let around = groups.filter(|(_, group)| group.span.contains(&order));
        around.filter_map(|(at, _)| self.group_id(at)).collect()
    }

    pub fn is_open(&self, group: &GroupId) -> bool {
        self.open.contains(group)
    }

    /// Opens or closes a group.
    pub fn set_open(&mut self, group: GroupId, is_open: bool) {
        if is_open {
            self.open.insert(group);
        } else {
            self.open.remove(&group);
        }
        self.set_lines();
    }
}

impl GroupId {
    fn new(outer: &Group, inner: Option<&Group>) -> Self {
        let named = |group: &Group| (group.by, group.key.clone());
        Self {
            outer: named(outer),
            inner: inner.map(named),
        }
    }

    /// The group that it is within.
    pub fn parent(&self) -> Option<Self> {
        self.inner.as_ref().map(|_| Self {
            outer: self.outer.clone(),
            inner: None,
        })
    }
}

#[cfg(test)]
#[path = "tests/listing.rs"]
mod tests;
